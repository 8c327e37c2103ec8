/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Grace periods.  An object that was unlinked may be reused once every CPU that could have found it
 * before has been quiescent: has left or not been in the kernel, where pointers are held.
 *
 *   waiting CPU                              busy CPU
 *   W1 unlinks the object                    B1 takes the GRACE bit (acquire), holding no pointer
 *   W2 generation += 1   (seq_cst)           B2 reads generation    (acquire)
 *   W3 posts GRACE       (release)           B3 grace_seen = it     (release)
 *   W4 grace_seen >= W2? (acquire)
 *
 * B2 reads at least W2's value because B1 read W3.  What the CPU finds after B1 does not include the
 * object (W1 before W3 before B1), and what it found before is forgotten at B3 (before W4).
 *
 *   waiting CPU                              idle CPU
 *   W1 unlinks the object                    I1 idle = false        (seq_cst)
 *   W2 generation += 1   (seq_cst)           I2 fence               (seq_cst)
 *   W5 reads idle        (seq_cst)           I3 looks objects up
 *
 * If W5 read true, I1 comes after it in the one order of seq_cst operations, so I3 sees W1.  Entering
 * idle is a store (seq_cst, so release) after the last use of any pointer, and after the switch to
 * the empty address space.
 */
#include <kern/grace.h>
#include <kern/ipi.h>
#include <kern/thread.h>

static uint64_t grace_generation; /* atomic */

void grace_acknowledge(struct core *core)
{
	uint64_t generation = __atomic_load_n(&grace_generation, __ATOMIC_ACQUIRE);

	switch_to_empty_space();
	__atomic_store_n(&core->grace_seen, generation, __ATOMIC_RELEASE);
}

static bool grace_passed(const struct core *core, uint64_t generation)
{
	return __atomic_load_n(&core->grace_seen, __ATOMIC_ACQUIRE) >= generation ||
	       __atomic_load_n(&core->idle, __ATOMIC_SEQ_CST) != 0;
}

/* Whether that CPU may still use what was looked up before this generation. */
static bool grace_needs(const struct core *core, uint64_t generation)
{
	return core != this_core() && __atomic_load_n(&core->online, __ATOMIC_SEQ_CST) != 0 &&
	       !grace_passed(core, generation);
}

void grace_wait(void)
{
	struct core *self = this_core();
	uint64_t generation = __atomic_add_fetch(&grace_generation, 1, __ATOMIC_SEQ_CST);

	lock_none_held();
	for (unsigned i = 0; i < cpus_count; i++) {
		struct core *core = &cpus[i].core;

		if (grace_needs(core, generation))
			core_post(core, CORE_REQUEST_GRACE);
	}
	for (unsigned i = 0; i < cpus_count; i++) {
		struct core *core = &cpus[i].core;

		if (!grace_needs(core, generation))
			continue;
		/* Asked again: it may have been idle a moment ago, so that it was not asked, and run
		 * a thread now that never enters the kernel by itself.  After this it acknowledges,
		 * or goes idle before. */
		core_post(core, CORE_REQUEST_GRACE);
		while (!grace_passed(core, generation)) {
			core_serve_grace(self);
			arch_spin_pause();
		}
	}
}

bool preempt_pending(void)
{
	const struct core *core = this_core();

	if (core->reasons != 0 && !core->dispatcher_running)
		return true;
	return __atomic_load_n(&core->requests, __ATOMIC_RELAXED) != 0 || arch_irq_pending();
}
