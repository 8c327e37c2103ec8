/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler server before a kernel of paper that keeps its promises to it (sched/paper.h).  What must
 * hold: what the server remembers fits together (state.h), policies find their queues sound, no decision is
 * refused, a CPU with a ready thread does not idle, whoever sleeps wakes when it is time.
 *
 * First byte: policy, placement, CPUs, what decisions may offer.  Then operations: what and who, operands
 * follow.
 */
#include "fuzz.h"

#include <abi/ipc.h>
#include <sched/protocol.h>

#include "sched/paper.h"
#include "state.h"

#define OPS_MAX 300u

/* In the byte of an operation. */
#define OP_DUE  8u  /* only those dispatchers are entered that have to be */
#define OP_LATE 16u /* none is yet */

/* In the first byte. */
#define KIND_OFFERS 0x40u
#define KIND_AGAIN  0x80u

static struct sched_server *server;
static struct sched_shared *shared;

static void thread_new(struct fuzz_input *input, unsigned tid, unsigned cpu)
{
	struct sched_thread_params *params = &shared->params[tid];

	if (paper_threads[tid].state != PAPER_NONE || paper_threads[tid].pending)
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
	paper_threads[tid] = (struct paper_thread){.home = cpu, .seq = paper_threads[tid].seq};
	paper_ready(tid, CAUSE_START);
}

static void request(struct fuzz_input *input, unsigned tid)
{
	struct paper_thread *thread = &paper_threads[tid];
	uint8_t kind = fuzz_u8(input);
	word_t label = (kind & 15) == 15 ? fuzz_number(input) : (word_t)(kind & 15) % 11;

	if ((kind & 0x40) != 0)
		label |= SCHED_REQUEST_INTERRUPTIBLE;
	/* As those of libsys. */
	if ((label & 0xff) == SCHED_REQ_SLEEP && (kind & 0x20) != 0)
		label |= SCHED_REQUEST_TIMED;
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
		thread->request.words[0] = paper_groups[thread->request.words[0] % PAPER_GROUPS];
	if (label == SCHED_REQ_SET_PARAM && (kind & 0x20) != 0) {
		thread->request.words[0] %= PAPER_THREADS + 1;
		thread->request.words[1] = SCHED_PARAM_GROUP;
		thread->request.words[2] = paper_groups[thread->request.words[2] % PAPER_GROUPS];
		thread->request.words[3] = 0;
	}
	if ((label & 0xff) == SCHED_REQ_SLEEP && (kind & 0x20) != 0)
		thread->request.words[0] += paper_now_ns;
	/* THREAD_NEW is proc's, for a record that it has just filled in: thread_new() above. */
	if (label == SCHED_REQ_THREAD_NEW)
		thread->request.badge &= ~SCHED_BADGE_PRIVILEGED;
	/* Likewise; another dispatcher sees a request. */
	if ((label & 0xff) == SCHED_REQ_YIELD && (kind & 0x20) != 0)
		thread->request.info |= msg_info(SCHED_REQUEST_YIELD, 0, 0);
	thread->asked = (kind & 0x10) != 0 ? fuzz_u8(input) % server->cpus : thread->home;
	thread->delivered = false;
	if ((msg_label(thread->request.info) & SCHED_REQUEST_YIELD) != 0 &&
	    thread->asked == thread->home)
		paper_yield(tid);
	else
		paper_block(tid, PAPER_ASKING, CAUSE_REQUEST);
}

/* The dispatchers are entered: all, or those that are due. */
static void enter(bool due, unsigned cpu, unsigned events_max)
{
	if (!due || paper_due(cpu))
		paper_upcall(cpu, events_max);
	for (unsigned i = 0; i < server->cpus; i++)
		if (!due || paper_due(i))
			paper_upcall(i, UPCALL_EVENTS_MAX);
}

static void operation(struct fuzz_input *input)
{
	uint8_t op = fuzz_u8(input);
	uint8_t who = fuzz_u8(input);
	unsigned tid = 1 + who % PAPER_THREADS;
	unsigned cpu = (who >> 4) % server->cpus;
	struct paper_thread *thread = &paper_threads[tid];
	bool runs = paper_cpus[thread->home].running == tid && thread->state == PAPER_READY;

	switch (op & 7) {
	case 0:
		thread_new(input, tid, cpu);
		break;
	case 1:
		if (thread->state == PAPER_BLOCKED || thread->state == PAPER_STOPPED)
			paper_ready(tid, thread->state == PAPER_BLOCKED ? CAUSE_WAKE : CAUSE_START);
		else if (thread->state == PAPER_ASKING &&
			 (msg_label(thread->request.info) & SCHED_REQUEST_INTERRUPTIBLE) != 0)
			paper_ready(tid, CAUSE_WAKE);
		break;
	case 2:
		if (runs)
			paper_block(tid, PAPER_BLOCKED, CAUSE_IPC);
		break;
	case 3:
	case 4:
		if (runs)
			request(input, tid);
		break;
	case 5:
		if (thread->state != PAPER_NONE && thread->state != PAPER_STOPPED)
			paper_block(tid, PAPER_STOPPED, CAUSE_STOPPED);
		break;
	case 6:
		if (thread->state != PAPER_NONE)
			paper_kill(tid);
		break;
	default:
		paper_time_passes((uint64_t)who * 100000 + 1);
		break;
	}
	if ((op & OP_LATE) == 0)
		enter((op & OP_DUE) != 0, cpu, 1u + (op >> 6) * 10u);
}

static void check(void)
{
	for (unsigned cpu = 0; cpu < server->cpus; cpu++) {
		struct sched_cpu *at = &server->cpu[cpu];

		fuzz_check(state_broken(server, PAPER_THREADS + 1, at, true) == NULL);
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
	/* Only what these threads and CPUs reach. */
	memset(server, 0, offsetof(struct sched_server, cpu[PAPER_CPUS]));
	memset(server->threads, 0, sizeof(server->threads[0]) * (PAPER_THREADS + 1));
	memset(shared->cpu, 0, sizeof(shared->cpu[0]) * PAPER_CPUS);
	memset(shared->params, 0, sizeof(shared->params));
	memset(shared->group, 0, sizeof(shared->group));
	memset(shared->stats, 0, sizeof(shared->stats[0]) * (PAPER_THREADS + 1));
	paper_start(server);
	server->shared = shared;
	server->cpus = 1 + kind % PAPER_CPUS;
	server->offers = (kind & KIND_OFFERS) != 0 ? POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR : 0;
	server->again = (kind & KIND_AGAIN) != 0;
	group_machine_start(&server->groups, server->cpus, 1, shared->group);
	for (unsigned cpu = 0; cpu < server->cpus; cpu++)
		sched_cpu_init(server, cpu, policies[(kind >> 2 & 3) % policies_count],
			       places[(kind >> 4 & 3) % places_count]);
	for (unsigned i = 0; i < OPS_MAX && input.left > 0; i++) {
		operation(&input);
		check();
	}
	return 0;
}
