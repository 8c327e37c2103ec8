/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the scheduler server: a SYS_CALL on a Sched capability.  The label of the message
 * info is the request, the words are the arguments; the answer's label is an enum error (positive,
 * 0 = OK) and its words are the results, from w1 on (w0 repeats the error).  x0 is -ERR_RESTARTED
 * when the instance changed under the request: send it again (sleeps carry absolute times for
 * this).
 *
 * Who may ask what is in the badge of the Sched capability:
 *   bits 0..31 process id   bits 32..52 largest weight that may be asked for (0: none)   bit 63
 * privileged A process may change its own threads only.  A request about a thread that lives on
 * another CPU is answered MOVED with w1 = its home; a holder of a port to that CPU asks there.
 */
#pragma once

#include <abi/sched.h>
#include <abi/types.h>

#define SCHED_BADGE_PRIVILEGED   (1ull << 63)
#define SCHED_BADGE_WEIGHT_SHIFT 32
#define SCHED_BADGE_WEIGHT_MASK  0x1fffffull

static inline word_t sched_badge(uint32_t pid, uint32_t weight_max)
{
	return ((word_t)(weight_max & SCHED_BADGE_WEIGHT_MASK) << SCHED_BADGE_WEIGHT_SHIFT) | pid;
}

/* X(name, value, arguments, results, meaning).  tid 0 = the caller's own (payer's) thread. */
#define SCHED_REQUEST_LIST(X)                                                                     \
	X(YIELD, 1, "", "", "let others that may run go first")                                   \
	X(SLEEP, 2, "w0 absolute ns", "",                                                         \
	  "wait until then; with SCHED_REQUEST_INTERRUPTIBLE a signal to the bound notification " \
	  "ends it")                                                                              \
	X(SET_PARAM, 3, "w0 tid, w1 enum sched_param, w2 value, w3 second value", "",             \
	  "change one scheduling parameter; LIMIT beyond what the badge or the policy allows")    \
	X(GET_PARAM, 4, "w0 tid, w1 enum sched_param", "w1 value, w2 second value", "read one")   \
	X(THREAD_NEW, 5, "w0 tid, w1 CPU of the creator", "w1 home",                              \
	  "privileged: take over a stopped thread whose shared record is filled in, give it a "   \
	  "home")                                                                                 \
	X(BALANCE_PARK, 16, "w0 threads pulled by the last order",                                \
	  "w1 victim, w2 enum balance_mode", "balancers only: wait for an order")                 \
	X(BALANCE_PULL, 17,                                                                       \
	  "w0 puller's CPU, w1 enum balance_mode, w2 its weight, w3 its threads",                 \
	  "w1 threads moved", "balancers only: which threads can you spare?")

enum sched_request_label {
#define X(name, value, arguments, results, meaning) SCHED_REQ_##name = value,
	SCHED_REQUEST_LIST(X)
#undef X
};

/* X(name, value, meaning) */
#define SCHED_PARAM_LIST(X)                                                                      \
	X(NICE, 1, "-20..19 as a signed word; sets the weight by the nice table")                \
	X(WEIGHT, 2, "1..2^20; 1024 = nice 0")                                                   \
	X(SLICE_NS, 3, "request length, 100 us..100 ms")                                         \
	X(AFFINITY, 4, "two words of CPU bits; at least one CPU online")                         \
	X(PRIORITY, 5, "0..99, higher runs first (fifo)")                                        \
	X(CLASS, 6, "0 normal, 1 background")                                                    \
	X(PERIOD_NS, 7,                                                                          \
	  "edf: slice_ns of CPU in each period, slice_ns..10 s, or 0 for no reservation; LIMIT " \
	  "if the CPU cannot promise it")

enum sched_param {
#define X(name, value, meaning) SCHED_PARAM_##name = value,
	SCHED_PARAM_LIST(X)
#undef X
};

enum balance_mode { BALANCE_IDLE = 1, BALANCE_PERIOD = 2 };
