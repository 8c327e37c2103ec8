/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's stack, in builds whose code keeps frame pointers. */
#include <arch/exception.h>
#include <arch/layout.h>
#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/entry.h>

#define BACKTRACE_MAX 16u

static bool on_stack(const struct cpu *cpu, uint64_t address)
{
	uint64_t top = cpu->core.kernel_stack + STACK_EMERGENCY_BYTES;

	return (address & 7) == 0 && address < top &&
	       address >= top - (STACK_SLOT_BYTES - STACK_GUARD_BYTES);
}

/* A record's place must grow. */
void backtrace_print(uint64_t frame)
{
	const struct cpu *cpu = arch_this_cpu();

	kprintf("  stack:");
	for (unsigned i = 0; i < BACKTRACE_MAX && on_stack(cpu, frame); i++) {
		const uint64_t *record = (const uint64_t *)frame;

		kprintf(" %lx", (unsigned long)record[1]);
		if (record[0] <= frame)
			break;
		frame = record[0];
	}
	kprintf("\n");
}

void arch_backtrace(void)
{
	backtrace_print((uint64_t)__builtin_frame_address(0));
}
