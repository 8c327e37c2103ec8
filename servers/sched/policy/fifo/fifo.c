/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * First in, first out with 100 static priorities (0..99, higher first): the running thread keeps the
 * CPU until it blocks, yields, or a higher priority becomes ready.  With equal priorities it is
 * cooperative.  A preempted thread stays first of its priority; one that wakes or yields, or whose
 * priority changes, becomes the last of it.
 *
 * Order: a red-black tree by (priority falling, arrival rising); the RUNNING thread stays in it,
 * and pick takes the first.  `arrival` is a counter; a yield or wake takes a new number, so what was
 * preempted keeps its place by doing nothing.
 *
 * Bad at: lower priorities starve by design; run it with the starvation limit off.
 *
 * check() numbers: 1 tree and order, 2 counts, 3 weight sum, 4 running thread, 5 misuse.
 */
#include "../common.h"
#include <base/rbtree.h>

#define FIFO_ID      3u
#define FIFO_VERSION 1u

struct fifo_thread {
	struct rb_node node;
	uint64_t tid;
	uint64_t slice_ns; /* told, not used */
	uint64_t arrival;
	uint32_t weight;
	uint8_t priority;
	uint8_t state;
	uint8_t pad[2];
};

struct fifo_cpu {
	struct rb_tree tree;
	struct fifo_thread *running;
	uint64_t arrivals;
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	uint32_t pad;
};

POLICY_VIEWS(fifo);

static struct fifo_thread *fifo_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct fifo_thread, node);
}

static bool before(const struct fifo_thread *a, const struct fifo_thread *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->arrival < b->arrival;
}

static void fifo_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	*fifo_cpu(policy_cpu) = (struct fifo_cpu){.index = cpu_index};
}

static enum error fifo_thread_init(struct policy_thread *policy_thread,
				   const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	*fifo_thread(policy_thread) = (struct fifo_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.weight = params->weight,
		.priority = params->priority,
		.state = POLICY_OUT,
	};
	return ERR_OK;
}

static void insert_last(struct fifo_cpu *cpu, struct fifo_thread *thread)
{
	thread->arrival = ++cpu->arrivals;
	struct rb_node **link = &cpu->tree.root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = before(thread, fifo_of(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(&cpu->tree, &thread->node, parent, link, rb_update_none);
}

static void move_last(struct fifo_cpu *cpu, struct fifo_thread *thread)
{
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
	insert_last(cpu, thread);
}

static enum error fifo_set_params(struct policy_cpu *policy_cpu,
				  struct policy_thread *policy_thread,
				  const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct fifo_cpu *cpu = fifo_cpu(policy_cpu);
	struct fifo_thread *thread = fifo_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	const bool inside = thread->state != POLICY_OUT;
	const bool moves = thread->priority != params->priority;
	if (inside)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	if (inside && moves)
		rb_erase(&cpu->tree, &thread->node, rb_update_none);
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	thread->priority = params->priority;
	if (inside && moves)
		insert_last(cpu, thread);
	return ERR_OK;
}

static void fifo_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			 enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct fifo_cpu *cpu = fifo_cpu(policy_cpu);
	struct fifo_thread *thread = fifo_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			move_last(cpu, thread);
		return;
	}
	if (thread->state != POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	cpu->weight += thread->weight;
	cpu->runnable++;
	insert_last(cpu, thread);
}

static void fifo_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			 enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct fifo_cpu *cpu = fifo_cpu(policy_cpu);
	struct fifo_thread *thread = fifo_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
	if (cpu->running == thread)
		cpu->running = NULL;
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

static void fifo_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
		      struct policy_pick *out)
{
	(void)now_ns;
	(void)flags;
	struct fifo_cpu *cpu = fifo_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	struct fifo_thread *first = fifo_of(rb_first(&cpu->tree));
	if (first != cpu->running && cpu->running != NULL)
		cpu->running->state = POLICY_QUEUED;
	cpu->running = first;
	if (first == NULL)
		return;
	first->state = POLICY_RUNNING;
	out->thread = fifo_handle(first);
}

static bool fifo_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			uint64_t ran_ns, uint64_t now_ns)
{
	(void)policy_cpu;
	(void)policy_thread;
	(void)ran_ns;
	(void)now_ns;
	return false; /* requests end when the thread blocks */
}

static bool fifo_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *running,
			  const struct policy_thread *woken, uint64_t now_ns)
{
	(void)now_ns;
	const struct fifo_cpu *cpu = fifo_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	return fifo_of(rb_first(&cpu->tree)) == fifo_thread_const(woken);
}

static void fifo_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			     struct policy_migration *out, uint64_t now_ns)
{
	*out = (struct policy_migration){
		.policy_id = FIFO_ID,
		.state = fifo_thread(policy_thread)->state == POLICY_OUT ? POLICY_OUT
									 : POLICY_QUEUED,
	};
	fifo_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
}

static void fifo_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			    const struct policy_migration *in, uint64_t now_ns)
{
	if (fifo_thread(policy_thread)->state != POLICY_OUT)
		fifo_cpu(policy_cpu)->misuse++;
	else if (in->state != POLICY_OUT)
		fifo_enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
}

static void fifo_save(const struct policy_cpu *policy_cpu,
		      const struct policy_thread *policy_thread, struct policy_record *out)
{
	(void)policy_cpu;
	*out = (struct policy_record){.policy_id = FIFO_ID, .version = FIFO_VERSION, .kind = 1};
	if (policy_thread == NULL)
		return;
	const struct fifo_thread *thread = fifo_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
	out->words[1] = thread->arrival;
}

/* The order inside a priority is that of the saved arrivals: linked with their old numbers. */
static enum error fifo_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
			       struct policy_thread *const threads[],
			       const struct policy_record *records, uint32_t count)
{
	struct fifo_cpu *cpu = fifo_cpu(policy_cpu);
	if (queue->policy_id != FIFO_ID || queue->version != FIFO_VERSION || queue->kind != 1)
		return ERR_FORMAT;
	uint64_t last = 0;
	for (uint32_t i = 0; i < count; i++) {
		const struct policy_record *record = &records[i];
		const struct fifo_thread *thread = fifo_thread(threads[i]);
		if (record->policy_id != FIFO_ID || record->version != FIFO_VERSION ||
		    record->kind != 2 || record->tid != thread->tid ||
		    (record->words[0] != POLICY_QUEUED && record->words[0] != POLICY_RUNNING))
			continue;
		cpu->arrivals = record->words[1] - 1;
		fifo_enqueue(policy_cpu, threads[i], POLICY_JOIN_WAKE, 0);
		last = record->words[1] > last ? record->words[1] : last;
	}
	cpu->arrivals = last;
	return ERR_OK;
}

static uint32_t fifo_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			   struct policy_spare *out, uint32_t count)
{
	const struct fifo_cpu *cpu = fifo_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct rb_node *node = rb_last(&cpu->tree);
	for (; node != NULL && used < count && looks < POLICY_LOOKS; node = rb_prev(node)) {
		looks++;
		struct fifo_thread *thread = fifo_of(node);
		if (thread->state != POLICY_QUEUED)
			continue; /* run to block: the running one stays */
		out[used++] = (struct policy_spare){.thread = fifo_handle(thread),
						    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

static void fifo_query(const struct policy_cpu *policy_cpu,
		       const struct policy_thread *policy_thread, struct policy_info *out)
{
	const struct fifo_cpu *cpu = fifo_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct fifo_thread *thread = fifo_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
}

static uint32_t fifo_check(const struct policy_cpu *policy_cpu)
{
	const struct fifo_cpu *cpu = fifo_cpu_const(policy_cpu);
	uint64_t weight = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	const struct fifo_thread *last = NULL;
	if (!rb_check(&cpu->tree))
		return 1;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		const struct fifo_thread *thread = fifo_of(node);
		if (last != NULL && !before(last, thread))
			return 1;
		if (thread->state == POLICY_RUNNING && thread == cpu->running)
			running++;
		else if (thread->state != POLICY_QUEUED)
			return 4;
		weight += thread->weight;
		count++;
		last = thread;
	}
	if (count != cpu->runnable)
		return 2;
	if (weight != cpu->weight)
		return 3;
	if (running != (cpu->running != NULL ? 1u : 0u))
		return 4;
	return cpu->misuse != 0 ? 5 : 0;
}

static size_t fifo_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct fifo_cpu *cpu = fifo_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "fifo");
	text_name(&text, "cpu");
	text_u64(&text, cpu->index);
	text_name(&text, "runnable");
	text_u64(&text, cpu->runnable);
	text_char(&text, '\n');
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		const struct fifo_thread *thread = fifo_of(node);
		text_string(&text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
		text_name(&text, "tid");
		text_u64(&text, thread->tid);
		text_name(&text, "priority");
		text_u64(&text, thread->priority);
		text_char(&text, '\n');
	}
	return text.length;
}

const struct policy_ops policy_fifo = {
	.name = "fifo",
	.desc = "run to block, 100 static priorities, preemptive across them",
	POLICY_OPS(fifo, FIFO_ID, FIFO_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
