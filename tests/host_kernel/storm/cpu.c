/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CPU of a storm does in user mode, and the phases of a storm.
 *
 * A CPU is quiet while it is outside the kernel, or in its idle loop, and has no interrupt to take.
 * All are quiet at once if they are while nobody leaves that state (counted): then nothing moves any
 * more, because only CPUs post and time stands still.
 */
#include "storm.h"

#include <host_arch.h>
#include <kern/entry.h>

#include "../../fuzz/fuzz.h"

/* Who came first in fallback, as the janitor does, has its slice. */
#define END_STEP_NS 100000u

struct storm_cpu {
	_Alignas(64) uint32_t quiet; /* atomic */
	uint32_t left;               /* atomic: how often it has left being quiet */
	uint64_t rounds;
};

static struct storm_cpu storm_cpus[STORM_CPUS_MAX];
static enum storm_phase phase_now; /* atomic */
static uint32_t cpus_done;         /* atomic */

void __wrap_arch_wait_for_interrupt(void);

enum storm_phase storm_phase(void)
{
	return __atomic_load_n(&phase_now, __ATOMIC_ACQUIRE);
}

void storm_phase_set(enum storm_phase phase)
{
	__atomic_store_n(&phase_now, phase, __ATOMIC_RELEASE);
}

void storm_cpus_reset(uint64_t rounds)
{
	memset(storm_cpus, 0, sizeof(storm_cpus));
	for (unsigned i = 0; i < STORM_CPUS_MAX; i++)
		storm_cpus[i].rounds = rounds;
	cpus_done = 0;
	storm_phase_set(PHASE_RUN);
}

bool storm_rounds_over(void)
{
	return __atomic_load_n(&cpus_done, __ATOMIC_RELAXED) == cpus_count;
}

static bool all_quiet(uint32_t left[STORM_CPUS_MAX])
{
	for (unsigned i = 0; i < cpus_count; i++) {
		left[i] = __atomic_load_n(&storm_cpus[i].left, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&storm_cpus[i].quiet, __ATOMIC_ACQUIRE) == 0 ||
		    storm_line_pending(i))
			return false;
	}
	return true;
}

bool storm_all_quiet(void)
{
	uint32_t before[STORM_CPUS_MAX];
	uint32_t after[STORM_CPUS_MAX];

	return all_quiet(before) && all_quiet(after) &&
	       memcmp(before, after, cpus_count * sizeof(before[0])) == 0;
}

static void quiet_until_interrupt(struct storm_cpu *self)
{
	if (arch_irq_pending())
		return;
	__atomic_store_n(&self->quiet, 1, __ATOMIC_RELEASE);
	while (storm_phase() == PHASE_DRAIN && !arch_irq_pending())
		storm_engine_pause();
	__atomic_store_n(&self->quiet, 0, __ATOMIC_RELAXED);
	__atomic_fetch_add(&self->left, 1, __ATOMIC_RELEASE);
}

static void round_made(struct storm_cpu *self)
{
	if (self->rounds != 0 && --self->rounds == 0)
		__atomic_fetch_add(&cpus_done, 1, __ATOMIC_RELAXED);
}

/* The kernel's idle loop comes here: time goes on. */
void __wrap_arch_wait_for_interrupt(void)
{
	if (storm_phase() == PHASE_DRAIN) {
		quiet_until_interrupt(&storm_cpus[host_cpu_index()]);
		return;
	}
	for (unsigned i = 0; i < 50 && !arch_irq_pending(); i++)
		(void)arch_now();
	round_made(&storm_cpus[host_cpu_index()]);
	storm_engine_pause();
}

static void user_step(struct storm_cpu *self, struct tcb *tcb)
{
	struct storm_dispatcher *dispatcher = storm_dispatcher_of(tcb);

	if (dispatcher != NULL)
		storm_dispatch(tcb, dispatcher);
	else
		storm_user(tcb);
	round_made(self);
}

void storm_cpu_step(unsigned cpu)
{
	struct tcb *tcb = cpus[cpu].core.current;

	if (arch_irq_pending()) {
		(void)kernel_interrupt();
		return;
	}
	switch (storm_phase()) {
	case PHASE_RUN:
		user_step(&storm_cpus[cpu], tcb);
		break;
	case PHASE_DRAIN:
		quiet_until_interrupt(&storm_cpus[cpu]);
		break;
	case PHASE_END:
		storm_time_pass(END_STEP_NS);
		if (tcb == janitor)
			storm_janitor(tcb);
		else
			storm_engine_pause();
		break;
	case PHASE_OVER:
		storm_engine_pause();
		break;
	}
}
