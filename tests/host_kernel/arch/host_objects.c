/* SPDX-License-Identifier: BSD-2-Clause */
/* See host_objects.h. */
#include "host_objects.h"
#include "host_arch.h"

#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/untyped.h>

#include <stdio.h>
#include <stdlib.h>

struct host_objects host_objects_make(uint64_t ram_bytes)
{
	return (struct host_objects){.next = HOST_RAM_BASE, .end = HOST_RAM_BASE + ram_bytes};
}

paddr_t host_objects_carve(struct host_objects *objects, uint64_t bytes)
{
	const paddr_t paddr = (objects->next + bytes - 1) & ~(bytes - 1);

	objects->next = paddr + bytes;
	if (objects->next > objects->end) {
		fprintf(stderr, "the machine of paper has too little memory\n");
		abort();
	}
	return paddr;
}

void *host_objects_new(struct host_objects *objects, enum object_type type, unsigned bits,
		       cptr_t slot)
{
	const uint64_t bytes = 1ull << untyped_object_bits(type, bits);
	const paddr_t paddr = host_objects_carve(objects, bytes);
	struct cap cap;

	arch_zero(arch_phys_to_virt(paddr), bytes);
	untyped_make_object(type, bits, 0, paddr, &cap);
	if (objects->cnode == NULL)
		objects->cnode = (struct cnode *)(uintptr_t)cap.object;
	cap_insert(&objects->cnode->slots[slot], &cap, NULL);
	return (void *)(uintptr_t)cap.object;
}

void host_objects_give(struct host_objects *objects, cptr_t slot, struct cap cap)
{
	cap.rights = RIGHT_ALL;
	cap_insert(&objects->cnode->slots[slot], &cap, NULL);
}

void host_objects_give_untyped(struct host_objects *objects, cptr_t slot, unsigned bits,
			       unsigned flags)
{
	host_objects_give(objects, slot,
			  (struct cap){.type = OBJ_UNTYPED,
				       .bits = (uint8_t)bits,
				       .flags = (uint8_t)flags,
				       .object = host_objects_carve(objects, 1ull << bits)});
}
