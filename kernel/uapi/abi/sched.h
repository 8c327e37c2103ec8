/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The protocol between the kernel and a scheduler server.
 *
 * A dispatcher blocks in one place only, SYS_CORE_REPLY_WAIT on its Core:
 *
 *   in    x0 core   x1 enum decision | DECISION_* flags   x2 tcb   x3 seq seen
 *         x4 slice_ns (relative, TIME_NEVER: none)
 *         x5 timer_ns (absolute; enter the dispatcher then, TIME_NEVER: none)
 *         x6 filter_until_ns (absolute)   x7 filter_key              with DECISION_FILTER
 *         x9 successor tcb, 0: idle   x10 its seq   x11 its slice_ns
 *         x12 successor_until_ns (absolute)
 *         x13 its filter_until_ns, 0: none   x14 its filter_key      with DECISION_SUCCESSOR
 *         x13 again_until_ns (absolute)                              with DECISION_AGAIN
 *   out   x0 -error about the decision, 0 = it was carried out (or there was none)
 *         x1 upcall info   x2 now_ns
 *         x3 tag   x4 event info   x5 seq   x6 ran_ns   x7 first_ready_ns   (event 0)
 *
 * Event 0 is in the registers only.  Events 1..n-1 and the request are in struct upcall_buffer, at the
 * start of the dispatcher's IPC buffer.  Threads that the dispatcher itself changes (TCB_ANSWER,
 * TCB_SET_HOME, the thread that it runs) are not reported: the answer and the decision are taken as
 * known.  After TCB_SET_HOME the thread belongs to the other CPU's dispatcher, which gets an event
 * with cause ARRIVED (for a stopped thread: at its first start).
 *
 * seq stays what the last event said through everything that the dispatcher itself does.
 *
 * A decision may say what follows it, so that the dispatcher need not be entered:
 *
 *   FILTER     with RUN.  A wake (cause WAKE, not SERVED) does not enter it while now < filter_until_ns
 *              and the key of the woken thread (TCB_SET_KEY) >= filter_key.  Its record is linked as
 *              always and keeps first_ready_ns.  When filter_until_ns passes with such a record
 *              pending, the dispatcher is entered.  All else enters it as without a filter.
 *              With the key FILTER_KEY_CHANGES it is not wakes that are held back but what others do to
 *              threads that wait here: a stop, a resume, a request.  Such a decision that is accepted with
 *              something pending keeps its slice and its filter.
 *   SUCCESSOR  with RUN.  If the thread blocks (not stopped, and in no request but a timed one to
 *              this Core) at now < successor_until_ns, and nothing was posted on this Core since the
 *              decision, filtered records included, the block is recorded and the successor is run at
 *              once, for its slice and with its filter; successor 0: the CPU goes idle, though not
 *              after a request.  Once a decision.  A successor that is not READY here with this seq is
 *              refused like the thread in x2.  A timed request counts as handed over then:
 *              UPCALL_SWITCHED tells its time, at which, or if the successor's filter holds it back at
 *              the end of that, the dispatcher is entered at the latest.
 *   FIRST      with IDLE, or with SUCCESSOR 0 for the time after that.  The first thread that becomes
 *              ready on the idle CPU is run at once, for x4, or x11; its record stays linked.  The next
 *              one enters the dispatcher.
 *   AGAIN      with FIRST.  If the thread that was run first at now < again_until_ns, after a wake
 *              (cause WAKE), blocks as in SUCCESSOR, and nothing was posted on this Core since it
 *              began to run, the CPU goes idle again and FIRST holds again, and so on.  The
 *              dispatcher is entered at again_until_ns, as at timer_ns, if a thread was run so.
 *   ANSWER     with RUN.  When the server that runs on the thread's time has answered its caller, at
 *              whatever time, the dispatcher is entered (reason KICK), once.
 *
 * All of this but ANSWER ends when the dispatcher is next entered.  A decision that is accepted with
 * something pending carries no other filter and no successor.
 *
 * TCB_ANSWER ends the caller's system call with x0 = 0, label = w0 = error, and w1..w3 = results.
 * Entering fallback ends all requests with x0 = -RESTARTED; one made while no dispatcher is bound, and
 * none is about to be, ends so at once.
 *
 * Refusals (x0), each with the events that explain it; the dispatcher decides again:
 *   STALE      something was pending that the decision had not seen (once; the second decision is
 *              taken, but then only for SLICE_MIN_NS, and IDLE is never accepted while events are
 *              pending); or the thread named has changed since, which an event here or to come says
 *   NOT_READY FOREIGN BAD_SEQ DEAD CAP_INVALID CAP_TYPE CAP_RIGHTS   about the named threads
 *   ARG        no such decision, or a flag that does not go with it
 *   UNBOUND    this thread is not the dispatcher (any more); returned at once, without waiting
 */
#pragma once

#include <abi/types.h>

/* X(name, value, meaning) */
#define DECISION_LIST(X)                                                                 \
	X(NONE, 0, "no decision: only wait for the next upcall (first call after bind)") \
	X(RUN, 1, "run the thread in x2 for at most x4 ns")                              \
	X(IDLE, 2, "nothing to run")

enum decision {
#define X(name, value, meaning) DECISION_##name = value,
	DECISION_LIST(X)
#undef X
};

/* In x1 too. */
#define DECISION_KIND(x1)  ((x1)&0xff)
#define DECISION_FILTER    (1ull << 8)
#define DECISION_SUCCESSOR (1ull << 9)
#define DECISION_FIRST     (1ull << 10)
#define DECISION_AGAIN     (1ull << 11)
#define DECISION_ANSWER    (1ull << 12)

/* A filter_key that no thread has. */
#define FILTER_KEY_CHANGES UINT64_MAX

/* Every dispatch lasts at least this long, unless the thread blocks. */
#define SLICE_MIN_NS 20000ull

/* Upcall info, x1. */
#define UPCALL_EVENTS(info) ((unsigned)((info)&0xff))
#define UPCALL_REQUEST      (1ull << 8) /* upcall_buffer.request is valid */
#define UPCALL_MORE         (1ull << 9) /* more events are pending: ask again with DECISION_NONE */
#define UPCALL_SWITCHED \
	(1ull << 10) /* the successor, or with FIRST the first, was run: .switched_* */
#define UPCALL_REASONS(info) ((unsigned)((info) >> 16) & 0xffff)

/* Why the dispatcher was entered: a mask of 1 << value.  X(name, value, meaning) */
#define REASON_LIST(X)                                                                        \
	X(KICK, 0, "a thread became ready, arrived, died or a message came from another CPU") \
	X(BLOCK, 1, "the running thread blocked")                                             \
	X(SLICE, 2, "the slice ended")                                                        \
	X(TIMER, 3, "timer_ns passed")                                                        \
	X(REQUEST, 4, "a request arrived")                                                    \
	X(REFUSED, 5, "the decision was refused")                                             \
	X(BIND, 6, "this dispatcher was bound")                                               \
	X(IDLE, 7, "woken from idle")

enum upcall_reason {
#define X(name, value, meaning) REASON_##name = value,
	REASON_LIST(X)
#undef X
		REASON_COUNT
};

/*
 * Event info, x4: state | cause << 8 | EVENT_* flags.  SERVED: the thread has called a passive server with
 * TCB_FLAG_SERVER, which runs on its time now, so whoever else calls that waits for this thread.
 */
#define EVENT_STATE(info)          ((unsigned)((info)&0x7f))
#define EVENT_SERVED               (1ull << 7) /* READY, and runs a server that others wait for */
#define EVENT_CAUSE(info)          ((unsigned)((info) >> 8) & 0xff)
#define EVENT_BLOCKED_SINCE        (1ull << 16) /* it blocked at some time since the last report */
#define EVENT_WOKE_SINCE           (1ull << 17) /* it became ready at some time since the last report */
/* How often it was run first since the last report, and for how long it had been ready each time, in all:
 * both up to their largest value. */
#define EVENT_FIRSTS_SHIFT         18
#define EVENT_FIRSTS_MAX           0xffffull
#define EVENT_FIRSTS(info)         (((info) >> EVENT_FIRSTS_SHIFT) & EVENT_FIRSTS_MAX)
#define EVENT_FIRSTS_WAIT_SHIFT    34
#define EVENT_FIRSTS_WAIT_MAX      0x3fffffffull
#define EVENT_FIRSTS_WAIT_NS(info) ((info) >> EVENT_FIRSTS_WAIT_SHIFT)

/* X(name, value, meaning) */
#define EVENT_STATE_LIST(X)            \
	X(READY, 1, "can be run")      \
	X(BLOCKED, 2, "cannot be run") \
	X(DEAD, 3, "is gone; the last event with this tag and seq")

enum event_state {
#define X(name, value, meaning) EVENT_##name = value,
	EVENT_STATE_LIST(X)
#undef X
};

/* X(name, value, meaning) */
#define CAUSE_LIST(X)                                                                     \
	X(NONE, 0, "no cause")                                                            \
	X(WAKE, 1, "became ready: message, answer, signal")                               \
	X(START, 2, "was resumed")                                                        \
	X(PREEMPTED, 3, "was running when the dispatcher was entered for another reason") \
	X(SLICE, 4, "used up its slice")                                                  \
	X(IPC, 5, "blocked on an endpoint or in a call")                                  \
	X(NOTIFICATION, 6, "blocked on a notification")                                   \
	X(FAULT, 7, "blocked in a fault")                                                 \
	X(REQUEST, 8, "blocked in a request to a dispatcher")                             \
	X(STOPPED, 9, "was suspended")                                                    \
	X(ARRIVED, 10, "its home was moved here")                                         \
	X(REBIND, 11, "reported again because this dispatcher was bound")                 \
	X(EXIT, 12, "the thread object was deleted")                                      \
	X(YIELD, 13, "asked that others go first")

enum event_cause {
#define X(name, value, meaning) CAUSE_##name = value,
	CAUSE_LIST(X)
#undef X
		CAUSE_COUNT
};

struct sched_event {
	word_t tag;
	word_t info;
	word_t seq;               /* counts changes of this thread; never restarts */
	time_ns_t ran_ns;         /* CPU time since the last report, passive servers included */
	time_ns_t first_ready_ns; /* when it first became ready since the last report, or 0 */
};

/*
 * A request: a call on a Sched capability.  The payer (the schedulable thread on whose time the
 * caller runs; usually the caller itself) is blocked with cause REQUEST until TCB_ANSWER names the
 * payer.
 */
struct sched_request {
	word_t badge;     /* of the Sched capability */
	word_t payer_tag; /* tag of the payer */
	word_t info; /* message info: label = request; SCHED_REQUEST_* flags may be set in it */
	word_t words[4];
	word_t payer_seq;
};

/*
 * In the label of a request: a signal to the bound notification of the *caller* answers it at once
 * with ERR_CANCELLED and w1 = the notification word (which it takes), and the dispatcher sees the
 * thread become ready.  If the notification is active already, the request returns the same way
 * without blocking.
 */
#define SCHED_REQUEST_INTERRUPTIBLE (1ull << 40)

/*
 * Likewise: the caller wants nothing but to wait until words[0], an absolute time, so the dispatcher
 * need not be entered for it if the decision names a successor.  It is then told that time, and neither
 * the label nor the other words.
 */
#define SCHED_REQUEST_TIMED (1ull << 41)

/*
 * Likewise: the caller wants nothing but that others go first.  Of a schedulable thread to the Core that it
 * runs on that is no request: it is answered ERR_OK with no words, also in fallback, where nothing comes of
 * it, and stays ready.  The dispatcher is told CAUSE_YIELD, and neither the label nor the words.
 */
#define SCHED_REQUEST_YIELD (1ull << 42)

#define UPCALL_EVENTS_MAX 32u

struct upcall_buffer {
	struct sched_event events[UPCALL_EVENTS_MAX]; /* [0] is in x3..x7, and not here */
	struct sched_request request;
	/* With UPCALL_SWITCHED: */
	time_ns_t switched_ns;       /* when a thread, or idle, was over for the last time */
	word_t switched_tag;         /* who was run then; 0: the CPU went idle */
	time_ns_t switched_sleep_ns; /* words[0] of the timed request that it made then, or 0 */
};

_Static_assert(sizeof(struct sched_event) == 40, "sched_event is an ABI");
_Static_assert(sizeof(struct upcall_buffer) <= PAGE_SIZE,
	       "the upcall buffer fits the IPC buffer frame");

/* CORE_INFO flags. */
#define CORE_BOUND    1u
#define CORE_FALLBACK 2u
#define CORE_IDLE     4u
#define CORE_ONLINE   8u

/* Why a CPU is in fallback.  X(name, value, meaning) */
#define FALLBACK_LIST(X)                                                               \
	X(NONE, 0, "not in fallback")                                                  \
	X(BOOT, 1, "no dispatcher was bound yet")                                      \
	X(UNBOUND, 2, "the dispatcher was unbound")                                    \
	X(DECISION, 3, "the dispatcher exceeded the decision limit")                   \
	X(BLOCKED, 4, "the dispatcher blocked elsewhere")                              \
	X(FAULT, 5, "the dispatcher faulted")                                          \
	X(STOPPED, 6, "the dispatcher was suspended or deleted")                       \
	X(STARVATION, 7, "a ready thread was left unserved past the starvation limit") \
	X(REFUSED, 8, "too many refused decisions in a row")

enum fallback_reason {
#define X(name, value, meaning) FALLBACK_##name = value,
	FALLBACK_LIST(X)
#undef X
		FALLBACK_COUNT
};

/* CORE_STATS; all counters since boot, written by that CPU only, read without a lock (each is one
 * word). */
struct core_stats {
	time_ns_t busy_ns; /* threads, servers on their time included */
	time_ns_t idle_ns;
	time_ns_t dispatcher_ns;
	time_ns_t fallback_ns;
	word_t switches; /* a different thread than before was dispatched */
	word_t dispatches;
	word_t entries[REASON_COUNT]; /* dispatcher entries, by first reason */
	word_t ipis_sent;
	word_t ipis_received;
	word_t stale_decisions;
	word_t refused_decisions;
	word_t timer_interrupts;
	word_t device_interrupts;
	word_t faults;
	word_t syscalls;
	word_t donations; /* direct switches to and from passive servers */
	word_t fallback_entries;
	word_t filtered_wakes; /* by threads of this CPU, that did not enter a dispatcher */
	word_t successions;    /* to the successor of a decision, without an entry */
	word_t first_runs; /* of the first thread that became ready on an idle CPU, without an entry */
};

_Static_assert(sizeof(struct core_stats) <= MSG_WORDS_MAX * sizeof(word_t), "fits one message");
