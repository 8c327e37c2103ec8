/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which frames are free, and how many use each: the bookkeeping of the frame allocator, without the
 * capabilities.  Frames are numbered from 1 on (0 is none); they are added in order and never
 * removed.  The caller's lock guards a struct frames; refs of a frame in use are atomic, because
 * spaces that share a frame have different locks.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

#define FRAME_DIRTY    1u         /* was used before: must be cleared */
#define FRAME_WINDOWED 2u         /* mapped in mm's window, and its second capability exists */
#define FRAME_OWN_BUSY 4u         /* its second capability maps it somewhere */
#define FRAME_CODE     (1u << 31) /* was executable since it was cleared; stays when it is freed */

struct frame {
	uint32_t refs; /* 0: free */
	/* Free: the next free one, and FRAME_CODE.  In use: FRAME_* flags (atomic). */
	uint32_t next;
};

struct frames {
	struct frame *frame; /* [1 .. count] */
	uint32_t count;
	uint32_t free_head;
	uint32_t free_count;
	uint32_t fresh; /* frames from here on were never used: they are not on the list */
};

void frames_init(struct frames *frames, struct frame *memory);

/* `count` more frames, zeroed and never used; their struct frame need not be initialised. */
void frames_add(struct frames *frames, uint32_t count);

/* A free frame with refs 1, or 0.  A frame that was used before comes first and is FRAME_DIRTY. */
uint32_t frames_take(struct frames *frames);

/* Back to the free list; nobody refers to it any more. */
void frames_put(struct frames *frames, uint32_t n);

static inline void frame_ref(struct frame *frame)
{
	/* Relaxed: whoever adds a reference holds one, so the frame cannot vanish meanwhile. */
	__atomic_fetch_add(&frame->refs, 1, __ATOMIC_RELAXED);
}

/* True for the last one.  Acquire and release: all that other users wrote to the frame comes before
 * its reuse. */
static inline bool frame_unref(struct frame *frame)
{
	return __atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

static inline uint32_t frame_refs(const struct frame *frame)
{
	return __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE);
}

static inline void frame_executable(struct frame *frame)
{
	/* Relaxed: whoever clears it is behind the last reference. */
	__atomic_fetch_or(&frame->next, FRAME_CODE, __ATOMIC_RELAXED);
}

/* True if the caller now owns the frame's second capability.  Acquire: the unmapping by the former
 * owner, a system call before frame_own_release, is complete. */
static inline bool frame_own_acquire(struct frame *frame)
{
	return (__atomic_fetch_or(&frame->next, FRAME_OWN_BUSY, __ATOMIC_ACQUIRE) &
		FRAME_OWN_BUSY) == 0;
}

static inline void frame_own_release(struct frame *frame)
{
	__atomic_fetch_and(&frame->next, ~FRAME_OWN_BUSY, __ATOMIC_RELEASE);
}
