/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the vectors call the portable kernel.  On entry the user registers are in
 * this_core()->current->context; on return the vectors restore those of this_core()->current, which
 * is never NULL then (kernel_exit idles until there is somebody to run).  Interrupts stay masked
 * throughout; the kernel itself takes no interrupts: idle polls.
 */
#pragma once

#include <abi/fault.h>
#include <abi/types.h>

struct tcb;

void kernel_syscall(void); /* svc #0 */
/* IRQ from user mode.  The current thread, for the vectors; who has none need not look. */
struct tcb *kernel_interrupt(void);
void kernel_fault(enum fault kind, uint64_t address, uint32_t access, uint64_t esr);
void kernel_fpu_trap(void); /* first FPU use since the switch */

/* Boot CPU, after arch and drivers are up: create the first task from the boot archive, start the
 * other CPUs, leave through kernel_exit.  Secondary CPUs enter at kernel_secondary with their cpu
 * block set. */
struct platform;
_Noreturn void kernel_main(const struct platform *platform);
_Noreturn void kernel_secondary(void);

/* Back to user mode; idles while there is nothing to run.  Sets this_core()->current. */
void kernel_exit(void);

/* Print the epitaph, stop the other CPUs, end the machine with status 101. */
_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* What cannot be false unless the kernel is wrong; a release build does not look. */
#define kassert(condition)              \
	((!KERNEL_DEBUG || (condition)) \
		 ? (void)0              \
		 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition))
