/* SPDX-License-Identifier: BSD-2-Clause */
/* A device's interrupt until the thread that serves it runs. */
#include "bench.h"

#include <stdatomic.h>

#include <libsys/clock.h>
#include <libsys/device.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/threads.h>

#include "../lib/crew.h"
#include "../lib/program.h"
#include "metric.h"

#define RTC_DR   0x00u
#define RTC_MR   0x04u
#define RTC_IMSC 0x10u
#define RTC_RIS  0x14u
#define RTC_ICR  0x1cu

#define SLICE_MIN   100000u
#define WORK_PASSES 10000u

static struct {
	struct device clock;
	cptr_t signal;
	_Atomic uint64_t asked_ticks;
	_Atomic unsigned stop;
	uint64_t sum_ticks;
	uint64_t count;
} irq;

static int serve(void *arg)
{
	word_t word;

	(void)arg;
	thread_pin(0);
	program_need("asking for a short slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, SLICE_MIN, 0));
	while (!atomic_load_explicit(&irq.stop, memory_order_relaxed)) {
		program_need("waiting", sys_wait(irq.signal, &word));
		uint64_t now = bench_ticks();

		bench_end();
		uint64_t then = atomic_exchange_explicit(&irq.asked_ticks, 0, memory_order_relaxed);

		if (then) {
			irq.sum_ticks += now - then;
			irq.count++;
		}
		device_write32(&irq.clock, RTC_ICR, 1);
		program_need("acknowledging", irq_handler_ack(irq.clock.interrupt));
	}
	return 0;
}

static void ask(void)
{
	const uint32_t second = device_read32(&irq.clock, RTC_DR);

	atomic_store_explicit(&irq.asked_ticks, bench_ticks(), memory_order_relaxed);
	bench_begin();
	/* An alarm for the present second rings at once. */
	device_write32(&irq.clock, RTC_MR, second);
	/* Not yet answered: the second has ended just now, or the other thread does not preempt. */
	while (atomic_load_explicit(&irq.asked_ticks, memory_order_relaxed) != 0) {
		atomic_store_explicit(&irq.asked_ticks, 0, memory_order_relaxed);
		thrd_yield();
	}
}

/* What ask() and serve() do between the two readings besides. */
static double note_ns(void)
{
	const unsigned n = 10000;
	_Atomic uint64_t last = 0;
	uint64_t start = bench_ticks();

	for (unsigned i = 0; i < n; i++) {
		atomic_store_explicit(&last, bench_ticks(), memory_order_relaxed);
		bench_no_mark();
	}
	return bench_ns(bench_ticks() - start) / n;
}

static void irq_open(void)
{
	static bool opened;

	if (!opened)
		program_need("opening the clock, which device=bench:/pl031 gives",
			     device_open(0, &irq.clock));
	opened = true;
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &irq.signal));
	device_write32(&irq.clock, RTC_ICR, 1);
	device_write32(&irq.clock, RTC_IMSC, 1);
	program_need("setting a notification",
		     irq_handler_set_notification(irq.clock.interrupt, irq.signal));
}

/* As wake_preempt(): between two interrupts the thread of little weight works for a while. */
static double irq_user(unsigned part, uint64_t *n)
{
	struct thread *thread;
	unsigned tries = bench.quick ? 2000 : 10000;

	(void)part;
	thread_pin(0);
	program_need("choosing a nice value", sched_param_set(0, SCHED_PARAM_NICE, 19, 0));
	irq_open();
	irq.sum_ticks = 0;
	irq.count = 0;
	atomic_store(&irq.stop, 0);
	if (thrd_create(&thread, serve, NULL) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	for (unsigned i = 0; i < tries; i++) {
		for (unsigned pass = 0; pass < WORK_PASSES; pass++)
			__asm__ volatile("" : : : "memory");
		ask();
	}
	atomic_store(&irq.stop, 1);
	sys_signal(irq.signal);
	thrd_join(thread, NULL);
	program_need("clearing the handler", irq_handler_clear(irq.clock.interrupt));
	object_free(irq.signal);
	program_need("choosing a nice value", sched_param_set(0, SCHED_PARAM_NICE, 0, 0));
	*n = irq.count;
	if (irq.count < tries / 2)
		program_fail("the thread that serves an interrupt does not preempt", ERR_STATE);
	return bench_ns(irq.sum_ticks) / (double)irq.count - note_ns();
}

/* --- Loads of the Thread-Metric suite: see metric.c --- */

static _Atomic uint64_t served;

static uint64_t served_count(void)
{
	return atomic_load_explicit(&served, memory_order_relaxed);
}

static void ring(void)
{
	device_write32(&irq.clock, RTC_MR, device_read32(&irq.clock, RTC_DR));
}

static void answer(void)
{
	word_t word;

	program_need("waiting", sys_wait(irq.signal, &word));
	device_write32(&irq.clock, RTC_ICR, 1);
	program_need("acknowledging", irq_handler_ack(irq.clock.interrupt));
	atomic_fetch_add_explicit(&served, 1, memory_order_relaxed);
}

/* An interrupt whose handler lets the thread that it came upon go on, which then finds the signal. */
static int interrupt_self(void *arg)
{
	(void)arg;
	metric_priority(0);
	while (!metric_over()) {
		/* Again if the second ended between reading and writing it. */
		do
			ring();
		while ((device_read32(&irq.clock, RTC_RIS) & 1) == 0);
		answer();
	}
	return 0;
}

static int interrupt_other(void *arg)
{
	(void)arg;
	metric_priority(0);
	while (!metric_over())
		ring();
	sys_signal(irq.signal);
	return 0;
}

static int answer_interrupts(void *arg)
{
	(void)arg;
	metric_priority(1);
	while (!metric_over())
		answer();
	return 0;
}

static double metric_interrupt(unsigned part, uint64_t *n)
{
	struct thread *threads[2];
	double ns;

	metric_begin();
	irq_open();
	if (part == 1 && thrd_create(&threads[1], answer_interrupts, NULL) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	if (thrd_create(&threads[0], part == 0 ? interrupt_self : interrupt_other, NULL) !=
	    thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	ns = metric_window(served_count, n);
	for (unsigned i = 0; i <= part; i++)
		thrd_join(threads[i], NULL);
	program_need("clearing the handler", irq_handler_clear(irq.clock.interrupt));
	object_free(irq.signal);
	return ns;
}

const struct bench_row bench_interrupt_rows[] = {
	{.id = "irq_user", .unit = "insns", .cpus = 1, .run = irq_user},
	{.id = "thread_metric",
	 .unit = "insns",
	 .cpus = 1,
	 .mode = BENCH_FIFO,
	 .run = metric_interrupt,
	 .parts = 2,
	 .names = {"interrupt", "interrupt_preemption"}},
	{.id = NULL},
};
