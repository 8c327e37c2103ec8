/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/ipc.h>
#include <criterion/criterion.h>

#include "bench.h"
#include "state.h"

#include <stdlib.h>
#include <string.h>

struct bench_answer bench_answers[BENCH_CALLS_MAX];
uint32_t bench_answers_count;
struct bench_move bench_moves[BENCH_CALLS_MAX];
uint32_t bench_moves_count;
enum error bench_next_answer;
enum error bench_move_error;
uint64_t bench_keys[BENCH_KEYS_MAX];
time_ns_t bench_now;
struct sched_server *bench_server;
struct sched_shared *bench_shared;

bool bench_groups;
uint32_t bench_groups_lost;
uint32_t bench_idled_beside;

static struct group_cpu *bench_group_cpu[CPUS_MAX];
static uint32_t bench_instance;
static word_t bench_seq;
static uint32_t bench_tids; /* all that were named so far are below */
static struct upcall_buffer bench_buffer;

#define SERVER_BYTES ((sizeof(*bench_server) + 63u) & ~(size_t)63u)

enum error sched_sys_answer(struct sched_server *server, uint32_t tid, enum error error, word_t w1,
			    word_t w2)
{
	enum error result = bench_next_answer;

	(void)server;
	bench_next_answer = ERR_OK;
	if (bench_answers_count < BENCH_CALLS_MAX)
		bench_answers[bench_answers_count++] = (struct bench_answer){
			.tid = tid, .error = error, .w1 = w1, .w2 = w2};
	return result;
}

enum error sched_sys_set_home(struct sched_server *server, uint32_t tid, uint32_t cpu)
{
	(void)server;
	if (bench_moves_count < BENCH_CALLS_MAX)
		bench_moves[bench_moves_count++] = (struct bench_move){.tid = tid, .cpu = cpu};
	return bench_move_error;
}

enum error sched_sys_set_key(struct sched_server *server, uint32_t tid, uint64_t key)
{
	(void)server;
	if (tid < BENCH_KEYS_MAX)
		bench_keys[tid] = key;
	return ERR_OK;
}

struct group_cpu *sched_sys_group_cpu(struct sched_server *server, uint32_t cpu)
{
	(void)server;
	if (!bench_groups)
		return NULL;
	if (bench_group_cpu[cpu] == NULL) {
		bench_group_cpu[cpu] = aligned_alloc(64, (sizeof(struct group_cpu) + 63u) & ~63u);
		memset(bench_group_cpu[cpu], 0, sizeof(struct group_cpu));
	}
	return bench_group_cpu[cpu];
}

/* An instance with what the one before left. */
static void server_start(uint32_t cpus, const struct policy_ops *policy,
			 const struct place_ops *place)
{
	memset(bench_server, 0, SERVER_BYTES);
	bench_server->shared = bench_shared;
	bench_server->cpus = cpus;
	group_machine_start(&bench_server->groups, cpus, ++bench_instance, bench_shared->group);
	bench_groups_lost = group_machine_restore(&bench_server->groups);
	for (uint32_t cpu = 0; cpu < cpus; cpu++)
		sched_cpu_init(bench_server, cpu, policy, place);
	bench_clear_calls();
}

static void groups_free(void)
{
	for (uint32_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		free(bench_group_cpu[cpu]);
		bench_group_cpu[cpu] = NULL;
	}
}

void bench_open(uint32_t cpus, const struct policy_ops *policy, const struct place_ops *place)
{
	/* The size of a cache line, which the server's structures ask for. */
	bench_server = aligned_alloc(64, SERVER_BYTES);
	bench_shared = calloc(1, sizeof(*bench_shared));
	bench_instance = 0;
	bench_groups = true;
	bench_now = 1000000;
	bench_seq = 0;
	bench_tids = 1;
	bench_next_answer = ERR_OK;
	bench_move_error = ERR_OK;
	server_start(cpus, policy, place);
}

void bench_replace(const struct policy_ops *policy, const struct place_ops *place)
{
	const uint32_t cpus = bench_server->cpus;

	groups_free();
	server_start(cpus, policy, place);
}

void bench_open_offering(uint32_t cpus)
{
	bench_open(cpus, policies[0], places[0]);
	bench_server->offers = POLICY_PICK_FILTER | POLICY_PICK_SUCCESSOR;
	bench_server->again = true;
}

void bench_close(void)
{
	groups_free();
	free(bench_server);
	free(bench_shared);
}

void bench_clear_calls(void)
{
	bench_answers_count = 0;
	bench_moves_count = 0;
}

static void tid_named(word_t tid)
{
	if (tid >= bench_tids && tid < SCHED_THREADS_MAX)
		bench_tids = (uint32_t)tid + 1;
}

void bench_thread(uint32_t tid, uint32_t weight)
{
	tid_named(tid);
	bench_shared->params[tid] = (struct sched_thread_params){
		.flags = SCHED_THREAD_USED,
		.pid = 100 + tid,
		.weight = weight,
		.slice_ns = POLICY_SLICE_NS_DEFAULT,
		.priority = POLICY_PRIORITY_DEFAULT,
		.affinity = cpumask_all(),
	};
}

static struct sched_decision upcall(uint32_t cpu, word_t info, enum error status)
{
	struct sched_decision decision;
	struct sched_upcall upcall = {
		.status = status,
		.info = info,
		.now_ns = bench_now,
		.first = bench_buffer.events[0],
		.buffer = &bench_buffer,
	};

	const char *broken;

	for (uint32_t i = 0; i < UPCALL_EVENTS(info); i++)
		tid_named(bench_buffer.events[i].tag);
	if ((info & UPCALL_REQUEST) != 0)
		tid_named(bench_buffer.request.payer_tag);
	sched_upcall(bench_server, &bench_server->cpu[cpu], &upcall, &decision);
	broken = state_broken(bench_server, bench_tids, &bench_server->cpu[cpu],
			      decision.kind != DECISION_NONE);
	cr_assert_null(broken, "after an upcall of CPU %u: not so: %s", cpu, broken);
	return decision;
}

struct sched_decision bench_event(uint32_t cpu, uint32_t tid, word_t info, time_ns_t ran_ns)
{
	bench_buffer.events[0] = (struct sched_event){.tag = tid,
						      .info = info,
						      .seq = ++bench_seq,
						      .ran_ns = ran_ns,
						      .first_ready_ns = bench_now};
	return upcall(cpu, 1, ERR_OK);
}

struct sched_decision bench_refused_event(uint32_t cpu, enum error status, uint32_t tid,
					  word_t info)
{
	bench_buffer.events[0] = (struct sched_event){
		.tag = tid, .info = info, .seq = ++bench_seq, .first_ready_ns = bench_now};
	return upcall(cpu, 1, status);
}

static void events_set(const struct sched_event *events, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		bench_buffer.events[i] = events[i];
		bench_buffer.events[i].seq = ++bench_seq;
	}
}

struct sched_decision bench_events(uint32_t cpu, const struct sched_event *events, uint32_t count)
{
	events_set(events, count);
	return upcall(cpu, count, ERR_OK);
}

struct sched_decision bench_kicked(uint32_t cpu, const struct sched_event *events, uint32_t count)
{
	events_set(events, count);
	return upcall(cpu, ((word_t)1 << REASON_KICK) << 16 | count, ERR_OK);
}

struct sched_decision bench_more(uint32_t cpu, const struct sched_event *events, uint32_t count)
{
	events_set(events, count);
	return upcall(cpu, UPCALL_MORE | count, ERR_OK);
}

struct sched_decision bench_switched(uint32_t cpu, const struct sched_event *events, uint32_t count,
				     uint32_t tag, time_ns_t at_ns)
{
	return bench_slept(cpu, events, count, tag, at_ns, 0);
}

static void switched_set(const struct sched_event *events, uint32_t count, uint32_t tag,
			 time_ns_t at_ns, time_ns_t until_ns)
{
	events_set(events, count);
	bench_buffer.switched_tag = tag;
	bench_buffer.switched_ns = at_ns;
	bench_buffer.switched_sleep_ns = until_ns;
}

struct sched_decision bench_switched_more(uint32_t cpu, const struct sched_event *events,
					  uint32_t count, uint32_t tag, time_ns_t at_ns)
{
	switched_set(events, count, tag, at_ns, 0);
	return upcall(cpu, UPCALL_MORE | UPCALL_SWITCHED | count, ERR_OK);
}

struct sched_decision bench_slept(uint32_t cpu, const struct sched_event *events, uint32_t count,
				  uint32_t tag, time_ns_t at_ns, time_ns_t until_ns)
{
	switched_set(events, count, tag, at_ns, until_ns);
	return upcall(cpu, UPCALL_SWITCHED | count, ERR_OK);
}

struct sched_decision bench_request_as(uint32_t cpu, uint32_t tid, word_t badge, word_t label,
				       word_t w0, word_t w1, word_t w2, word_t w3)
{
	bool local = bench_server->threads[tid].home == cpu &&
		     bench_server->threads[tid].state != SCHED_UNKNOWN;

	bench_buffer.request = (struct sched_request){.badge = badge,
						      .payer_tag = tid,
						      .info = msg_info(label, 4, 0),
						      .words = {w0, w1, w2, w3}};
	bench_buffer.events[0] = (struct sched_event){
		.tag = tid, .info = BENCH_BLOCKED(CAUSE_REQUEST), .seq = ++bench_seq};
	return upcall(cpu, UPCALL_REQUEST | (local ? 1u : 0u), ERR_OK);
}

struct sched_decision bench_yield(uint32_t cpu, const struct sched_event *events, uint32_t count,
				  uint32_t asks, uint32_t tag, time_ns_t at_ns)
{
	switched_set(events, count, tag, at_ns, 0);
	bench_buffer.request = (struct sched_request){
		.badge = SCHED_BADGE_PRIVILEGED,
		.payer_tag = asks,
		.info = msg_info(SCHED_REQ_YIELD | SCHED_REQUEST_YIELD, 0, 0)};
	return upcall(cpu,
		      count | (asks != 0 ? UPCALL_REQUEST : 0) | (tag != 0 ? UPCALL_SWITCHED : 0),
		      ERR_OK);
}

struct sched_decision bench_start(uint32_t cpu, uint32_t tid)
{
	bench_thread(tid, 1024);
	return bench_event(cpu, tid, BENCH_READY(CAUSE_START), 0);
}

struct sched_decision bench_request(uint32_t cpu, uint32_t tid, word_t label, word_t w0, word_t w1,
				    word_t w2, word_t w3)
{
	return bench_request_as(cpu, tid, SCHED_BADGE_PRIVILEGED, label, w0, w1, w2, w3);
}

struct sched_decision bench_nothing(uint32_t cpu, enum error status)
{
	return upcall(cpu, 0, status);
}

void sched_sys_policy_idles(struct sched_server *server, uint32_t cpu, uint32_t runnable)
{
	(void)server;
	(void)cpu;
	bench_idled_beside = runnable;
}
