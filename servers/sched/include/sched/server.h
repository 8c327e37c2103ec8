/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler server: everything that one instance remembers.
 *
 * Ownership.  A struct sched_cpu belongs to that CPU's dispatcher; a struct sched_thread to the
 * dispatcher of the thread's home.  Ownership of a thread passes with its ARRIVED event: the old
 * owner writes, then calls TCB_SET_HOME, whose Core locks order these writes before the new
 * owner's first look.  So there is no lock; what others may read at any time (`home`, the
 * published load, the masks) is atomic and marked so.
 *
 * Laws of this server: a dispatcher calls nobody and blocks only in core_reply_wait; no
 * allocation; memory is mapped and pinned before it is bound; no floating point; bounded work per
 * upcall (at most UPCALL_EVENTS_MAX events, one request, all expired sleepers).
 */
#pragma once

#include <abi/sched.h>
#include <base/cpumask.h>
#include <base/heap.h>
#include <sched/shared.h>

#include "../../policy/group/fair.h"
#include "../../policy/group/fill.h"
#include "../../policy/place.h"
#include "../../policy/place/balance.h"
#include "../../policy/place/level.h"
#include "../../policy/place/plan.h"
#include "../../policy/policy.h"

enum sched_thread_state {
	SCHED_UNKNOWN, /* not initialised in this instance */
	SCHED_OUT,     /* blocked or stopped; not in the policy's queue (or delayed there) */
	SCHED_READY,   /* in the policy's queue */
	SCHED_NOWHERE, /* ready, in no queue: its mask is empty */
};

/* Whether a thread is in cpu->requesting, and stays in the queue until all records are applied. */
enum sched_asks {
	SCHED_ASKS_NOT, /* or not any more */
	SCHED_ASKS,     /* blocked in a request that may be ours */
	SCHED_YIELDS,   /* and goes behind others then */
};

struct sched_thread {
	/* Owner: the dispatcher of home. */
	_Alignas(POLICY_ALIGN) unsigned char policy[POLICY_THREAD_BYTES_MAX];
	struct policy_migration migration; /* valid while arriving */
	struct heap_node sleep_node;
	time_ns_t wake_at_ns;               /* in the sleep heap: when */
	time_ns_t ready_since_ns;           /* valid while woke: when it became ready */
	time_ns_t arrived_ns;               /* when it came to this home */
	time_ns_t owed_since_ns;            /* core/owed.c, account.c: until when it was counted */
	int64_t owed_more;                  /* and what the policy left out of it */
	int64_t owed_ns;                    /* or what is owed: core/account.c */
	uint64_t owed_cpu_ns;               /* and what it had had then */
	struct sched_thread_params *params; /* its records in shared memory, once it was adopted */
	struct sched_thread_stats *stats;
	uint64_t *bill_ns;        /* likewise, atomic: what others left it to pay */
	uint32_t incoming_weight; /* valid while arriving: what it added to the target's */
	uint32_t weight_told;     /* to the policy, if that is not its own: core/tilt.c; else 0 */
	uint64_t key;             /* of the wake filter, as the kernel knows it */
	word_t seq;               /* as last reported by the kernel */
	word_t served_seq;        /* of the last record that said that it runs a server */
	uint32_t tid;
	uint32_t debt_ns;     /* what the entries that it caused cost, not charged to it yet */
	uint8_t balancer;     /* a balancer thread: never in the policy's queue */
	uint8_t arriving;     /* moved here, migrate_in not done yet */
	uint8_t state;        /* enum sched_thread_state */
	uint8_t woke;         /* its wake latency is still to be measured */
	uint8_t in_request;   /* enum sched_asks */
	uint8_t joined;       /* was in a queue before */
	uint8_t turn_over;    /* its turn ended, or it yielded, since it was dispatched */
	uint8_t mask_class;   /* of its affinity mask, 0: it has all CPUs */
	uint32_t mask_weight; /* what it adds to the class now */

	/* Any CPU may read; written by the owner (atomic, relaxed: a reader asks the CPU it
	 * names, which checks). */
	uint32_t home;
};
/* 5,120 of them are most of an instance, whose memory is rounded up to a power of two, twice. */
_Static_assert(sizeof(struct sched_thread) <= 512, "an instance for 4 CPUs would be 8 MiB, not 4");

/* A thread that had called a server, which runs on its time, when its record had that number. */
struct sched_served {
	struct sched_thread *thread;
	word_t seq;
	time_ns_t until_ns; /* how long it may go on; 0: it has not begun */
};

/* Servers have fewer threads that others wait for. */
#define SCHED_SERVED_MAX 16u

/* A thread as its CPU publishes it for the plans of others: core/plan.c.  Atomic, relaxed. */
struct sched_plan_thread {
	uint32_t tid;
	uint32_t weight;
	int32_t owed_us;
	uint8_t class; /* of its mask */
	bool running;
	bool bound;            /* its group's cap limits it */
	uint8_t group;         /* index */
	uint32_t group_weight; /* its weight in that group */
	uint32_t rate;         /* owner: what is fair where masks bind, without groups; else 0 */
	uint64_t cpu_ns;       /* owner: what it had had when core/steady.c looked last */
};

/* What the load of a CPU has been lately: core/steady.c. */
struct sched_steady {
	/* Owner: this CPU's dispatcher. */
	time_ns_t since_ns;  /* when the period began */
	time_ns_t closed_ns; /* until when what follows was counted */
	uint64_t seen_ns;    /* how long there were lasting threads since since_ns */
	uint64_t served_ns;  /* and what they had */
	uint32_t wakes;      /* of all CPUs, until then; goes round */
	bool many;           /* more woke in that period than half of the CPUs */
	uint32_t periods;    /* so many more without a wake count as periods with sleepers */
	bool counts;         /* there are sleepers, and they are no more than part of the machine */

	/* Any CPU may read; atomic, relaxed. */
	uint64_t lasting;    /* weight of the threads that hardly sleep */
	int32_t owed_us;     /* to these, in the mean (plan.c) */
	uint32_t used;       /* part of the CPU that sleepers have, of STEADY_WHOLE */
	uint64_t owed_parts; /* what each counts in that mean, in sum */
};

#define STEADY_WHOLE    65536u
#define STEADY_USED_MAX (STEADY_WHOLE / 10u * 9u) /* more counts as that */

#define SCHED_SILENT_POLICY  1u /* the policy has no more to say */
#define SCHED_SILENT_PLACE   4u /* the placement does not allow more */
#define SCHED_SILENT_CHANGES 2u /* it holds changes back: core/changes.c */

struct sched_cpu {
	/* Owner: this CPU's dispatcher. */
	const struct policy_ops *policy; /* once a group was met here, the layer over it */
	const struct place_ops *place;
	struct sched_cpu_stats *stats; /* in shared memory */
	struct heap sleepers;
	struct sched_thread *running;  /* last dispatched, while it is in the queue */
	struct sched_thread *last_run; /* last dispatched, to count switches */
	struct sched_thread *requesting[UPCALL_EVENTS_MAX];
	/* Nearly always all 0, so one look does: core/dispatcher.c. */
	union {
		struct {
			uint8_t several; /* there are other CPUs */
			uint8_t silent;  /* a decision says no more than that: SCHED_SILENT_* */
			uint8_t grouped; /* the policy is the layer of policy/group */
			uint8_t offer_refused; /* the last decision named a successor and was refused */
			uint8_t balancer_ready;
			uint8_t sleepers_wait; /* some need not wake in time, see core/offer.c */
			uint8_t requesting_count;
			uint8_t served_count;
		};
		uint64_t unusual; /* see sched_usual() */
	};
	uint32_t index;
	uint32_t balancer_tid;  /* 0: none seen yet */
	uint32_t decided_tid;   /* whom the last decision named, 0: nobody */
	word_t decided_seq;     /* and what it had seen of it */
	uint32_t decided_flags; /* what else it said */
	uint32_t moves;         /* threads that were sent to other CPUs, and weights told */
	uint8_t strangers; /* a thread of this CPU may have slept while it was forbidden to run here */
	uint8_t balancer_parked;
	word_t balancer_seq;
	uint64_t spare_cursor;
	/* Whom the last decision named as the successor, while nothing has changed since; or NULL. */
	struct sched_thread *successor;
	uint64_t filter_key;       /* of the stretch that the kernel is in; UINT64_MAX: no filter */
	uint64_t next_filter_key;  /* of the one after */
	struct cpumask idle_tried; /* asked in vain since this CPU went idle */
	struct cpumask busy_tried; /* asked in vain since the last one that gave something */
	time_ns_t next_balance_ns; /* when to look */
	time_ns_t slot_ns;         /* when to ask */
	time_ns_t swap_until_ns;   /* idle until then: a thread comes in exchange for one */
	uint64_t average;          /* the last average load that the policy was told: core/owed.c */
	bool average_own;          /* now it goes by the load that is here */
	bool way_out;              /* the next sleeper that wakes may go where it is better */
	bool plan_owed;            /* its policy keeps an account of who is owed what */
	uint32_t plan_start;       /* with which CPUs the next plan begins */
	uint32_t tilted_count;     /* core/tilt.c */
	uint32_t tilted[PLAN_THREADS_MAX];
	struct sched_thread
		*payer;       /* who caused the last entry and pays for it, settled here; or NULL */
	time_ns_t entered_ns; /* when that was */
	time_ns_t changes_ns; /* when an entry last had changes to see: core/changes.c */
	time_ns_t changes_until_ns; /* until then the time that is meant for them is used up */
	_Alignas(POLICY_ALIGN) unsigned char policy_blob[POLICY_CPU_BYTES_MAX];

	/* Published: written by the owner, read by all (atomic). */
	_Alignas(64) struct place_load load;
	/* Threads sent here whose arrival was not seen yet; atomic, any CPU. */
	uint32_t incoming;
	uint64_t incoming_weight;
	time_ns_t incoming_ns; /* when the last one was sent */
	uint32_t wakes;        /* goes round; relaxed */
	struct sched_steady steady;
	uint32_t heaviest; /* weight of the heaviest thread found here; 0: none is known; relaxed */
	uint64_t waits; /* the groups that had no runtime here when it went idle: group_waits() */
	uint8_t running_class; /* mask class of the thread that runs */
	/* What its balancer is on its way for; `from` is told who is wanted.  Atomic, relaxed. */
	struct plan plan;
	uint32_t plan_count;
	uint32_t
		plan_throttled; /* so many threads are not runnable because a group of theirs is throttled */
	struct sched_plan_thread plan_thread[PLAN_THREADS_MAX];

	struct sched_served served[SCHED_SERVED_MAX]; /* owner: this CPU's dispatcher */
};

/* Threads with one affinity mask: core/level.c. */
struct sched_mask_class {
	uint32_t users;
	uint64_t weight; /* of the runnable ones */
	uint32_t count;  /* of the runnable ones */
	struct cpumask mask;
};

struct sched_masks {
	/* Atomic, any CPU. */
	uint64_t weight; /* of all classes */
	bool grouped;    /* the layer of policy/group is in use */
	struct sched_mask_class class[LEVEL_CLASSES_MAX];
	uint64_t level[CPUS_MAX];
	bool lasting; /* the levels were found from the threads that hardly sleep */
	bool busy;
	/* Owner: who made busy true. */
	struct level_input input;
	struct level_state state;
	struct fair fair;
	struct fill fill; /* with `input` and `state` */
	bool filling;     /* it has begun */
	bool fill_masked; /* of threads with masks, among others */
};

struct sched_server {
	struct sched_shared *shared;
	/* Atomic: the threads below, written by each dispatcher at its start.  Read where the compiler would
	 * compute a record's address from its index for each access. */
	struct sched_thread *thread;
	uint32_t cpus;
	uint32_t pick_flags;   /* of every pick: POLICY_PICK_EXACT or 0 */
	uint32_t offers;       /* POLICY_PICK_FILTER, POLICY_PICK_SUCCESSOR: to be made */
	bool again;            /* with the latter: DECISION_AGAIN, too */
	struct cpumask online; /* atomic words: CPUs whose dispatcher of this instance runs */
	struct cpumask idle;   /* atomic words; seq_cst, see core/place.c */
	struct cpumask quiet; /* atomic words: CPUs that ask for no balancing, see core/balance.c */
	struct group_machine groups; /* atomic, any CPU: policy/group/machine.c */
	struct sched_masks masks;
	struct sched_cpu cpu[CPUS_MAX];
	struct sched_thread threads[SCHED_THREADS_MAX];
};

/* Of `silent` in `unusual`, little-endian. */
#define SCHED_SILENT_SHIFT \
	(8u * (offsetof(struct sched_cpu, silent) - offsetof(struct sched_cpu, unusual)))

/* One upcall, as core_reply_wait returned it. */
struct sched_upcall {
	enum error status; /* of the decision before */
	word_t info;
	time_ns_t now_ns;
	struct sched_event first;
	const struct upcall_buffer *buffer;
};

/* The answer. */
struct sched_decision {
	uint32_t kind; /* enum decision */
	uint32_t tid;  /* 0: nobody */
	word_t seq;
	time_ns_t slice_ns;
	time_ns_t timer_ns;
	uint32_t flags;         /* DECISION_FILTER, _SUCCESSOR, _FIRST, _AGAIN, _ANSWER */
	uint32_t successor_tid; /* valid with DECISION_SUCCESSOR, 0: idle */
	word_t successor_seq;
	time_ns_t successor_slice_ns;
	time_ns_t successor_until_ns;
	time_ns_t successor_filter_until_ns;
	uint64_t successor_filter_key;
	time_ns_t again_until_ns;  /* valid with DECISION_AGAIN */
	time_ns_t filter_until_ns; /* valid with DECISION_FILTER */
	uint64_t filter_key;
};

/* Initialise one CPU's part with the named policy and placement, and return it; the names were resolved by
 * the caller.  Not inline: who serves upcalls is to keep the address, and not compute it from the number. */
__attribute__((noinline)) struct sched_cpu *sched_cpu_init(struct sched_server *server,
							   uint32_t cpu,
							   const struct policy_ops *policy,
							   const struct place_ops *place);

/* Handle an upcall and decide.  Context: the CPU's dispatcher.  Cost: O(events * log n). */
void sched_upcall(struct sched_server *server, struct sched_cpu *cpu,
		  const struct sched_upcall *upcall, struct sched_decision *decision);
