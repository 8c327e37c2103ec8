/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half, one CPU: a thread runs until its script, the slice, the dispatcher's timer or
 * a kick wants attention; then the dispatcher gets its batch, and its decision is checked and
 * carried out.
 *
 *   IDLE, THREAD --enter--> DISPATCHER: drain (entry_ns), upcall, deliver (decision_ns)
 *        ^                       ^                                    |
 *        +------ accepted -------|------------------------------------+
 *                                +---------- stale or refused --------+
 */
#include <abi/ipc.h>
#include <base/math.h>

#include "sim.h"

#include <string.h>

#define REFUSALS_MAX 1000u

void sim_cpu_init(struct sim *sim, uint32_t index)
{
	struct sim_cpu *cpu = &sim->cpus[index];

	cpu->index = index;
	cpu->mode = SIM_IDLE;
	list_init(&cpu->events);
	list_init(&cpu->requests);
	sim_idle_changed(sim, index, true);
}

/* ---- Accounts
 * ---------------------------------------------------------------------------------- */

static void stretch_flush(struct sim *sim, struct sim_cpu *cpu)
{
	if (cpu->stretch == NULL)
		return;
	sim->schedule = sim_grow(sim->schedule, &sim->schedule_capacity, sim->schedule_count,
				 sizeof(*sim->schedule));
	sim->schedule[sim->schedule_count++] = (struct sim_stretch){
		.cpu = cpu->index,
		.tid = cpu->stretch->tid,
		.start_ns = cpu->stretch_start_ns,
		.end_ns = cpu->stretch_end_ns,
	};
	cpu->stretch = NULL;
}

/* Stretches of one thread that touch are one. */
static void stretch_add(struct sim *sim, struct sim_cpu *cpu, struct sim_thread *thread,
			time_ns_t from_ns, time_ns_t to_ns)
{
	if (!sim->config.keep_schedule || thread->balancer)
		return;
	if (cpu->stretch != thread || cpu->stretch_end_ns != from_ns) {
		stretch_flush(sim, cpu);
		cpu->stretch = thread;
		cpu->stretch_start_ns = from_ns;
	}
	cpu->stretch_end_ns = to_ns;
}

/* First comes the switch to the thread, which may be left before that is done. */
static void account_run(struct sim *sim, struct sim_cpu *cpu)
{
	time_ns_t now_ns = sim->now_ns;
	struct sim_thread *thread = cpu->current;
	uint64_t ran_ns;

	cpu->stats.dispatcher_ns += min_u64(now_ns, cpu->run_since_ns) - cpu->mode_since_ns;
	if (now_ns <= cpu->run_since_ns)
		return;
	ran_ns = now_ns - cpu->run_since_ns;
	cpu->stats.busy_ns += ran_ns;
	thread->cpu_ns += ran_ns;
	thread->record.ran_ns += ran_ns;
	sim_script_ran(thread, ran_ns);
	stretch_add(sim, cpu, thread, cpu->run_since_ns, now_ns);
	cpu->run_since_ns = now_ns;
}

void sim_cpu_account(struct sim *sim, struct sim_cpu *cpu)
{
	if (cpu->mode == SIM_IDLE)
		cpu->stats.idle_ns += sim->now_ns - cpu->mode_since_ns;
	else if (cpu->mode == SIM_DISPATCHER)
		cpu->stats.dispatcher_ns += sim->now_ns - cpu->mode_since_ns;
	else
		account_run(sim, cpu);
	cpu->mode_since_ns = sim->now_ns;
}

void sim_cpu_finish(struct sim *sim, struct sim_cpu *cpu)
{
	sim_cpu_account(sim, cpu);
	stretch_flush(sim, cpu);
}

static void mode_set(struct sim *sim, struct sim_cpu *cpu, enum sim_mode mode)
{
	sim_cpu_account(sim, cpu);
	if ((cpu->mode == SIM_IDLE) != (mode == SIM_IDLE))
		sim_idle_changed(sim, cpu->index, mode == SIM_IDLE);
	cpu->mode = mode;
	cpu->generation++; /* whatever was armed does not count any more */
}

/* ---- Entering the dispatcher
 * ------------------------------------------------------------------- */

void sim_cpu_enter(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_thread *thread = cpu->current;

	if (cpu->mode == SIM_IDLE)
		cpu->reasons |= 1u << REASON_IDLE;
	mode_set(sim, cpu, SIM_DISPATCHER);
	sim_ahead_forget(cpu);
	cpu->current = NULL;
	if (thread != NULL && thread->state == SIM_RUNNING) {
		bool slice_over = sim->now_ns >= cpu->slice_end_ns;

		thread->state = SIM_READY;
		sim_waiting_changed(sim, thread);
		sim_record_post(sim, thread, EVENT_READY,
				slice_over ? CAUSE_SLICE : CAUSE_PREEMPTED);
	}
	cpu->stats.entries[__builtin_ctz(cpu->reasons)]++;
	sim_post(sim, sim->now_ns + sim->config.costs.entry_ns, SIM_EVENT_DRAIN, cpu->index, 0);
}

void sim_cpu_ipi(struct sim *sim, struct sim_cpu *cpu)
{
	if (cpu->mode == SIM_DISPATCHER || !cpu->kick)
		return; /* it looks at its list before it parks; or it has looked already */
	sim->acting_cpu = cpu->index;
	cpu->stats.ipis_received++;
	if (!sim_ahead_first(sim, cpu))
		sim_cpu_enter(sim, cpu);
}

void sim_cpu_arm(struct sim *sim, struct sim_cpu *cpu)
{
	time_ns_t at_ns = cpu->timer_ns;

	if (cpu->mode == SIM_THREAD) {
		time_ns_t from_ns = max_u64(cpu->run_since_ns, sim->now_ns);

		at_ns = min_u64(at_ns, cpu->slice_end_ns);
		if (cpu->filtered)
			at_ns = min_u64(at_ns, cpu->filter_until_ns);
		at_ns = min_u64(at_ns, sim_script_next_ns(cpu->current, from_ns));
	}
	if (at_ns == TIME_NEVER)
		return;
	cpu->generation++;
	sim_post(sim, max_u64(at_ns, sim->now_ns), SIM_EVENT_CPU_TIMER, cpu->index,
		 cpu->generation);
}

/* The thread does what is due; true if it does not run on. */
static bool thread_acts(struct sim *sim, struct sim_cpu *cpu)
{
	struct sim_thread *thread = cpu->current;

	if (sim->now_ns < cpu->run_since_ns ||
	    sim_script_next_ns(thread, sim->now_ns) > sim->now_ns)
		return false;
	enum sim_step step = thread->balancer ? sim_balancer_advance(sim, thread)
					      : sim_script_advance(sim, thread);

	return step == SIM_STEP_BLOCKS;
}

void sim_cpu_timer(struct sim *sim, struct sim_cpu *cpu)
{
	bool enter = false;

	sim->acting_cpu = cpu->index;
	sim_cpu_account(sim, cpu);
	if (cpu->mode == SIM_THREAD) {
		enter = thread_acts(sim, cpu);
		if (enter && sim_ahead_succeed(sim, cpu))
			return;
		enter = enter || cpu->kick;
		if (cpu->slice_end_ns <= sim->now_ns && !enter) {
			cpu->reasons |= 1u << REASON_SLICE;
			cpu->stats.timer_interrupts++;
			enter = true;
		}
		if (cpu->filtered && cpu->filter_until_ns <= sim->now_ns && !enter) {
			cpu->reasons |= 1u << REASON_KICK;
			enter = true;
		}
	}
	if (cpu->timer_ns <= sim->now_ns && !enter) {
		cpu->reasons |= 1u << REASON_TIMER;
		cpu->stats.timer_interrupts++;
		enter = true;
	}
	if (enter)
		sim_cpu_enter(sim, cpu);
	else
		sim_cpu_arm(sim, cpu);
}

static void record_take(struct sim_thread *thread, struct sched_event *to)
{
	*to = thread->record;
	to->tag = thread->tid;
	thread->record.info = 0;
	thread->record.ran_ns = 0;
	thread->record.first_ready_ns = 0;
}

/* A call of the supervisor (its stopped thread is the message) or of the thread itself. */
static void request_take(struct sim *sim, struct sim_cpu *cpu)
{
	struct list_node *node = list_pop_front(&cpu->requests);
	struct sim_thread *thread = container_of(node, struct sim_thread, request_link);
	struct sched_request *to = &cpu->buffer.request;
	const bool asked = thread == sim->asked;

	*to = (struct sched_request){
		/* Its own process asks: no server does so on its time. */
		.badge = SCHED_BADGE_PRIVILEGED |
			 (asked ? 0 : sim->shared->params[thread->tid].pid),
		.payer_tag = asked ? 0 : thread->tid,
		.info = msg_info(thread->call.label, 4, 0),
		.payer_seq = thread->record.seq,
	};
	memcpy(to->words, thread->call.words, sizeof(to->words));
}

void sim_cpu_drain(struct sim *sim, struct sim_cpu *cpu)
{
	struct sched_upcall upcall = {.now_ns = sim->now_ns, .buffer = &cpu->buffer};
	unsigned count = 0;

	sim->acting_cpu = cpu->index;
	cpu->kick = false; /* before looking: what comes later kicks again */
	upcall.status = cpu->refused;
	upcall.info = (word_t)cpu->reasons << 16;
	cpu->refused = ERR_OK;
	cpu->reasons = 0;
	sim_ahead_report(cpu, &upcall);
	while (count < UPCALL_EVENTS_MAX && !list_empty(&cpu->events)) {
		struct list_node *node = list_pop_front(&cpu->events);

		record_take(container_of(node, struct sim_thread, event_link),
			    &cpu->buffer.events[count++]);
	}
	upcall.info |= count;
	upcall.first = cpu->buffer.events[0];
	if (!list_empty(&cpu->events)) {
		upcall.info |= UPCALL_MORE;
	} else if (!list_empty(&cpu->requests)) {
		upcall.info |= UPCALL_REQUEST;
		request_take(sim, cpu);
		/* A thread that is made now starts now: nothing is to be decided in between. */
		if (cpu->buffer.request.payer_tag == 0)
			upcall.info |= UPCALL_MORE;
	}
	sim_server_upcall(sim, cpu->index, &upcall, &cpu->decision);
	if ((upcall.info & UPCALL_REQUEST) != 0 && cpu->buffer.request.payer_tag == 0)
		sim_start_asked(sim);
	sim_post(sim, sim->now_ns + sim->config.costs.decision_ns, SIM_EVENT_DELIVER, cpu->index,
		 0);
}

/* ---- Carrying out a decision
 * ------------------------------------------------------------------- */

static void drain_again(struct sim *sim, struct sim_cpu *cpu, enum error refused)
{
	cpu->refused = refused;
	if (refused != ERR_OK)
		cpu->reasons |= 1u << REASON_REFUSED;
	if (refused != ERR_OK && refused != ERR_STALE) {
		cpu->stats.refused_decisions++;
		if (++cpu->refusals_row > REFUSALS_MAX)
			sim_fail(sim,
				 "CPU %u: %u decisions in a row were refused, the last with "
				 "error %d",
				 cpu->index, cpu->refusals_row, (int)refused);
	}
	sim_post(sim, sim->now_ns + sim->config.costs.entry_ns, SIM_EVENT_DRAIN, cpu->index, 0);
}

static enum error thread_validate(const struct sim *sim, const struct sim_cpu *cpu, uint32_t tid,
				  word_t seq)
{
	const struct sim_thread *thread;

	if (tid >= SCHED_THREADS_MAX || sim->threads[tid] == NULL)
		return ERR_CAP_INVALID;
	thread = sim->threads[tid];
	if (thread->state == SIM_DEAD)
		return ERR_DEAD;
	if (thread->home != cpu->index)
		return ERR_FOREIGN;
	if (thread->state != SIM_READY)
		return ERR_NOT_READY;
	return thread->record.seq == seq ? ERR_OK : ERR_BAD_SEQ;
}

static enum error decision_validate(const struct sim *sim, const struct sim_cpu *cpu)
{
	const struct sched_decision *decision = &cpu->decision;
	enum error error;

	if (decision->kind != DECISION_RUN)
		return decision->kind == DECISION_IDLE ? ERR_OK : ERR_ARG;
	error = thread_validate(sim, cpu, decision->tid, decision->seq);
	if (error == ERR_OK && (decision->flags & DECISION_SUCCESSOR) != 0 &&
	    decision->successor_tid != 0)
		error = thread_validate(sim, cpu, decision->successor_tid, decision->successor_seq);
	return error;
}

/* Counts about tasks; a balancer that runs in between is part of the server. */
static void dispatch_count(struct sim *sim, struct sim_cpu *cpu, struct sim_thread *thread)
{
	cpu->stats.dispatches++;
	cpu->run_since_ns = sim->now_ns;
	/* As the kernel counts: going on with the same thread after idling is no switch. */
	if (cpu->last_payer != thread) {
		cpu->last_payer = thread;
		cpu->stats.switches++;
	}
	if (cpu->registers != thread) {
		cpu->run_since_ns += sim->config.costs.switch_ns;
		cpu->registers = thread;
	}
	if (thread->balancer)
		return;
	if (cpu->last != thread) {
		if (cpu->last != NULL && cpu->last->state == SIM_READY &&
		    cpu->last->home == cpu->index)
			cpu->last->preemptions++;
		thread->runs++;
		cpu->last = thread;
	}
	if (!thread->woke)
		return;
	thread->woke = false;
	struct sim_samples *samples = &thread->wake_ns;

	samples->values = sim_grow(samples->values, &samples->capacity, samples->count,
				   sizeof(*samples->values));
	samples->values[samples->count++] = cpu->run_since_ns - thread->woke_ns;
}

void sim_cpu_run(struct sim *sim, struct sim_cpu *cpu, struct sim_thread *thread, uint64_t slice_ns)
{
	slice_ns = max_u64(slice_ns, sim->config.costs.slice_min_ns);
	mode_set(sim, cpu, SIM_THREAD);
	cpu->current = thread;
	thread->state = SIM_RUNNING;
	sim_waiting_changed(sim, thread);
	dispatch_count(sim, cpu, thread);
	cpu->slice_end_ns = add_saturate_u64(cpu->run_since_ns, slice_ns);
	sim_cpu_arm(sim, cpu);
}

void sim_cpu_idle(struct sim *sim, struct sim_cpu *cpu)
{
	mode_set(sim, cpu, SIM_IDLE);
	cpu->current = NULL;
	cpu->last = NULL;
	cpu->registers = NULL;
	sim_cpu_arm(sim, cpu);
}

void sim_cpu_deliver(struct sim *sim, struct sim_cpu *cpu)
{
	bool pending = !list_empty(&cpu->events) || !list_empty(&cpu->requests);

	if (cpu->decision.kind == DECISION_NONE) {
		drain_again(sim, cpu, ERR_OK);
		return;
	}
	if (pending && (!cpu->bounced || cpu->decision.kind != DECISION_RUN)) {
		cpu->bounced = true;
		cpu->stats.stale_decisions++;
		drain_again(sim, cpu, ERR_STALE);
		return;
	}
	enum error error = decision_validate(sim, cpu);

	if (error != ERR_OK) {
		drain_again(sim, cpu, error);
		return;
	}
	cpu->bounced = false;
	cpu->refusals_row = 0;
	if (!pending) {
		cpu->kick = false;
		cpu->reasons = 0;
	}
	cpu->timer_ns = max_u64(cpu->decision.timer_ns,
				sim->now_ns + sim->config.costs.slice_min_ns);
	sim_ahead_accept(sim, cpu, pending);
	if (cpu->decision.kind == DECISION_RUN)
		sim_cpu_run(sim, cpu, sim->threads[cpu->decision.tid],
			    pending ? 0 : cpu->decision.slice_ns);
	else
		sim_cpu_idle(sim, cpu);
}
