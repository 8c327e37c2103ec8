/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chaos: every choice is legal and none is kind.  For tests: what works under this policy does not
 * lean on an order, on a slice, or on a thread being left alone.
 *
 *   who       each join and each end of a slice draws a place in a calendar, up to CHAOS_SPAN after
 *             the present one; the first place runs
 *   how long  a slice of CHAOS_SLICE_NS_MIN .. POLICY_SLICE_NS_MIN, drawn anew each time, also for a
 *             thread that is alone; weights, priorities and the slices asked for are ignored
 *   wake-ups  every second one may take the CPU
 *   spare     offers the running thread too
 *
 * Nobody starves: a thread waits at most until the calendar has moved by one CHAOS_SPAN, which it
 * does by CHAOS_SPAN / 2 per turn and thread in the mean.  Reproducible, as the lottery: the generator
 * starts from CHAOS_SEED and the CPU's index and is part of the queue's record.
 *
 * Invariants: every QUEUED and RUNNING thread is in the tree by (place, tid).
 *
 * Bad at: everything, on purpose; every slice is a dispatcher entry.
 *
 * check() numbers: 1 tree and order, 2 counts, 3 weight sum, 4 running thread, 5 misuse.
 */
#include "../common.h"
#include <base/math.h>
#include <base/rbtree.h>

#define CHAOS_ID           7u
#define CHAOS_VERSION      1u
#define CHAOS_SEED         UINT64_C(0x6368616f73)
#define CHAOS_SPAN         (UINT64_C(1) << 20)
#define CHAOS_SLICE_NS_MIN 20000u

struct chaos_thread {
	struct rb_node node;
	uint64_t tid;
	uint64_t place;
	uint64_t left_ns;  /* of the slice drawn; 0: draw one */
	uint64_t slice_ns; /* told, not used */
	uint32_t weight;
	uint8_t state;
	uint8_t pad[3];
};

struct chaos_cpu {
	struct rb_tree tree;
	struct chaos_thread *running;
	uint64_t random;
	uint64_t present; /* place of the last one picked */
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool again; /* the running thread has no claim to stay */
	uint8_t pad[3];
};

POLICY_VIEWS(chaos);

static struct chaos_thread *chaos_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct chaos_thread, node);
}

/* splitmix64: a number in [0, below). */
static uint64_t random_below(struct chaos_cpu *cpu, uint64_t below)
{
	cpu->random += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = cpu->random;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return (z ^ (z >> 31)) % below;
}

static bool before(const struct chaos_thread *a, const struct chaos_thread *b)
{
	return a->place != b->place ? a->place < b->place : a->tid < b->tid;
}

static void tree_insert(struct chaos_cpu *cpu, struct chaos_thread *thread)
{
	struct rb_node **link = &cpu->tree.root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = before(thread, chaos_of(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(&cpu->tree, &thread->node, parent, link, rb_update_none);
}

/* Another place, somewhere after `from`. */
static void place_draw(struct chaos_cpu *cpu, struct chaos_thread *thread, uint64_t from)
{
	thread->place = from + 1 + random_below(cpu, CHAOS_SPAN);
	tree_insert(cpu, thread);
}

static void chaos_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	*chaos_cpu(policy_cpu) = (struct chaos_cpu){.index = cpu_index,
						    .random = CHAOS_SEED + cpu_index};
}

static enum error chaos_thread_init(struct policy_thread *policy_thread,
				    const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	*chaos_thread(policy_thread) = (struct chaos_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.weight = params->weight,
		.state = POLICY_OUT,
	};
	return ERR_OK;
}

static enum error chaos_set_params(struct policy_cpu *policy_cpu,
				   struct policy_thread *policy_thread,
				   const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct chaos_cpu *cpu = chaos_cpu(policy_cpu);
	struct chaos_thread *thread = chaos_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	if (thread->state != POLICY_OUT)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	return ERR_OK;
}

static void turn_end(struct chaos_cpu *cpu, struct chaos_thread *thread)
{
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
	place_draw(cpu, thread, cpu->present);
	thread->left_ns = 0;
	cpu->again = cpu->again || cpu->running == thread;
}

/* Behind whoever is first, so that somebody else runs if there is anybody. */
static void yields(struct chaos_cpu *cpu, struct chaos_thread *thread)
{
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
	const struct chaos_thread *first = chaos_of(rb_first(&cpu->tree));
	place_draw(cpu, thread, first != NULL ? first->place : cpu->present);
	thread->left_ns = 0;
	cpu->again = cpu->again || cpu->running == thread;
}

static void chaos_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct chaos_cpu *cpu = chaos_cpu(policy_cpu);
	struct chaos_thread *thread = chaos_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			yields(cpu, thread);
		return;
	}
	if (thread->state != POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->left_ns = 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	place_draw(cpu, thread, cpu->present);
	if (cpu->running != NULL && random_below(cpu, 2) == 0)
		turn_end(cpu, cpu->running);
}

static void chaos_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct chaos_cpu *cpu = chaos_cpu(policy_cpu);
	struct chaos_thread *thread = chaos_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
	if (cpu->running == thread)
		cpu->running = NULL;
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

static void chaos_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
		       struct policy_pick *out)
{
	(void)now_ns;
	struct chaos_cpu *cpu = chaos_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	if (cpu->running == NULL || cpu->again || (flags & POLICY_PICK_FRESH) != 0) {
		if (cpu->running != NULL)
			cpu->running->state = POLICY_QUEUED;
		cpu->running = chaos_of(rb_first(&cpu->tree));
	}
	cpu->again = false;
	struct chaos_thread *thread = cpu->running;
	if (thread == NULL)
		return;
	thread->state = POLICY_RUNNING;
	cpu->present = max_u64(cpu->present, thread->place);
	if (thread->left_ns == 0)
		thread->left_ns = CHAOS_SLICE_NS_MIN +
				  random_below(cpu, POLICY_SLICE_NS_MIN - CHAOS_SLICE_NS_MIN + 1);
	out->thread = chaos_handle(thread);
	out->slice_ns = thread->left_ns;
	out->request_ns = thread->left_ns;
}

static bool chaos_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			 uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	struct chaos_cpu *cpu = chaos_cpu(policy_cpu);
	struct chaos_thread *thread = chaos_thread(policy_thread);
	if (thread->state == POLICY_OUT || thread->left_ns == 0)
		return false;
	thread->left_ns = sub_saturate_u64(thread->left_ns, ran_ns);
	if (thread->left_ns != 0)
		return false;
	turn_end(cpu, thread);
	return true;
}

static bool chaos_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *running,
			   const struct policy_thread *woken, uint64_t now_ns)
{
	(void)now_ns;
	const struct chaos_cpu *cpu = chaos_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	return cpu->again && chaos_of(rb_first(&cpu->tree)) == chaos_thread_const(woken);
}

static void chaos_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			      struct policy_migration *out, uint64_t now_ns)
{
	*out = (struct policy_migration){
		.policy_id = CHAOS_ID,
		.state = chaos_thread(policy_thread)->state == POLICY_OUT ? POLICY_OUT
									  : POLICY_QUEUED,
	};
	chaos_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
}

static void chaos_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			     const struct policy_migration *in, uint64_t now_ns)
{
	if (chaos_thread(policy_thread)->state != POLICY_OUT)
		chaos_cpu(policy_cpu)->misuse++;
	else if (in->state != POLICY_OUT)
		chaos_enqueue(policy_cpu, policy_thread, POLICY_JOIN_WAKE, now_ns);
}

static void chaos_save(const struct policy_cpu *policy_cpu,
		       const struct policy_thread *policy_thread, struct policy_record *out)
{
	*out = (struct policy_record){.policy_id = CHAOS_ID, .version = CHAOS_VERSION, .kind = 1};
	if (policy_thread == NULL) {
		out->words[0] = chaos_cpu_const(policy_cpu)->random;
		return;
	}
	const struct chaos_thread *thread = chaos_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
}

/* Everybody draws a new place: legal, as everything here. */
static enum error chaos_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
				struct policy_thread *const threads[],
				const struct policy_record *records, uint32_t count)
{
	if (!policy_record_fits(queue, CHAOS_ID, CHAOS_VERSION, 1, 0))
		return ERR_FORMAT;
	chaos_cpu(policy_cpu)->random = queue->words[0];
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t tid = chaos_thread(threads[i])->tid;
		if (policy_record_fits(&records[i], CHAOS_ID, CHAOS_VERSION, 2, tid) &&
		    (records[i].words[0] == POLICY_QUEUED || records[i].words[0] == POLICY_RUNNING))
			chaos_enqueue(policy_cpu, threads[i], POLICY_JOIN_WAKE, 0);
	}
	return ERR_OK;
}

static uint32_t chaos_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			    struct policy_spare *out, uint32_t count)
{
	const struct chaos_cpu *cpu = chaos_cpu_const(policy_cpu);
	uint32_t used = 0;
	struct rb_node *node = rb_last(&cpu->tree);
	for (; node != NULL && used < count && used < POLICY_LOOKS; node = rb_prev(node)) {
		struct chaos_thread *thread = chaos_of(node);
		out[used++] = (struct policy_spare){.thread = chaos_handle(thread),
						    .weight = thread->weight,
						    .running = thread->state == POLICY_RUNNING};
	}
	*cursor += used;
	return used;
}

static void chaos_query(const struct policy_cpu *policy_cpu,
			const struct policy_thread *policy_thread, struct policy_info *out)
{
	const struct chaos_cpu *cpu = chaos_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct chaos_thread *thread = chaos_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	out->left_ns = thread->state == POLICY_OUT ? 0 : thread->left_ns;
}

static uint32_t chaos_check(const struct policy_cpu *policy_cpu)
{
	const struct chaos_cpu *cpu = chaos_cpu_const(policy_cpu);
	const struct chaos_thread *last = NULL;
	uint64_t weight = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	if (!rb_check(&cpu->tree))
		return 1;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		const struct chaos_thread *thread = chaos_of(node);
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

static size_t chaos_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct chaos_cpu *cpu = chaos_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "chaos");
	policy_show(&text, "cpu", cpu->index);
	policy_show(&text, "runnable", cpu->runnable);
	policy_show(&text, "present", cpu->present);
	text_char(&text, '\n');
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		const struct chaos_thread *thread = chaos_of(node);
		text_string(&text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
		policy_show(&text, "tid", thread->tid);
		policy_show(&text, "place", thread->place);
		text_char(&text, '\n');
	}
	return text.length;
}

const struct policy_ops policy_chaos = {
	.name = "chaos",
	.desc = "for tests: random order, random tiny slices; legal but hostile",
	POLICY_OPS(chaos, CHAOS_ID, CHAOS_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = policy_lag_ignore,
};
