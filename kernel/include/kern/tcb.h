/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Thread control block (2 KiB).
 *
 * Two roles live in one object: the thread (registers, address space, IPC state) and the
 * *schedulable* (home, event record, CPU time).  A passive thread has only the first: it runs on
 * the time of its payer.
 *
 *   payer(t) = t for an active thread; for a passive one the thread at the head of the call chain,
 * or NULL. A schedulable's chain: payer -> ... -> tail; tail is the thread whose registers run when
 * the payer is dispatched.
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

/* Where a thread is blocked; tells stop() and delete() what to unlink it from. */
struct tcb {
	struct object object;

	/* Context: the CPU that runs the thread; anybody who made sure that it does not run. */
	struct user_context context;
	struct fpu_state fpu;
	bool fpu_live; /* the FPU of the CPU that runs it holds its state (running thread only) */

	/* Configuration: written while the thread is stopped, under the lock of its home Core (or
	 * before it ever ran). */
	struct cap cspace; /* CNODE; type is cleared (atomic) when that CNode goes away */
	struct tcb *cspace_next; /* derivation lock: threads with the same root CNode */
	struct tcb *cspace_prev;
	struct vspace *vspace;         /* atomic; NULL: none; see <kern/thread.h> */
	struct ipc_buffer *ipc_buffer; /* atomic; kernel address, or NULL */
	uint64_t ipc_buffer_vaddr;
	uint32_t flags;                          /* TCB_FLAG_* */
	struct notification *bound_notification; /* notification lock */

	/* Capabilities that the thread holds; derivation lock, read with cap_read(). */
	struct cap_slot vspace_slot;
	struct cap_slot buffer_slot;
	struct cap_slot pager;             /* ENDPOINT or empty */
	struct cap_slot exception;         /* ENDPOINT or empty */
	struct cap_slot notification_slot; /* of bound_notification */
	struct cap_slot anchor; /* stands in the tree for a thread without capabilities that is
				   being destroyed */

	/* State: lock of the home Core; for a passive thread the home Core of its payer (see
	 * docs/locking.md). */
	uint8_t state;        /* atomic; enum thread_state */
	uint8_t cause;        /* enum event_cause of the last change */
	uint8_t stop_pending; /* suspend or delete was asked for while it was in a chain or on
				 another CPU */
	uint8_t dispatcher;   /* this is the bound dispatcher of a Core */
	struct core *home;    /* atomic; NULL: none yet */
	struct list_node ready_link; /* home's ready ring */
	struct list_node home_link;  /* home's list of homed threads */

	/* Blocking: lock of the object blocked on. */
	void *blocked_on;           /* atomic; endpoint, notification, or NULL */
	struct list_node wait_link; /* its queue */
	word_t send_badge;
	bool send_is_call;
	bool send_can_grant;
	bool send_can_grant_reply;
	uint8_t send_fault; /* enum fault: the message is a fault, not the registers */
	word_t fault_words[4];
	struct reply *reply;        /* as receiver: where the next caller is recorded */
	struct reply *caller_reply; /* as caller: the reply object that holds it */

	/* Donation chain: the CPU that runs the chain, or the payer's home lock. */
	struct tcb *payer;      /* see above */
	struct tcb *tail;       /* of a payer: innermost server; itself when it runs itself */
	struct tcb *chain_prev; /* who donated to this server */

	/* Event record: lock of the home Core. */
	struct list_node event_link;
	bool event_linked;
	word_t event_info;
	word_t tag;
	word_t seq;
	time_ns_t ran_ns; /* since the last report */
	time_ns_t first_ready_ns;

	/* Accounting: the CPU that runs it (as payer). */
	time_ns_t cpu_ns;        /* atomic; total */
	time_ns_t dispatched_ns; /* start of the current stretch */

	/* Request to a dispatcher: lock of the Core asked. */
	struct list_node request_link;
	struct core *request_core;
	word_t request_badge;
	word_t request_info;
	word_t request_words[4];
};

_Static_assert(sizeof(struct tcb) <= 1u << 11, "OBJECT_LIST gives a TCB 2 KiB");
