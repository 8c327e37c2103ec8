/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to the scheduler server: a SYS_CALL on a Sched capability.  The label of the message
 * info is the request, the words are the arguments; the answer's label is an enum error (positive,
 * 0 = OK) and its words are the results, from w1 on (w0 repeats the error).  x0 is -ERR_RESTARTED
 * when the instance changed under the request: send it again (sleeps carry absolute times for
 * this).
 *
 * Who may ask what is in the badge of the Sched capability:
 *   bits 0..31   process id
 *   bits 32..52  largest weight that may be asked for (0: none)
 *   bit  63      privileged
 * A process may change its own threads only.  A confined one (SCHED_THREAD_CONFINED) may change groups
 * below the one that it was started in, and move its threads there; if it was started in none, it may not.
 * A request about a thread that lives on another CPU is answered MOVED with w1 = its home; a holder of a
 * port to that CPU asks there.
 */
#pragma once

#include <abi/sched.h>
#include <abi/types.h>

/* The slice of a thread that asks for none. */
#define SCHED_SLICE_NS_STANDARD 3000000u

#define SCHED_BADGE_PRIVILEGED   (1ull << 63)
#define SCHED_BADGE_WEIGHT_SHIFT 32
#define SCHED_BADGE_WEIGHT_MASK  0x1fffffull

static inline word_t sched_badge(uint32_t pid, uint32_t weight_max)
{
	return ((word_t)(weight_max & SCHED_BADGE_WEIGHT_MASK) << SCHED_BADGE_WEIGHT_SHIFT) | pid;
}

/* X(name, value, arguments, results, meaning).  tid 0 = the caller's own (payer's) thread. */
#define SCHED_REQUEST_LIST(X)                                                                      \
	X(YIELD, 1, "", "",                                                                        \
	  "let others that may run go first; to be made with SCHED_REQUEST_YIELD, which belongs "  \
	  "to no other request")                                                                   \
	X(SLEEP, 2, "w0 absolute ns", "",                                                          \
	  "wait until then; with SCHED_REQUEST_INTERRUPTIBLE a signal to the bound notification "  \
	  "ends it; to be made with SCHED_REQUEST_TIMED, which belongs to no other request")       \
	X(SET_PARAM, 3, "w0 tid, w1 enum sched_param, w2 value, w3 second value", "",              \
	  "change one scheduling parameter; LIMIT beyond what the badge allows")                   \
	X(GET_PARAM, 4, "w0 tid, w1 enum sched_param", "w1 value, w2 second value", "read one")    \
	X(THREAD_NEW, 5, "w0 tid, w1 CPU of the creator", "w1 home",                               \
	  "privileged: take over a stopped thread whose shared record is filled in, give it a "    \
	  "home")                                                                                  \
	X(GROUP_CREATE, 6, "w0 parent or 0, w1 weight, w2 quota_ns or 0, w3 period_ns",            \
	  "w1 group",                                                                              \
	  "make a group of threads: `weight` beside its siblings, at most quota_ns of CPU time "   \
	  "of "                                                                                    \
	  "all CPUs in each period_ns (0: no cap).  LIMIT: deeper than 4, or a confined client "   \
	  "has 8; NO_MEMORY: all 63 are in use; NOT_FOUND: no such parent; STATE: the server has " \
	  "no "                                                                                    \
	  "memory for groups yet, see PROC_REQ_SCHED_GROUPS; UNSUPPORTED: not with this policy")   \
	X(GROUP_SET, 7, "w0 group, w1 weight, w2 quota_ns or 0, w3 period_ns", "",                 \
	  "another weight or cap; every CPU follows within 0.1 s")                                 \
	X(GROUP_DELETE, 8, "w0 group", "", "BUSY while it has threads or groups")                  \
	X(GROUP_GET, 9, "w0 group, w1 enum sched_group_field", "w1 value",                         \
	  "read one figure of it")                                                                 \
	X(GROUP_NEXT, 10, "w0 index", "w1 group",                                                  \
	  "the first group whose index is w0 or more; NOT_FOUND: there are no more")               \
	X(BALANCE_PARK, 16, "w0 threads pulled by the last order",                                 \
	  "w1 victim, w2 enum balance_mode", "balancers only: wait for an order")                  \
	X(BALANCE_PULL, 17,                                                                        \
	  "w0 puller's CPU, w1 enum balance_mode, w2 its weight, w3 its threads",                  \
	  "w1 threads moved", "balancers only: which threads can you spare?")

enum sched_request_label {
#define X(name, value, arguments, results, meaning) SCHED_REQ_##name = value,
	SCHED_REQUEST_LIST(X)
#undef X
};

/* X(name, value, meaning) */
#define SCHED_PARAM_LIST(X)                                                                        \
	X(NICE, 1, "-20..19 as a signed word; sets the weight by the nice table")                  \
	X(WEIGHT, 2, "1..2^20; 1024 = nice 0")                                                     \
	X(SLICE_NS, 3,                                                                             \
	  "request length, 100 us..100 ms; LIMIT: over 3 ms, without the right to any weight")     \
	X(AFFINITY, 4, "two words of CPU bits, one of a CPU online; none: the thread waits")       \
	X(PRIORITY, 5, "0..99, higher runs first (fifo)")                                          \
	X(CLASS, 6, "0 normal, 1 background")                                                      \
	X(PERIOD_NS, 7,                                                                            \
	  "edf: slice_ns of CPU in each period, slice_ns..10 s, or 0 for no reservation; NO_TIME " \
	  "if the CPU cannot promise it")                                                          \
	X(GROUP, 8,                                                                                \
	  "the scheduling group, 0: none; in w3 a privileged client may say below which one it "   \
	  "must be")                                                                               \
	X(LENT, 9,                                                                                 \
	  "privileged: a priority that others lend the thread, 0..99; the greater of it and its "  \
	  "own counts (fifo)")

enum sched_param {
#define X(name, value, meaning) SCHED_PARAM_##name = value,
	SCHED_PARAM_LIST(X)
#undef X
};

/* The groups of one instance of the server; another one starts without any. */
#define SCHED_GROUP_INDEX(id) ((id)&0xffffu) /* 1..63; what people see */

/* X(name, value, meaning) */
#define SCHED_GROUP_FIELD_LIST(X)                                                    \
	X(PARENT, 0, "its parent, 0: none")                                          \
	X(DEPTH, 1, "1..4")                                                          \
	X(WEIGHT, 2, "beside its siblings; 1024 = a thread of nice 0")               \
	X(QUOTA_NS, 3, "CPU time in each period, 0: no cap")                         \
	X(PERIOD_NS, 4, "length of a period")                                        \
	X(MEMBERS, 5, "threads and groups in it")                                    \
	X(USED_NS, 6, "CPU time of its threads, those of the groups below included") \
	X(THROTTLED_NS, 7, "time without runtime, sum over the CPUs")                \
	X(PERIODS, 8, "in which it ran under a cap")                                 \
	X(PERIODS_THROTTLED, 9, "in which it was out of runtime on some CPU")

enum sched_group_field {
#define X(name, value, meaning) SCHED_GROUP_##name = value,
	SCHED_GROUP_FIELD_LIST(X)
#undef X
		SCHED_GROUP_FIELD_COUNT
};

#define SCHED_GROUPS_CONFINED_MAX 8u /* that a confined client may have below its own */

enum balance_mode { BALANCE_IDLE = 1, BALANCE_PERIOD = 2 };
