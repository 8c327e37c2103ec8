/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions.  See <kern/decision.h>. */
#include <kern/decision.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fallback.h>
#include <kern/ready.h>
#include <kern/timer.h>
#include <kern/trace.h>
#include <kern/upcall.h>
#include <kern/waitable.h>

/* Lock held: may this thread be dispatched here now, as the dispatcher last saw it? */
static enum error decision_check(const struct core *core, const struct tcb *payer, word_t seq)
{
	if (payer->object.dying != 0)
		return ERR_DEAD;
	if (tcb_home(payer) != core)
		return ERR_FOREIGN;
	if (payer->sched != SCHED_READY)
		return ERR_NOT_READY;
	if (payer->seq != seq)
		return ERR_BAD_SEQ;
	return ERR_OK;
}

/* Lock held: the dispatcher is parked; what it chose is in force. */
static void decision_accept(struct core *core, struct tcb *dispatcher, time_ns_t now)
{
	time_ns_t timer = dispatcher->context.x[5];
	time_ns_t soonest = time_after(now, SLICE_MIN_NS);

	core_account(core, now);
	core->dispatcher_running = false;
	core->batch++;
	core->current = NULL;
	core->fallback = FALLBACK_NONE;
	core->bounced = false;
	core->refusals = 0;
	core->reasons = 0;
	core->server_timer_ns = timer > soonest ? timer : soonest;
	core->slice_end_ns = TIME_NEVER;
	tcb_state_set(dispatcher, THREAD_PARKED);
}

/* Lock held: when the thread that has waited longest will have waited too long. */
static void decision_starvation(struct core *core)
{
	const struct list_node *oldest = list_first(&core->ready);

	core->starvation_end_ns = TIME_NEVER;
	if (core->starvation_limit_ns != 0 && oldest != NULL)
		core->starvation_end_ns = time_after(
			container_of_const(oldest, struct tcb, ready_link)->ready_since_ns,
			core->starvation_limit_ns);
}

/* Lock held. */
static void decision_run(struct core *core, struct tcb *dispatcher, struct tcb *payer,
			 time_ns_t now) LOCK_REQUIRES(core->lock)
{
	time_ns_t slice = dispatcher->context.x[4];

	if (slice < SLICE_MIN_NS || event_pending(core))
		slice = SLICE_MIN_NS;
	decision_accept(core, dispatcher, now);
	core->slice_end_ns = time_after(now, slice);
	core_dispatch(core, payer, now);
	decision_starvation(core);
}

/* Lock held: come back with the next batch; the dispatcher goes on running. */
static void decision_refuse(struct core *core, enum error error, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	if (error == ERR_STALE) {
		core->bounced = true;
		core->stats.stale_decisions++;
	} else {
		core->refusals++;
		core->stats.refused_decisions++;
	}
	core->reasons |= 1u << REASON_REFUSED;
	upcall_fill(core, error, now);
}

/* Lock held: NONE.  Hand over what there is, or park without having decided. */
static void decision_none(struct core *core, struct tcb *dispatcher, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	uint32_t fallback = core->fallback;

	if (event_pending(core)) {
		upcall_fill(core, ERR_OK, now);
		/* A new batch is new work; without one (no buffer for a request) the limit holds. */
		if (UPCALL_EVENTS(dispatcher->context.x[1]) != 0 ||
		    (dispatcher->context.x[1] & UPCALL_REQUEST) != 0)
			core->decision_end_ns = time_after(now, core->decision_limit_ns);
		return;
	}
	decision_accept(core, dispatcher, now);
	core->fallback = fallback;
	core->server_timer_ns = TIME_NEVER;
	decision_starvation(core);
}

/* Lock held: RUN and IDLE. */
static enum error decision_try(struct core *core, struct tcb *dispatcher, enum error lookup,
			       struct tcb *payer, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	word_t kind = dispatcher->context.x[1];
	enum error error = lookup;

	if (event_pending(core) && (kind == DECISION_IDLE || !core->bounced))
		return ERR_STALE;
	if (kind == DECISION_IDLE) {
		decision_accept(core, dispatcher, now);
		decision_starvation(core);
		return ERR_OK;
	}
	if (error == ERR_OK)
		error = decision_check(core, payer, dispatcher->context.x[3]);
	if (error == ERR_OK)
		decision_run(core, dispatcher, payer, now);
	return error;
}

static enum error decision_lookup(const struct tcb *dispatcher, struct tcb **payer)
{
	struct cap cap;
	enum error error;

	*payer = NULL;
	if (dispatcher->context.x[1] == DECISION_IDLE)
		return ERR_OK;
	if (dispatcher->context.x[1] != DECISION_RUN)
		return ERR_ARG;
	error = cap_lookup_type(dispatcher, dispatcher->context.x[2], OBJ_TCB, RIGHT_SCHEDULE,
				&cap);
	if (error == ERR_OK)
		*payer = (struct tcb *)(uintptr_t)cap.object;
	return error;
}

static void decision_take(struct core *core, struct tcb *dispatcher)
{
	struct tcb *payer = NULL;
	enum error error = ERR_OK;
	bool none = dispatcher->context.x[1] == DECISION_NONE;
	time_ns_t now = arch_now();

	if (!none)
		error = decision_lookup(dispatcher, &payer);
	trace_record_at(arch_this_cpu(), now, TRACE_DECISION, dispatcher->context.x[1],
			(word_t)error);
	spin_lock(&core->lock);
	if (none) {
		decision_none(core, dispatcher, now);
	} else {
		error = decision_try(core, dispatcher, error, payer, now);
		if (error != ERR_OK)
			decision_refuse(core, error, now);
	}
	spin_unlock(&core->lock);
	timer_update(core);
	if (core->refusals > DECISION_REFUSALS_MAX)
		fallback_enter(core, FALLBACK_REFUSED);
}

void decision_syscall(struct tcb *tcb)
{
	struct core *core = this_core();
	struct cap cap;
	enum error error;

	error = cap_lookup_type(tcb, tcb->context.x[0], OBJ_CORE, RIGHT_WRITE, &cap);
	if (error == ERR_OK &&
	    ((struct core *)(uintptr_t)cap.object != core || core->dispatcher != tcb))
		error = ERR_UNBOUND;
	if (error != ERR_OK) {
		tcb_result_set(tcb, error);
		return;
	}
	decision_take(core, tcb);
}
