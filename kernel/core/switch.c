/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaving the kernel.  See <kern/switch.h>. */
#include <kern/entry.h>
#include <kern/fallback.h>
#include <kern/fastpath.h>
#include <kern/ipi.h>
#include <kern/irq.h>
#include <kern/ready.h>
#include <kern/stop.h>
#include <kern/successor.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <kern/timer.h>
#include <kern/trace.h>
#include <kern/upcall.h>

void switch_to_empty_space(void)
{
	struct core *core = this_core();

	if (core->loaded == NULL)
		return;
	arch_switch(core->loaded, NULL);
	core->loaded = NULL;
}

/* The state of the thread that ran here is in memory: any CPU may run it. */
static void release_held(struct core *core)
{
	if (core->held != NULL)
		__atomic_store_n(&core->held->on_cpu, 0, __ATOMIC_RELEASE);
	core->held = NULL;
}

/* False: its state is still live on another CPU. */
static bool switch_to(struct core *core, struct tcb *next)
{
	if (core->held != next && __atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE) != 0)
		return false;
	arch_switch(core->loaded, next);
	core->loaded = next;
	if (core->held != next) {
		release_held(core);
		__atomic_store_n(&next->on_cpu, 1, __ATOMIC_RELAXED);
		core->held = next;
	}
	return true;
}

static void interrupt_serve(struct core *core, uint32_t irq)
{
	if (irq == ARCH_IRQ_TIMER) {
		timer_expired(core);
	} else if (irq == ARCH_IRQ_IPI) {
		counter_add(&core->stats.ipis_received, 1);
	} else if (irq != ARCH_IRQ_NONE) {
		counter_add(&core->stats.device_interrupts, 1);
		trace_record(TRACE_IRQ, irq, 0);
		irq_deliver(irq);
	}
}

/* All that are pending. */
static __attribute__((noinline)) void interrupts_take(struct core *core)
{
	do {
		interrupt_serve(core, arch_irq_take());
	} while (arch_irq_pending());
}

/*
 * Nothing to run.
 *
 *   idle CPU                                 posting CPU
 *   I1 idle = true          (seq_cst)        P1 requests |= bit       (seq_cst)
 *   I2 requests == 0?       (seq_cst)        P2 it was 0: IPI
 *   I3 WFI, interrupts masked
 *
 * If I2 does not see P1, then P1 comes after I2 and found zero, so P2 sends the IPI; it becomes
 * pending before or during I3 and ends it either way.  For grace periods (idle and the look-ups
 * after it) see smp/grace.c: nothing is looked up between I1 and idle = false.
 */
static void core_idle(struct core *core)
{
	switch_to_empty_space();
	release_held(core);
	timer_update(core);
	core_account(core, arch_now());
	trace_record(TRACE_IDLE, 1, 0);
	lock_none_held();
	__atomic_store_n(&core->idle, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&core->requests, __ATOMIC_SEQ_CST) == 0)
		arch_wait_for_interrupt();
	__atomic_store_n(&core->idle, 0, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	core_account(core, arch_now());
	trace_record(TRACE_IDLE, 0, 0);
	interrupts_take(core);
	if (core->reasons != 0 ||
	    (__atomic_load_n(&core->requests, __ATOMIC_RELAXED) & CORE_REQUEST_KICK) != 0)
		core->reasons |= 1u << REASON_IDLE;
}

static bool must_choose(const struct core *core)
{
	if (core->dispatcher_running)
		return false;
	return core->reasons != 0 || (core->current == NULL && core->fallback != FALLBACK_NONE);
}

/* After a bind the dispatcher is entered for what concerns it while fallback still chooses. */
static void choose(struct core *core)
{
	uint32_t rotation = 1u << REASON_SLICE | 1u << REASON_IDLE;

	/* It blocked when stretch_ns began: the successor ran from then on. */
	if (core->reasons == 1u << REASON_BLOCK && successor_armed(core) &&
	    successor_run(core, core->stretch_ns)) {
		counter_add(&core->stats.successions, 1);
		return;
	}
	if (core->dispatcher != NULL &&
	    (core->fallback == FALLBACK_NONE || (core->reasons & ~rotation) != 0))
		upcall_enter(core);
	else
		fallback_schedule(core);
}

/* Nearly every entry of the dispatcher that takes the CPU from somebody; or NULL. */
static inline struct tcb *preempted(struct cpu *cpu)
{
	return cpu->core.reasons != 0 ? fastpath_preempt(cpu) : NULL;
}

void kernel_exit(void)
{
	struct cpu *cpu = arch_this_cpu();
	struct core *core = &cpu->core;

	lock_none_held();
	if (preempted(cpu) != NULL)
		return;
	for (;;) {
		struct tcb *next;

		if (__atomic_load_n(&core->requests, __ATOMIC_RELAXED) != 0)
			core_serve(core);
		if (must_choose(core))
			choose(core);
		next = core->current;
		if (next == NULL) {
			core_idle(core);
			continue;
		}
		if (__atomic_load_n(&next->exit_work, __ATOMIC_ACQUIRE) != 0) {
			stop_exit_work(core, next);
			continue;
		}
		if (core->loaded != next && !switch_to(core, next)) {
			arch_spin_pause();
			continue;
		}
		lock_none_held();
		return;
	}
}

struct tcb *kernel_interrupt(void)
{
	struct cpu *cpu = arch_this_cpu();
	struct core *core = &cpu->core;
	uint32_t irq = arch_irq_take();
	struct tcb *next;

	if (irq < IRQ_LINES_MAX && (next = fastpath_irq(irq, cpu)) != NULL)
		return next;
	interrupt_serve(core, irq);
	/* Mostly it was the only one. */
	if (__builtin_expect(arch_irq_pending(), 0))
		interrupts_take(core);
	/* Before kernel_exit(), without its frame: mostly it is a slice that ends. */
	next = preempted(cpu);
	if (next != NULL)
		return next;
	kernel_exit();
	return core->current;
}
