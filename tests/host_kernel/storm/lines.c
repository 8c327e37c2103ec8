/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and interrupts of a storm (linked with --wrap), with relaxed atomics only: the fake machine's
 * mutex would order everything that the CPUs do, and hide from the race detector what the kernel
 * itself fails to order.
 */
#include "storm.h"

#include <host_arch.h>

struct storm_line {
	_Alignas(64) unsigned ipi; /* atomic */
	time_ns_t deadline;        /* atomic; written by its CPU only */
};

static struct storm_line lines[STORM_CPUS_MAX];
static time_ns_t now_ns; /* atomic */

time_ns_t __wrap_arch_now(void);
void __wrap_arch_timer_set(time_ns_t deadline);
uint32_t __wrap_arch_irq_take(void);
bool __wrap_arch_irq_pending(void);
void __wrap_arch_ipi_send(unsigned cpu);
void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_console_put(char c);

void storm_lines_reset(void)
{
	now_ns = 1000;
	for (unsigned i = 0; i < STORM_CPUS_MAX; i++)
		lines[i] = (struct storm_line){.deadline = TIME_NEVER};
}

time_ns_t __wrap_arch_now(void)
{
	return __atomic_add_fetch(&now_ns, 100, __ATOMIC_RELAXED);
}

void storm_time_pass(time_ns_t ns)
{
	__atomic_fetch_add(&now_ns, ns, __ATOMIC_RELAXED);
}

void __wrap_arch_timer_set(time_ns_t deadline)
{
	__atomic_store_n(&lines[host_cpu_index()].deadline, deadline, __ATOMIC_RELAXED);
}

bool storm_line_pending(unsigned cpu)
{
	const struct storm_line *line = &lines[cpu];

	return __atomic_load_n(&line->ipi, __ATOMIC_RELAXED) != 0 ||
	       __atomic_load_n(&line->deadline, __ATOMIC_RELAXED) <=
		       __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

bool __wrap_arch_irq_pending(void)
{
	return storm_line_pending(host_cpu_index());
}

uint32_t __wrap_arch_irq_take(void)
{
	struct storm_line *line = &lines[host_cpu_index()];

	if (__atomic_exchange_n(&line->ipi, 0, __ATOMIC_RELAXED) != 0)
		return ARCH_IRQ_IPI;
	if (__atomic_load_n(&line->deadline, __ATOMIC_RELAXED) >
	    __atomic_load_n(&now_ns, __ATOMIC_RELAXED))
		return ARCH_IRQ_NONE;
	__atomic_store_n(&line->deadline, TIME_NEVER, __ATOMIC_RELAXED);
	return ARCH_IRQ_TIMER;
}

void __wrap_arch_ipi_send(unsigned cpu)
{
	__atomic_store_n(&lines[cpu].ipi, 1, __ATOMIC_RELAXED);
}

/* A CPU that falls back says so; nobody reads it. */
void __wrap_arch_console_put(char c)
{
	(void)c;
}
