/* SPDX-License-Identifier: BSD-2-Clause */
/* Donation chains.  See <kern/donation.h>. */
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/ipc.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/waitable.h>

struct core *guard_lock_payer(const struct tcb *tcb, struct tcb **payer_out) LOCK_UNCHECKED
{
	for (;;) {
		struct tcb *payer = tcb_payer(tcb);
		const struct tcb *head = payer != NULL ? payer : tcb;
		struct core *home = tcb_home(head);

		if (home == NULL)
			return NULL;
		spin_lock(&home->lock);
		if (tcb_payer(tcb) == payer && tcb_home(head) == home) {
			*payer_out = payer;
			return home;
		}
		spin_unlock(&home->lock);
	}
}

struct core *guard_lock(const struct tcb *tcb)
{
	struct tcb *payer;

	return guard_lock_payer(tcb, &payer);
}

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

void chain_push(struct tcb *caller, struct tcb *server)
{
	struct tcb *payer = tcb_payer(caller);

	kassert(tcb_payer(server) == NULL && payer->tail == caller);
	chain_link(caller, server);
	tail_set(payer, server);
	payer_set(server, payer);
}

void chain_pop(struct tcb *server)
{
	struct core *core = this_core();
	struct tcb *caller = server->chain_prev;

	kassert(core->payer == tcb_payer(server) && core->payer->tail == server);
	tail_set(core->payer, caller);
	chain_unlink(caller, server);
	payer_set(server, NULL);
	tcb_state_set(caller, THREAD_READY);
	core->current = caller;
	counter_add(&core->stats.donations, 1);
}

__attribute__((cold)) void chain_tell_answer(const struct tcb *payer)
{
	struct tcb *caller = payer->tail->chain_prev;

	/* Relaxed: who dispatches the chain next comes after us, by the lock of home. */
	if (caller != NULL)
		__atomic_fetch_or(&caller->exit_work, EXIT_ANSWERED, __ATOMIC_RELAXED);
}

__attribute__((cold)) void chain_leave(struct tcb *tcb)
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

/* Lock of home held: a passive thread becomes the payer of itself and of the rest of its chain. */
static __attribute__((cold, noinline)) void orphan_make(struct core *home, struct tcb *tcb,
							struct tcb *tail) LOCK_REQUIRES(home->lock)
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

__attribute__((cold)) void chain_orphan(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);

	spin_assume(&home->lock);
	tcb_state_set(tcb, THREAD_READY);
	orphan_make(home, tcb, tcb);
	spin_unlock(&home->lock);
}

void thread_wake(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);
	struct tcb *payer = tcb_payer(tcb);

	kassert(home != NULL);
	spin_assume(&home->lock);
	tcb_state_set(tcb, THREAD_READY);
	if (payer == NULL)
		orphan_make(home, tcb, tcb);
	else if (payer->tail == tcb && payer->sched == SCHED_BLOCKED)
		sched_ready(home, payer, CAUSE_WAKE);
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
	orphan_make(server_home, server, tail);
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

__attribute__((cold)) bool chain_cut(struct tcb *caller, struct tcb *server, struct reply *reply)
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
