/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A workload as the simulator and the booted runner see it: tasks, each a loop over phases, each a
 * loop over events.  The words are rt-app's.  Instances are expanded: one struct workload_task per
 * thread.  Made from JSON by tools/workload, or from its text form by base/bwl.h.
 *
 * Times are ns.  A loop of -1 is for ever.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpumask.h>
#include <base/nice.h>

#define WORKLOAD_NAME_BYTES_MAX 48u
#define WORKLOAD_LOOP_FOREVER   ((int64_t)-1)
#define WORKLOAD_GROUP_NONE     UINT32_MAX

/* As the scheduler server's: see <libsys/sched.h>. */
#define WORKLOAD_GROUPS_MAX          63u
#define WORKLOAD_GROUP_DEPTH_MAX     4u
#define WORKLOAD_GROUP_QUOTA_NS_MIN  100000u
#define WORKLOAD_GROUP_PERIOD_NS_MIN 1000000u
#define WORKLOAD_GROUP_PERIOD_NS_MAX 1000000000u
#define WORKLOAD_GROUP_PERIOD_NS     100000000u /* where none is given */

/* What an event's operands are. */
enum workload_operand {
	WORKLOAD_OPERAND_NONE,
	WORKLOAD_OPERAND_NS,     /* ns */
	WORKLOAD_OPERAND_TIMER,  /* ns, ref = timer object, absolute */
	WORKLOAD_OPERAND_OBJECT, /* ref = object */
	WORKLOAD_OPERAND_WAIT,   /* ref = condition, mutex = mutex */
	WORKLOAD_OPERAND_TASK,   /* ref = index of the first instance of a task */
};

/* X(name, word, operand, kind of its object) */
#define WORKLOAD_EVENT_LIST(X)                    \
	X(RUN, "run", NS, NONE)                   \
	X(RUNTIME, "runtime", NS, NONE)           \
	X(SLEEP, "sleep", NS, NONE)               \
	X(TIMER, "timer", TIMER, TIMER)           \
	X(YIELD, "yield", NONE, NONE)             \
	X(LOCK, "lock", OBJECT, MUTEX)            \
	X(UNLOCK, "unlock", OBJECT, MUTEX)        \
	X(WAIT, "wait", WAIT, CONDITION)          \
	X(SIGNAL, "signal", OBJECT, CONDITION)    \
	X(BROAD, "broad", OBJECT, CONDITION)      \
	X(BARRIER, "barrier", OBJECT, BARRIER)    \
	X(SUSPEND, "suspend", OBJECT, SUSPENSION) \
	X(RESUME, "resume", OBJECT, SUSPENSION)   \
	X(FORK, "fork", TASK, NONE)

enum workload_event_kind {
#define X(name, word, operand, object) WORKLOAD_##name,
	WORKLOAD_EVENT_LIST(X)
#undef X
		WORKLOAD_EVENT_COUNT
};

enum workload_object_kind {
	WORKLOAD_OBJECT_NONE,
	WORKLOAD_OBJECT_MUTEX,
	WORKLOAD_OBJECT_CONDITION,
	WORKLOAD_OBJECT_BARRIER,
	WORKLOAD_OBJECT_TIMER,
	WORKLOAD_OBJECT_SUSPENSION,
	WORKLOAD_OBJECT_COUNT
};

enum workload_policy {
	WORKLOAD_POLICY_OTHER,
	WORKLOAD_POLICY_BATCH,
	WORKLOAD_POLICY_IDLE,
	WORKLOAD_POLICY_RR,
	WORKLOAD_POLICY_FIFO,
	WORKLOAD_POLICY_COUNT
};

struct workload_object {
	enum workload_object_kind kind;
	char name[WORKLOAD_NAME_BYTES_MAX];
	uint32_t users; /* barrier: how many must arrive */
};

/* A scheduling group: docs/design/groups.md. */
struct workload_group {
	char name[WORKLOAD_NAME_BYTES_MAX];
	uint32_t parent; /* index, smaller than its own, or WORKLOAD_GROUP_NONE */
	uint32_t weight;
	uint64_t quota_ns; /* 0: no cap */
	uint64_t period_ns;
};

struct workload_event {
	enum workload_event_kind kind;
	bool absolute; /* timer: keep to the grid of the first use even after a miss */
	uint64_t ns;
	uint32_t ref;   /* index into objects[], or into tasks[] for fork */
	uint32_t mutex; /* wait: index into objects[] */
};

/* Which fields of struct workload_params were given. */
enum {
	WORKLOAD_SET_NICE = 1,
	WORKLOAD_SET_WEIGHT = 2,
	WORKLOAD_SET_SLICE = 4,
	WORKLOAD_SET_CPUS = 8,
	WORKLOAD_SET_POLICY = 16,
	WORKLOAD_SET_PRIORITY = 32,
	WORKLOAD_SET_PERIOD = 64, /* after the slice: it must not be shorter */
	WORKLOAD_SET_GROUP = 128,
};

struct workload_params {
	uint32_t set;
	enum workload_policy policy;
	int32_t nice;
	uint32_t priority;  /* rr, fifo: 1..99 */
	uint32_t weight;    /* always valid in a task: given, or from nice and policy */
	uint64_t slice_ns;  /* 0: the policy's default */
	uint64_t period_ns; /* edf: a slice in each period; 0: no reservation */
	uint32_t group;     /* index into groups[], or WORKLOAD_GROUP_NONE */
	struct cpumask cpus;
};

struct workload_phase {
	char name[WORKLOAD_NAME_BYTES_MAX];
	int64_t loop;
	struct workload_params params; /* what changes when the phase begins; often nothing */
	struct workload_event *events;
	uint32_t event_count;
};

struct workload_task {
	char name[WORKLOAD_NAME_BYTES_MAX]; /* "hog-1", or "hog" if it is the only instance */
	uint32_t instance;
	bool start; /* false: runs only if forked */
	uint64_t delay_ns;
	int64_t loop;
	struct workload_params params;
	struct workload_phase *phases;
	uint32_t phase_count;
};

struct workload {
	uint64_t duration_ns; /* TIME_NEVER: until every task has ended */
	struct workload_task *tasks;
	uint32_t task_count;
	struct workload_object *objects;
	uint32_t object_count;
	struct workload_group *groups; /* parents first */
	uint32_t group_count;
};

/* Words of the text form; null for an impossible value. */
const char *workload_event_word(enum workload_event_kind kind);
const char *workload_object_word(enum workload_object_kind kind);
const char *workload_policy_word(enum workload_policy policy);
enum workload_operand workload_event_operand(enum workload_event_kind kind);
enum workload_object_kind workload_event_object(enum workload_event_kind kind);

/* Fresh parameters: nice 0, every CPU, nothing set. */
struct workload_params workload_params_default(void);
/* The weight that follows from what is set. */
uint32_t workload_params_weight(const struct workload_params *params);
