/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading what an upcall brings (<sched/server.h>: struct sched_upcall). */
#pragma once

#include <abi/ipc.h>
#include <base/math.h>
#include <sched/server.h>

/* The request, without the flags that the kernel acts on. */
static inline word_t msg_label_of(const struct sched_request *request)
{
	return msg_label(request->info) &
	       ~(SCHED_REQUEST_INTERRUPTIBLE | SCHED_REQUEST_TIMED | SCHED_REQUEST_YIELD);
}

/* The records of an upcall: so many, and the i-th; the first is in registers. */
static inline uint32_t sched_upcall_count(const struct sched_upcall *upcall)
{
	return (uint32_t)min_u64(UPCALL_EVENTS(upcall->info), UPCALL_EVENTS_MAX);
}

static inline const struct sched_event *sched_upcall_event(const struct sched_upcall *upcall,
							   uint32_t i)
{
	return i == 0 ? &upcall->first : &upcall->buffer->events[i];
}

/* Its state and EVENT_SERVED, in one look. */
static inline unsigned sched_event_state(const struct sched_event *event)
{
	return (unsigned)event->info & 0xff;
}
