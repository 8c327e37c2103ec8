/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core: what one CPU runs, and the kernel's half of the conversation with its dispatcher.
 * struct cpu is the per-CPU block around it.
 */
#pragma once

#include <abi/sched.h>
#include <abi/trace.h>
#include <base/list.h>
#include <kern/lock.h>
#include <kern/tcb.h>

/* IPI request bits, struct core.requests. */
#define CORE_REQUEST_KICK \
	1u /* enter the dispatcher (or look at the ready ring, in fallback or idle) */
#define CORE_REQUEST_STOP  2u /* stop the threads on stop_list */
#define CORE_REQUEST_GRACE 4u /* acknowledge quiescence */
#define CORE_REQUEST_HALT  8u /* panic elsewhere: stop for ever */

struct core {
	uint32_t index;

	/* Posted by any CPU with an atomic OR; the poster that changes it from zero sends the IPI.
	 * The owner takes bits with an atomic exchange before it acts on them. */
	uint32_t requests;   /* atomic */
	uint32_t online;     /* atomic; set by the CPU itself, never cleared */
	uint32_t idle;       /* atomic; in WFI or about to */
	uint64_t grace_seen; /* atomic; last grace generation acknowledged */

	/* Shared: this lock.  Any CPU may take it, shortly. */
	struct spinlock lock;
	struct list ready;  /* schedulables in state READY, oldest first: fallback order */
	struct list homed;  /* all schedulables whose home is here */
	struct list events; /* linked event records, oldest first */
	struct list requests_waiting; /* threads blocked in a request to this Core */
	struct list stop_list;
	struct tcb *dispatcher;          /* bound one, or NULL */
	struct notification *supervisor; /* signalled when fallback is entered */
	struct tcb *rebind_next; /* next homed thread to post after a bind, NULL when done */
	uint32_t fallback;       /* enum fallback_reason; NONE = the dispatcher decides */
	time_ns_t decision_limit_ns;
	time_ns_t starvation_limit_ns; /* 0: off */

	/* Owner: this CPU only. */
	struct tcb *current; /* thread whose registers are live, or NULL: idle */
	struct tcb *payer; /* whose time it is: current, the head of its chain, or NULL (dispatcher,
			      idle) */
	struct tcb *last_payer; /* to count switches */
	bool dispatcher_running;
	bool bounced;      /* the last decision was returned STALE: accept the next */
	bool min_slice;    /* the running dispatch was accepted with events pending */
	uint32_t reasons;  /* why the dispatcher is to be entered */
	uint32_t refusals; /* in a row */
	time_ns_t slice_end_ns;
	time_ns_t server_timer_ns; /* x5 of the last decision */
	time_ns_t dispatcher_entered_ns;
	time_ns_t armed_ns;   /* what the hardware timer is set to */
	time_ns_t stretch_ns; /* since when the present kind of time is counted */
	struct core_stats stats;
};

#define TRACE_RECORDS 256u

struct cpu {
	/* Fixed offsets, used by the vectors. */
	struct tcb *current;   /* copy of core.current; NULL while idle or starting */
	uint64_t kernel_stack; /* top */
	uint64_t scratch[2];

	struct core core;
	uint64_t hw_id; /* MPIDR affinity */
	uint32_t trace_next;
	struct trace_record trace[TRACE_RECORDS];
};

extern struct cpu cpus[CPUS_MAX];
extern unsigned cpus_count; /* in the table; online ones have core.online */

#define CPU_OFFSET_CURRENT 0
#define CPU_OFFSET_STACK   8
