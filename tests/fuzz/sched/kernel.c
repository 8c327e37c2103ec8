/* SPDX-License-Identifier: BSD-2-Clause */
#include "../fuzz.h"

#include <abi/ipc.h>
#include <base/math.h>
#include <sched/protocol.h>
#include <sched/sys_if.h>

#include "paper.h"

/* What a record gathers between two reports: EVENT_*_SINCE and EVENT_FIRSTS*. */
#define GATHERED (~(word_t)0xffff)

struct sched_server *paper_server;
struct paper_thread paper_threads[PAPER_THREADS + 1];
struct paper_cpu paper_cpus[PAPER_CPUS];
group_id_t paper_groups[PAPER_GROUPS];
time_ns_t paper_now_ns;

static struct upcall_buffer buffer;
static struct group_cpu group_cpus[PAPER_CPUS];
static unsigned groups_made;
static uint64_t posts;
static unsigned deciding; /* CPU whose dispatcher runs */

void paper_start(struct sched_server *server)
{
	paper_server = server;
	memset(paper_threads, 0, sizeof(paper_threads));
	memset(paper_cpus, 0, sizeof(paper_cpus));
	memset(paper_groups, 0, sizeof(paper_groups));
	groups_made = 0;
	posts = 0;
	memset(group_cpus, 0, sizeof(group_cpus));
	paper_now_ns = 1000000;
	for (unsigned cpu = 0; cpu < PAPER_CPUS; cpu++)
		paper_cpus[cpu].timer_ns = paper_cpus[cpu].slice_end_ns = TIME_NEVER;
}

/* ---- Threads --------------------------------------------------------------------------------- */

static void post(unsigned tid, enum event_state state, enum event_cause cause)
{
	struct paper_thread *thread = &paper_threads[tid];

	thread->info = (word_t)state | (word_t)cause << 8 | (thread->info & GATHERED);
	if (state == EVENT_BLOCKED)
		thread->info |= EVENT_BLOCKED_SINCE;
	if (state == EVENT_READY && cause != CAUSE_PREEMPTED && cause != CAUSE_SLICE &&
	    cause != CAUSE_YIELD)
		thread->info |= EVENT_WOKE_SINCE;
	thread->seq++;
	if (!thread->pending)
		thread->posted = ++posts;
	thread->pending = true;
	paper_cpus[thread->home].armed = false;
}

void paper_ready(unsigned tid, enum event_cause cause)
{
	struct paper_thread *thread = &paper_threads[tid];
	struct paper_cpu *cpu = &paper_cpus[thread->home];

	thread->state = PAPER_READY;
	if (thread->first_ready_ns == 0)
		thread->first_ready_ns = paper_now_ns;
	post(tid, EVENT_READY, cause);
	paper_claim(cpu, tid);
	if (cause != CAUSE_WAKE || !paper_filters(cpu, thread))
		cpu->kicked = true;
}

/* Nobody runs there any more, if it was this one; true if it was. */
static bool leave(unsigned tid)
{
	struct paper_cpu *cpu = &paper_cpus[paper_threads[tid].home];

	if (cpu->running != tid)
		return false;
	cpu->running = 0;
	cpu->entering = true;
	return true;
}

void paper_block(unsigned tid, enum paper_state state, enum event_cause cause)
{
	struct paper_thread *thread = &paper_threads[tid];
	struct paper_cpu *cpu = &paper_cpus[thread->home];
	const bool followed = cpu->armed && cause != CAUSE_STOPPED;
	const bool ran = leave(tid);

	thread->state = state;
	post(tid, EVENT_BLOCKED, cause);
	if (!ran) {
		cpu->kicked = true;
		return;
	}
	cpu->armed = followed;
	if (followed && paper_succeed(thread->home, tid))
		cpu->entering = false;
}

void paper_yield(unsigned tid)
{
	(void)leave(tid);
	post(tid, EVENT_READY, CAUSE_YIELD);
}

void paper_kill(unsigned tid)
{
	(void)leave(tid);
	paper_threads[tid].state = PAPER_NONE;
	post(tid, EVENT_DEAD, CAUSE_EXIT);
	paper_cpus[paper_threads[tid].home].kicked = true;
}

void paper_time_passes(time_ns_t ns)
{
	paper_now_ns += ns;
	for (unsigned cpu = 0; cpu < paper_server->cpus; cpu++)
		if (paper_cpus[cpu].running != 0)
			paper_threads[paper_cpus[cpu].running].ran_ns += ns;
}

/* ---- What the server asks for ---------------------------------------------------------------- */

enum error sched_sys_answer(struct sched_server *of, uint32_t tid, enum error error, word_t w1,
			    word_t w2)
{
	struct paper_thread *thread = &paper_threads[tid <= PAPER_THREADS ? tid : 0];

	(void)of;
	(void)w2;
	fuzz_check(error < ERR_COUNT);
	if (msg_label(thread->request.info) == SCHED_REQ_GROUP_CREATE && error == ERR_OK)
		paper_groups[groups_made++ % PAPER_GROUPS] = w1;
	if (thread->state != PAPER_ASKING || !thread->delivered || thread->asked != deciding)
		return ERR_STATE;
	if (thread->home == deciding && !thread->pending)
		thread->state = PAPER_READY;
	else
		paper_ready(tid, CAUSE_WAKE);
	return ERR_OK;
}

enum error sched_sys_set_home(struct sched_server *of, uint32_t tid, uint32_t cpu)
{
	struct paper_thread *thread = &paper_threads[tid <= PAPER_THREADS ? tid : 0];

	fuzz_check(cpu < of->cpus && tid <= PAPER_THREADS && tid != 0);
	if (thread->state == PAPER_NONE)
		return ERR_DEAD;
	fuzz_check(thread->home == deciding);
	if (thread->home == cpu)
		return ERR_OK;
	thread->pending = false; /* it goes to the end of the other queue */
	thread->home = cpu;
	if (thread->state == PAPER_READY)
		paper_ready(tid, CAUSE_ARRIVED);
	else
		post(tid, EVENT_BLOCKED, CAUSE_ARRIVED);
	paper_cpus[cpu].kicked = true;
	return ERR_OK;
}

enum error sched_sys_set_key(struct sched_server *of, uint32_t tid, uint64_t key)
{
	(void)of;
	fuzz_check(tid <= PAPER_THREADS && tid != 0);
	paper_threads[tid].key = key;
	return ERR_OK;
}

struct group_cpu *sched_sys_group_cpu(struct sched_server *of, uint32_t cpu)
{
	(void)of;
	return &group_cpus[cpu];
}

/* ---- Upcalls --------------------------------------------------------------------------------- */

static void take_event(unsigned tid, struct sched_event *event)
{
	struct paper_thread *thread = &paper_threads[tid];

	*event = (struct sched_event){.tag = tid,
				      .info = thread->info,
				      .seq = thread->seq,
				      .ran_ns = thread->ran_ns,
				      .first_ready_ns = thread->first_ready_ns};
	thread->pending = false;
	thread->ran_ns = 0;
	thread->first_ready_ns = 0;
	thread->info &= ~(EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE);
}

/* The record that waits for the longest time, or 0. */
static unsigned oldest(unsigned cpu)
{
	unsigned found = 0;

	for (unsigned tid = 1; tid <= PAPER_THREADS; tid++)
		if (paper_threads[tid].pending && paper_threads[tid].home == cpu &&
		    (found == 0 || paper_threads[tid].posted < paper_threads[found].posted))
			found = tid;
	return found;
}

static word_t fill(unsigned cpu, unsigned events_max)
{
	word_t info = 0;
	unsigned events = 0;

	for (unsigned tid; (tid = oldest(cpu)) != 0;) {
		if (events == events_max)
			return info | events | UPCALL_MORE;
		take_event(tid, &buffer.events[events++]);
	}
	for (unsigned tid = 1; tid <= PAPER_THREADS; tid++) {
		struct paper_thread *thread = &paper_threads[tid];

		if (thread->state != PAPER_ASKING || thread->delivered || thread->asked != cpu)
			continue;
		if ((info & UPCALL_REQUEST) != 0)
			return info | events | UPCALL_MORE;
		thread->delivered = true;
		buffer.request = thread->request;
		buffer.request.payer_seq = thread->seq;
		info |= UPCALL_REQUEST;
	}
	return info | events;
}

static bool anybody_ready(unsigned cpu)
{
	for (unsigned tid = 1; tid <= PAPER_THREADS; tid++)
		if (paper_threads[tid].home == cpu && paper_threads[tid].state == PAPER_READY &&
		    !paper_threads[tid].pending)
			return true;
	return false;
}

static enum error judge(unsigned cpu, const struct sched_decision *decision)
{
	const struct paper_thread *thread;

	if (decision->kind == DECISION_IDLE) {
		/* Whoever is ready waits for runtime of its group, and there will be some. */
		fuzz_check(!anybody_ready(cpu) ||
			   (group_cpus[cpu].throttled != 0 && decision->timer_ns != TIME_NEVER));
		return ERR_OK;
	}
	fuzz_check(decision->kind == DECISION_RUN);
	fuzz_check(decision->tid >= 1 && decision->tid <= PAPER_THREADS && decision->slice_ns > 0);
	thread = &paper_threads[decision->tid];
	if (thread->home != cpu)
		return ERR_FOREIGN;
	if (thread->state != PAPER_READY)
		return ERR_NOT_READY;
	return thread->seq == decision->seq ? ERR_OK : ERR_BAD_SEQ;
}

static bool something_waits(unsigned cpu)
{
	for (unsigned tid = 1; tid <= PAPER_THREADS; tid++) {
		const struct paper_thread *thread = &paper_threads[tid];

		if ((thread->pending && thread->home == cpu) ||
		    (thread->state == PAPER_ASKING && !thread->delivered && thread->asked == cpu))
			return true;
	}
	return false;
}

bool paper_due(unsigned at)
{
	const struct paper_cpu *cpu = &paper_cpus[at];

	return cpu->entering || cpu->kicked || cpu->timer_ns <= paper_now_ns ||
	       (cpu->running != 0 && cpu->slice_end_ns <= paper_now_ns) ||
	       (cpu->filtered && cpu->filter_until_ns <= paper_now_ns);
}

static void carry_out(unsigned at, const struct sched_decision *decision)
{
	struct paper_cpu *cpu = &paper_cpus[at];
	const bool runs = decision->kind == DECISION_RUN;

	cpu->entering = false;
	cpu->running = runs ? decision->tid : 0;
	cpu->timer_ns = decision->timer_ns;
	cpu->slice_end_ns = runs ? paper_now_ns + decision->slice_ns : TIME_NEVER;
	cpu->kicked = something_waits(at);
	paper_accept(cpu, decision, cpu->kicked);
}

void paper_upcall(unsigned at, unsigned events_max)
{
	struct paper_cpu *cpu = &paper_cpus[at];
	struct sched_decision decision;
	enum error status = ERR_OK;

	if (cpu->kicked && paper_first(at))
		return;
	deciding = at;
	if (cpu->running != 0) {
		post(cpu->running, EVENT_READY, CAUSE_PREEMPTED);
		cpu->running = 0;
	}
	paper_forget(cpu);
	for (unsigned round = 0;; round++) {
		struct sched_upcall call = {
			.status = status, .now_ns = paper_now_ns, .buffer = &buffer};

		paper_report(cpu, &call.info, &buffer);
		call.info |= fill(at, events_max);
		call.first = buffer.events[0];
		sched_upcall(paper_server, &paper_server->cpu[at], &call, &decision);
		fuzz_check((decision.kind == DECISION_NONE) == ((call.info & UPCALL_MORE) != 0));
		fuzz_check(round < 4 * PAPER_THREADS);
		if (decision.kind == DECISION_NONE)
			continue;
		status = judge(at, &decision);
		/* Nothing happens here but in order: the server knew it all. */
		fuzz_check(status == ERR_OK);
		break;
	}
	carry_out(at, &decision);
}

void sched_sys_policy_idles(struct sched_server *of, uint32_t cpu, uint32_t runnable)
{
	(void)of;
	(void)cpu;
	(void)runnable;
	fuzz_check(false);
}
