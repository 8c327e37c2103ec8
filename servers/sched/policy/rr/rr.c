/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round robin: one ring, each thread runs for its own slice, then the next one does.  A thread that
 * wakes goes to the end.  Weights are ignored but counted, for placement.
 *
 * Invariants: every QUEUED thread is on the ring once; the RUNNING one is not on it.
 * All operations O(1), check O(n).
 *
 * Bad at: latency (a waker waits for everybody), and fairness to threads that block early.
 *
 * check() numbers: 1 ring links and states, 2 counts, 3 weight sum, 4 slice used up, 5 misuse.
 */
#include "../common.h"
#include <base/list.h>
#include <base/math.h>

#define RR_ID      2u
#define RR_VERSION 1u

struct rr_thread {
	struct list_node node;
	uint64_t tid;
	uint64_t slice_ns;
	uint64_t used_ns; /* of the slice */
	uint32_t weight;
	uint8_t state;
	uint8_t pad[3];
};

struct rr_cpu {
	struct list_node ring;
	struct rr_thread *running;
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool slice_over; /* the running thread gives way at the next pick */
	uint8_t pad[3];
};

POLICY_VIEWS(rr);

static struct rr_thread *rr_of(struct list_node *node)
{
	return container_of(node, struct rr_thread, node);
}

static void rr_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	*cpu = (struct rr_cpu){.index = cpu_index};
	list_init(&cpu->ring);
}

static enum error rr_thread_init(struct policy_thread *policy_thread,
				 const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	struct rr_thread *thread = rr_thread(policy_thread);
	*thread = (struct rr_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.weight = params->weight,
		.state = POLICY_OUT,
	};
	list_init(&thread->node);
	return ERR_OK;
}

static enum error rr_set_params(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
				const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	struct rr_thread *thread = rr_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	if (thread->state != POLICY_OUT)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	if (thread->used_ns >= thread->slice_ns) {
		thread->used_ns = 0;
		cpu->slice_over = cpu->slice_over || cpu->running == thread;
	}
	return ERR_OK;
}

static void rr_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		       enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	struct rr_thread *thread = rr_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT) {
			cpu->misuse++;
		} else if (reason == POLICY_JOIN_YIELD) {
			thread->used_ns = 0;
			if (thread->state == POLICY_RUNNING) {
				cpu->slice_over = true;
			} else {
				list_remove(&thread->node);
				list_push_back(&cpu->ring, &thread->node);
			}
		}
		return;
	}
	if (thread->state != POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	list_push_back(&cpu->ring, &thread->node);
	cpu->weight += thread->weight;
	cpu->runnable++;
}

static void rr_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		       enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	struct rr_thread *thread = rr_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	if (cpu->running == thread) {
		cpu->running = NULL;
		cpu->slice_over = false;
	}
	list_remove(&thread->node);
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

static void rr_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
		    struct policy_pick *out)
{
	(void)now_ns;
	(void)flags;
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	if (cpu->running != NULL && cpu->slice_over && !list_empty(&cpu->ring)) {
		cpu->running->state = POLICY_QUEUED;
		list_push_back(&cpu->ring, &cpu->running->node);
		cpu->running = NULL;
	}
	cpu->slice_over = false;
	if (cpu->running == NULL) {
		struct list_node *first = list_pop_front(&cpu->ring);
		if (first == NULL)
			return;
		cpu->running = rr_of(first);
		cpu->running->state = POLICY_RUNNING;
	}
	out->thread = rr_handle(cpu->running);
	out->request_ns = cpu->running->slice_ns - cpu->running->used_ns;
	if (!list_empty(&cpu->ring))
		out->slice_ns = out->request_ns;
}

static bool rr_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		      uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	struct rr_cpu *cpu = rr_cpu(policy_cpu);
	struct rr_thread *thread = rr_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return false;
	thread->used_ns = add_saturate_u64(thread->used_ns, ran_ns);
	if (thread->used_ns < thread->slice_ns)
		return false;
	thread->used_ns = 0;
	if (cpu->running == thread)
		cpu->slice_over = true;
	return true;
}

static bool rr_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *running,
			const struct policy_thread *woken, uint64_t now_ns)
{
	(void)now_ns;
	const struct rr_cpu *cpu = rr_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	return cpu->slice_over && list_first(&cpu->ring) == &rr_thread_const(woken)->node;
}

static void rr_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			   struct policy_migration *out, uint64_t now_ns)
{
	const struct rr_thread *thread = rr_thread_const(policy_thread);
	*out = (struct policy_migration){
		.policy_id = RR_ID,
		.state = thread->state == POLICY_OUT ? POLICY_OUT : POLICY_QUEUED,
		.deadline_ns = thread->slice_ns - thread->used_ns,
		.request_ns = thread->used_ns,
	};
	rr_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
}

static void rr_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  const struct policy_migration *in, uint64_t now_ns)
{
	struct rr_thread *thread = rr_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		rr_cpu(policy_cpu)->misuse++;
		return;
	}
	if (in->state == POLICY_OUT)
		return;
	rr_enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
	if (in->policy_id == RR_ID && in->request_ns < thread->slice_ns)
		thread->used_ns = in->request_ns;
}

static void rr_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		    struct policy_record *out)
{
	(void)policy_cpu;
	*out = (struct policy_record){.policy_id = RR_ID, .version = RR_VERSION, .kind = 1};
	if (policy_thread == NULL)
		return;
	const struct rr_thread *thread = rr_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
	out->words[1] = thread->used_ns;
}

/* The order of the ring is the order of the records. */
static enum error rr_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
			     struct policy_thread *const threads[],
			     const struct policy_record *records, uint32_t count)
{
	if (queue->policy_id != RR_ID || queue->version != RR_VERSION || queue->kind != 1)
		return ERR_FORMAT;
	for (uint32_t i = 0; i < count; i++) {
		struct rr_thread *thread = rr_thread(threads[i]);
		const struct policy_record *record = &records[i];
		if (record->policy_id != RR_ID || record->version != RR_VERSION ||
		    record->kind != 2 || record->tid != thread->tid)
			continue;
		if (record->words[0] == POLICY_QUEUED || record->words[0] == POLICY_RUNNING)
			rr_enqueue(policy_cpu, threads[i], POLICY_JOIN_WAKE, 0);
		if (record->words[1] < thread->slice_ns)
			thread->used_ns = record->words[1];
	}
	return ERR_OK;
}

/* Who waits at the end of the ring ran last. */
static uint32_t rr_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			 struct policy_spare *out, uint32_t count)
{
	const struct rr_cpu *cpu = rr_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct list_node *node = cpu->ring.prev;
	for (; node != &cpu->ring && used < count && looks < POLICY_LOOKS; node = node->prev) {
		looks++;
		struct rr_thread *thread = rr_of(node);
		out[used++] = (struct policy_spare){.thread = rr_handle(thread),
						    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

static void rr_query(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		     struct policy_info *out)
{
	const struct rr_cpu *cpu = rr_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct rr_thread *thread = rr_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	out->left_ns = thread->state == POLICY_OUT ? 0 : thread->slice_ns - thread->used_ns;
}

static uint32_t rr_check(const struct policy_cpu *policy_cpu)
{
	const struct rr_cpu *cpu = rr_cpu_const(policy_cpu);
	uint64_t weight = 0;
	uint32_t count = 0;
	if (cpu->running != NULL) {
		if (cpu->running->state != POLICY_RUNNING || list_linked(&cpu->running->node))
			return 1;
		if (cpu->running->used_ns >= cpu->running->slice_ns)
			return 4;
		weight += cpu->running->weight;
		count++;
	}
	list_for_each (node, &cpu->ring) {
		const struct rr_thread *thread = rr_of(node);
		if (node->next->prev != node || thread->state != POLICY_QUEUED)
			return 1;
		if (thread->used_ns >= thread->slice_ns)
			return 4;
		weight += thread->weight;
		if (++count > cpu->runnable)
			return 2;
	}
	if (count != cpu->runnable)
		return 2;
	if (weight != cpu->weight)
		return 3;
	return cpu->misuse != 0 ? 5 : 0;
}

static void dump_thread(struct text *text, const struct rr_thread *thread, const char *what)
{
	text_string(text, what);
	text_name(text, "tid");
	text_u64(text, thread->tid);
	text_name(text, "used_ns");
	text_u64(text, thread->used_ns);
	text_name(text, "slice_ns");
	text_u64(text, thread->slice_ns);
	text_char(text, '\n');
}

static size_t rr_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct rr_cpu *cpu = rr_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "rr");
	text_name(&text, "cpu");
	text_u64(&text, cpu->index);
	text_name(&text, "runnable");
	text_u64(&text, cpu->runnable);
	text_char(&text, '\n');
	if (cpu->running != NULL)
		dump_thread(&text, cpu->running, "  running");
	list_for_each (node, &cpu->ring) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		dump_thread(&text, rr_of(node), "  waiting");
	}
	return text.length;
}

const struct policy_ops policy_rr = {
	.name = "rr",
	.desc = "round robin: one ring, each thread runs for its slice",
	POLICY_OPS(rr, RR_ID, RR_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
