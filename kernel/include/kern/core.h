/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core: what one CPU runs, and the kernel's half of the conversation with its dispatcher.
 * struct cpu is the per-CPU block around it.
 */
#pragma once

#include <abi/sched.h>
#include <abi/trace.h>
#include <base/list.h>
#include <kern/arch_if.h>
#include <kern/counter.h>
#include <kern/lock.h>
#include <kern/offsets.h>
#include <kern/tcb.h>

/* IPI request bits, struct core.requests. */
#define CORE_REQUEST_KICK \
	1u /* enter the dispatcher (or look at the ready ring, in fallback or idle) */
#define CORE_REQUEST_STOP  2u  /* a thread of the running chain, or the dispatcher, has exit_work */
#define CORE_REQUEST_GRACE 4u  /* acknowledge quiescence */
#define CORE_REQUEST_HALT  8u  /* panic elsewhere: stop for ever */
#define CORE_REQUEST_BIND  16u /* bind_next is to become the dispatcher (NULL: unbind) */
#define CORE_REQUEST_TIMER 32u /* a wake was filtered: arm the end of the filter */
#define CORE_REQUEST_FIRST 64u /* core.next became ready on the idle CPU: run it */

/* Who is run next without the dispatcher being asked. */
struct core_next {
	bool armed;      /* atomic; nothing was posted since it was chosen */
	struct tcb *tcb; /* good memory while armed; NULL: the CPU goes idle */
	word_t seq;
	time_ns_t slice_ns;
	time_ns_t until_ns; /* not at or after this time */
	struct tcb
		*asks; /* who has just blocked in a timed request, or NULL; good memory likewise */
	time_ns_t filter_until_ns;
	word_t filter_key;
};

struct core {
	/* Fixed offsets, used by the vectors.  Owner: this CPU only. */
	struct tcb *
		current; /* thread that runs next in user mode, or NULL: idle, starting, or to be chosen */
	uint64_t kernel_stack; /* top */
	uint64_t scratch[2];

	/*
	 * What keeps this CPU from a fast path, in one word (core_obstacles()).  The first three are the
	 * owner's; requests are posted by any CPU with an atomic OR, and the poster that changes them from
	 * zero sends the IPI.  The owner takes bits with an atomic AND or exchange before it acts on them.
	 */
	_Alignas(
		8) bool dispatcher_running; /* it is current, and looks at all records before it parks;
						written under the lock, others read with it */
	bool fpu_live;                      /* the FPU holds the state of `loaded` */
	uint16_t reasons;  /* why the dispatcher is to be entered: 1 << enum upcall_reason */
	uint32_t requests; /* atomic */

	uint32_t index;
	uint32_t online;     /* atomic; set by the CPU itself, never cleared */
	uint32_t idle;       /* atomic; in WFI or about to, no object in use, empty address space */
	uint64_t grace_seen; /* atomic; last grace generation acknowledged */

	/* Shared: this lock.  Any CPU may take it, shortly. */
	struct spinlock lock;
	struct list_node ready;              /* schedulables in state READY, oldest first */
	struct list_node homed;              /* all schedulables whose home is here */
	struct list_node events;             /* linked event records, oldest first */
	struct list_node requests_waiting;   /* threads in a request that was not handed over yet */
	struct list_node requests_delivered; /* threads whose request the dispatcher has seen */
	struct notification *supervisor;     /* signalled when fallback is entered */
	bool bind_noted;                     /* a bind or unbind is to be done */
	struct tcb *bind_next; /* what the pending bind makes the dispatcher, or NULL */
	time_ns_t bind_decision_limit_ns;
	time_ns_t bind_starvation_limit_ns;

	/* Written by the owner under the lock: the owner reads without, others with it. */
	struct tcb *dispatcher;        /* bound one, or NULL */
	uint64_t batch;                /* counts batches of records that were dealt with */
	_Alignas(8) uint32_t fallback; /* enum fallback_reason; NONE = the dispatcher decides */

	/* Under the lock; whoever posts something sets it, an entry of the dispatcher clears it. */
	uint16_t untold;      /* there may be something to hand over (<kern/event.h>) */
	uint16_t untold_more; /* and not only a record or a switch */

	/* What the last decision allows without the dispatcher; nothing while that runs, or in
	 * fallback.  Owner under the lock; who posts a record here disarms next (event_post). */
	time_ns_t filter_until_ns; /* 0: every wake kicks */
	word_t filter_key;
	bool filter_arms;         /* it ends before the CPU is interrupted anyway */
	bool filtered;            /* atomic; a record was posted without a kick; any poster */
	time_ns_t first_slice_ns; /* of the first that becomes ready; 0: that kicks; any poster */
	time_ns_t idle_slice_ns;  /* what first_slice_ns becomes when the CPU goes idle by itself */
	time_ns_t again_until_ns; /* until then it goes idle after one that was run first */
	struct core_next next;
	bool switched; /* next was run since the decision: */
	time_ns_t switched_ns;
	word_t switched_tag;
	time_ns_t switched_sleep_ns; /* 0 unless `switched`, and a timed request went before */

	/* Owner under the lock, and who removes a thread from homed. */
	/* Next homed thread to report after a bind; NULL: done.  Of no meaning without a dispatcher. */
	struct list_node *rebind_next;

	/* Owner: this CPU only. */
	struct tcb *loaded; /* thread whose user state is live, or NULL: the empty address space */
	struct tcb *held;   /* thread whose on_cpu this CPU has set, or NULL */
	struct tcb *payer;  /* whose time it is: head of current's chain; NULL: dispatcher, idle */
	struct tcb *last_payer;  /* to count switches; compared only */
	bool dispatcher_started; /* it has run since it was bound: an entry is an upcall */
	bool bounced;            /* the last decision was returned STALE: take the next */
	uint32_t refusals;       /* in a row */
	uint64_t
		named_version; /* of a slot with a capability to decide here (fastpath_decision.c) */
	time_ns_t slice_over_ns; /* when the end of the slice was noticed (REASON_SLICE) */
	time_ns_t slice_end_ns;
	time_ns_t server_timer_ns; /* x5 of the last decision */
	time_ns_t decision_end_ns; /* while the dispatcher runs */
	time_ns_t starvation_end_ns;
	time_ns_t decision_limit_ns;
	time_ns_t starvation_limit_ns; /* 0: off */
	time_ns_t armed_ns;            /* what the hardware timer is set to */
	/* Owner, any CPU reads (counter.h). */
	time_ns_t stretch_ns; /* since when the present kind of time is counted */
	struct core_stats stats;
};

#define TRACE_RECORDS 256u

struct cpu {
	struct core core; /* first: one base for what is in both */
	uint64_t hw_id;   /* MPIDR affinity */
	uint32_t trace_next;
	struct trace_chunk
		trace_chunk; /* head of what is sent; the records follow without a hole */
	struct trace_record trace[TRACE_RECORDS];
};

extern struct cpu cpus[CPUS_MAX];
extern unsigned cpus_count; /* in the table; online ones have core.online */

static inline struct core *this_core(void)
{
	return &arch_this_cpu()->core;
}

/* Lock held: fallback, and both kinds of what is to be handed over; 0 = FALLBACK_NONE, and neither. */
static inline uint64_t core_untold(const struct core *core) LOCK_REQUIRES(core->lock)
{
	return __atomic_load_n((const uint64_t *)(const void *)&core->fallback, __ATOMIC_RELAXED);
}

/* What is there of that is a record or a switch. */
static inline bool untold_is_short(uint64_t untold)
{
	return (untold & ~((uint64_t)UINT16_MAX << 32)) == 0;
}

/* Lock held: a dispatcher decides, and nothing is to be handed over to it. */
static inline bool core_is_calm(const struct core *core) LOCK_REQUIRES(core->lock)
{
	return core_untold(core) == 0;
}

_Static_assert(FALLBACK_NONE == 0 &&
		       offsetof(struct core, untold) == offsetof(struct core, fallback) + 4 &&
		       offsetof(struct core, untold_more) == offsetof(struct core, fallback) + 6,
	       "core_untold() reads one word, little-endian");

#define CORE_DISPATCHER_RUNS 1u

/* Owner: 0 if a thread runs here that is no dispatcher (so there is a payer), nobody wants anything, and no
 * floating-point state is live; CORE_DISPATCHER_RUNS if a dispatcher does.  Relaxed: of the words of others
 * only requests are in it, and whoever posts one later interrupts. */
static inline uint64_t core_obstacles(const struct core *core)
{
	return __atomic_load_n((const uint64_t *)(const void *)&core->dispatcher_running,
			       __ATOMIC_RELAXED);
}

_Static_assert(offsetof(struct core, fpu_live) == offsetof(struct core, dispatcher_running) + 1 &&
		       offsetof(struct core, reasons) ==
			       offsetof(struct core, dispatcher_running) + 2 &&
		       offsetof(struct core, requests) ==
			       offsetof(struct core, dispatcher_running) + 4,
	       "core_obstacles() reads one word, little-endian");
_Static_assert(REASON_COUNT <= 16, "reasons hold each");

_Static_assert(offsetof(struct cpu, core) == 0, "vectors.S");
_Static_assert(offsetof(struct core, current) == CPU_OFFSET_CURRENT, "vectors.S");
_Static_assert(offsetof(struct core, kernel_stack) == CPU_OFFSET_STACK, "vectors.S");
_Static_assert(offsetof(struct core, scratch) == CPU_OFFSET_SCRATCH, "vectors.S");
_Static_assert(offsetof(struct core, index) == CPU_OFFSET_INDEX, "vectors.S");
_Static_assert(offsetof(struct tcb, context) == TCB_OFFSET_CONTEXT, "vectors.S");
