/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The requests of a thread for service in virtual time, kept exactly, as v is (vtime.h): what an order by
 * deadlines stands on.
 *
 *   r_i   length of the requests of i, in ns of service: its slice
 *   ve_i  v_i when its current request began               vd_i  its deadline: ve_i + r_i / w_i
 *
 * E_i = w_i ve_i and D_i = w_i vd_i are whole units of service, as S_i = w_i v_i is, and stored likewise.
 * What is left of a request is D_i - S_i, what was used of it S_i - E_i; these two stay when v moves to
 * another queue, weight or instance, and vtime_request_resume() goes on from them.
 */
#pragma once

#include "vtime.h"

#define VTIME_REQUEST_MEMBERS                                                            \
	VTIME_THREAD(time);                                                              \
	int128_t ve, vd;                                                                 \
	int128_t key_vd, key_ve; /* vd and ve, rounded to the grid of equality */        \
	int128_t request_v;      /* request_v + request_rem / weight = slice / weight */ \
	uint32_t ve_rem, vd_rem, request_rem;                                            \
	uint32_t slice_ns;                                                               \
	uint64_t left_ns; /* D_i - S_i, rounded up: 0 is where its request is done */    \
	uint64_t tid;     /* breaks ties of the order */

struct vtime_request {
	VTIME_REQUEST_MEMBERS
};

/* A member `name` of this, whose own members are the surrounding struct's, too. */
#define VTIME_REQUEST(name)                   \
	union {                               \
		struct vtime_request name;    \
		struct {                      \
			VTIME_REQUEST_MEMBERS \
		};                            \
	}

/* Weight and slice, and the length of a request in virtual time that follows from them. */
void vtime_request_params(struct vtime_request *request, uint32_t weight, uint32_t slice_ns);

/* Units of service until it is done; > 0 in a queue. */
static inline int128_t vtime_left(const struct vtime_request *request)
{
	return vtime_between(&request->time, request->v, request->v_rem, request->vd,
			     request->vd_rem);
}

/* Units received in it. */
static inline int128_t vtime_used(const struct vtime_request *request)
{
	return vtime_between(&request->time, request->ve, request->ve_rem, request->v,
			     request->v_rem);
}

/* To the nearest multiple of VTIME_SLACK, in multiples of it. */
static inline int128_t vtime_grid(int128_t v)
{
	return (v + VTIME_SLACK / 2) >> VTIME_SLACK_BITS;
}

/* Go on with one of which so many units are left, and so many were received. */
void vtime_request_resume(struct vtime_request *request, int128_t left, int128_t used);
