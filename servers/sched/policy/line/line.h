/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line: what policies have in common that keep the threads of a CPU in ONE order and give each a turn.
 * A policy on top of it says where a thread stands (`key`), how long a turn is, and who is next;
 * everything else of policy_ops is here: states, sums, turns, records, migration, figures, check(), dump().
 *
 *   key      order: the smallest is first; compared by the sign of the difference, so it may wrap
 *   number   breaks ties: who was put into the line first
 *   turn     turn_ns of service: the slice that was asked for, read when the turn begins
 *
 * Who runs: the running thread until its turn is over (used up, or it yielded), then `next`, which is the
 * first of the line if the policy does not say otherwise.  A thread whose turn is over goes to the end of
 * those with the same key.  A policy without any hook is round robin.
 *
 * Invariants: every QUEUED and RUNNING thread is in the tree once, in order of (key, number, tid); the
 * RUNNING one is the thread named.  All operations O(log n), check O(n).
 *
 * Bad at: more than one order at once; EEVDF, which has four trees, is not built on it.
 *
 * check() numbers: enum line_rule.
 */
#pragma once

#include "../common.h"
#include <base/rbtree.h>

enum line_rule {
	LINE_RULE_ORDER = 1,   /* tree and order */
	LINE_RULE_COUNT = 2,   /* runnable is the number of threads in the tree */
	LINE_RULE_WEIGHT = 3,  /* weight is the sum of theirs */
	LINE_RULE_RUNNING = 4, /* one is RUNNING, the one named; the others are QUEUED */
	LINE_RULE_TURN = 5,    /* nobody has used up a turn and still has it */
	LINE_RULE_OWN = 6,     /* what the policy itself checks */
	LINE_RULE_MISUSE = 7,  /* calls in a state that does not fit */
};

#define LINE_WORDS_OWN 7u /* words of a record that are the policy's */

/* The first member, `line`, of a policy's own struct. */
struct line_thread {
	struct rb_node node;
	uint64_t tid;
	uint64_t key;
	uint64_t number;
	uint64_t slice_ns; /* asked for */
	uint64_t
		turn_ns; /* of the present turn; 0: it has not begun; TIME_NEVER: it does not end */
	uint64_t used_ns; /* of the turn */
	uint32_t weight;
	uint8_t state; /* enum policy_state */
	uint8_t priority;
	uint8_t pad[2];
};

struct line_cpu {
	struct rb_tree tree;
	const struct line_kind *kind;
	struct line_thread *running;
	struct line_thread *yielded; /* the last one since the last choice, if it is in the line */
	uint64_t numbers;            /* the last one given */
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool turn_over; /* the running thread gives way at the next pick */
	uint8_t pad[3];
};

/* What a policy says.  Every hook may be NULL; what happens then stands behind it. */
struct line_kind {
	/* identity and sizes: LINE_KIND */
	const char *name;
	uint32_t id;
	uint32_t version;
	uint32_t cpu_bytes;
	uint32_t thread_bytes;

	bool preemptive;      /* pick() takes the first of the line each time, whoever runs */
	bool alone_too;       /* turns of a lone thread end, too: it gets a timer */
	bool stays;           /* the end of a turn moves nobody in the line */
	bool running_spare;   /* the running thread may be given to another CPU, too */
	bool spares_first;    /* who is given away is the first of the line, not the last */
	rb_update_fn *update; /* summary of a subtree, see <base/rbtree.h>; none */

	/* The rest of a new queue or thread; `line` is set, all else is zero.  (Zero.) */
	void (*cpu_init)(struct line_cpu *cpu);
	void (*thread_init)(struct line_thread *thread, const struct policy_params *params);
	/* An OUT thread is about to enter, by migrate_in too (EXACT): set its key.  (It stays as it is.) */
	void (*join)(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
		     uint64_t now_ns);
	/* A thread is about to leave; it is still in the tree and in the sums.  (Nothing.) */
	void (*leave)(struct line_cpu *cpu, struct line_thread *thread);
	/* It does not come back; it is OUT.  (Nothing.) */
	void (*forget)(struct line_cpu *cpu, struct line_thread *thread);
	/* Its turn is over: set its key; it is out of the tree unless `stays`.  (Same key.) */
	void (*behind)(struct line_cpu *cpu, struct line_thread *thread, bool yields);
	/* Other parameters; a thread that is not OUT is out of the tree meanwhile.  Must call
	 * line_params_take, or change nothing and return an error.  (line_params_take.) */
	enum error (*params)(struct line_cpu *cpu, struct line_thread *thread,
			     const struct policy_params *params, uint64_t now_ns);
	/* It ran; returns whether a turn is over by this, see there.  It may be QUEUED, and OUT: in no tree
	 * then, so not to be moved.  (line_charge_turn.) */
	bool (*charge)(struct line_cpu *cpu, struct line_thread *thread, uint64_t ran_ns);
	/* How long its next turn is.  (slice_ns.) */
	uint64_t (*length_ns)(struct line_cpu *cpu, const struct line_thread *thread);
	/* Before anything else in an operation that is told the time, but for pick() (prepare) and
	 * preempts().  (Nothing.) */
	void (*clock)(struct line_cpu *cpu, uint64_t now_ns);
	/* Before a choice: what time alone has changed.  (Nothing.) */
	void (*prepare)(struct line_cpu *cpu, uint64_t now_ns);
	/* Who is next, now that nobody has a turn; the line may be empty.  A policy whose order a yield
	 * does not change passes over `yielded`, unless it is alone.  (The first.) */
	struct line_thread *(*next)(const struct line_cpu *cpu);
	/* As in policy_ops, where time alone may change who is next.  (Who would be chosen now.) */
	bool (*preempts)(const struct line_cpu *cpu, const struct line_thread *woken,
			 uint64_t now_ns);
	/* After a choice; `again` if the running one goes on with its turn.  (Nothing.) */
	void (*picked)(struct line_cpu *cpu, bool again, uint64_t now_ns, struct policy_pick *out);
	/* What a thread, OUT by now, carries to another CPU; and there, still OUT and before join: `in` is
	 * NULL if it comes from another policy.  (The turn.) */
	void (*carry)(struct line_cpu *cpu, struct line_thread *thread,
		      struct policy_migration *out, uint64_t now_ns);
	void (*arrive)(struct line_cpu *cpu, struct line_thread *thread,
		       const struct policy_migration *in, uint64_t now_ns);
	/* The policy's part of a record of a thread, or of the queue if thread is NULL; load is given the
	 * threads first, their state set, and the queue last, and returns whether the record makes sense.
	 * Nobody joins then: what join does beside the key (a count, a tree) load does.  (None.) */
	void (*save)(const struct line_cpu *cpu, const struct line_thread *thread,
		     uint64_t words[LINE_WORDS_OWN]);
	bool (*load)(struct line_cpu *cpu, struct line_thread *thread,
		     const uint64_t words[LINE_WORDS_OWN]);
	/* The lag that an OUT thread keeps.  (None is kept.) */
	void (*set_lag)(struct line_thread *thread, struct policy_number lag_ns);
	/* May it go to another CPU?  (Yes.) */
	bool (*spares)(const struct line_thread *thread);
	/* What the machine owes it: who is owed least is spared first.  (All the same, from the end.) */
	int64_t (*owed_ns)(const struct line_cpu *cpu, const struct line_thread *thread);
	/* As in policy_ops.  (No account is kept.) */
	void (*set_average)(struct line_cpu *cpu, uint64_t average_weight, uint64_t now_ns);
	/* More figures for query(), rules for check(), text for dump(): of a thread or, if that is NULL, of
	 * the queue.  (None.) */
	void (*tell)(const struct line_cpu *cpu, const struct line_thread *thread,
		     struct policy_info *out);
	bool (*right)(const struct line_cpu *cpu, const struct line_thread *thread);
	void (*show)(const struct line_cpu *cpu, const struct line_thread *thread,
		     struct text *text);
};

/* For `struct NAME_cpu` and `struct NAME_thread` whose first member is `line`: NAME_cpu(), NAME_thread() and
 * their _const forms turn what a hook is given into them. */
#define LINE_VIEWS(prefix)                                                                      \
	static inline struct prefix##_cpu *prefix##_cpu(struct line_cpu *cpu)                   \
	{                                                                                       \
		return container_of(cpu, struct prefix##_cpu, line);                            \
	}                                                                                       \
	static inline const struct prefix##_cpu *prefix##_cpu_const(const struct line_cpu *cpu) \
	{                                                                                       \
		return container_of_const(cpu, struct prefix##_cpu, line);                      \
	}                                                                                       \
	static inline struct prefix##_thread *prefix##_thread(struct line_thread *thread)       \
	{                                                                                       \
		return container_of(thread, struct prefix##_thread, line);                      \
	}                                                                                       \
	static inline const struct prefix##_thread *prefix##_thread_const(                      \
		const struct line_thread *thread)                                               \
	{                                                                                       \
		return container_of_const(thread, struct prefix##_thread, line);                \
	}                                                                                       \
	struct prefix##_cpu

/* Identity and sizes in a NAME_kind. */
#define LINE_KIND(prefix, id_, version_)                                                           \
	.name = #prefix, .id = id_, .version = version_, .cpu_bytes = sizeof(struct prefix##_cpu), \
	.thread_bytes = sizeof(struct prefix##_thread)

/* policy_NAME: the policy of NAME_kind. */
#define LINE_POLICY(prefix, id_, version_, desc_)                                         \
	_Static_assert(offsetof(struct prefix##_cpu, line) == 0 &&                        \
			       offsetof(struct prefix##_thread, line) == 0,               \
		       "line must be the first member of the policy's structs");          \
	_Static_assert(sizeof(struct prefix##_cpu) <= POLICY_CPU_BYTES_MAX,               \
		       "the policy keeps more than POLICY_CPU_BYTES_MAX of a CPU");       \
	_Static_assert(sizeof(struct prefix##_thread) <= POLICY_THREAD_BYTES_MAX,         \
		       "the policy keeps more than POLICY_THREAD_BYTES_MAX of a thread"); \
	static void prefix##_ops_cpu_init(struct policy_cpu *cpu, uint32_t cpu_index)     \
	{                                                                                 \
		line_cpu_init(cpu, &prefix##_kind, cpu_index);                            \
	}                                                                                 \
	static enum error prefix##_ops_thread_init(struct policy_thread *thread,          \
						   const struct policy_params *params)    \
	{                                                                                 \
		return line_thread_init(thread, &prefix##_kind, params);                  \
	}                                                                                 \
	static void prefix##_ops_set_lag(struct policy_thread *thread,                    \
					 struct policy_number lag_ns)                     \
	{                                                                                 \
		line_set_lag(thread, &prefix##_kind, lag_ns);                             \
	}                                                                                 \
	const struct policy_ops policy_##prefix = {                                       \
		.name = #prefix,                                                          \
		.desc = desc_,                                                            \
		.version = version_,                                                      \
		.id = id_,                                                                \
		.cpu_bytes = sizeof(struct prefix##_cpu),                                 \
		.thread_bytes = sizeof(struct prefix##_thread),                           \
		.cpu_init = prefix##_ops_cpu_init,                                        \
		.thread_init = prefix##_ops_thread_init,                                  \
		.set_params = line_set_params,                                            \
		.enqueue = line_enqueue,                                                  \
		.dequeue = line_dequeue,                                                  \
		.pick = line_pick,                                                        \
		.charge = line_charge,                                                    \
		.preempts = line_preempts,                                                \
		.migrate_out = line_migrate_out,                                          \
		.migrate_in = line_migrate_in,                                            \
		.save = line_save,                                                        \
		.restore = line_restore,                                                  \
		.spare = line_spare,                                                      \
		.query = line_query,                                                      \
		.set_average = line_set_average,                                          \
		.set_lag = prefix##_ops_set_lag,                                          \
		.check = line_check,                                                      \
		.dump = line_dump,                                                        \
	}

/* ---- line.c: for the hooks ---- */

/* The thread of a node of the tree, or NULL. */
static inline struct line_thread *line_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct line_thread, node);
}

static inline struct line_thread *line_first(const struct line_cpu *cpu)
{
	return line_of(rb_first(&cpu->tree));
}

/* A key that stands before, or not before, everybody who is in the line. */
uint64_t line_key_front(const struct line_cpu *cpu);
uint64_t line_key_back(const struct line_cpu *cpu);
/* Give a thread of the line another key: it is the last of those that have it. */
void line_move(struct line_cpu *cpu, struct line_thread *thread, uint64_t key);
/* The end of a thread's turn. */
void line_turn_end(struct line_cpu *cpu, struct line_thread *thread, bool yields);
/* Count what it ran in its turn; returns whether that is over by this, and ends it then. */
bool line_charge_turn(struct line_cpu *cpu, struct line_thread *thread, uint64_t ran_ns);
/* Take what every policy knows of the parameters; the sum of weights, too. */
void line_params_take(struct line_cpu *cpu, struct line_thread *thread,
		      const struct policy_params *params);

/* ---- line.c, records.c: operations of the interface, and what LINE_POLICY makes of them ---- */

void line_cpu_init(struct policy_cpu *cpu, const struct line_kind *kind, uint32_t cpu_index);
enum error line_thread_init(struct policy_thread *thread, const struct line_kind *kind,
			    const struct policy_params *params) __attribute__((warn_unused_result));
void line_set_lag(struct policy_thread *thread, const struct line_kind *kind,
		  struct policy_number lag_ns);
enum error line_set_params(struct policy_cpu *cpu, struct policy_thread *thread,
			   const struct policy_params *params, uint64_t now_ns)
	__attribute__((warn_unused_result));
void line_set_average(struct policy_cpu *cpu, uint64_t average_weight, uint64_t now_ns);
void line_enqueue(struct policy_cpu *cpu, struct policy_thread *thread, enum policy_join reason,
		  uint64_t now_ns);
void line_dequeue(struct policy_cpu *cpu, struct policy_thread *thread, enum policy_leave reason,
		  uint64_t now_ns);
bool line_charge(struct policy_cpu *cpu, struct policy_thread *thread, uint64_t ran_ns,
		 uint64_t now_ns);
POLICY_PROTOTYPES(line);

/* ---- line.c, for records.c ---- */

static inline struct line_cpu *line_cpu(struct policy_cpu *cpu)
{
	return (struct line_cpu *)(void *)cpu;
}

static inline const struct line_cpu *line_cpu_const(const struct policy_cpu *cpu)
{
	return (const struct line_cpu *)(const void *)cpu;
}

static inline struct line_thread *line_thread(struct policy_thread *thread)
{
	return (struct line_thread *)(void *)thread;
}

static inline const struct line_thread *line_thread_const(const struct policy_thread *thread)
{
	return (const struct line_thread *)(const void *)thread;
}

static inline struct policy_thread *line_handle(struct line_thread *thread)
{
	return (struct policy_thread *)(void *)thread;
}

/* Whether a comes before b. */
static inline bool line_before(const struct line_thread *a, const struct line_thread *b)
{
	const int64_t ahead = (int64_t)(a->key - b->key);
	if (ahead != 0)
		return ahead < 0;
	return a->number != b->number ? a->number < b->number : a->tid < b->tid;
}

static inline void line_clock(struct line_cpu *cpu, uint64_t now_ns)
{
	if (cpu->kind->clock != NULL)
		cpu->kind->clock(cpu, now_ns);
}

/* Into the tree by key and number. */
void line_link(struct line_cpu *cpu, struct line_thread *thread);
/* Into the line, by the policy's join, as its last. */
void line_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
	       uint64_t now_ns);
/* Out of the line: OUT. */
void line_part(struct line_cpu *cpu, struct line_thread *thread);
