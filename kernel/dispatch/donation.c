/* SPDX-License-Identifier: BSD-2-Clause */
/* Donation chains: they grow, shrink and are woken.  See <kern/donation.h>. */
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/ready.h>
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

void thread_wake(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);
	struct tcb *payer = tcb_payer(tcb);

	kassert(home != NULL);
	spin_assume(&home->lock);
	tcb_state_set(tcb, THREAD_READY);
	if (payer == NULL)
		chain_orphan_locked(home, tcb, tcb);
	else if (payer->tail == tcb && payer->sched == SCHED_BLOCKED)
		sched_ready(home, payer, CAUSE_WAKE);
	spin_unlock(&home->lock);
}
