/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a scheduling policy is: the order of the threads of ONE CPU.
 *
 * A policy is pure.  It makes no system call, reads no clock (`now_ns` is an argument), takes no
 * lock, allocates nothing and has no globals; everything it remembers lies in two kinds of memory
 * that the caller provides, one blob per CPU and one per thread.  The same object code runs in the
 * dispatcher, the unit tests, the stepper and the simulator.
 *
 * Who calls: the dispatcher of one CPU, and nobody else, for that CPU's blob and for the blobs of
 * the threads whose home it is.  Two CPUs may be inside the same policy at once with different
 * blobs.  Every operation is O(log n) in the threads of the queue unless its contract says more.
 *
 * Life of a thread, as the policy sees it:
 *
 *            thread_init                enqueue(NEW, WAKE)                pick
 *   (bytes) ------------>  OUT  ----------------------------> QUEUED  <---------> RUNNING
 *                           ^  <-- dequeue(SLEEP) lag >= 0 ----- |                   |
 *                           |  <-- dequeue(KEEP, EXIT) --------- + ----------------- +
 *                           |                                    ^                   |
 *                           |  <-- lag reaches 0 -- DELAYED -----+ enqueue(WAKE)     |
 *                           |                          ^                             |
 *                           |                          +--- dequeue(SLEEP) lag < 0 --+
 *                           |                                          (or from QUEUED)
 *                           +-- migrate_out from any state; migrate_in puts it where it was
 *
 * The running thread stays in the queue: it counts in the load, and pick may choose it again.
 * There is no put-back operation; the protocol of one dispatcher entry is
 *
 *   1. charge() what each thread ran since the last report;
 *   2. dequeue() who blocked or died, enqueue() who became ready, enqueue(YIELD) who yielded,
 *      migrate_in() who arrived, set_params() who was changed, in the order of their records;
 *   3. pick(), and answer the kernel with its thread and slice_ns.
 *
 * pick() may be called again at once (the kernel refused the decision as stale): it then treats the
 * thread that it picked as running without having run, which is harmless.
 *
 * Passing a thread in a state that an operation does not name is a bug of the caller; the
 * operation is then ignored and counted in policy_info.misuse, so that a confused dispatcher never
 * corrupts a queue, and check() reports it.
 */
#pragma once

#include "registry.h"
#include <abi/error.h>
#include <abi/types.h>

/* Opaque blobs, allocated by the caller: cpu_bytes and thread_bytes long, aligned to 16.  To get
 * from a policy_thread back to its own record the caller embeds the blob and uses container_of. */
struct policy_cpu;
struct policy_thread;

#define POLICY_ALIGN 16u
#define POLICY_CPU_BYTES_MAX \
	512u /* no registered policy needs more; asserted by the registry test */
#define POLICY_THREAD_BYTES_MAX 256u
#define POLICY_DUMP_BYTES       4096u /* enough for a useful dump; dump() never needs more */
#define POLICY_NAME_BYTES_MAX   16u

#define POLICY_SLICE_NS_DEFAULT  3000000u
#define POLICY_SLICE_NS_MIN      100000u
#define POLICY_SLICE_NS_MAX      100000000u
#define POLICY_PERIOD_NS_MAX     10000000000u
#define POLICY_WEIGHT_MIN        1u
#define POLICY_WEIGHT_MAX        (1u << 20)
#define POLICY_WEIGHT_NICE_0     1024u
#define POLICY_WEIGHT_BACKGROUND 3u
#define POLICY_PRIORITY_MAX      99u
#define POLICY_PRIORITY_DEFAULT  50u

enum policy_class {
	POLICY_CLASS_NORMAL = 0,
	POLICY_CLASS_BACKGROUND = 1, /* yields at once to a normal thread that wakes */
};

/* What the outside says about a thread.  A policy reads the fields that it understands. */
struct policy_params {
	uint64_t tid;       /* breaks ties, and names the thread in dumps; unique on the machine */
	uint32_t weight;    /* POLICY_WEIGHT_MIN..MAX; the caller sets a background thread's to 3 */
	uint8_t class;      /* enum policy_class */
	uint8_t priority;   /* fifo: 0..99, higher runs first */
	uint8_t off_centre; /* central: it waits on CPU 0, but may not run there */
	uint8_t pad;        /* zero */
	uint64_t slice_ns;  /* POLICY_SLICE_NS_MIN..MAX */
	uint64_t group;     /* 0: none; policy/group reads it, a policy need not */
	uint64_t period_ns; /* edf: slice_ns of service in every period_ns; slice_ns..MAX, or 0: no
			     * such reservation */
};

enum policy_join {
	POLICY_JOIN_NEW,       /* first time in any queue; lag 0, a short first request */
	POLICY_JOIN_WAKE,      /* after a sleep: the lag kept by the policy counts */
	POLICY_JOIN_PREEMPTED, /* of a QUEUED or RUNNING thread: the CPU was taken away; keeps its
				  turn.  See policy_ops.preempted */
	POLICY_JOIN_YIELD,     /* of a QUEUED or RUNNING thread: others that may run go first */
	POLICY_JOIN_EXACT,     /* as WAKE, but the lag given to set_lag counts and is not clamped
				  (tools) */
};

enum policy_leave {
	POLICY_LEAVE_SLEEP, /* blocked; may stay inside as a delayed sleeper, see DELAYED */
	POLICY_LEAVE_KEEP,  /* out at once, lag kept exactly; a WAKE brings it back */
	POLICY_LEAVE_EXIT,  /* out for good: the blob may be reused after thread_init */
};

enum policy_state {
	POLICY_OUT,     /* in no queue */
	POLICY_QUEUED,  /* waits for the CPU */
	POLICY_RUNNING, /* what pick() returned last and what has not left since */
	POLICY_DELAYED, /* asleep for everyone else, still counted here until it owes nothing */
};

#define POLICY_PICK_FRESH 1u /* the running thread has no claim to stay (stepper): pure order */
#define POLICY_PICK_EXACT 2u /* as specified: none of the policy's own refinements (sched.exact) */

/* Asked for beside the decision, by policies that have key() and succeed(). */
#define POLICY_PICK_FILTER    4u
#define POLICY_PICK_SUCCESSOR 8u

/* Who runs if the picked thread blocks before valid_ns while nobody has woken since: exactly what pick()
 * would say then.  Times are from now, until it is dispatched, slice_ns from there. */
struct policy_successor {
	struct policy_thread *thread; /* NULL: nobody, idle */
	uint64_t valid_ns;
	uint64_t slice_ns;
	uint64_t filter_ns; /* from now, whenever it is dispatched; 0: no filter */
	uint64_t filter_key;
};

/* The answer of pick(). */
struct policy_pick {
	struct policy_thread *thread; /* NULL: nothing to run, idle */
	uint64_t slice_ns; /* from now: ask again then at the latest.  It is already the earliest of
			    * everything that the policy waits for: request done, parity, a short
			    * slice becoming eligible, a delayed sleeper leaving.  TIME_NEVER: no
			    * timer interrupt is wanted (a lone thread, fifo, idle). */
	uint64_t request_ns; /* from now: CPU time left of the thread's request; information only.
			      * TIME_NEVER where requests do not end */
	uint64_t load;       /* as in policy_info, valid if runnable is not 0 */
	uint32_t runnable;   /* as in policy_info; 0 with a thread: ask query() */
	uint32_t offers;     /* POLICY_PICK_FILTER, POLICY_PICK_SUCCESSOR: what of the following is
			  * valid; never more than was asked for */
	uint64_t filter_ns;  /* from now: until then no thread that wakes with a key of at least
			      * filter_key changes the decision; > 0 */
	uint64_t filter_key; /* > 0 */
	struct policy_successor successor;
};

/* A fixed-point number: whole + frac / 2^32, with frac >= 0 (so -0.25 is {-1, 3 << 30}). */
struct policy_number {
	int64_t whole;
	uint32_t frac;
	uint32_t pad;
};

/* What query() tells.  Thread fields are zero when no thread was given. */
struct policy_info {
	/* the queue */
	struct policy_number v; /* V, in ns / weight.  0 for a policy without virtual time */
	uint64_t weight;        /* W: sum of the weights, running and delayed included */
	uint64_t load;          /* as weight, without delayed sleepers: what placement should see */
	uint32_t runnable;      /* threads QUEUED or RUNNING */
	uint32_t off_centre;    /* of those, with params.off_centre; 0 if the policy ignores it */
	uint32_t delayed;       /* threads DELAYED */
	uint32_t misuse;        /* calls that were ignored because the state did not fit */
	uint32_t state;         /* of the thread: enum policy_state */
	int64_t ahead_ns; /* mean of its threads, see set_average; 0 if the policy keeps no account */
	/* the thread */
	struct policy_number thread_v;  /* v */
	struct policy_number thread_ve; /* start of its request */
	struct policy_number thread_vd; /* deadline of its request */
	struct policy_number lag_ns;    /* positive: it is owed; of an OUT thread, the lag kept */
	uint64_t left_ns;               /* CPU time left of its request, 0 if OUT */
	uint64_t slice_ns;
	/* It asks for a reservation (period_ns), and there was no room for it here.  A policy without
	 * reservations leaves this alone: false before the call. */
	bool refused;
};

#define POLICY_ABOVE_MAX 4u
#define POLICY_LAG_BITS  52u /* fraction bits of a lag that travels */

/* What a thread carries to another CPU, perhaps with another policy there. */
struct policy_migration {
	uint32_t policy_id; /* of the source; another id at the target drops lag and deadline */
	uint32_t state;     /* enum policy_state at the source: OUT or QUEUED (RUNNING is QUEUED) */
	int64_t lag_whole;  /* lag, 2^-52 ns units, high and low word of a 128-bit number */
	uint64_t lag_low;
	uint64_t deadline_ns;   /* left of the current request, ns (whole part) */
	uint64_t deadline_frac; /* ... and 2^-52 ns units */
	uint64_t request_ns;    /* service since the request began (so that ve moves along), ns */
	uint64_t request_frac;
	/* Its part of what the entities above it are owed, its group's first, ns: policy/group. */
	int64_t above_ns[POLICY_ABOVE_MAX];
};

/* One saved queue or thread; the words belong to the policy.  Plain data: may be checksummed. */
#define POLICY_RECORD_WORDS 12u
struct policy_record {
	uint32_t policy_id;
	uint16_t version;
	uint16_t kind; /* 0: empty, 1: queue, 2: thread */
	uint64_t tid;  /* of a thread */
	uint64_t words[POLICY_RECORD_WORDS];
};

/* What nap() did. */
#define POLICY_NAP_TAKEN     1u
#define POLICY_NAP_DONE      2u /* and a request of the thread is done */
#define POLICY_NAP_NEXT_DONE 4u /* and one of its successor */

/* A thread that could be given away, see spare. */
struct policy_spare {
	struct policy_thread *thread;
	int64_t owed_ns; /* what the machine owes it; negative: it is ahead */
	uint32_t weight;
	bool running; /* the RUNNING one: may be given away too while its dispatcher is on the CPU */
};

/*
 * Every member must be present, but for key, succeed, succeed_past and nap; a policy without use for one does
 * nothing in it.  Cost is O(log n) and no call fails unless said.
 */
struct policy_ops {
	const char *name; /* as in sched=NAME, lower case, < POLICY_NAME_BYTES_MAX */
	const char *desc; /* one line for people */
	uint32_t version; /* of the records of save(); restore() refuses any other */
	uint32_t id;      /* distinct per policy: migration and records carry it */
	uint32_t cpu_bytes;
	uint32_t thread_bytes;
	bool preempted; /* wants to be told POLICY_JOIN_PREEMPTED; else the caller may leave it out */

	/* Make an empty queue of cpu_bytes of arbitrary memory. */
	void (*cpu_init)(struct policy_cpu *cpu, uint32_t cpu_index);

	/* Make an OUT thread of thread_bytes of arbitrary memory, lag 0.
	 * ERR_RANGE: weight, slice, period, class or priority outside its bounds; the blob is then
	 * unusable. */
	enum error (*thread_init)(struct policy_thread *thread, const struct policy_params *params)
		__attribute__((warn_unused_result));

	/* Change weight, slice, class, priority in any state (queued, running, delayed, out).  A
	 * weight change leaves V and every lag as they are.  A new slice counts from the next
	 * request on. tid must stay.  A decision point: call pick() afterwards. `cpu` is the
	 * thread's queue, also when it is OUT.  ERR_RANGE as thread_init: nothing changed. */
	enum error (*set_params)(struct policy_cpu *cpu, struct policy_thread *thread,
				 const struct policy_params *params, uint64_t now_ns)
		__attribute__((warn_unused_result));

	/* OUT -> QUEUED (NEW, WAKE, EXACT), DELAYED -> QUEUED (WAKE: with the lag it has), or a
	 * remark about a thread that is in already (PREEMPTED, YIELD).  WAKE of a QUEUED or RUNNING
	 * thread is harmless and does nothing: a record may be seen twice. */
	void (*enqueue)(struct policy_cpu *cpu, struct policy_thread *thread,
			enum policy_join reason, uint64_t now_ns);

	/* QUEUED, RUNNING -> OUT or (SLEEP only) DELAYED; DELAYED -> OUT (KEEP, EXIT).  Of an OUT
	 * thread: nothing, but EXIT ends what the policy had promised it.  The caller charges first
	 * what the thread ran.  Afterwards the dispatcher may forget about a DELAYED thread: it
	 * leaves by itself, is never picked, and any later enqueue(WAKE), migrate_out, set_params
	 * or dequeue on it is as good as on an OUT thread. */
	void (*dequeue)(struct policy_cpu *cpu, struct policy_thread *thread,
			enum policy_leave reason, uint64_t now_ns);

	/* Choose.  The result is RUNNING afterwards, and a previous RUNNING thread is QUEUED.
	 * A running thread in the middle of its request keeps the CPU as the policy's rules say,
	 * unless `flags` has POLICY_PICK_FRESH.  out->thread is NULL only if no thread is QUEUED or
	 * RUNNING (central, on CPU 0: none that may run there). */
	void (*pick)(struct policy_cpu *cpu, uint64_t now_ns, uint32_t flags,
		     struct policy_pick *out);

	/* `thread` received `ran_ns` of CPU time that was not charged before.  Normally RUNNING; a
	 * QUEUED thread is legal (it ran as a successor, in fallback, or on a donated chain), and
	 * so is OUT (the lag kept is lowered).  Any size up to 2^50 ns; splitting a charge changes
	 * nothing. Returns whether a request of the thread is done by this. */
	bool (*charge)(struct policy_cpu *cpu, struct policy_thread *thread, uint64_t ran_ns,
		       uint64_t now_ns);

	/* Would pick() now take the CPU from the RUNNING thread `running` and give it to the QUEUED
	 * thread `woken`?  Changes nothing.  True if `running` is NULL. */
	bool (*preempts)(const struct policy_cpu *cpu, const struct policy_thread *running,
			 const struct policy_thread *woken, uint64_t now_ns);

	/* Any state -> OUT, with `out` filled for migrate_in elsewhere.  DELAYED travels as OUT,
	 * with the lag that it still owes (else waking elsewhere would cancel the debt). */
	void (*migrate_out)(struct policy_cpu *cpu, struct policy_thread *thread,
			    struct policy_migration *out, uint64_t now_ns);

	/* OUT -> QUEUED if in->state is QUEUED, with its lag and the rest of its request (not
	 * clamped; onto an empty queue the lag becomes 0); stays OUT, with its lag kept, if
	 * in->state is OUT.  The blob was either used on the source CPU or is fresh from
	 * thread_init.  With another policy's id in `in` this is enqueue(WAKE) with lag 0. */
	void (*migrate_in)(struct policy_cpu *cpu, struct policy_thread *thread,
			   const struct policy_migration *in, uint64_t now_ns);

	/* Fill `out` with all that restore() needs of the thread, or of the queue if thread is
	 * NULL. Changes nothing.  O(1). */
	void (*save)(const struct policy_cpu *cpu, const struct policy_thread *thread,
		     struct policy_record *out);

	/* Rebuild a queue as saved: `cpu` fresh from cpu_init, each threads[i] from thread_init
	 * with its present parameters, records[i] its record.  Nobody's lag changes.  A saved
	 * RUNNING thread is QUEUED.  A thread record that is empty, of another policy or
	 * inconsistent makes that thread OUT with lag 0.  ERR_FORMAT: the queue's record is
	 * unusable; all threads are OUT with lag 0. O(n log n). */
	enum error (*restore)(struct policy_cpu *cpu, const struct policy_record *queue,
			      struct policy_thread *const threads[],
			      const struct policy_record *records, uint32_t count)
		__attribute__((warn_unused_result));

	/* Up to `count` QUEUED or RUNNING (not DELAYED) threads, the ones owed least first as far
	 * as that can be told from a bounded look; returns how many.  `cursor` starts at 0; the value
	 * left in it by a call leads the next call to other threads, so that a queue full of pinned
	 * threads is searched over several balance periods.  O(count + log n), never O(n). */
	uint32_t (*spare)(const struct policy_cpu *cpu, uint64_t *cursor, struct policy_spare *out,
			  uint32_t count);

	/* Figures for statistics and the stepper; thread may be NULL.  O(1). */
	void (*query)(const struct policy_cpu *cpu, const struct policy_thread *thread,
		      struct policy_info *out);

	/* Tell the queue the average load of the machine's CPUs (balance_average), about every
	 * BALANCE_PERIOD_NS.  From then on the policy keeps an account of how far each thread is ahead of a
	 * fair share of the whole machine (`lag` knows this CPU only), in ns of the average CPU:
	 * spare() offers the ones furthest ahead first, query() tells the mean of the queue.
	 * Average 0: who is here gets what it can use (nobody waits anywhere, or it has a whole CPU),
	 * so the account stands still until the next call.  A policy may ignore it.  The account
	 * travels in the thread's blob. */
	void (*set_average)(struct policy_cpu *cpu, uint64_t average_weight, uint64_t now_ns);

	/* The key by which a wake of a thread with these parameters is filtered, see policy_pick.
	 * NULL, like succeed: the policy offers neither filters nor successors. */
	uint64_t (*key)(const struct policy_params *params);

	/* The thread that pick() offered as successor runs: what pick() would do now, the one that it
	 * picked having left with dequeue(SLEEP).  Nobody is RUNNING. */
	void (*succeed)(struct policy_cpu *cpu, struct policy_thread *thread, uint64_t now_ns);

	/* Right after the pick() that offered `next`: these threads, OUT or DELAYED, are to wake in this
	 * order while the picked one runs, within its filter.  Of how many, from the first on, that changes
	 * nothing: `next` stays right for as long as it was without them.  NULL: of none.  Changes nothing.
	 * O(count). */
	uint32_t (*succeed_past)(const struct policy_cpu *cpu, const struct policy_successor *next,
				 const struct policy_thread *const wakes[], uint32_t count);

	/* RUNNING `thread` ran for ran_ns, slept, and is awake again at now_ns; its successor `next` ran for
	 * next_ran_ns meanwhile.  The same as charge(thread), dequeue(thread, SLEEP), succeed(next),
	 * charge(next), enqueue(thread, WAKE) and pick(flags, out) in one step; returns POLICY_NAP_*.  0:
	 * nothing was done, and the caller takes these steps; so a policy answers to which it matters when
	 * the sleep began.  NULL: as if always 0; so where `preempted` is set. */
	uint32_t (*nap)(struct policy_cpu *cpu, struct policy_thread *thread,
			struct policy_thread *next, uint64_t ran_ns, uint64_t next_ran_ns,
			uint64_t now_ns, uint32_t flags, struct policy_pick *out);

	/* Set the kept lag of an OUT thread, whole ns and 2^-32 ns: less than it left with if it has
	 * to pay for another one since (server), anything (stepper, tests). */
	void (*set_lag)(struct policy_thread *thread, struct policy_number lag_ns);

	/* Verify the whole queue: 0, or the number of the first broken rule; the numbers are listed
	 * in the policy's header.  O(n): tests, and after a fault. */
	uint32_t (*check)(const struct policy_cpu *cpu);

	/* Describe the queue in text, NUL-terminated, at most `bytes`; returns the length written
	 * without the NUL.  Reports at most a few dozen threads.  bytes 0: nothing. */
	size_t (*dump)(const struct policy_cpu *cpu, char *text, size_t bytes);
};

/* registry.c: the policies that this build knows.  The first one is the default. */
extern const struct policy_ops *const policies[];
extern const uint32_t policies_count;

/* The policy of that name (`length` bytes, no NUL needed), or NULL. */
const struct policy_ops *policy_find(const char *name, size_t length);

/* The weight of a nice value -20..19 (clamped): 88761..15, 1024 for 0. */
uint32_t policy_weight_of_nice(int nice);

#define X(name) extern const struct policy_ops policy_##name;
POLICY_LIST(X)
#undef X
