/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of regions: frames cut into pieces, kept for ever.  A lock of its own, taken last but for
 * that of the memory. */
#pragma once

#include "region.h"

#define REGIONS_PER_PAGE (PAGE_SIZE / sizeof(struct region))

/* Not initialised; NULL: memory is exhausted. */
struct region *region_new(void);
void region_free(struct region *region);
uint32_t region_pool_frames(void);
