/* SPDX-License-Identifier: BSD-2-Clause */
#include "frames.h"

void frames_init(struct frames *frames, struct frame *memory)
{
	*frames = (struct frames){.frame = memory, .fresh = 1};
}

void frames_add(struct frames *frames, uint32_t count)
{
	frames->count += count;
	frames->free_count += count;
}

uint32_t frames_take(struct frames *frames)
{
	uint32_t n = frames->free_head;

	if (n != 0) {
		const uint32_t next = frames->frame[n].next;

		frames->free_head = next & ~FRAME_CODE;
		frames->frame[n] = (struct frame){1, FRAME_DIRTY | FRAME_WINDOWED |
							     (next & FRAME_CODE)};
	} else if (frames->fresh <= frames->count) {
		n = frames->fresh++;
		frames->frame[n] = (struct frame){1, 0};
	} else {
		return 0;
	}
	frames->free_count--;
	return n;
}

void frames_put(struct frames *frames, uint32_t n)
{
	const uint32_t code = frames->frame[n].next & FRAME_CODE;

	frames->frame[n] = (struct frame){0, frames->free_head | code};
	frames->free_head = n;
	frames->free_count++;
}
