/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round robin: each thread runs for its own slice, then the next one does.  A thread that wakes goes to
 * the end.  Weights are ignored but counted, for placement.
 *
 * All of this is what a line (line.h) does if nothing else is said: everybody has the same key, so the
 * order is that of arrival, and the end of a turn is an arrival.
 *
 * Bad at: latency (a waker waits for everybody), and fairness to threads that block early.
 */
#include "../line/line.h"

#define RR_ID      2u
#define RR_VERSION 2u

struct rr_thread {
	struct line_thread line;
};

struct rr_cpu {
	struct line_cpu line;
};

static const struct line_kind rr_kind = {
	LINE_KIND(rr, RR_ID, RR_VERSION),
};

LINE_POLICY(rr, RR_ID, RR_VERSION, "round robin: one ring, each thread runs for its slice");
