/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All processes, threads, and callers that wait for an answer.  The service thread alone reads and
 * writes any of it: the endpoint puts requests in order, so there are no locks.
 *
 * Invariants:
 *   a process is RUNNING with at least one thread, DYING while the reaper ends its threads, ZOMBIE
 *   until its parent has waited for it; every change goes one way;
 *   a caller of a process that is not RUNNING is never answered; its reply object is free again
 *   when the process's threads are gone.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpumask.h>
#include <base/list.h>
#include <proc/protocol.h>
#include <proc/slots.h>

#include "lending.h"
#include "own.h"
#include "register.h"

struct msg;
struct process;

/* ---- callers that wait ----------------------------------------------------------------------- */

/* Waiter n holds its caller in reply object OWN_REPLY_FIRST + n. */
struct waiter {
	struct list_node link;   /* what it waits for; linked to itself: nothing any more */
	struct list_node caller; /* of those of its process; linked to itself: of none */
	word_t want;             /* READ: bytes; WAIT: pid */
	struct process *process; /* or NULL */
	struct waiter **holder;  /* who else remembers it; NULL: nobody */
};

void waiters_init(void);
/* The reply object for the next receive. */
cptr_t waiter_current_slot(void);
/* Keep the caller of the request in hand; the next receive gets another reply object.  The process
 * lives or is dying, or is NULL.  Waiters of it whose callers were stopped, or ended by another of its
 * threads, may be freed: nobody answers them any more. */
struct waiter *waiter_defer(struct process *process);
/* *holder is that waiter until it is freed, then NULL. */
void waiter_hold(struct waiter **holder, struct waiter *waiter);
void waiter_let_go(struct waiter **holder);
/* Frees it if nobody waits in it any more: its caller was stopped, or has ended.  It may be NULL. */
void waiter_look(struct waiter *waiter);
/* Answer (m->info complete) and free it. */
void waiter_answer(struct waiter *waiter, struct msg *m);
void waiter_fail(struct waiter *waiter, enum error error);
/* As waiter_answer; ERR_NO_REPLY: the caller was ended or stopped meanwhile. */
__attribute__((warn_unused_result)) enum error waiter_try_answer(struct waiter *waiter,
								 struct msg *m);
/* It is answered with the service thread's next answer, instead of the request in hand, which was
 * deferred. */
void waiter_answer_next(struct waiter *waiter);
void waiter_free(struct waiter *waiter);
/* None of the process's callers waits for anything any more. */
void waiters_silence(struct process *process);
/* Its threads are gone: their reply objects are free. */
void waiters_release(struct process *process);

static inline struct waiter *waiter_of(struct list_node *node)
{
	return container_of(node, struct waiter, link);
}

/* ---- threads --------------------------------------------------------------------------------- */

/*
 * KEPT: parked, that is ended for everybody, but its objects wait, blocked in the call that ended it, to be
 * started again.  It counts as a thread nowhere; it goes when its tid or index is needed.
 */
enum thread_life { THREAD_FREE, THREAD_LIVE, THREAD_LEAVING, THREAD_KEPT };

struct thread {
	struct list_node
		link; /* of its process, parked or not; or of the free ones, oldest first */
	struct list_node reap; /* of those that the reaper shall end */
	uint32_t pid;          /* stays after its end, for a late join */
	uint32_t index;
	uint32_t generation; /* counts the threads that had this tid: a stale name has an old one */
	enum thread_life life;
	bool fpu_used; /* parked only */
	bool has_untyped;
	bool has_exception;
	struct waiter *joiner;
	struct waiter *leaver; /* its own last request */
	word_t value;
	uint64_t cpu_base_ns; /* of those that had its objects before */
	uint64_t stack_vaddr;
	uint64_t stack_bytes;
	struct lending_thread lending; /* on no list unless it is LIVE */
};

struct thread_args {
	uint64_t pc;
	uint64_t sp;
	uint64_t x0;
	uint64_t tls;
	uint64_t slice_ns;
	word_t flags; /* PROC_THREAD_* */
	word_t nice;  /* or PROC_NICE_INHERIT */
	struct cpumask affinity;
};

void threads_init(void);
struct thread *thread_get(word_t tid);
/* The live thread of the process with that number, or NULL. */
struct thread *thread_live(const struct process *process, word_t tid);
uint32_t thread_tid(const struct thread *thread);
/* Make and start one.  ERR_LIMIT, ERR_NO_MEMORY, ERR_BUSY. */
__attribute__((warn_unused_result)) enum error
thread_new(struct process *process, const struct thread_args *args, uint32_t *tid);
/* The reaper has ended it. */
void thread_gone(struct thread *thread, uint64_t cpu_ns);
/* The reaper has ended all of the process, which is DYING. */
void threads_gone(struct process *process, uint64_t cpu_ns);
/* Stop it and delete its objects, in whatever state it is; returns the CPU time they used.  Not for
 * the thread whose time this runs on. */
uint64_t thread_objects_delete(uint32_t tid);

/* thread_park.c.  What the scheduler's record of a thread shall say. */
struct register_params thread_params(const struct process *process, const struct thread_args *args);
/* PROC_REQ_THREAD_PARK.  True: *m is an answer. */
bool thread_park(struct process *process, struct msg *m);
/* Start a parked thread of the process anew.  ERR_NOT_FOUND: there is none. */
__attribute__((warn_unused_result)) enum error
thread_restart(struct process *process, const struct thread_args *args, uint32_t *tid);
/* Delete one parked thread of that process, or of any if NULL.  False: there is none. */
bool thread_unpark(struct process *process);
/* The process ends: its parked threads are threads again, for the reaper. */
void threads_unpark(struct process *process);

/* ---- open files ------------------------------------------------------------------------------ */

struct file {
	enum proc_file_kind kind;
	uint32_t pipe;       /* PIPE_*: number */
	const uint8_t *data; /* ARCHIVE */
	uint64_t bytes;
	uint64_t position;
};

/* ---- processes ------------------------------------------------------------------------------- */

#define REALM_DEPTH_MAX 4u /* realms inside each other */

struct realm {
	uint32_t id;    /* pid of its first process */
	uint64_t bytes; /* of all processes in it together */
};

#define INDEX_WORDS ((PROC_PROCESS_THREADS_MAX + 63) / 64)

struct process {
	uint32_t pid; /* 0: unused */
	uint32_t parent;
	uint32_t group;
	enum proc_state state;
	uint32_t thread_count;
	uint32_t exit_status;
	uint32_t exit_signal;
	bool first;  /* the machine ends with it */
	bool failed; /* never ran: nobody is told of its end */
	struct list_node threads;
	struct list_node parked; /* threads, the one that ended longest ago first */
	uint32_t parked_count;
	struct list_node reap;
	struct list_node children; /* by `sibling`, the oldest first */
	struct list_node sibling;
	struct list_node waiters; /* its own threads in WAIT */
	/* heir.c */
	uint32_t warden; /* pid of who stands in for it: its maker, or that one's; 0: nobody */
	struct list_node wards;   /* by `ward`, the one that came last last */
	struct list_node ward;    /* linked to itself: of nobody */
	struct heir heir;         /* of one that has ended: who pays for the reaper's work */
	struct list_node callers; /* all its waiters */
	uint32_t caller_count;
	uint64_t index_used[INDEX_WORDS];
	uint64_t cpu_ns; /* of threads that ended */
	uint64_t started_ns;
	int32_t nice;
	struct cpumask affinity;
	uint64_t sched_group;   /* of its new threads; 0: none */
	struct lending lending; /* its threads and mutexes */
	/* realm.h */
	uint32_t realm;                       /* pid of its first process; 0: the machine's */
	int32_t realm_nice;                   /* nothing in it runs with more weight */
	uint64_t realm_group;                 /* below which it may make groups, 0: nowhere */
	uint32_t realm_depth;                 /* realms that it is in */
	struct realm realms[REALM_DEPTH_MAX]; /* outermost first; `realm` is the last */
	uint64_t memory_bytes;                /* its own limit; 0: none */
	cptr_t cnode_untyped;
	cptr_t objects; /* untyped object of what it asked for, or 0 */
	char name[32];
	struct file files[PROC_FDS_MAX];
};

void processes_init(void);
struct process *process_get(word_t pid);
/* An empty process with space and CNode, no thread yet.  ERR_LIMIT, ERR_NO_MEMORY. */
__attribute__((warn_unused_result)) enum error
process_new(uint64_t memory_bytes_max, uint32_t weight_max, struct process **made);
/* From RUNNING to DYING; again has no effect. */
void process_end(struct process *process, uint32_t status, uint32_t signal);
/* It is a child of that one from now on. */
void process_child(struct process *parent, struct process *process);
/* The reaper has ended its threads and freed its memory. */
void process_gone(struct process *process);
/* Answer or defer a WAIT. True: *m is the answer. */
bool process_wait(struct process *parent, struct msg *m);
struct process *process_next(word_t pid);

uint32_t machine_cpus(void);

/* ---- heir.c: who pays for what ends ------------------------------------------------------------ */

/* Who pays for threads that the process makes: one of its own, or of the process that stands in for it. */
struct heir process_payer(const struct process *process);
/* Their heirs are settled: before the reaper is told of a thread, or it is parked; before it is told of a
 * process, which is not RUNNING any more. */
void heir_thread_ends(const struct thread *thread);
void heir_process_ends(struct process *process);
/* `warden`, or nobody, stands in for the process from now on. */
void heir_ward(struct process *warden, struct process *process);

/* ---- mutex.c: mutexes whose holders inherit ----------------------------------------------------- */

/* PROC_REQ_MUTEX_* */
void mutex_request(enum proc_request request, struct process *process, struct msg *m);
/* It is not LIVE any more: what it holds nobody gets. */
void mutex_thread_ends(struct thread *thread);
/* All its threads end. */
void mutex_process_ends(struct process *process);
/* Own priorities of its threads have changed. */
void mutex_priorities_changed(struct process *process);

/* ---- the reaper's work ------------------------------------------------------------------------ */

void reap_init(void);
void reap_thread(struct thread *thread);
void reap_process(struct process *process);
/* OWN_REQ_REAP */
void reap_request(struct msg *m);
/* reaper.c: the thread that does it. */
void reaper_thread(word_t a0, word_t a1, word_t a2, word_t a3);
