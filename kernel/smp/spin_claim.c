/* SPDX-License-Identifier: BSD-2-Clause */
/* The lock is held, or claimed by somebody else.  See include_lock/claim/kern/spin.h. */
#include <kern/core.h>

void spin_wait(struct spin *spin)
{
	/* 0 is the CPU that boots, also while no Core has its index yet. */
	uint16_t name = (uint16_t)(this_core()->index + 1);

	spin_wait_as(spin, name, SPIN_PATIENCE, SPIN_POLITE);
}
