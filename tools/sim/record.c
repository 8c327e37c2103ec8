/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's half, threads: event records that accumulate, wakes, calls on a Core, answers,
 * moves of home. What D[home] changes itself (the answer, the move, the thread that it runs) is
 * handed back to it and not posted.
 */
#include "sim.h"

/* What a record gathers between two reports: EVENT_*_SINCE and EVENT_FIRSTS*. */
#define RECORD_GATHERED (~(word_t)0xffff)

void sim_record_post(struct sim *sim, struct sim_thread *thread, enum event_state state,
		     enum event_cause cause)
{
	struct sched_event *record = &thread->record;
	word_t flags = record->info & RECORD_GATHERED;

	if (state == EVENT_BLOCKED)
		flags |= EVENT_BLOCKED_SINCE;
	if (state == EVENT_READY && cause != CAUSE_PREEMPTED && cause != CAUSE_SLICE &&
	    cause != CAUSE_YIELD) {
		flags |= EVENT_WOKE_SINCE;
		if (record->first_ready_ns == 0)
			record->first_ready_ns = sim->now_ns;
	}
	sim->cpus[thread->home].armed = false;
	record->seq++;
	record->info = (word_t)state | ((word_t)cause << 8) | flags;
	if (!list_linked(&thread->event_link))
		list_push_back(&sim->cpus[thread->home].events, &thread->event_link);
}

/* The poster that turns the bit from 0 to 1 sends the one interrupt; on its own CPU it needs
 * none. */
void sim_core_kick(struct sim *sim, struct sim_cpu *cpu, enum upcall_reason reason)
{
	cpu->reasons |= 1u << reason;
	if (cpu->kick)
		return;
	cpu->kick = true;
	if (sim->acting_cpu == cpu->index) {
		sim_post(sim, sim->now_ns, SIM_EVENT_IPI, cpu->index, 0);
		return;
	}
	sim->cpus[sim->acting_cpu].stats.ipis_sent++;
	sim_post(sim, sim->now_ns + sim->config.costs.ipi_ns, SIM_EVENT_IPI, cpu->index, 1);
}

static void thread_woke(struct sim *sim, struct sim_thread *thread, time_ns_t since_ns)
{
	thread->wakes++;
	thread->woke = true;
	thread->woke_ns = since_ns;
	if (!sim->config.keep_marks)
		return;
	sim->marks = sim_grow(sim->marks, &sim->marks_capacity, sim->marks_count,
			      sizeof(*sim->marks));
	sim->marks[sim->marks_count++] = (struct sim_mark){.kind = SIM_MARK_WAKE,
							   .cpu = thread->home,
							   .from = thread->home,
							   .tid = thread->tid,
							   .at_ns = sim->now_ns};
}

void sim_thread_ready(struct sim *sim, struct sim_thread *thread, enum event_cause cause)
{
	if (cause == CAUSE_WAKE)
		thread_woke(sim, thread, sim->now_ns);
	thread->state = SIM_READY;
	sim_waiting_changed(sim, thread);
	sim_record_post(sim, thread, EVENT_READY, cause);
	sim_ahead_claim(&sim->cpus[thread->home], thread);
	if (cause != CAUSE_WAKE || !sim_ahead_filters(sim, &sim->cpus[thread->home], thread))
		sim_core_kick(sim, &sim->cpus[thread->home], REASON_KICK);
}

void sim_thread_resume(struct sim *sim, struct sim_thread *thread)
{
	thread->begin_ns = sim->now_ns;
	sim_admission_ask(sim, thread);
	sim_thread_ready(sim, thread, CAUSE_START);
}

void sim_thread_block(struct sim *sim, struct sim_thread *thread, enum event_cause cause)
{
	struct sim_cpu *cpu = &sim->cpus[thread->home];
	/* As those of libsys all sleeps are timed. */
	const bool followed = cpu->armed &&
			      (cause != CAUSE_REQUEST || thread->call.label == SCHED_REQ_SLEEP);

	thread->state = SIM_BLOCKED;
	sim_record_post(sim, thread, EVENT_BLOCKED, cause);
	cpu->armed = followed;
	cpu->reasons |= 1u << REASON_BLOCK;
}

void sim_thread_exit(struct sim *sim, struct sim_thread *thread)
{
	sim_sync_release(sim, thread);
	thread->state = SIM_DEAD;
	thread->end_ns = sim->now_ns;
	sim->live--;
	sim_record_post(sim, thread, EVENT_DEAD, CAUSE_EXIT);
	sim->cpus[thread->home].reasons |= 1u << REASON_BLOCK;
}

void sim_thread_request(struct sim *sim, struct sim_thread *thread, const struct sim_call *call)
{
	struct sim_cpu *core = &sim->cpus[call->core];

	thread->call = *call;
	thread->in_request = true;
	sim_thread_block(sim, thread, CAUSE_REQUEST);
	list_push_back(&core->requests, &thread->request_link);
	if (call->core == thread->home)
		core->reasons |= 1u << REASON_REQUEST;
	else
		sim_core_kick(sim, core, REASON_REQUEST);
}

void sim_thread_yield(struct sim *sim, struct sim_thread *thread)
{
	thread->state = SIM_READY;
	sim_waiting_changed(sim, thread);
	sim_record_post(sim, thread, EVENT_READY, CAUSE_YIELD);
	sim->cpus[thread->home].reasons |= 1u << REASON_REQUEST;
}

enum error sim_tcb_answer(struct sim *sim, uint32_t tid, enum error error, word_t w1, word_t w2)
{
	struct sim_thread *thread = tid < SCHED_THREADS_MAX ? sim->threads[tid] : NULL;

	if (thread == NULL)
		return ERR_CAP_INVALID;
	if (thread->state == SIM_DEAD)
		return ERR_DEAD;
	if (thread->state != SIM_BLOCKED || !thread->in_request)
		return ERR_STATE;
	list_remove(&thread->request_link);
	thread->in_request = false;
	thread->answer = error;
	thread->answer_w1 = w1;
	thread->answer_w2 = w2;
	if (thread->call.label == SCHED_REQ_SLEEP)
		thread_woke(sim, thread,
			    thread->call.words[0] < sim->now_ns ? thread->call.words[0]
								: sim->now_ns);
	thread->state = SIM_READY;
	sim_waiting_changed(sim, thread);
	if (thread->home != sim->acting_cpu) {
		sim_record_post(sim, thread, EVENT_READY, CAUSE_WAKE);
		sim_ahead_claim(&sim->cpus[thread->home], thread);
		sim_core_kick(sim, &sim->cpus[thread->home], REASON_KICK);
	}
	return ERR_OK;
}

static void migration_mark(struct sim *sim, const struct sim_thread *thread, uint32_t target)
{
	if (!sim->config.keep_marks)
		return;
	sim->marks = sim_grow(sim->marks, &sim->marks_capacity, sim->marks_count,
			      sizeof(*sim->marks));
	sim->marks[sim->marks_count++] = (struct sim_mark){.kind = SIM_MARK_MIGRATE,
							   .cpu = target,
							   .from = thread->home,
							   .tid = thread->tid,
							   .at_ns = sim->now_ns};
}

enum error sim_tcb_set_home(struct sim *sim, uint32_t tid, uint32_t target)
{
	struct sim_thread *thread = tid < SCHED_THREADS_MAX ? sim->threads[tid] : NULL;

	if (thread == NULL)
		return ERR_CAP_INVALID;
	if (thread->state == SIM_DEAD)
		return ERR_DEAD;
	if (thread->state == SIM_STOPPED) {
		thread->home = target;
		return ERR_OK;
	}
	if (thread->home != sim->acting_cpu || thread->state == SIM_RUNNING)
		return ERR_STATE;
	migration_mark(sim, thread, target);
	thread->migrations++;
	list_remove(&thread->event_link);
	thread->home = target;
	sim_record_post(sim, thread, thread->state == SIM_READY ? EVENT_READY : EVENT_BLOCKED,
			CAUSE_ARRIVED);
	if (thread->state == SIM_READY)
		sim_ahead_claim(&sim->cpus[target], thread);
	sim_core_kick(sim, &sim->cpus[target], REASON_KICK);
	return ERR_OK;
}
