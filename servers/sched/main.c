/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scheduler server: entry and the two loops.
 *
 * One dispatcher and one balancer thread per CPU; proc starts each with its role and CPU.  There is
 * no common initialisation: a dispatcher prepares its own CPU's part, so CPUs are bound in any order
 * and at any time.
 */
#include <libsys/clock.h>
#include <libsys/print.h>
#include <libsys/server.h>
#include <libsys/syscall.h>
#include <libsys/thread_block.h>
#include <proc/sched_start.h>
#include <sched/protocol.h>
#include <sched/server.h>
#include <sched/sys_if.h>

/* Zeroed, mapped and pinned before the first instruction of this instance. */
static struct sched_server server;

static size_t name_length(const char *name, size_t bytes)
{
	size_t length = 0;

	while (length < bytes && name[length] != '\0')
		length++;
	return length;
}

static void name_copy(char to[16], const char *from)
{
	for (size_t i = 0; i < 16; i++)
		to[i] = from[i < name_length(from, 15) ? i : name_length(from, 15)];
}

/* Say which names there are; once per instance, by the dispatcher of CPU 0. */
static void name_unknown(const char *key, const char *name, const char *used,
			 const char *const *known, uint32_t count)
{
	char list[256];
	size_t at = 0;

	list[0] = '\0';
	for (uint32_t i = 0; i < count && at < sizeof(list); i++)
		at += sys_snprintf(list + at, sizeof(list) - at, " %s", known[i]);
	sys_printf("sched: WARNING: unknown %s=%s; known are:%s; using %s\n", key, name, list,
		   used);
}

static const struct policy_ops *policy_choose(const struct sched_start *start, bool speak)
{
	size_t length = name_length(start->policy, sizeof(start->policy));
	const struct policy_ops *policy = policy_find(start->policy, length);

	if (policy != NULL)
		return policy;
	if (speak && length > 0) {
		const char *known[16];
		uint32_t count = 0;

		for (; count < policies_count && count < 16; count++)
			known[count] = policies[count]->name;
		name_unknown("sched", start->policy, policies[0]->name, known, count);
	}
	return policies[0];
}

static const struct place_ops *place_choose(const struct sched_start *start,
					    const struct policy_ops *policy, bool speak)
{
	size_t length = name_length(start->place, sizeof(start->place));
	const struct place_ops *place = place_find(start->place, length);
	const struct place_ops *own = place_of_policy(policy->name);

	if (own != NULL) {
		if (speak && length > 0)
			sys_printf("sched: WARNING: policy %s brings its own placement; place= is "
				   "ignored\n",
				   policy->name);
		return own;
	}
	if (place != NULL)
		return place;
	if (speak && length > 0) {
		const char *known[16];
		uint32_t count = 0;

		for (; count < places_count && count < 16; count++)
			known[count] = places[count]->name;
		name_unknown("place", start->place, places[0]->name, known, count);
	}
	return places[0];
}

static cptr_t tcb_of(uint32_t tid)
{
	return tid == 0 ? CPTR_NULL : SCHED_SLOT_TCB_FIRST + tid;
}

static void decision_to_kernel(const struct sched_decision *from, struct core_decision *to)
{
	to->kind = from->kind | from->flags;
	to->tcb = tcb_of(from->tid);
	to->seq = from->seq;
	to->slice_ns = from->slice_ns;
	to->timer_ns = from->timer_ns;
	to->filter_until_ns = from->filter_until_ns;
	to->filter_key = from->filter_key;
	if ((from->flags & DECISION_AGAIN) != 0)
		to->successor_filter_until_ns = from->again_until_ns;
	if ((from->flags & DECISION_SUCCESSOR) == 0)
		return;
	to->successor_tcb = tcb_of(from->successor_tid);
	to->successor_seq = from->successor_seq;
	to->successor_slice_ns = from->successor_slice_ns;
	to->successor_until_ns = from->successor_until_ns;
	if ((from->flags & DECISION_AGAIN) == 0)
		to->successor_filter_until_ns = from->successor_filter_until_ns;
	to->successor_filter_key = from->successor_filter_key;
}

/*
 * Of a replaced instance: wait to be deleted.  A balancer sleeps; a dispatcher that is not bound has
 * no home, so it does not come back from its next entry into the kernel for long.
 */
static _Noreturn void thread_retire(void)
{
	for (;;) {
		struct msg sleep = msg_make(SCHED_REQ_SLEEP, 1);

		sleep.w[0] = TIME_NEVER - 1;
		(void)!sys_call(SCHED_SLOT_LOCAL, &sleep);
	}
}

/*
 * The groups of the instance before, before any dispatcher of this one takes over a thread of theirs: the
 * first one restores them, and the others wait for that, some microseconds.
 */
static void groups_take_over(void)
{
	static enum { GROUPS_UNKNOWN, GROUPS_COMING, GROUPS_HERE } groups;
	unsigned state = GROUPS_UNKNOWN;

	/* Acquire, release: who finds them here finds all of them. */
	if (__atomic_compare_exchange_n(&groups, &state, GROUPS_COMING, false, __ATOMIC_ACQUIRE,
					__ATOMIC_ACQUIRE)) {
		const uint32_t lost = group_machine_restore(&server.groups);

		if (lost != 0)
			sys_printf(
				"sched: WARNING: records of %u groups are damaged; their threads "
				"are in none now, without caps\n",
				(unsigned)lost);
		__atomic_store_n(&groups, GROUPS_HERE, __ATOMIC_RELEASE);
	}
	while (__atomic_load_n(&groups, __ATOMIC_ACQUIRE) != GROUPS_HERE)
		__asm__ volatile("yield");
}

static _Noreturn void dispatcher_run(const struct sched_start *start, uint32_t cpu,
				     const struct upcall_buffer *buffer)
{
	const struct policy_ops *policy = policy_choose(start, cpu == 0);
	const struct place_ops *place = place_choose(start, policy, cpu == 0);
	struct core_decision decision = {.kind = DECISION_NONE, .timer_ns = TIME_NEVER};

	groups_take_over();

	struct sched_cpu *self = sched_cpu_init(&server, cpu, policy, place);

	if (cpu == 0) {
		name_copy(server.shared->policy, policy->name);
		name_copy(server.shared->place, place->name);
		__atomic_store_n(&server.shared->instance, start->instance, __ATOMIC_RELAXED);
		sys_printf("sched: policy %s, placement %s, %u CPUs\n", policy->name, place->name,
			   (unsigned)server.cpus);
	}
	for (;;) {
		struct core_upcall from_kernel;
		struct sched_decision decided;

		core_reply_wait(SCHED_SLOT_CORE_FIRST + cpu, &decision, &from_kernel);
		if (from_kernel.refused == ERR_UNBOUND)
			thread_retire();
		const struct sched_upcall upcall = {
			.status = from_kernel.refused,
			.info = from_kernel.info,
			.now_ns = from_kernel.now_ns,
			.first = from_kernel.first,
			.buffer = buffer,
		};
		sched_upcall(&server, self, &upcall, &decided);
		decision_to_kernel(&decided, &decision);
	}
}

/* Ask the parked-in dispatcher for orders, carry one out, report. */
static _Noreturn void balancer_run(uint32_t cpu)
{
	word_t pulled = 0;

	for (;;) {
		struct msg order = msg_make(SCHED_REQ_BALANCE_PARK, 1);

		order.w[0] = pulled;
		pulled = 0;
		enum error error = sys_call(SCHED_SLOT_LOCAL, &order);

		if (error == ERR_DELETED || error == ERR_CANCELLED || error == ERR_UNBOUND)
			thread_retire();
		if (error != ERR_OK || msg_label(order.info) != ERR_OK || order.w[1] >= server.cpus)
			continue;

		struct msg pull = msg_make(SCHED_REQ_BALANCE_PULL, 4);

		pull.w[0] = cpu;
		pull.w[1] = order.w[2];
		if (sys_call(SCHED_SLOT_PORT_FIRST + order.w[1], &pull) == ERR_OK &&
		    msg_label(pull.info) == ERR_OK)
			pulled = pull.w[1];
	}
}

_Noreturn void server_main(word_t start_vaddr, word_t role, word_t cpu, word_t number)
{
	const struct sched_start *start = (const struct sched_start *)start_vaddr;
	const struct bootinfo *info = (const struct bootinfo *)(uintptr_t)BOOTINFO_VADDR;
	uint64_t ipc_vaddr = sched_thread_ipc_buffer(number);

	thread_block_set(thread_block_in_page((struct ipc_buffer *)ipc_vaddr));
	sys_print_to(sys_print_debug, (void *)(uintptr_t)SCHED_SLOT_SYSTEM);
	/* Every thread writes the same values, so no order between threads is needed. */
	clock_scale_set(info->time_mult, (uint32_t)info->time_shift);
	server.pick_flags = start->exact != 0 ? POLICY_PICK_EXACT : 0;
	server.offers = (start->filter != 0 ? POLICY_PICK_FILTER : 0) |
			(start->successor != 0 ? POLICY_PICK_SUCCESSOR : 0);
	server.again = start->again != 0;
	__atomic_store_n(&server.cpus, (uint32_t)start->cpus, __ATOMIC_RELAXED);
	__atomic_store_n(&server.shared, (struct sched_shared *)start->shared_vaddr,
			 __ATOMIC_RELAXED);
	group_machine_start(&server.groups, (uint32_t)start->cpus, (uint32_t)start->instance,
			    server.shared->group);
	if (role == SCHED_ROLE_DISPATCHER)
		dispatcher_run(start, (uint32_t)cpu, (const struct upcall_buffer *)ipc_vaddr);
	balancer_run((uint32_t)cpu);
}
