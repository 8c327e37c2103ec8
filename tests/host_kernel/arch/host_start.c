/* SPDX-License-Identifier: BSD-2-Clause */
/* Of the real start of a machine: for tests with which it is linked and never called. */
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/machine.h>

#include <stdlib.h>

struct machine machine;

_Noreturn void arch_user_enter(void)
{
	abort();
}
