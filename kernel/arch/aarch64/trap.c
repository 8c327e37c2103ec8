/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exception was: ESR_EL1 to the portable kernel's faults.  Anything that user mode can do is
 * a fault of the thread; anything else is a panic.
 */
#include <arch/exception.h>
#include <arch/layout.h>
#include <arch/sysreg.h>
#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/debug.h>
#include <kern/entry.h>

#define ESR_CLASS(esr)     (((esr) >> 26) & 0x3f)
#define ESR_STATUS(esr)    ((esr)&0x3f)
#define ESR_WRITE          (1ull << 6)
#define ESR_CACHE_OP       (1ull << 8)
#define ESR_FAR_INVALID    (1ull << 10)
#define ESR_IMMEDIATE(esr) ((esr)&0xffff)
#define STATUS_IS_PAGE(s)  ((s) >= 0x04 && (s) <= 0x0f)
#define STATUS_IS_PERM(s)  ((s) >= 0x0c && (s) <= 0x0f)
#define STATUS_ALIGNMENT   0x21

#define HLT_HOST 0xd45e0000u
#define SMC_0    0xd4000003u /* hvc #0: without bit 0 */

enum esr_class {
	CLASS_UNKNOWN = 0x00,
	CLASS_FPU = 0x07,
	CLASS_SVC = 0x15,
	CLASS_INSTRUCTION_ABORT = 0x20,
	CLASS_PC_ALIGNMENT = 0x22,
	CLASS_DATA_ABORT = 0x24,
	CLASS_SP_ALIGNMENT = 0x26,
	CLASS_BREAKPOINT = 0x30,
	CLASS_STEP = 0x32,
	CLASS_WATCHPOINT = 0x34,
	CLASS_BRK = 0x3c,
};

static enum fault abort_kind(uint64_t status)
{
	if (STATUS_IS_PAGE(status))
		return FAULT_PAGE;
	return status == STATUS_ALIGNMENT ? FAULT_ALIGNMENT : FAULT_BUS;
}

static uint32_t data_access(uint64_t esr)
{
	/* Cache maintenance needs read permission only, but is reported as a write. */
	return (esr & ESR_WRITE) != 0 && (esr & ESR_CACHE_OP) == 0 ? FAULT_ACCESS_WRITE
								   : FAULT_ACCESS_READ;
}

void trap_user(uint64_t esr, uint64_t far)
{
	/* Undefined, illegal state, and every trap of an instruction or register. */
	enum fault kind = FAULT_UNDEFINED;
	uint64_t address = far;
	uint32_t access = FAULT_ACCESS_EXECUTE;

	switch (ESR_CLASS(esr)) {
	case CLASS_FPU:
		kernel_fpu_trap();
		return;
	case CLASS_SVC:
		kind = FAULT_SYSCALL;
		address = ESR_IMMEDIATE(esr);
		access = 0;
		break;
	case CLASS_DATA_ABORT:
		access = data_access(esr);
		__attribute__((fallthrough));
	case CLASS_INSTRUCTION_ABORT:
		kind = abort_kind(ESR_STATUS(esr));
		if (STATUS_IS_PERM(ESR_STATUS(esr)))
			access |= FAULT_ACCESS_PRESENT;
		if (kind == FAULT_BUS && (esr & ESR_FAR_INVALID) != 0)
			address = 0;
		break;
	case CLASS_PC_ALIGNMENT:
		kind = FAULT_ALIGNMENT;
		break;
	case CLASS_SP_ALIGNMENT:
		kind = FAULT_ALIGNMENT;
		address = this_core()->current->context.sp;
		access = FAULT_ACCESS_READ;
		break;
	case CLASS_BREAKPOINT:
	case CLASS_STEP:
	case CLASS_WATCHPOINT:
	case CLASS_BRK:
		kind = FAULT_BREAKPOINT;
		address = ESR_IMMEDIATE(esr);
		access = 0;
		break;
	default:
		address = sysreg_read(elr_el1);
		break;
	}
	kernel_fault(kind, address, access, esr);
}

/* The table of vectors has four kinds for each of four sources. */
static const char *const vector_kinds[] = {"synchronous", "IRQ", "FIQ", "SError"};
static const char *const vector_sources[] = {"kernel with SP_EL0", "kernel", "user mode",
					     "32-bit user mode"};

static __attribute__((cold)) void frame_print(const struct exception_frame *frame)
{
	for (unsigned i = 0; i < 31; i++)
		kprintf("%sx%-2u %016lx", i % 4 == 0 ? "\n  " : "  ", i,
			(unsigned long)frame->x[i]);
	kprintf("  sp  %016lx\n", (unsigned long)frame->sp);
	kprintf("  pc  %016lx  pstate %lx  esr %lx  far %lx\n", (unsigned long)frame->pc,
		(unsigned long)frame->pstate, (unsigned long)frame->esr, (unsigned long)frame->far);
}

static bool stack_overflown(const struct exception_frame *frame)
{
	uint64_t guard_end = this_core()->kernel_stack + STACK_EMERGENCY_BYTES -
			     (STACK_SLOT_BYTES - STACK_GUARD_BYTES);

	return frame->far < guard_end && frame->far >= guard_end - STACK_GUARD_BYTES;
}

/*
 * The kernel's calls of a host (semihosting) or of firmware are undefined instructions where nobody is there
 * to answer: the caller is told what both say to a call that they do not know.
 */
static __attribute__((cold)) bool call_unanswered(struct exception_frame *frame)
{
	uint32_t instruction;

	if (ESR_CLASS(frame->esr) != CLASS_UNKNOWN)
		return false;
	instruction = *(const uint32_t *)frame->pc; /* can be read: it was executed */
	if (instruction != HLT_HOST && (instruction | 1) != SMC_0)
		return false;
	frame->pc += 4;
	frame->x[0] = UINT64_MAX;
	return true;
}

__attribute__((cold)) void trap_kernel(struct exception_frame *frame)
{
	if (call_unanswered(frame))
		return;
	panic_begin();
	frame_print(frame);
	backtrace_print(frame->x[29]);
	if (stack_overflown(frame))
		kprintf("  the kernel stack of this CPU is used up\n");
	panic("%s exception of %s at %lx, syndrome %lx, address %lx",
	      vector_kinds[frame->vector & 3], vector_sources[(frame->vector >> 2) & 3],
	      (unsigned long)frame->pc, (unsigned long)frame->esr, (unsigned long)frame->far);
}
