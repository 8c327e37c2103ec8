/* SPDX-License-Identifier: BSD-2-Clause */
/* The self-test of a build that does not watch its locks. */
#include <kern/boot.h>
#include <kern/entry.h>

boot_only void lock_self_test(unsigned cpu)
{
	if (cpu == 0)
		kprintf("this build does not watch its locks (spinlock_validate)\n");
}
