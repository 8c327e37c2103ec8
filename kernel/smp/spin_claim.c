/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock is held, or claimed by somebody else.  See include_lock/claim/kern/spin.h. */
#include <kern/core.h>

void spin_wait(struct spin *spin)
{
	/* Not core.index: while booting the console is locked before there is one. */
	uint16_t name = (uint16_t)(arch_this_cpu() - cpus + 1);

	spin_wait_as(spin, name, SPIN_PATIENCE, SPIN_POLITE);
}
