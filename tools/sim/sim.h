/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simulator: a discrete-event model of the kernel's half of <abi/sched.h>, around the very
 * core of the scheduler server.  One thread, one clock, no randomness but the order of
 * simultaneous events (--seed).
 *
 *   engine.c   clock, queue of events           record.c   event records, wakes, moves, answers
 *   cpu.c      one CPU: run, enter, decide      script.c   what a task does next
 *   ahead.c    ... and what needs no asking
 *   sync.c     mutexes, conditions, barriers    world.c    threads, starts, <sched/sys_if.h>
 *   idle.c     idling beside waiting threads    check.c    invariants
 *   report*.c  tables, JSON, trace              main.c     command line
 *   output.c   files that are written           admission.c  reservations that do not fit
 *
 * record.c and cpu.c are the kernel.
 * Bad at: caches, memory, donation chains (every call of a modelled thread is to the scheduler).
 */
#pragma once

#include <abi/sched.h>
#include <base/list.h>
#include <base/workload.h>
#include <sched/protocol.h>
#include <sched/server.h>

#include <stdio.h>

/* ---- What to simulate ------------------------------------------------------------------------ */

struct sim_costs {
	uint64_t entry_ns;     /* into the dispatcher, until it has its batch */
	uint64_t decision_ns;  /* of one upcall, until the kernel has its decision */
	uint64_t ipi_ns;       /* until the other CPU sees it */
	uint64_t switch_ns;    /* to another thread than ran before */
	uint64_t call_ns;      /* a thread's own time for an event that calls the system */
	uint64_t slice_min_ns; /* SLICE_MIN_NS of the kernel; 1 where costs are none */
};

struct sim_config {
	const struct policy_ops *policy;
	const struct place_ops *place;
	const struct workload *workload;
	struct sim_costs costs;
	uint32_t offers; /* POLICY_PICK_FILTER, POLICY_PICK_SUCCESSOR */
	bool again;      /* with the latter: DECISION_AGAIN, too */
	bool exact;      /* the policy as specified, without refinements */
	uint32_t cpus;
	uint64_t seed; /* 0: simultaneous events in the order in which they were caused */
	time_ns_t duration_ns;
	bool duration_assumed; /* nobody gave one: that all wait for ever is an error, as without an end */
	uint64_t check_every; /* decisions between looks at the invariants; 0: never */
	bool keep_schedule;
	bool keep_marks; /* wakes and migrations, for the trace */
};

/* ---- Threads --------------------------------------------------------------------------------- */

enum sim_state { SIM_STOPPED, SIM_BLOCKED, SIM_READY, SIM_RUNNING, SIM_DEAD };

struct sim_call {
	word_t label;
	word_t words[4];
	uint32_t core; /* whose dispatcher is asked */
};

/* Where a task is in its phases and events. */
struct sim_script {
	const struct workload_task *task;
	int64_t loops_left;  /* WORKLOAD_LOOP_FOREVER: no end */
	int64_t phases_left; /* repetitions of the present phase, likewise */
	uint32_t phase;
	uint32_t event;
	uint32_t params_todo; /* WORKLOAD_SET_* still to be asked for */
	uint8_t stage;        /* of the present event, see script.c */
	uint32_t child;       /* fork: the tid that was created */
	uint64_t delay_ns;    /* fork: to be slept before anything else */
	uint64_t left_ns;     /* CPU time left of "run", or of the call before the present event */
	bool called;          /* the call is paid for */
	bool begun;           /* it has run, and started_ns holds */
	time_ns_t until_ns;   /* end of "runtime"; 0: not in one */
	time_ns_t started_ns; /* when its first event began: first point of its timers */
};

struct sim_samples {
	uint64_t *values;
	size_t count, capacity;
};

struct sim_thread {
	uint32_t tid; /* also the tag; 0 is none */
	char name[WORKLOAD_NAME_BYTES_MAX + 16];
	bool balancer;
	struct sim_script script;

	/* Kernel: the schedulable. */
	enum sim_state state;
	uint32_t home;
	uint64_t key;                /* of the wake filter */
	struct list_node event_link; /* home's list of records */
	struct sched_event record;
	struct list_node request_link; /* of the asked Core */
	struct sim_call call;
	bool in_request;
	enum error answer;
	word_t answer_w1, answer_w2;

	/* Synchronisation: see sync.c. */
	struct list_node wait_link;
	struct list_node reserving_link; /* sim.reserving: see admission.c */
	uint32_t wait_mutex;             /* to be taken when it runs again, if `relocks` */
	bool relocks;

	/* Idle accounting. */
	struct list_node waiting_link; /* sim.waiting, while ready and not running ... */
	time_ns_t waiting_since_ns;    /* ... since then */

	/* Results. */
	time_ns_t begin_ns, end_ns; /* life */
	uint64_t cpu_ns;
	uint64_t runs, preemptions, migrations, wakes;
	uint64_t wait_max_ns; /* at a stretch, while it could run and did not */
	bool woke;
	time_ns_t woke_ns;
	struct sim_samples wake_ns;
};

/* ---- CPUs ------------------------------------------------------------------------------------ */

enum sim_mode { SIM_IDLE, SIM_THREAD, SIM_DISPATCHER };

struct sim_cpu {
	uint32_t index;
	enum sim_mode mode;
	bool kick; /* an IPI is on the way, or the dispatcher is to be entered */
	bool bounced;
	uint32_t reasons;
	uint64_t generation; /* of the one timer event that counts */
	struct list_node events;
	struct list_node requests;
	struct sim_thread *current;
	struct sim_thread *last;       /* task dispatched last; NULL after idling */
	struct sim_thread *last_payer; /* of any kind, also over idling; to count switches */
	struct sim_thread *registers;  /* whose registers are live: switching to another costs */
	time_ns_t
		run_since_ns; /* current runs from here on; may lie ahead by the cost of a switch */
	time_ns_t mode_since_ns;
	time_ns_t slice_end_ns;
	time_ns_t timer_ns;
	struct upcall_buffer buffer;
	struct sched_decision decision;
	enum error refused;
	uint32_t refusals_row;

	/* What the decision allows without asking: ahead.c. */
	time_ns_t filter_until_ns; /* 0: no filter */
	uint64_t filter_key;
	bool filtered;           /* a record is pending that did not enter the dispatcher */
	bool armed;              /* nothing was posted since this was chosen: */
	struct sim_thread *next; /* NULL: idle */
	word_t next_seq;
	time_ns_t next_until_ns;
	bool first;      /* the first that becomes ready is run */
	bool idle_first; /* what `first` becomes when the CPU goes idle by itself */
	time_ns_t first_slice_ns;
	time_ns_t again_until_ns;
	bool switched; /* since the last upcall */
	time_ns_t switched_ns;
	uint32_t switched_tag;
	time_ns_t
		switched_sleep_ns; /* until when the thread that was over is to sleep; 0: it did not ask */

	/* A stretch of running, not written down yet. */
	struct sim_thread *stretch;
	time_ns_t stretch_start_ns, stretch_end_ns;

	struct core_stats stats;
};

struct sim_stretch {
	uint32_t cpu, tid;
	time_ns_t start_ns, end_ns;
};

enum sim_mark_kind { SIM_MARK_WAKE, SIM_MARK_MIGRATE };

struct sim_mark {
	enum sim_mark_kind kind;
	uint32_t cpu, from, tid;
	time_ns_t at_ns;
};

/* ---- Events of the simulation
 * ------------------------------------------------------------------ */

enum sim_event_kind {
	SIM_EVENT_CPU_TIMER, /* cpu, generation: slice end, server timer or the script's next point */
	SIM_EVENT_IPI,       /* cpu */
	SIM_EVENT_DRAIN,     /* cpu: the dispatcher gets its batch */
	SIM_EVENT_DELIVER,   /* cpu: the kernel gets the decision */
	SIM_EVENT_START,     /* starts whose time has come */
};

struct sim_event {
	time_ns_t at_ns;
	uint64_t tie;
	uint64_t number;
	uint64_t generation;
	uint32_t kind;
	uint32_t cpu;
};

/* ---- Everything
 * -------------------------------------------------------------------------------- */

struct sim_object {
	struct sim_thread *owner; /* mutex */
	struct list_node waiters;
	uint32_t arrived;  /* barrier */
	time_ns_t next_ns; /* timer */
	bool begun;        /* timer */
};

struct sim {
	struct sim_config config;
	time_ns_t now_ns;
	struct sim_cpu cpus[CPUS_MAX];
	struct sim_thread *threads[SCHED_THREADS_MAX]; /* by tid; NULL: none */
	uint32_t threads_count;                        /* tids in use are 1..count */
	uint32_t live;                                 /* tasks that have not ended */
	struct sim_object *objects;

	struct sched_server *server;
	struct sched_shared *shared;
	struct group_cpu *groups[CPUS_MAX];        /* made when a CPU asks for it */
	group_id_t group_ids[WORKLOAD_GROUPS_MAX]; /* of the workload's groups */
	uint32_t acting_cpu; /* which CPU executes what is being handled now */

	struct sim_event *queue;
	size_t queue_count, queue_capacity;
	uint64_t queue_number;
	uint64_t random;
	uint64_t stalled; /* events without progress of the clock */
	uint64_t decisions;
	uint64_t
		check_due; /* without --check: number of the decision after which all is looked at */

	/* Starts: tasks sorted by delay. */
	uint32_t *starts;
	uint32_t starts_count, starts_next;
	struct list_node creating; /* stopped threads that no dispatcher knows yet (request_link) */
	struct list_node created;  /* ... that have a home and wait for the others */
	struct sim_thread *asked;  /* the one that the supervisor's request is about now */
	struct list_node reserving; /* with a reservation, until they are in a queue */
	time_ns_t start_armed_ns;   /* a start event is in the queue for then */

	/* Idle beside waiting threads: idle.c. */
	struct list_node waiting;
	uint32_t waiting_count;
	struct cpumask idle;
	struct cpumask unserved; /* CPUs that idle now while a thread could run there */
	time_ns_t unserved_since_ns[CPUS_MAX];
	uint64_t unserved_ns;
	uint64_t unserved_max_ns;

	struct sim_stretch *schedule;
	size_t schedule_count, schedule_capacity;
	struct sim_mark *marks;
	size_t marks_count, marks_capacity;

	bool failed;
	char failure[512 + POLICY_DUMP_BYTES];
};

/* engine.c */
void sim_post(struct sim *sim, time_ns_t at_ns, enum sim_event_kind kind, uint32_t cpu,
	      uint64_t generation);
/* Run to the end.  False: sim->failure says what went wrong. */
bool sim_run(struct sim *sim);
/* The first failure counts. */
void sim_fail(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, of a policy: how it describes the CPU's queue is told, too. */
void sim_fail_queue(struct sim *sim, uint32_t cpu, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* realloc that ends the program when memory does; for arrays that double. */
void *sim_grow(void *array, size_t *capacity, size_t count, size_t element_bytes);

/* record.c: what the kernel does to a thread; the caller is anybody. */
void sim_thread_resume(struct sim *sim, struct sim_thread *thread); /* stopped, with a home */
void sim_thread_ready(struct sim *sim, struct sim_thread *thread, enum event_cause cause);
void sim_record_post(struct sim *sim, struct sim_thread *thread, enum event_state state,
		     enum event_cause cause);
void sim_core_kick(struct sim *sim, struct sim_cpu *cpu, enum upcall_reason reason);
enum error sim_tcb_answer(struct sim *sim, uint32_t tid, enum error error, word_t w1, word_t w2);
enum error sim_tcb_set_home(struct sim *sim, uint32_t tid, uint32_t target);
/* A call on the port of a Core; the thread must be running. */
void sim_thread_request(struct sim *sim, struct sim_thread *thread, const struct sim_call *call);
/* The same to its own, with SCHED_REQUEST_YIELD. */
void sim_thread_yield(struct sim *sim, struct sim_thread *thread);
void sim_thread_block(struct sim *sim, struct sim_thread *thread, enum event_cause cause);
void sim_thread_exit(struct sim *sim, struct sim_thread *thread);

/* cpu.c */
void sim_cpu_init(struct sim *sim, uint32_t cpu);
void sim_cpu_timer(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_ipi(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_drain(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_deliver(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_enter(struct sim *sim, struct sim_cpu *cpu);
/* Bring the accounts of a CPU up to now. */
void sim_cpu_account(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_finish(struct sim *sim, struct sim_cpu *cpu);

/* Be woken at the next time that matters. */
void sim_cpu_arm(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_idle(struct sim *sim, struct sim_cpu *cpu);
void sim_cpu_run(struct sim *sim, struct sim_cpu *cpu, struct sim_thread *thread,
		 uint64_t slice_ns);

/* ahead.c */
void sim_ahead_accept(struct sim *sim, struct sim_cpu *cpu, bool pending);
void sim_ahead_forget(struct sim_cpu *cpu);
void sim_ahead_report(struct sim_cpu *cpu, struct sched_upcall *upcall);
/* The wake of this thread need not enter the dispatcher of its home. */
bool sim_ahead_filters(struct sim *sim, struct sim_cpu *cpu, const struct sim_thread *thread);
/* The running thread blocked.  True: somebody else runs, or the CPU idles, without the dispatcher. */
bool sim_ahead_succeed(struct sim *sim, struct sim_cpu *cpu);
/* A thread became ready, and its record was just posted: whether it is to be run first. */
void sim_ahead_claim(struct sim_cpu *cpu, struct sim_thread *thread);
/* Something was posted to an idle CPU.  Likewise. */
bool sim_ahead_first(struct sim *sim, struct sim_cpu *cpu);

/* script.c */
enum sim_step {
	SIM_STEP_RUNS,   /* goes on running: sim_script_next_ns() tells until when */
	SIM_STEP_BLOCKS, /* it does not run any more */
};
void sim_script_init(struct sim_thread *thread, const struct workload_task *task);
/* Let the running thread do everything that takes no time. */
enum sim_step sim_script_advance(struct sim *sim, struct sim_thread *thread);
/* When its script wants attention if it runs on from then. */
time_ns_t sim_script_next_ns(const struct sim_thread *thread, time_ns_t from_ns);
void sim_script_ran(struct sim_thread *thread, uint64_t ns);
enum sim_step sim_balancer_advance(struct sim *sim, struct sim_thread *thread);

/* sync.c: those that can block return whether the caller goes on. */
bool sim_mutex_lock(struct sim *sim, struct sim_thread *thread, uint32_t index);
/* Of a thread that runs again: take the mutex that it waited for, if it did. */
bool sim_mutex_again(struct sim *sim, struct sim_thread *thread);
void sim_mutex_unlock(struct sim *sim, struct sim_thread *thread, uint32_t index);
bool sim_condition_wait(struct sim *sim, struct sim_thread *thread, uint32_t index, uint32_t mutex);
void sim_condition_wake(struct sim *sim, uint32_t index, bool all);
bool sim_barrier_arrive(struct sim *sim, struct sim_thread *thread, uint32_t index);
void sim_suspension_wait(struct sim *sim, struct sim_thread *thread, uint32_t index);
void sim_suspension_end(struct sim *sim, uint32_t index);
/* Mutexes that a thread that ends still holds. */
void sim_sync_release(struct sim *sim, struct sim_thread *thread);
/* Who waits for what, for people: "a (mutex m), b (barrier x)". */
void sim_sync_tell(const struct sim *sim, char *text, size_t bytes);

/* world.c */
struct sim *sim_open(const struct sim_config *config);
void sim_close(struct sim *sim);
/* Of a task's or phase's parameters; 0: none. */
group_id_t sim_group_id(const struct sim *sim, const struct workload_params *params);
/* A stopped thread without a home; NULL (and a failure) if there are too many. */
struct sim_thread *sim_thread_create(struct sim *sim, const struct workload_task *task,
				     uint32_t creator_cpu);
void sim_start_due(struct sim *sim);
void sim_start_asked(struct sim *sim);
/* One upcall of that CPU's dispatcher: the server's own code. */
void sim_server_upcall(struct sim *sim, uint32_t cpu, const struct sched_upcall *upcall,
		       struct sched_decision *decision);

/* idle.c */
void sim_idle_changed(struct sim *sim, uint32_t cpu, bool idle);
void sim_waiting_changed(struct sim *sim, struct sim_thread *thread);
/* Under a cap, so it may have to wait for runtime. */
bool sim_capped(const struct sim *sim, const struct sim_thread *thread);
void sim_idle_finish(struct sim *sim);

/* admission.c */
/* A thread is about to start: whether it gets the reservation that it asks for, is looked at. */
void sim_admission_ask(struct sim *sim, struct sim_thread *thread);
/* After an upcall: a failure if a thread that asked was refused. */
void sim_admission_look(struct sim *sim);
/* The phase that `thread` begins asked for one and was refused: the failure. */
void sim_admission_refused(struct sim *sim, const struct sim_thread *thread);

/* check.c */
void sim_check(struct sim *sim);
/* Cheap: of each decision. */
void sim_check_decision(struct sim *sim, uint32_t cpu, const struct sched_decision *decision);
/* Is sim_check() to be called after this decision? */
bool sim_check_is_due(struct sim *sim);

/* report.c, report_json.c, report_trace.c */
struct sim_report {
	const struct sim *sim;
	const double *ideal; /* by tid; share of one CPU */
	uint64_t wall_ns;
	bool schedule;
};
void report_ideal(const struct sim *sim, double *ideal);
/* 1 + index of the workload's group that a thread is in; 0: none. */
uint32_t report_group(const struct sim *sim, uint32_t tid);
void report_table(const struct sim_report *report, FILE *out);
void report_json(const struct sim_report *report, FILE *out);
void report_trace(const struct sim *sim, FILE *out);
void report_string(FILE *out, const char *text);
/* The samples must be sorted: sim_samples_sort. */
uint64_t sim_samples_percentile(const struct sim_samples *samples, uint32_t permille);
void sim_samples_sort(struct sim_samples *samples);
