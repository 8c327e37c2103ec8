/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a space pays for besides frames and tables: the memory of its regions, shared objects, slots.
 * Its lock is held.
 */
#pragma once

#include "space.h"

/* Pages that are no frames of the map: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error apart_charge(struct space *space, uint64_t pages);
void apart_uncharge(struct space *space, uint64_t pages);

/* One region more than there are: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error region_charge(struct space *space);
/* The same, whatever the limit is: of a space that has given back a page, and may have a region more. */
void region_charge_past(struct space *space);
/* One less than are charged. */
void region_uncharge(struct space *space);

/* For one region more of the object, which has one already, here or elsewhere: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error object_attach_again(struct space *space,
								   uint32_t id);
/* For a new region, which may be made: ERR_LIMIT, ERR_NOT_FOUND, ERR_PERMISSION, ERR_RANGE. */
__attribute__((warn_unused_result)) enum error object_attach(struct space *space,
							     const struct region *region);
/* A region less, which is no more in the space. */
void object_detach(struct space *space, uint32_t id);
/* All that it made, when it has no region any more. */
void space_shared_free_all(struct space *space);
