/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Address space (8 KiB: this structure, then the root table on the second page).
 */
#pragma once

#include <abi/object.h>
#include <kern/arch_if.h>
#include <kern/cap.h>
#include <kern/lock.h>

struct vspace {
	struct object object;

	/* Set when the object is made; read by arch_switch without a lock. */
	paddr_t root; /* of the root table */
	uint16_t asid;

	struct spinlock lock; /* the tables, and pages_mapped */
	uint64_t pages_mapped;
};
