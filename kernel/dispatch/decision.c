/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions.  See <kern/decision.h>. */
#include <kern/decision.h>
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fallback.h>
#include <kern/ready.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/trace.h>
#include <kern/upcall.h>
#include <kern/waitable.h>

/* What a decision names. */
struct choice {
	struct tcb *payer;
	struct tcb *successor; /* NULL: idle, if there is one */
};

/* Lock held: the dispatcher is parked; what it chose is in force. */
static void decision_accept(struct core *core, struct tcb *dispatcher, time_ns_t now)
{
	time_ns_t timer = dispatcher->context.x[5];
	time_ns_t soonest = time_after(now, SLICE_MIN_NS);

	core_account(core, now);
	core->dispatcher_running = false;
	core->current = NULL;
	core->fallback = FALLBACK_NONE;
	core->bounced = false;
	core->refusals = 0;
	core->reasons = 0;
	core->switched = false;
	core->server_timer_ns = timer > soonest ? timer : soonest;
	core->slice_end_ns = TIME_NEVER;
	tcb_state_set(dispatcher, THREAD_PARKED);
}

static time_ns_t slice_at_least(time_ns_t slice_ns)
{
	return slice_ns < SLICE_MIN_NS ? SLICE_MIN_NS : slice_ns;
}

static time_ns_t decision_again(const word_t *x)
{
	return (x[1] & DECISION_AGAIN) != 0 ? x[13] : 0;
}

/* Lock held: what follows the thread that was just dispatched.  Nothing does when a record is pending
 * that the dispatcher has not seen. */
static void decision_terms(struct core *core, const struct tcb *dispatcher,
			   const struct choice *choice) LOCK_REQUIRES(core->lock)
{
	const word_t *x = dispatcher->context.x;

	if ((x[1] & DECISION_FILTER) != 0)
		filter_set(core, x[6], x[7]);
	if ((x[1] & DECISION_SUCCESSOR) == 0)
		return;
	core->next.tcb = choice->successor;
	core->next.seq = x[10];
	core->next.slice_ns = slice_at_least(x[11]);
	core->next.until_ns = x[12];
	core->next.filter_until_ns = x[13];
	core->next.filter_key = x[14];
	if ((x[1] & DECISION_FIRST) != 0)
		first_set(core, core->next.slice_ns, decision_again(x));
	successor_arm(core, true);
}

/* What others do is held back, and so is what they have done since the dispatcher looked. */
static bool decision_holds_changes(const word_t *x)
{
	return (x[1] & DECISION_FILTER) != 0 && x[7] == FILTER_KEY_CHANGES;
}

/* Lock held; pending: something is, and the dispatcher was told so before. */
static void decision_run(struct core *core, struct tcb *dispatcher, const struct choice *choice,
			 bool pending, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	const word_t *x = dispatcher->context.x;
	const bool soon = pending && !decision_holds_changes(x);

	decision_accept(core, dispatcher, now);
	core->slice_end_ns = time_after(now, soon ? SLICE_MIN_NS : slice_at_least(x[4]));
	if (!pending)
		decision_terms(core, dispatcher, choice);
	else if (!soon)
		filter_pending(core, x[6], x[7]);
	if ((x[1] & DECISION_ANSWER) != 0)
		chain_tell_answer(choice->payer);
	core_dispatch(core, choice->payer, now);
	timer_starvation_lazy(core);
}

/* Lock held. */
static void decision_idle(struct core *core, struct tcb *dispatcher, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	const word_t *x = dispatcher->context.x;

	decision_accept(core, dispatcher, now);
	if ((x[1] & DECISION_FIRST) != 0) {
		first_set(core, slice_at_least(x[4]), decision_again(x));
		core->first_slice_ns = core->idle_slice_ns;
	}
	timer_starvation(core);
}

/* Lock held: come back with the next batch; the dispatcher goes on running. */
static void decision_refuse(struct core *core, enum error error, time_ns_t now)
	LOCK_REQUIRES(core->lock)
{
	if (error == ERR_STALE) {
		core->bounced = true;
		counter_add(&core->stats.stale_decisions, 1);
	} else {
		core->refusals++;
		counter_add(&core->stats.refused_decisions, 1);
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
	timer_starvation(core);
}

/*
 * Lock held: dispatch_check() of who runs.  What the dispatcher could not know is no mistake of its own: else
 * threads that others stop and resume without end from elsewhere would end its binding.
 */
static enum error payer_check(const struct core *core, const struct tcb *payer, word_t seq)
	LOCK_REQUIRES(core->lock)
{
	enum error error = dispatch_check(core, payer, seq);

	if (error != ERR_OK && tcb_home(payer) == core && list_linked(&payer->event_link))
		return ERR_STALE;
	return error;
}

/* Lock held: RUN and IDLE. */
static enum error decision_try(struct core *core, struct tcb *dispatcher, enum error lookup,
			       const struct choice *choice, time_ns_t now) LOCK_REQUIRES(core->lock)
{
	const word_t *x = dispatcher->context.x;
	bool idle = DECISION_KIND(x[1]) == DECISION_IDLE;
	bool pending = event_pending(core);
	enum error error = lookup;

	if (pending && (idle || !core->bounced))
		return ERR_STALE;
	if (error == ERR_OK && idle) {
		decision_idle(core, dispatcher, now);
		return ERR_OK;
	}
	if (error == ERR_OK)
		error = payer_check(core, choice->payer, x[3]);
	if (error == ERR_OK && choice->successor != NULL && !pending)
		error = dispatch_check(core, choice->successor, x[10]);
	if (error == ERR_OK)
		decision_run(core, dispatcher, choice, pending, now);
	return error;
}

static enum error thread_lookup(const struct tcb *dispatcher, cptr_t cptr, struct tcb **tcb)
{
	struct cap cap;
	enum error error = cap_lookup_type(dispatcher, cptr, OBJ_TCB, RIGHT_SCHEDULE, &cap);

	if (error == ERR_OK)
		*tcb = (struct tcb *)(uintptr_t)cap.object;
	return error;
}

#define FLAGS_FIRST (DECISION_FIRST | DECISION_AGAIN)
#define FLAGS_RUN   (DECISION_FILTER | DECISION_SUCCESSOR | DECISION_ANSWER)

/* FIRST is about a CPU that idles, now or as successor. */
static bool decision_flags_match(const word_t *x)
{
	bool idles = (x[1] & ~FLAGS_FIRST) == DECISION_IDLE;

	if (!idles && (x[1] & ~(FLAGS_RUN | FLAGS_FIRST)) != DECISION_RUN)
		return false;
	if ((x[1] & FLAGS_FIRST) == 0)
		return true;
	idles |= (x[1] & DECISION_SUCCESSOR) != 0 && x[9] == CPTR_NULL;
	return idles && (x[1] & DECISION_FIRST) != 0;
}

static enum error decision_lookup(const struct tcb *dispatcher, struct choice *choice)
{
	const word_t *x = dispatcher->context.x;
	enum error error;

	if (!decision_flags_match(x))
		return ERR_ARG;
	if (DECISION_KIND(x[1]) == DECISION_IDLE)
		return ERR_OK;
	error = thread_lookup(dispatcher, x[2], &choice->payer);
	if (error == ERR_OK && (x[1] & DECISION_SUCCESSOR) != 0 && x[9] != CPTR_NULL)
		error = thread_lookup(dispatcher, x[9], &choice->successor);
	return error;
}

static void decision_take(struct core *core, struct tcb *dispatcher)
{
	struct choice choice = {NULL, NULL};
	enum error error = ERR_OK;
	bool none = dispatcher->context.x[1] == DECISION_NONE;
	time_ns_t now = arch_now();

	if (!none)
		error = decision_lookup(dispatcher, &choice);
	trace_record_at(arch_this_cpu(), now, TRACE_DECISION,
			DECISION_KIND(dispatcher->context.x[1]), (word_t)error);
	spin_lock(&core->lock);
	core->batch++;
	if (none) {
		decision_none(core, dispatcher, now);
	} else {
		error = decision_try(core, dispatcher, error, &choice, now);
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
