/* SPDX-License-Identifier: BSD-2-Clause */
/* What a switch of threads leaves in the registers of the machine. */
#include "fake_machine.h"

#include <arch/cpu.h>
#include <criterion/criterion.h>
#include <kern/core.h>
#include <kern/vspace.h>

#define EMPTY  0x40001000
#define SPACE  0x7000050000000
#define SPACE2 0x8000060000000

static struct vspace space;
static struct vspace space2;
static struct tcb prev;
static struct tcb next;

static void begin(void)
{
	fake_reset();
	cpu_registers.ttbr0_empty = EMPTY;
	space.word = SPACE;
	space2.word = SPACE2;
	prev = (struct tcb){.vspace = &space};
	next = (struct tcb){.vspace = &space2};
	next.context.tls = 0x2222;
	fake_register_set("ttbr0_el1", SPACE);
	fake_register_set("tpidr_el0", 0x1111);
}

/* Loaded, and nothing after it walks the old tables. */
static void is_loaded(uint64_t word)
{
	cr_assert_eq(fake_register("ttbr0_el1"), word);
	cr_assert_gt(fake_when("isb", 0, 0), fake_when("ttbr0_el1", 0, word));
}

Test(arch_switch, loads_the_next_threads_space_and_pointer, .init = begin)
{
	arch_switch(&prev, &next);
	is_loaded(SPACE2);
	cr_assert_eq(prev.context.tls, 0x1111);
	cr_assert_eq(fake_register("tpidr_el0"), 0x2222);
	cr_assert_eq(fake_when("fpu_save", 0, (uintptr_t)&prev.fpu), FAKE_NEVER);
}

/* Somebody revokes the space of a thread that is about to run. */
Test(arch_switch, without_a_space_the_empty_one_is_loaded, .init = begin)
{
	next.vspace = NULL;
	arch_switch(&prev, &next);
	is_loaded(EMPTY);
	cr_assert_eq(fake_register("tpidr_el0"), 0x2222);
}

Test(arch_switch, idle_has_the_empty_space, .init = begin)
{
	arch_switch(&prev, NULL);
	is_loaded(EMPTY);
	cr_assert_eq(prev.context.tls, 0x1111);
}

Test(arch_switch, from_idle_nobodys_state_is_saved, .init = begin)
{
	fake_register_set("ttbr0_el1", EMPTY);
	arch_switch(NULL, &next);
	is_loaded(SPACE2);
	cr_assert_eq(fake_register("tpidr_el0"), 0x2222);
}

Test(arch_switch, a_space_that_is_loaded_stays, .init = begin)
{
	next.vspace = &space;
	arch_switch(&prev, &next);
	cr_assert_eq(fake_count("ttbr0_el1", 0), 1);
	arch_switch_short(&next, &prev, &space);
	cr_assert_eq(fake_count("ttbr0_el1", 0), 1);
}

Test(arch_switch, short_loads_space_and_pointer, .init = begin)
{
	arch_switch_short(&prev, &next, &space2);
	is_loaded(SPACE2);
	cr_assert_eq(prev.context.tls, 0x1111);
	cr_assert_eq(fake_register("tpidr_el0"), 0x2222);
}

/* The space of the thread that runs was revoked: what is loaded is not known. */
Test(arch_switch, short_loads_when_the_previous_has_no_space, .init = begin)
{
	prev.vspace = NULL;
	arch_switch_short(&prev, &next, &space2);
	is_loaded(SPACE2);
}

Test(arch_switch, floating_point_is_saved_if_used_and_traps_again, .init = begin)
{
	struct core *core = &cpus[0].core;

	arch_fpu_enable(&prev);
	cr_assert(core->fpu_live);
	cr_assert_eq(fake_register("cpacr_el1"), CPACR_FPU_FREE);
	cr_assert_neq(fake_when("fpu_load", 0, (uintptr_t)&prev.fpu), FAKE_NEVER);
	arch_fpu_enable(&prev);
	cr_assert_eq(fake_count("fpu_load", 0), 1, "what it computed since is not lost");
	arch_switch(&prev, &next);
	cr_assert_not(core->fpu_live);
	cr_assert_eq(fake_register("cpacr_el1"), CPACR_FPU_TRAP_USER);
	cr_assert_neq(fake_when("fpu_save", 0, (uintptr_t)&prev.fpu), FAKE_NEVER);
}
