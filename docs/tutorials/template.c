/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TEMPLATE: say here what the policy does, in what order threads run, and for how long.
 *
 * Invariants: every QUEUED and RUNNING thread is on the list once; a RUNNING one is the thread named.
 * All operations O(1), check O(n).
 *
 * Bad at: say it here.
 *
 * check() numbers: 1 list and states, 2 counts, 3 weight sum, 4 running thread, 5 slice, 6 misuse.
 */
#include "../common.h"
#include <base/list.h>

#define TEMPLATE_ID      1000u /* distinct from every other policy's */
#define TEMPLATE_VERSION 1u

/* What is remembered of a thread, and of a CPU.  No globals: two CPUs run this code at once. */
struct TEMPLATE_thread {
	struct list_node node;
	uint64_t tid;
	uint64_t slice_ns;
	uint64_t used_ns; /* of the slice */
	uint32_t weight;
	uint8_t state; /* enum policy_state */
	uint8_t pad[3];
};

struct TEMPLATE_cpu {
	struct list_node list; /* the first one runs next */
	struct TEMPLATE_thread *running;
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool turn_over; /* the running thread gives way at the next pick */
	uint8_t pad[3];
};

POLICY_VIEWS(TEMPLATE);

static struct TEMPLATE_thread *of_node(struct list_node *node)
{
	return container_of(node, struct TEMPLATE_thread, node);
}

/* ---- The policy: who goes where, and who is next ---- */

/* A thread became ready. */
static void place_ready(struct TEMPLATE_cpu *cpu, struct TEMPLATE_thread *thread)
{
	list_push_back(&cpu->list, &thread->node);
}

/* A thread has used up its slice, or yields. */
static void place_behind(struct TEMPLATE_cpu *cpu, struct TEMPLATE_thread *thread)
{
	list_remove(&thread->node);
	list_push_back(&cpu->list, &thread->node);
}

/* Who should run now; NULL only if nobody can.  Changes nothing. */
static struct TEMPLATE_thread *choice(const struct TEMPLATE_cpu *cpu)
{
	if (cpu->running != NULL && !cpu->turn_over)
		return cpu->running;
	struct list_node *first = list_first(&cpu->list);
	return first == NULL ? NULL : of_node(first);
}

/* ---- The operations of the interface; their contracts are in policy.h ---- */

static void TEMPLATE_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	*cpu = (struct TEMPLATE_cpu){.index = cpu_index};
	list_init(&cpu->list);
}

static enum error TEMPLATE_thread_init(struct policy_thread *policy_thread,
				       const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	struct TEMPLATE_thread *thread = TEMPLATE_thread(policy_thread);
	*thread = (struct TEMPLATE_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.weight = params->weight,
		.state = POLICY_OUT,
	};
	list_init(&thread->node);
	return ERR_OK;
}

static enum error TEMPLATE_set_params(struct policy_cpu *policy_cpu,
				      struct policy_thread *policy_thread,
				      const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	struct TEMPLATE_thread *thread = TEMPLATE_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	if (thread->state != POLICY_OUT)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	if (thread->used_ns >= thread->slice_ns)
		thread->used_ns = 0;
	return ERR_OK;
}

static void TEMPLATE_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			     enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	struct TEMPLATE_thread *thread = TEMPLATE_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT) {
			cpu->misuse++;
		} else if (reason == POLICY_JOIN_YIELD) {
			thread->used_ns = 0;
			place_behind(cpu, thread);
			cpu->turn_over = cpu->turn_over || cpu->running == thread;
		}
		return;
	}
	if (thread->state != POLICY_OUT)
		return; /* a record seen twice is harmless */
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	place_ready(cpu, thread);
}

static void TEMPLATE_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			     enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	struct TEMPLATE_thread *thread = TEMPLATE_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	list_remove(&thread->node);
	if (cpu->running == thread) {
		cpu->running = NULL;
		cpu->turn_over = false;
	}
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

static void TEMPLATE_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
			  struct policy_pick *out)
{
	(void)now_ns;
	(void)flags;
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	struct TEMPLATE_thread *thread = choice(cpu);
	if (cpu->running != NULL)
		cpu->running->state = POLICY_QUEUED;
	cpu->running = thread;
	cpu->turn_over = false;
	if (thread == NULL)
		return;
	thread->state = POLICY_RUNNING;
	out->thread = TEMPLATE_handle(thread);
	out->request_ns = thread->slice_ns - thread->used_ns;
	if (cpu->runnable > 1) /* alone, it needs no timer */
		out->slice_ns = out->request_ns;
}

static bool TEMPLATE_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			    uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	struct TEMPLATE_cpu *cpu = TEMPLATE_cpu(policy_cpu);
	struct TEMPLATE_thread *thread = TEMPLATE_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return false;
	thread->used_ns = add_saturate_u64(thread->used_ns, ran_ns);
	if (thread->used_ns < thread->slice_ns)
		return false;
	thread->used_ns = 0;
	place_behind(cpu, thread);
	cpu->turn_over = cpu->turn_over || cpu->running == thread;
	return true;
}

static bool TEMPLATE_preempts(const struct policy_cpu *policy_cpu,
			      const struct policy_thread *running,
			      const struct policy_thread *woken, uint64_t now_ns)
{
	(void)now_ns;
	const struct TEMPLATE_cpu *cpu = TEMPLATE_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	return choice(cpu) == TEMPLATE_thread_const(woken);
}

static void TEMPLATE_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
				 struct policy_migration *out, uint64_t now_ns)
{
	*out = (struct policy_migration){
		.policy_id = TEMPLATE_ID,
		.state = TEMPLATE_thread(policy_thread)->state == POLICY_OUT ? POLICY_OUT
									     : POLICY_QUEUED,
	};
	TEMPLATE_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
}

static void TEMPLATE_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
				const struct policy_migration *in, uint64_t now_ns)
{
	if (TEMPLATE_thread(policy_thread)->state != POLICY_OUT)
		TEMPLATE_cpu(policy_cpu)->misuse++;
	else if (in->state != POLICY_OUT)
		TEMPLATE_enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
}

static void TEMPLATE_save(const struct policy_cpu *policy_cpu,
			  const struct policy_thread *policy_thread, struct policy_record *out)
{
	(void)policy_cpu;
	*out = (struct policy_record){
		.policy_id = TEMPLATE_ID, .version = TEMPLATE_VERSION, .kind = 1};
	if (policy_thread == NULL)
		return;
	const struct TEMPLATE_thread *thread = TEMPLATE_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
}

static enum error TEMPLATE_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
				   struct policy_thread *const threads[],
				   const struct policy_record *records, uint32_t count)
{
	if (!policy_record_fits(queue, TEMPLATE_ID, TEMPLATE_VERSION, 1, 0))
		return ERR_FORMAT;
	for (uint32_t i = 0; i < count; i++) {
		const struct policy_record *record = &records[i];
		const uint64_t tid = TEMPLATE_thread(threads[i])->tid;
		if (policy_record_fits(record, TEMPLATE_ID, TEMPLATE_VERSION, 2, tid) &&
		    (record->words[0] == POLICY_QUEUED || record->words[0] == POLICY_RUNNING))
			TEMPLATE_enqueue(policy_cpu, threads[i], POLICY_JOIN_WAKE, 0);
	}
	return ERR_OK;
}

/* For the balancer: who could go to another CPU, best candidate first. */
static uint32_t TEMPLATE_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			       struct policy_spare *out, uint32_t count)
{
	const struct TEMPLATE_cpu *cpu = TEMPLATE_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct list_node *node = cpu->list.prev;
	for (; node != &cpu->list && used < count && looks < POLICY_LOOKS; node = node->prev) {
		looks++;
		struct TEMPLATE_thread *thread = of_node(node);
		if (thread->state == POLICY_QUEUED)
			out[used++] = (struct policy_spare){.thread = TEMPLATE_handle(thread),
							    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

static void TEMPLATE_query(const struct policy_cpu *policy_cpu,
			   const struct policy_thread *policy_thread, struct policy_info *out)
{
	const struct TEMPLATE_cpu *cpu = TEMPLATE_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct TEMPLATE_thread *thread = TEMPLATE_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	out->left_ns = thread->state == POLICY_OUT ? 0 : thread->slice_ns - thread->used_ns;
}

static uint32_t TEMPLATE_check(const struct policy_cpu *policy_cpu)
{
	const struct TEMPLATE_cpu *cpu = TEMPLATE_cpu_const(policy_cpu);
	uint64_t weight = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	list_for_each (node, &cpu->list) {
		const struct TEMPLATE_thread *thread = of_node(node);
		if (node->next->prev != node || count == cpu->runnable)
			return 1;
		if (thread->state == POLICY_RUNNING && thread == cpu->running)
			running++;
		else if (thread->state != POLICY_QUEUED)
			return 4;
		if (thread->used_ns >= thread->slice_ns)
			return 5;
		weight += thread->weight;
		count++;
	}
	if (count != cpu->runnable)
		return 2;
	if (weight != cpu->weight)
		return 3;
	if (running != (cpu->running != NULL ? 1u : 0u))
		return 4;
	return cpu->misuse != 0 ? 6 : 0;
}

static size_t TEMPLATE_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct TEMPLATE_cpu *cpu = TEMPLATE_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "TEMPLATE");
	policy_show(&text, "cpu", cpu->index);
	policy_show(&text, "runnable", cpu->runnable);
	text_char(&text, '\n');
	list_for_each (node, &cpu->list) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		const struct TEMPLATE_thread *thread = of_node(node);
		text_string(&text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
		policy_show(&text, "tid", thread->tid);
		policy_show(&text, "used_ns", thread->used_ns);
		text_char(&text, '\n');
	}
	return text.length;
}

const struct policy_ops policy_TEMPLATE = {
	.name = "TEMPLATE",
	.desc = "TEMPLATE: one line for people",
	POLICY_OPS(TEMPLATE, TEMPLATE_ID, TEMPLATE_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
