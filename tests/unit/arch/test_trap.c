/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Exceptions of user mode as faults: syndromes as the architecture manual lays them out, written here again.
 * The emulator never makes some of them (a misaligned stack pointer, external aborts).
 */
#include "fake_machine.h"

#include <arch/exception.h>
#include <criterion/criterion.h>
#include <kern/core.h>
#include <signal.h>

#define FAR            0x7654321008
#define ELR            0x400100
#define STACK          0x1234567808
#define CLASS(n)       ((uint64_t)(n) << 26 | 1u << 25)
#define DATA           CLASS(0x24)
#define INSTRUCTION    CLASS(0x20)
#define WRITE          (1u << 6)
#define CACHE_OP       (1u << 8)
#define FAR_NOT_VALID  (1u << 10)
#define TRANSLATION(l) (0x04u + (l))
#define ACCESS_FLAG(l) (0x08u + (l))
#define PERMISSION(l)  (0x0cu + (l))
#define EXTERNAL       0x10u
#define WALK_EXTERNAL  0x16u
#define ALIGNMENT      0x21u

static struct tcb current;

static void begin(void)
{
	fake_reset();
	current = (struct tcb){.context = {.sp = STACK}};
	cpus[0].core.current = &current;
	fake_register_set("elr_el1", ELR);
}

static void becomes(uint64_t esr, enum fault kind, uint64_t address, uint32_t access)
{
	fake_fault.count = 0;
	trap_user(esr, FAR);
	cr_assert_eq(fake_fault.count, 1, "esr %lx", esr);
	cr_assert_eq(fake_fault.kind, kind, "esr %lx: kind %u", esr, fake_fault.kind);
	cr_assert_eq(fake_fault.address, address, "esr %lx: %lx", esr, fake_fault.address);
	cr_assert_eq(fake_fault.access, access, "esr %lx: access %x", esr, fake_fault.access);
	cr_assert_eq(fake_fault.esr, esr);
}

Test(trap, page_faults_of_every_level_say_whether_something_is_there, .init = begin)
{
	for (unsigned level = 0; level <= 3; level++) {
		becomes(DATA | TRANSLATION(level), FAULT_PAGE, FAR, FAULT_ACCESS_READ);
		becomes(DATA | ACCESS_FLAG(level), FAULT_PAGE, FAR, FAULT_ACCESS_READ);
		becomes(DATA | PERMISSION(level), FAULT_PAGE, FAR,
			FAULT_ACCESS_READ | FAULT_ACCESS_PRESENT);
		becomes(DATA | WRITE | TRANSLATION(level), FAULT_PAGE, FAR, FAULT_ACCESS_WRITE);
		becomes(DATA | WRITE | PERMISSION(level), FAULT_PAGE, FAR,
			FAULT_ACCESS_WRITE | FAULT_ACCESS_PRESENT);
		becomes(INSTRUCTION | TRANSLATION(level), FAULT_PAGE, FAR, FAULT_ACCESS_EXECUTE);
		becomes(INSTRUCTION | PERMISSION(level), FAULT_PAGE, FAR,
			FAULT_ACCESS_EXECUTE | FAULT_ACCESS_PRESENT);
	}
}

Test(trap, cache_maintenance_needs_to_read_only, .init = begin)
{
	becomes(DATA | WRITE | CACHE_OP | TRANSLATION(3), FAULT_PAGE, FAR, FAULT_ACCESS_READ);
}

Test(trap, what_is_no_page_is_alignment_or_the_bus, .init = begin)
{
	becomes(DATA | ALIGNMENT, FAULT_ALIGNMENT, FAR, FAULT_ACCESS_READ);
	becomes(DATA | WRITE | ALIGNMENT, FAULT_ALIGNMENT, FAR, FAULT_ACCESS_WRITE);
	becomes(DATA | EXTERNAL, FAULT_BUS, FAR, FAULT_ACCESS_READ);
	becomes(DATA | EXTERNAL | FAR_NOT_VALID, FAULT_BUS, 0, FAULT_ACCESS_READ);
	becomes(INSTRUCTION | WALK_EXTERNAL, FAULT_BUS, FAR, FAULT_ACCESS_EXECUTE);
	/* Bit 10 means that only for external aborts. */
	becomes(DATA | TRANSLATION(3) | FAR_NOT_VALID, FAULT_PAGE, FAR, FAULT_ACCESS_READ);
	becomes(DATA | 0x03, FAULT_BUS, FAR, FAULT_ACCESS_READ);
}

Test(trap, misaligned_pointers, .init = begin)
{
	becomes(CLASS(0x22), FAULT_ALIGNMENT, FAR, FAULT_ACCESS_EXECUTE);
	becomes(CLASS(0x26), FAULT_ALIGNMENT, STACK, FAULT_ACCESS_READ);
}

Test(trap, numbers_of_instructions_arrive, .init = begin)
{
	becomes(CLASS(0x15) | 0x1234, FAULT_SYSCALL, 0x1234, 0);
	becomes(CLASS(0x3c) | 0xfedc, FAULT_BREAKPOINT, 0xfedc, 0);
	becomes(CLASS(0x30), FAULT_BREAKPOINT, 0, 0);
	becomes(CLASS(0x32), FAULT_BREAKPOINT, 0, 0);
	becomes(CLASS(0x34), FAULT_BREAKPOINT, 0, 0);
}

Test(trap, anything_else_is_an_undefined_instruction_where_it_stands, .init = begin)
{
	static const unsigned others[] = {0x00, 0x01, 0x0d, 0x0e, 0x18, 0x19, 0x1c, 0x2c, 0x3f};

	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		becomes(CLASS(others[i]), FAULT_UNDEFINED, ELR, FAULT_ACCESS_EXECUTE);
}

/* An exception of the kernel at @instruction; returns only if that is taken for answered. */
static void kernel_meets(uint32_t instruction, uint64_t esr)
{
	struct exception_frame frame = {.pc = (uint64_t)(uintptr_t)&instruction, .esr = esr};

	frame.x[0] = 0x84000003;
	trap_kernel(&frame);
	cr_assert_eq(frame.x[0], UINT64_MAX);
	cr_assert_eq(frame.pc, (uint64_t)(uintptr_t)(&instruction + 1));
}

Test(trap, calls_of_host_and_firmware_that_nobody_answers_return, .init = begin)
{
	kernel_meets(0xd45e0000, CLASS(0)); /* hlt #0xf000 */
	kernel_meets(0xd4000002, CLASS(0)); /* hvc #0 */
	kernel_meets(0xd4000003, CLASS(0)); /* smc #0 */
}

Test(trap, another_undefined_instruction_of_the_kernel_is_a_panic, .init = begin, .signal = SIGABRT)
{
	kernel_meets(0xd4400000, CLASS(0)); /* hlt #0 */
}

Test(trap, another_exception_at_such_a_call_is_a_panic, .init = begin, .signal = SIGABRT)
{
	kernel_meets(0xd4000003, DATA | EXTERNAL);
}

Test(trap, floating_point_is_no_fault, .init = begin)
{
	trap_user(CLASS(0x07), FAR);
	cr_assert_eq(fake_fault.count, 0);
	cr_assert_eq(fake_fault.fpu_traps, 1);
}
