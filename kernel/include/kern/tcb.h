/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread control block (2 KiB).
 *
 * Two roles live in one object: the thread (registers, address space, IPC state) and the
 * *schedulable* (home, event record, CPU time).  A passive thread has only the first: it runs on
 * the time of its payer.
 *
 *   payer(t) = t for an active thread; for a passive one the thread at the head of the call chain, or
 *   NULL.  A schedulable's chain: payer -> ... -> tail; tail is the thread whose registers run when
 *   the payer is dispatched.
 */
#pragma once

#include <abi/object.h>
#include <abi/sched.h>
#include <base/list.h>
#include <kern/cap.h>
#include <kern/context.h>
#include <kern/lock.h>

struct core;
struct endpoint;
struct notification;
struct reply;
struct vspace;
struct waitable;

/* Whether a schedulable can be dispatched.  Only of a thread that is its own payer. */
enum sched_state {
	SCHED_NONE,    /* passive, without a home, or a dispatcher: not schedulable */
	SCHED_BLOCKED, /* its tail waits for something, or is stopped */
	SCHED_READY,   /* on the ready ring of its home */
	SCHED_RUNNING, /* payer of the CPU that is its home */
};

/* exit_work */
#define EXIT_STOP     1u  /* suspended: stop instead of running in user mode */
#define EXIT_DESTROY  2u  /* being destroyed: leave every chain */
#define EXIT_CUT      4u  /* the reply object that holds it goes away: answer it with ERR_DELETED */
#define EXIT_FORWARD  8u  /* the pager forwarded its fault: deliver it to the exception endpoint */
#define EXIT_ANSWERED 16u /* its call was answered: the dispatcher is to be entered */

struct tcb {
	struct object object;

	/* Context: the CPU that runs the thread; anybody who made sure that it does not run. */
	struct user_context context;

	/* Configuration: written while the thread is stopped, under the lock of its home Core (or
	 * before it ever ran). */
	struct cap cspace;       /* CNODE; type is cleared (atomic) when that CNode goes away */
	struct tcb *cspace_next; /* derivation lock: threads with the same root CNode */
	struct tcb *cspace_prev;
	struct vspace *vspace;         /* atomic; NULL: none; see <kern/thread.h> */
	struct ipc_buffer *ipc_buffer; /* atomic; kernel address, or NULL */
	uint64_t ipc_buffer_vaddr;
	uint32_t flags; /* atomic; TCB_FLAG_*; by the thread itself, or while it is stopped */
	struct notification *bound_notification; /* notification lock */

	/*
	 * State of the thread itself.  Guard: the lock of the guard Core (guard_lock(): home of the
	 * payer, or the own home without one), except that the CPU that runs the chain may write
	 * without it, and that whoever took a blocked thread off what it was blocked on owns it.
	 */
	uint8_t state;    /* atomic; enum thread_state, READY: its registers can run */
	uint8_t sched;    /* enum sched_state, of the schedulable; lock of home */
	bool arrived;     /* moved while stopped: its start is reported as ARRIVED */
	bool dead_posted; /* destroyed, and the DEAD record was posted */
	_Alignas(8)
		uint32_t on_cpu; /* atomic; its user state is, or is about to be, live somewhere */
	uint32_t exit_work;      /* atomic; EXIT_* bits: to do before it runs in user mode again */
	struct core *home;       /* atomic; NULL: none yet.  A passive thread keeps its last one */
	struct core
		*dispatcher_core; /* atomic; it is, or is becoming, the dispatcher of this Core */
	struct list_node ready_link; /* home's ready ring */
	struct list_node home_link;  /* home's list of schedulables */

	/* Event record of the schedulable: lock of home. */
	struct list_node event_link;
	word_t event_info; /* of the next report; EVENT_*_SINCE flags accumulate */
	word_t tag;        /* atomic */
	word_t key;        /* atomic; what wake filters compare */
	word_t seq;
	time_ns_t ran_ns; /* since the last report */
	time_ns_t first_ready_ns;
	time_ns_t ready_since_ns; /* when it last became READY */
	uint64_t dead_batch;      /* core.batch with which the DEAD record was handed over */

	/* Accounting: the CPU that runs it as payer. */
	time_ns_t cpu_ns; /* atomic; total, of finished stretches */

	/* Blocking: lock of the object blocked on; the message itself: the owner as above.  send_badge,
	 * send_is_call and send_can_grant mean something from the start of ipc_send() until the message
	 * was taken; send_fault until the answer, and it is FAULT_NONE in user mode. */
	struct waitable *blocked_on; /* atomic; endpoint or notification, or NULL */
	struct list_node wait_link;  /* its queue */
	word_t send_badge;
	bool send_is_call;
	bool send_can_grant;
	uint8_t send_fault; /* enum fault: the message is a fault, not the registers */
	bool fault_told;    /* owner: a fault of it that nobody took is on the console */
	word_t fault_words[4];
	struct reply *reply;        /* atomic; as receiver: where the next caller is recorded */
	struct reply *caller_reply; /* atomic; as caller: the reply object that holds it */

	/* Donation chain.  Guard: as state.  payer is NULL for a passive thread that waits. */
	struct tcb *payer;      /* atomic; whose time it runs on; itself if it has its own */
	struct tcb *tail;       /* of a payer: innermost server; itself when it runs itself */
	struct tcb *chain_prev; /* atomic; who donated to this server */
	struct tcb *chain_next; /* atomic; whom it donated to */

	/* Request to a dispatcher: lock of request_core and of the guard Core. */
	struct list_node request_link; /* request_core's waiting or delivered list */
	struct core *request_core;     /* atomic */
	word_t request_badge;
	word_t request_info;
	word_t request_words[4];

	/* Capabilities that the thread holds; derivation lock, read with cap_read(). */
	struct cap_slot vspace_slot;
	struct cap_slot buffer_slot;
	struct cap_slot pager;             /* ENDPOINT or empty */
	struct cap_slot exception;         /* ENDPOINT or empty */
	struct cap_slot notification_slot; /* of bound_notification */
	struct cap_slot anchor; /* stands in the tree for a thread without capabilities that is
				   being destroyed */

	/* As context.  Behind what a change of threads reads, which so is near. */
	struct fpu_state fpu;
};

/* Relaxed: who changes them while others look at the thread has it seen as before or as after. */
static inline uint32_t tcb_flags(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->flags, __ATOMIC_RELAXED);
}

static inline void tcb_flags_set(struct tcb *tcb, uint32_t flags)
{
	__atomic_store_n(&tcb->flags, flags, __ATOMIC_RELAXED);
}

/* Both at once, acquire as on_cpu wants it: it is on no CPU, and has nothing to do at kernel exit. */
static inline bool tcb_is_free(const struct tcb *tcb)
{
	return __atomic_load_n((const uint64_t *)(const void *)&tcb->on_cpu, __ATOMIC_ACQUIRE) == 0;
}

_Static_assert(offsetof(struct tcb, exit_work) == offsetof(struct tcb, on_cpu) + 4, "one word");
_Static_assert(sizeof(struct tcb) <= 1u << 11, "OBJECT_LIST gives a TCB 2 KiB");
