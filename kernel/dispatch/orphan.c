/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Donation chains that end before the answer: a server leaves, is cut off, gets time of its own; and
 * what else of chains is rare.  Compiled for size, unlike donation.c.  See <kern/donation.h>.
 */
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/ipc.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/waitable.h>

void core_lock_two(struct core *a, struct core *b) LOCK_UNCHECKED
{
	struct core *first = b != NULL && b->index < a->index ? b : a;
	struct core *second = first == a ? b : a;

	spin_lock(&first->lock);
	if (second != NULL && second != first)
		spin_lock(&second->lock);
}

void core_unlock_two(struct core *a, struct core *b) LOCK_UNCHECKED
{
	if (b != NULL && a != b)
		spin_unlock(&b->lock);
	spin_unlock(&a->lock);
}

void chain_tell_answer(const struct tcb *payer)
{
	struct tcb *caller = payer->tail->chain_prev;

	/* Relaxed: who dispatches the chain next comes after us, by the lock of home. */
	if (caller != NULL)
		__atomic_fetch_or(&caller->exit_work, EXIT_ANSWERED, __ATOMIC_RELAXED);
}

void chain_leave(struct tcb *tcb)
{
	struct core *core = this_core();
	struct tcb *payer = tcb_payer(tcb);

	spin_lock(&core->lock);
	core_block(core, CAUSE_IPC);
	if (payer == tcb) {
		home_remove(core, tcb);
		sched_set(tcb, SCHED_NONE);
	} else {
		struct tcb *caller = tcb->chain_prev;

		tail_set(payer, caller);
		chain_unlink(caller, tcb);
	}
	payer_set(tcb, NULL);
	spin_unlock(&core->lock);
}

void chain_orphan_locked(struct core *home, struct tcb *tcb, struct tcb *tail)
{
	kassert(tcb->sched == SCHED_NONE);
	for (struct tcb *member = tcb; member != NULL; member = member->chain_next)
		payer_set(member, tcb);
	tail_set(tcb, tail);
	sched_set(tcb, SCHED_BLOCKED);
	/* Nobody has scheduled it yet: no filter holds it back. */
	__atomic_store_n(&tcb->key, 0, __ATOMIC_RELAXED);
	home_insert(home, tcb);
	if (tcb_state(tail) == THREAD_READY)
		sched_ready(home, tcb, CAUSE_WAKE);
	else
		sched_blocked(home, tcb, CAUSE_IPC);
}

void chain_orphan(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);

	spin_assume(&home->lock);
	tcb_state_set(tcb, THREAD_READY);
	chain_orphan_locked(home, tcb, tcb);
	spin_unlock(&home->lock);
}

/* Both homes locked, the chain does not run. */
static void chain_cut_links(struct core *home, struct tcb *payer, struct tcb *caller,
			    struct tcb *server) LOCK_REQUIRES(home->lock)
{
	struct tcb *tail = payer->tail;
	struct core *server_home = tcb_home(server);

	spin_assume(&server_home->lock);
	tail_set(payer, caller);
	chain_unlink(caller, server);
	chain_orphan_locked(server_home, server, tail);
	ipc_fail(caller, ERR_DELETED);
	tcb_state_set(caller, THREAD_READY);
	__atomic_fetch_and(&caller->exit_work, ~EXIT_CUT, __ATOMIC_RELAXED);
	if (payer->sched == SCHED_BLOCKED)
		sched_ready(home, payer, CAUSE_WAKE);
}

/* Lock of the reply object that holds caller held. */
static bool chain_cut_locked(struct tcb *caller, struct tcb *server)
{
	struct tcb *payer = tcb_payer(caller);
	struct core *home = payer != NULL ? tcb_home(payer) : NULL;
	struct core *server_home = tcb_home(server);
	bool done = false;

	if (home == NULL || server_home == NULL)
		return false;
	core_lock_two(home, server_home);
	if (tcb_payer(caller) != payer || tcb_home(payer) != home ||
	    __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED) != server)
		goto out;
	if (payer->sched == SCHED_RUNNING && home != this_core()) {
		__atomic_fetch_or(&caller->exit_work, EXIT_CUT, __ATOMIC_RELEASE);
		core_post(home, CORE_REQUEST_STOP);
		goto out;
	}
	if (payer->sched == SCHED_RUNNING) {
		core_preempt(home, CAUSE_PREEMPTED, arch_now());
		home->reasons |= 1u << REASON_KICK;
	}
	chain_cut_links(home, payer, caller, server);
	done = true;
out:
	core_unlock_two(home, server_home);
	return done;
}

bool chain_cut(struct tcb *caller, struct tcb *server, struct reply *reply)
{
	bool done = false;

	spin_lock(&reply->lock);
	if (reply->caller == caller && chain_cut_locked(caller, server)) {
		reply->caller = NULL;
		__atomic_store_n(&caller->caller_reply, NULL, __ATOMIC_RELAXED);
		done = true;
	}
	spin_unlock(&reply->lock);
	return done;
}
