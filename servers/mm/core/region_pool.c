/* SPDX-License-Identifier: BSD-2-Clause */
#include "region_pool.h"

#include "lock.h"
#include "memory.h"

union piece {
	union piece *next;
	struct region region;
};

static struct lock pool_lock = {0, LOCK_REGIONS};
static union piece *pool_free;
static uint32_t pool_frames;

/* Lock held. */
static void pool_grow(void)
{
	uint32_t frame = frame_new(0);

	if (frame == 0)
		return;

	union piece *piece = frame_window(frame);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*piece); i++) {
		piece[i].next = pool_free;
		pool_free = &piece[i];
	}
	pool_frames++;
}

struct region *region_new(void)
{
	lock_take(&pool_lock);
	if (pool_free == NULL)
		pool_grow();

	union piece *piece = pool_free;

	if (piece != NULL)
		pool_free = piece->next;
	lock_give(&pool_lock);
	return piece == NULL ? NULL : &piece->region;
}

void region_free(struct region *region)
{
	union piece *piece = container_of(region, union piece, region);

	lock_take(&pool_lock);
	piece->next = pool_free;
	pool_free = piece;
	lock_give(&pool_lock);
}

uint32_t region_pool_frames(void)
{
	lock_take(&pool_lock);

	uint32_t frames = pool_frames;

	lock_give(&pool_lock);
	return frames;
}
