/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Change of the current thread: address space, thread pointer, floating point.  General registers
 * are in the TCBs already (vectors.S).
 *
 * FPU: a thread begins each turn with the FPU trapping; its first use loads its state.  If it used
 * the FPU, its state is saved when it is switched out, so that a queued thread is complete in
 * memory.  Invariant: the FPU does not trap exactly while core.fpu_live.
 */
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/sysreg.h>
#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/vspace.h>

static void address_space_set(uint64_t ttbr)
{
	if (sysreg_read(ttbr0_el1) == ttbr)
		return;
	sysreg_write(ttbr0_el1, ttbr);
	/* Nothing walks the old tables any more when this CPU next says that it is quiescent. */
	barrier_isb();
}

void arch_switch(struct tcb *prev, struct tcb *next)
{
	struct core *core = this_core();
	const struct vspace *vspace;

	if (prev != NULL) {
		prev->context.tls = sysreg_read(tpidr_el0);
		if (core->fpu_live) {
			fpu_save(&prev->fpu);
			core->fpu_live = false;
			sysreg_write(cpacr_el1, CPACR_FPU_TRAP_USER);
		}
	}
	if (next == NULL) {
		address_space_set(cpu_registers.ttbr0_empty);
		return;
	}
	sysreg_write(tpidr_el0, next->context.tls);
	/* Once: a CPU that revokes the space may clear the pointer at any time. */
	vspace = __atomic_load_n(&next->vspace, __ATOMIC_RELAXED);
	if (vspace != NULL)
		address_space_set(vspace->word);
	else
		address_space_set(cpu_registers.ttbr0_empty);
}

void arch_switch_short(struct tcb *prev, struct tcb *next, const struct vspace *space)
{
	prev->context.tls = sysreg_read(tpidr_el0);
	sysreg_write(tpidr_el0, next->context.tls);
	/* prev runs here, so if it has a space then that one is loaded. */
	if (__atomic_load_n(&prev->vspace, __ATOMIC_RELAXED) == space)
		return;
	sysreg_write(ttbr0_el1, space->word);
	barrier_isb();
}

void arch_fpu_enable(struct tcb *current)
{
	struct core *core = this_core();

	if (!core->fpu_live) {
		fpu_load(&current->fpu);
		core->fpu_live = true;
	}
	sysreg_write(cpacr_el1, CPACR_FPU_FREE);
}
