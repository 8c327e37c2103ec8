/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Donation chains.  payer -> server -> ... -> tail, linked by chain_next and chain_prev; every member
 * names the payer.  All but the tail are in state CALLING.
 *
 * Links change only on the CPU that runs the chain (payer RUNNING, home = this CPU), or under the
 * lock of the payer's home while the payer is not RUNNING:
 *
 *   CPU that runs the chain                another CPU
 *   A1 payer RUNNING (set under its lock)  B1 lock of payer's home
 *   A2 changes links, without lock         B2 payer still the same, its home still this Core?
 *   A3 payer not RUNNING (under lock)      B3 payer RUNNING elsewhere?  Then only post STOP
 *                                          B4 changes links
 *
 * B4 happens only if B3 read "not RUNNING" under the lock, so after A3 or before A1 of the next time.
 *
 * A passive thread keeps its last home; that is where it gets time of its own again when its chain
 * is cut (an orphan), until its next receive.
 */
#pragma once

#include <kern/core.h>

/* Lock the Core that guards a thread's state: home of its payer, or its own.  NULL: it has none. */
struct core *must_check guard_lock(const struct tcb *tcb);
/*
 * The same, with the payer that decided it (NULL: none).  What belongs to that payer is stable until
 * the unlock; that tcb still runs on its time is so only if the caller owns tcb, or the payer is not
 * RUNNING and has tcb in its chain.
 */
struct core *must_check guard_lock_payer(const struct tcb *tcb, struct tcb **payer);

/* Two Cores in index order; they may be the same, and b may be NULL. */
void core_lock_two(struct core *a, struct core *b) LOCK_ACQUIRES(a->lock, b->lock);
void core_unlock_two(struct core *a, struct core *b) LOCK_RELEASES(a->lock, b->lock);

/* An owned thread goes on: its payer becomes ready.  Without a payer it becomes an orphan. */
void thread_wake(struct tcb *tcb);

/* Guard lock held, or this CPU runs the chain: server (owned, no payer) runs on caller's time. */
void chain_push(struct tcb *caller, struct tcb *server);
/* This CPU runs the chain: its tail has answered its caller; the caller is the tail and current. */
void chain_pop(struct tcb *server);

/* The current thread, tail of the running chain, is about to receive without having answered its
 * caller, or with time of its own: it becomes passive, its payer blocks.  Nothing is current then. */
void chain_leave(struct tcb *tcb);

/* A thread without payer gets time of its own at its home.  No lock held. */
void chain_orphan(struct tcb *tcb);
/* Lock of its home held: the same, for the rest of its chain too, down to tail. */
void chain_orphan_locked(struct core *home, struct tcb *tcb, struct tcb *tail)
	LOCK_REQUIRES(home->lock);

/*
 * Cut between a caller whose call is on donated time and the server that it called: the servers get time of
 * their own, the caller ERR_DELETED.  reply: what held the caller when it was seen there.  True: cut.  False:
 * the chain runs elsewhere (a STOP request was posted), or this call is over or ends just now: look again.
 * No lock but the derivation lock may be held.
 */
bool must_check chain_cut(struct tcb *caller, struct tcb *server, struct reply *reply);

/* Lock of home held, not RUNNING: the dispatcher is to be entered when its tail has answered. */
void chain_tell_answer(const struct tcb *payer);

/* ---- Parts of chain_push() and chain_pop(), shared with the fast path ---- */

static inline void chain_link(struct tcb *caller, struct tcb *server)
{
	__atomic_store_n(&caller->chain_next, server, __ATOMIC_RELAXED);
	__atomic_store_n(&server->chain_prev, caller, __ATOMIC_RELAXED);
}

static inline void chain_unlink(struct tcb *caller, struct tcb *server)
{
	__atomic_store_n(&caller->chain_next, NULL, __ATOMIC_RELAXED);
	__atomic_store_n(&server->chain_prev, NULL, __ATOMIC_RELAXED);
}

/* Atomic only because tcb_answer() reads it as a hint. */
static inline void tail_set(struct tcb *payer, struct tcb *tail)
{
	__atomic_store_n(&payer->tail, tail, __ATOMIC_RELEASE);
}

/* Release: a CPU that reads the payer and locks its home finds the links of before. */
static inline void payer_set(struct tcb *tcb, struct tcb *payer)
{
	__atomic_store_n(&tcb->payer, payer, __ATOMIC_RELEASE);
}
