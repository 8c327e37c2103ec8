/* SPDX-License-Identifier: BSD-2-Clause */
/* The one deadline of each CPU.  See <kern/timer.h>. */
#include <kern/fallback.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/trace.h>

static time_ns_t earlier(time_ns_t a, time_ns_t b)
{
	return a < b ? a : b;
}

static time_ns_t timer_deadline(const struct core *core)
{
	time_ns_t deadline;

	if (core->dispatcher_running)
		return core->decision_end_ns;
	deadline = core->payer != NULL ? core->slice_end_ns : TIME_NEVER;
	if (core->dispatcher == NULL)
		return deadline;
	if (__atomic_load_n(&core->filtered, __ATOMIC_RELAXED))
		deadline = earlier(deadline, core->filter_until_ns);
	return earlier(deadline, earlier(core->server_timer_ns, core->starvation_end_ns));
}

void timer_starvation(struct core *core)
{
	const struct list_node *oldest = list_first(&core->ready);
	time_ns_t end = TIME_NEVER;

	if (core->starvation_limit_ns != 0 && oldest != NULL)
		end = time_after(container_of_const(oldest, struct tcb, ready_link)->ready_since_ns,
				 core->starvation_limit_ns);
	core->starvation_end_ns = end;
}

void timer_update(struct core *core)
{
	time_ns_t deadline = timer_deadline(core);

	if (deadline >= core->armed_ns)
		return;
	core->armed_ns = deadline;
	arch_timer_set(deadline);
}

/* Has the thread at the front of the ready ring waited too long?  Otherwise look again when it
 * would have. */
static bool timer_starved(struct core *core, time_ns_t now)
{
	if (core->starvation_end_ns > now)
		return false;
	spin_lock(&core->lock);
	timer_starvation(core);
	spin_unlock(&core->lock);
	return core->starvation_end_ns <= now;
}

static inline void slice_over(struct core *core, time_ns_t now)
{
	core->slice_over_ns = now;
	core->slice_end_ns = TIME_NEVER;
	core->reasons |= 1u << REASON_SLICE;
}

/* Whatever it is; the dispatcher may run. */
static __attribute__((cold, noinline)) void times_note(struct core *core, time_ns_t now)
{
	trace_record_at(container_of(core, struct cpu, core), now, TRACE_TIMER, core->armed_ns,
			now);
	core->armed_ns = TIME_NEVER; /* disarmed by arch_irq_take */
	if (core->dispatcher_running) {
		if (core->decision_end_ns <= now)
			fallback_enter(core, FALLBACK_DECISION);
	} else if (core->dispatcher != NULL && timer_starved(core, now)) {
		fallback_enter(core, FALLBACK_STARVATION);
	} else {
		if (core->payer != NULL && core->slice_end_ns <= now)
			slice_over(core, now);
		if (core->dispatcher != NULL && core->server_timer_ns <= now) {
			core->server_timer_ns = TIME_NEVER;
			core->reasons |= 1u << REASON_TIMER;
		}
		filter_expire(core, now);
	}
	/* With a reason to choose it is set then. */
	if (core->dispatcher_running || core->reasons == 0)
		timer_update(core);
}

/* What times_note() would find is the end of a slice and nothing else, as mostly. */
static inline bool slice_alone(const struct core *core, time_ns_t now)
{
	return core->payer != NULL && core->slice_end_ns <= now && core->server_timer_ns > now &&
	       core->starvation_end_ns > now && !__atomic_load_n(&core->filtered, __ATOMIC_RELAXED);
}

__attribute__((noinline)) void timer_expired(struct core *core)
{
	time_ns_t now = arch_now();

	counter_add(&core->stats.timer_interrupts, 1);
	if (trace_wanted(TRACE_TIMER) || !slice_alone(core, now)) {
		times_note(core, now);
		return;
	}
	core->armed_ns = TIME_NEVER;
	slice_over(core, now);
}
