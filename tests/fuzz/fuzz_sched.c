/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler server before a kernel of paper that keeps its promises to it: threads run, block,
 * wake, ask for anything, are moved, stopped and killed; every upcall tells what the paper says.
 * What must hold: policies find their queues sound, no decision is refused, a CPU with a ready thread
 * does not idle, whoever sleeps wakes when it is time.
 *
 * First byte: policy, placement, CPUs.  Then operations: what and who, operands follow.
 */
#include "fuzz.h"

#include <abi/ipc.h>
#include <base/math.h>
#include <sched/protocol.h>
#include <sched/server.h>
#include <sched/sys_if.h>

#define THREADS     12u
#define OPS_MAX     300u
#define REQUESTS    (THREADS + 1)
#define REFUSED_MAX 3u
#define GROUPS      4u

enum paper_state { PAPER_NONE, PAPER_STOPPED, PAPER_READY, PAPER_BLOCKED, PAPER_ASKING };

struct paper_thread {
	enum paper_state state;
	unsigned home, asked; /* CPUs; asked: while ASKING */
	bool delivered;       /* the dispatcher asked has its request */
	bool pending;         /* a record for the dispatcher of home */
	word_t seq, info;
	time_ns_t ran_ns, first_ready_ns;
	struct sched_request request;
};

static struct sched_server *server;
static struct sched_shared *shared;
static struct upcall_buffer buffer;
static struct group_cpu group_cpus[4];
static struct paper_thread threads[THREADS + 1]; /* index = tid */
static unsigned running[CPUS_MAX];               /* tid, or 0: idle */
static group_id_t groups[GROUPS];                /* the last ones that were made */
static unsigned groups_made;
static unsigned deciding; /* CPU whose dispatcher runs */
static time_ns_t now_ns;
static time_ns_t timers[CPUS_MAX];

/* ---- The kernel of paper --------------------------------------------------------------------- */

static void post(unsigned tid, enum event_state state, enum event_cause cause)
{
	struct paper_thread *thread = &threads[tid];

	thread->info = (word_t)state | (word_t)cause << 8 |
		       (thread->info & (EVENT_BLOCKED_SINCE | EVENT_WOKE_SINCE));
	if (state == EVENT_BLOCKED)
		thread->info |= EVENT_BLOCKED_SINCE;
	if (state == EVENT_READY && cause != CAUSE_PREEMPTED && cause != CAUSE_SLICE)
		thread->info |= EVENT_WOKE_SINCE;
	thread->seq++;
	thread->pending = true;
}

static void make_ready(unsigned tid, enum event_cause cause)
{
	threads[tid].state = PAPER_READY;
	if (threads[tid].first_ready_ns == 0)
		threads[tid].first_ready_ns = now_ns;
	post(tid, EVENT_READY, cause);
}

static void make_blocked(unsigned tid, enum paper_state state, enum event_cause cause)
{
	if (running[threads[tid].home] == tid)
		running[threads[tid].home] = 0;
	threads[tid].state = state;
	post(tid, EVENT_BLOCKED, cause);
}

enum error sched_sys_answer(struct sched_server *of, uint32_t tid, enum error error, word_t w1,
			    word_t w2)
{
	struct paper_thread *thread = &threads[tid <= THREADS ? tid : 0];

	(void)of;
	(void)w2;
	fuzz_check(error < ERR_COUNT);
	if (msg_label(thread->request.info) == SCHED_REQ_GROUP_CREATE && error == ERR_OK)
		groups[groups_made++ % GROUPS] = w1;
	if (thread->state != PAPER_ASKING || !thread->delivered || thread->asked != deciding)
		return ERR_STATE;
	if (thread->home == deciding && !thread->pending)
		thread->state = PAPER_READY;
	else
		make_ready(tid, CAUSE_WAKE);
	return ERR_OK;
}

enum error sched_sys_set_home(struct sched_server *of, uint32_t tid, uint32_t cpu)
{
	struct paper_thread *thread = &threads[tid <= THREADS ? tid : 0];

	fuzz_check(cpu < of->cpus && tid <= THREADS && tid != 0);
	if (thread->state == PAPER_NONE)
		return ERR_DEAD;
	fuzz_check(thread->home == deciding);
	if (thread->home == cpu)
		return ERR_OK;
	thread->home = cpu;
	if (thread->state == PAPER_READY)
		make_ready(tid, CAUSE_ARRIVED);
	else
		post(tid, EVENT_BLOCKED, CAUSE_ARRIVED);
	return ERR_OK;
}

enum error sched_sys_set_key(struct sched_server *of, uint32_t tid, uint64_t key)
{
	(void)of;
	fuzz_check(tid <= THREADS && tid != 0);
	(void)key;
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
	struct paper_thread *thread = &threads[tid];

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

static word_t fill(unsigned cpu, unsigned events_max)
{
	word_t info = 0;
	unsigned events = 0;

	for (unsigned tid = 1; tid <= THREADS; tid++) {
		if (!threads[tid].pending || threads[tid].home != cpu)
			continue;
		if (events == events_max)
			return info | events | UPCALL_MORE;
		take_event(tid, &buffer.events[events++]);
	}
	for (unsigned tid = 1; tid <= THREADS; tid++) {
		struct paper_thread *thread = &threads[tid];

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
	for (unsigned tid = 1; tid <= THREADS; tid++)
		if (threads[tid].home == cpu && threads[tid].state == PAPER_READY &&
		    !threads[tid].pending)
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
	fuzz_check(decision->tid >= 1 && decision->tid <= THREADS && decision->slice_ns > 0);
	thread = &threads[decision->tid];
	if (thread->home != cpu)
		return ERR_FOREIGN;
	if (thread->state != PAPER_READY)
		return ERR_NOT_READY;
	return thread->seq == decision->seq ? ERR_OK : ERR_BAD_SEQ;
}

static void upcall(unsigned cpu, unsigned events_max)
{
	struct sched_decision decision;
	enum error status = ERR_OK;

	deciding = cpu;
	if (running[cpu] != 0) {
		post(running[cpu], EVENT_READY, CAUSE_PREEMPTED);
		running[cpu] = 0;
	}
	for (unsigned round = 0;; round++) {
		struct sched_upcall call = {.status = status, .now_ns = now_ns, .buffer = &buffer};

		call.info = fill(cpu, events_max);
		call.first = buffer.events[0];
		sched_upcall(server, &server->cpu[cpu], &call, &decision);
		fuzz_check((decision.kind == DECISION_NONE) == ((call.info & UPCALL_MORE) != 0));
		fuzz_check(round < 4 * THREADS);
		if (decision.kind == DECISION_NONE)
			continue;
		status = judge(cpu, &decision);
		/* Nothing happens here but in order: the server knew it all. */
		fuzz_check(status == ERR_OK);
		break;
	}
	running[cpu] = decision.kind == DECISION_RUN ? decision.tid : 0;
	timers[cpu] = decision.timer_ns;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static void thread_new(struct fuzz_input *input, unsigned tid, unsigned cpu)
{
	struct sched_thread_params *params = &shared->params[tid];

	if (threads[tid].state != PAPER_NONE || threads[tid].pending)
		return;
	*params = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED,
		.pid = 100 + tid % 3,
		.weight = (uint32_t)fuzz_number(input),
		.priority = fuzz_u8(input) % 120,
		.class = fuzz_u8(input) & 1,
		.slice_ns = fuzz_number(input),
		.affinity = cpumask_all(),
	};
	threads[tid] = (struct paper_thread){.home = cpu, .seq = threads[tid].seq};
	make_ready(tid, CAUSE_START);
}

static void request(struct fuzz_input *input, unsigned tid)
{
	struct paper_thread *thread = &threads[tid];
	uint8_t kind = fuzz_u8(input);
	word_t label = (kind & 15) == 15 ? fuzz_number(input) : (word_t)(kind & 15) % 11;

	if ((kind & 0x40) != 0)
		label |= SCHED_REQUEST_INTERRUPTIBLE;
	thread->request = (struct sched_request){
		.badge = (kind & 0x80) != 0 ? SCHED_BADGE_PRIVILEGED
					    : sched_badge(100 + tid % 3, 2048),
		.payer_tag = tid,
		.info = msg_info(label, 4, 0),
	};
	for (unsigned i = 0; i < 4; i++)
		thread->request.words[i] = fuzz_number(input);
	/* A group that there is, or was; a thread goes into one. */
	if (label >= SCHED_REQ_GROUP_CREATE && label <= SCHED_REQ_GROUP_GET && (kind & 0x20) != 0)
		thread->request.words[0] = groups[thread->request.words[0] % GROUPS];
	if (label == SCHED_REQ_SET_PARAM && (kind & 0x20) != 0) {
		thread->request.words[0] %= THREADS + 1;
		thread->request.words[1] = SCHED_PARAM_GROUP;
		thread->request.words[2] = groups[thread->request.words[2] % GROUPS];
		thread->request.words[3] = 0;
	}
	if ((label & 0xff) == SCHED_REQ_SLEEP && (kind & 0x20) != 0)
		thread->request.words[0] += now_ns;
	/* THREAD_NEW is proc's, for a record that it has just filled in: thread_new() above. */
	if (label == SCHED_REQ_THREAD_NEW)
		thread->request.badge &= ~SCHED_BADGE_PRIVILEGED;
	make_blocked(tid, PAPER_ASKING, CAUSE_REQUEST);
	thread->asked = (kind & 0x10) != 0 ? fuzz_u8(input) % server->cpus : thread->home;
	thread->delivered = false;
}

static void thread_kill(unsigned tid)
{
	if (running[threads[tid].home] == tid)
		running[threads[tid].home] = 0;
	threads[tid].state = PAPER_NONE;
	post(tid, EVENT_DEAD, CAUSE_EXIT);
}

static void time_passes(time_ns_t ns)
{
	now_ns += ns;
	for (unsigned cpu = 0; cpu < server->cpus; cpu++)
		if (running[cpu] != 0)
			threads[running[cpu]].ran_ns += ns;
}

static void operation(struct fuzz_input *input)
{
	uint8_t op = fuzz_u8(input);
	uint8_t who = fuzz_u8(input);
	unsigned tid = 1 + who % THREADS;
	unsigned cpu = (who >> 4) % server->cpus;
	struct paper_thread *thread = &threads[tid];
	bool runs = running[thread->home] == tid && thread->state == PAPER_READY;

	switch (op & 7) {
	case 0:
		thread_new(input, tid, cpu);
		break;
	case 1:
		if (thread->state == PAPER_BLOCKED || thread->state == PAPER_STOPPED)
			make_ready(tid, thread->state == PAPER_BLOCKED ? CAUSE_WAKE : CAUSE_START);
		else if (thread->state == PAPER_ASKING &&
			 (msg_label(thread->request.info) & SCHED_REQUEST_INTERRUPTIBLE) != 0)
			make_ready(tid, CAUSE_WAKE);
		break;
	case 2:
		if (runs)
			make_blocked(tid, PAPER_BLOCKED, CAUSE_IPC);
		break;
	case 3:
	case 4:
		if (runs)
			request(input, tid);
		break;
	case 5:
		if (thread->state != PAPER_NONE && thread->state != PAPER_STOPPED)
			make_blocked(tid, PAPER_STOPPED, CAUSE_STOPPED);
		break;
	case 6:
		if (thread->state != PAPER_NONE)
			thread_kill(tid);
		break;
	default:
		time_passes((uint64_t)who * 100000 + 1);
		break;
	}
	upcall(cpu, 1u + (op >> 6) * 10u);
	for (unsigned i = 0; i < server->cpus; i++)
		if ((op & 8) == 0 || running[i] == 0 || timers[i] <= now_ns)
			upcall(i, 32);
}

static void check(void)
{
	for (unsigned cpu = 0; cpu < server->cpus; cpu++) {
		struct sched_cpu *at = &server->cpu[cpu];

		fuzz_check(at->policy->check(
				   (const struct policy_cpu *)(const void *)at->policy_blob) == 0);
		fuzz_check(shared->cpu[cpu].misuse == 0 && shared->cpu[cpu].refusals == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint8_t kind = fuzz_u8(&input);

	if (server == NULL) {
		server = aligned_alloc(64, (sizeof(*server) + 63) & ~(size_t)63);
		shared = calloc(1, sizeof(*shared));
		memset(server, 0, sizeof(*server));
	}
	/* Only what THREADS threads and four CPUs reach. */
	memset(server, 0, offsetof(struct sched_server, cpu[4]));
	memset(server->threads, 0, sizeof(server->threads[0]) * (THREADS + 1));
	memset(shared->cpu, 0, sizeof(shared->cpu[0]) * 4);
	memset(shared->params, 0, sizeof(shared->params));
	memset(shared->stats, 0, sizeof(shared->stats[0]) * (THREADS + 1));
	memset(threads, 0, sizeof(threads));
	memset(groups, 0, sizeof(groups));
	groups_made = 0;
	memset(group_cpus, 0, sizeof(group_cpus));
	memset(running, 0, sizeof(running));
	server->shared = shared;
	server->cpus = 1 + (kind & 3);
	group_machine_start(&server->groups, server->cpus, 1);
	now_ns = 1000000;
	for (unsigned cpu = 0; cpu < server->cpus; cpu++) {
		sched_cpu_init(server, cpu, policies[(kind >> 2 & 3) % policies_count],
			       places[(kind >> 4 & 3) % places_count]);
		timers[cpu] = TIME_NEVER;
	}
	for (unsigned i = 0; i < OPS_MAX && input.left > 0; i++) {
		operation(&input);
		check();
	}
	return 0;
}
