/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a space pays for besides frames and tables: the memory of its regions, and shared objects.
 * Its lock is held.
 */
#pragma once

#include "space.h"

/* One region more than there are: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error region_charge(struct space *space);
/* One less than are charged. */
void region_uncharge(struct space *space);

/* For one region more of the object, which somebody holds: ERR_LIMIT. */
__attribute__((warn_unused_result)) enum error object_charge(struct space *space, uint32_t id);
/* The same, and the region may be made: ERR_NOT_FOUND, ERR_PERMISSION, ERR_RANGE. */
__attribute__((warn_unused_result)) enum error object_attach(struct space *space,
							     const struct region *region);
/* A region less, which is no more in the space. */
void object_detach(struct space *space, uint32_t id);
