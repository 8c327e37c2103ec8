/* SPDX-License-Identifier: BSD-2-Clause */
#include "register.h"

#include <base/bytes.h>
#include <base/nice.h>
#include <libsys/objects.h>
#include <proc/sched_start.h>

#include "builder.h"
#include "log.h"
#include "server_thread.h"

#define PRIORITY_STANDARD 50u
#define PRIORITY_SERVER \
	99u /* under fixed priorities a spinning program must not keep the reaper out */
#define TRIES_MAX 1000u

bool register_served;
static uint32_t cpus_online;

uint64_t register_shared_pages(void)
{
	return (sizeof(struct sched_shared) + PAGE_SIZE - 1) / PAGE_SIZE;
}

void register_init(uint32_t cpus)
{
	const uint64_t pages = register_shared_pages();

	cpus_online = cpus;
	for (uint64_t page = 0; page < pages; page += RETYPE_COUNT_MAX) {
		const uint64_t left = pages - page;

		must(untyped_retype(own_builder.untyped, OBJ_FRAME, PAGE_BITS,
				    left < RETYPE_COUNT_MAX ? (unsigned)left : RETYPE_COUNT_MAX, 0,
				    OWN_SHARED_FIRST + page),
		     "making the scheduler's shared memory");
	}
	for (uint64_t page = 0; page < pages; page++)
		must(builder_map(&own_builder, OWN_SHARED_FIRST + page,
				 OWN_SHARED_VADDR + page * PAGE_SIZE, MAP_READ | MAP_WRITE),
		     "mapping the scheduler's shared memory");

	struct sched_shared *shared = register_shared();

	shared->magic = SCHED_SHARED_MAGIC;
	shared->bytes = sizeof(*shared);
	shared->cpus = cpus;
}

static void clear(void *memory, size_t bytes)
{
	uint64_t *word = memory;

	for (size_t i = 0; i < bytes / sizeof(*word); i++)
		word[i] = 0;
}

/*
 * One member after the other, and the flags last.  A dispatcher may look at any time, because of what
 * happened to the last thread with this tid: release, with its acquire in sched_thread_wake(), so who
 * finds SCHED_THREAD_FRESH finds the rest.
 */
static void record_fill(uint32_t tid, const struct register_params *params, uint32_t cpu,
			uint32_t flags)
{
	struct sched_thread_params *record = &register_shared()->params[tid];
	const bool by_nice = params->nice != INT32_MIN;

	record->pid = params->pid;
	record->weight = by_nice ? nice_weight(params->nice) : params->weight;
	record->nice = params->nice;
	record->priority = params->pid == 0 ? PRIORITY_SERVER : PRIORITY_STANDARD;
	record->lent = 0;
	record->class = 0;
	record->cpu = cpu;
	record->slice_ns = params->slice_ns != 0 ? params->slice_ns : SCHED_SLICE_NS_STANDARD;
	record->period_ns = 0;
	record->affinity = params->affinity;
	record->group = params->group;
	record->group_top = params->group_top;
	record->heir = params->heir.tid;
	record->heir_pid = params->heir.pid;
	if (params->confined)
		flags |= SCHED_THREAD_CONFINED;
	__atomic_store_n(&record->flags, SCHED_THREAD_USED | flags, __ATOMIC_RELEASE);
}

void register_again(uint32_t tid, cptr_t tcb, const struct register_params *params)
{
	const struct sched_thread_params *record = &register_shared()->params[tid];
	const struct sched_thread_params last = *record;

	record_fill(tid, params, __atomic_load_n(&record->cpu, __ATOMIC_RELAXED),
		    SCHED_THREAD_FRESH);
	/* Its key is the last one's, and with it what wake filters keep back.  0: nothing. */
	if (last.slice_ns != record->slice_ns || last.weight != record->weight ||
	    last.priority != record->priority || last.lent != 0 || last.class != record->class ||
	    last.period_ns != record->period_ns)
		must(tcb_set_key(tcb, 0), "clearing a thread's key");
}

/* Relaxed, and one after the other: a dispatcher that sees half of it knows no such thread. */
void register_heir(uint32_t tid, struct heir heir)
{
	struct sched_thread_params *record = &register_shared()->params[tid];

	__atomic_store_n(&record->heir, heir.tid, __ATOMIC_RELAXED);
	__atomic_store_n(&record->heir_pid, heir.pid, __ATOMIC_RELAXED);
}

/* The dispatcher looks when the thread blocks, which is later. */
void register_ended(uint32_t tid)
{
	__atomic_fetch_or(&register_shared()->params[tid].flags, SCHED_THREAD_ENDED,
			  __ATOMIC_RELAXED);
}

enum error register_thread(uint32_t tid, cptr_t tcb, const struct register_params *params)
{
	clear(&register_shared()->stats[tid], sizeof(struct sched_thread_stats));
	__atomic_store_n(&register_shared()->bill_ns[tid], 0, __ATOMIC_RELAXED);
	record_fill(tid, params, (uint32_t)sys_thread_clock().cpu, 0);
	return cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_TCB_FIRST + (cptr_t)tid, RIGHT_SCHEDULE, 0,
			  tcb);
}

/* A request to a dispatcher, again while instances change. */
static enum error request(cptr_t port, struct msg *m, word_t label)
{
	const struct msg asked = *m;

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		*m = asked;
		m->info = msg_info(label, 4, 0);

		enum error error = server_call(port, m);

		if (error != ERR_RESTARTED)
			return error;
	}
	return ERR_BUSY;
}

/* Without a server: the kernel rotates each CPU's threads, spread them over the CPUs. */
static enum error home_in_turn(uint32_t tid, cptr_t tcb)
{
	const struct cpumask *affinity = &register_shared()->params[tid].affinity;
	static uint32_t turn;

	for (uint32_t i = 0; i < cpus_online; i++) {
		turn = (turn + 1) % cpus_online;
		if (cpumask_test(affinity, turn))
			return tcb_set_home(tcb, BOOT_SLOT_CORE_FIRST + (cptr_t)turn);
	}
	return ERR_RANGE;
}

static bool has_home(cptr_t tcb)
{
	struct tcb_info info;

	return tcb_info(tcb, &info) == ERR_OK && info.home < cpus_online;
}

enum error register_home(uint32_t tid, cptr_t tcb)
{
	struct msg m = {.w = {tid, sys_thread_clock().cpu}};

	if (!__atomic_load_n(&register_served, __ATOMIC_ACQUIRE))
		return home_in_turn(tid, tcb);

	enum error error = request(OWN_SCHED_PORT, &m, SCHED_REQ_THREAD_NEW);

	/* Done, by an instance that was replaced before it could say so. */
	if (error == ERR_EXISTS && has_home(tcb))
		return ERR_OK;
	/* Between two instances: any home will do, the next one is told about the thread. */
	if (error == ERR_BUSY || error == ERR_UNBOUND)
		error = home_in_turn(tid, tcb);
	return error;
}

void register_server(uint32_t tid, cptr_t tcb)
{
	const struct register_params params = {.affinity = cpumask_first(cpus_online)};

	must(register_thread(tid, tcb, &params), "registering a server's thread");
	must(tcb_set_home(tcb, BOOT_SLOT_CORE_FIRST), "giving a server's thread a home");
}

enum error register_param_set(uint32_t tid, enum sched_param param, word_t value, word_t value2)
{
	struct sched_thread_params *record = &register_shared()->params[tid];
	uint32_t cpu = __atomic_load_n(&record->cpu, __ATOMIC_RELAXED);

	if (!__atomic_load_n(&register_served, __ATOMIC_ACQUIRE))
		return ERR_UNSUPPORTED;
	for (unsigned i = 0; i < TRIES_MAX; i++) {
		struct msg m = {.w = {tid, param, value, value2}};

		if (cpu >= cpus_online)
			return ERR_STATE;

		enum error error = request(OWN_PORT_FIRST + cpu, &m, SCHED_REQ_SET_PARAM);

		if (error != ERR_MOVED)
			return error;
		cpu = (uint32_t)m.w[1];
	}
	return ERR_BUSY;
}
