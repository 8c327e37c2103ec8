/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stride scheduling (C. Waldspurger, W. Weihl, 1995): proportional shares without chance.  The
 * thread that has the least pass runs for its slice; its pass then advances by what it ran over its
 * weight.
 *
 *   w_i, W   weight of thread i; sum over the QUEUED and RUNNING
 *   pass_i   service received / w_i, from where it joined, in 1/1024 ns of service per weight
 *   G        global pass: service of the whole queue / W
 *   debt_i   (pass_i - G) w_i: service that i is ahead of its share; lag = -debt
 *
 * Remainder-exact: pass and G carry the remainder of their division (pass_rem < w, global_rem < W),
 * so w pass + pass_rem grows by exactly what was charged, however it is split; nothing drifts.
 * Rounding, of less than 1/1024 ns, happens only where W or a weight changes.
 *
 * Who joins starts at G plus the debt that it left with: it can neither save up credit by sleeping nor
 * lose a debt by a nap.  Credit counts up to one slice, for the same reason.
 * Passes are compared by the sign of their difference, so they may wrap: a single charge moves a pass
 * by at most 2^60.
 *
 * Invariants: every QUEUED and RUNNING thread is in the tree, in order of (pass, turn); `turn`
 * counts up, so among equal passes the one that waits longest goes first.  The RUNNING one moves in
 * the tree when it is charged.
 *
 * Bad at: latency (a waker waits for the end of the running slice, whatever its slice is), and the
 * error of a share, which grows with the number of threads (EEVDF's does not).
 *
 * check() numbers: 1 tree and order, 2 counts, 3 weight sum, 4 running thread, 5 remainders, 6 misuse.
 */
#include "../common.h"
#include <base/math.h>
#include <base/rbtree.h>

#define STRIDE_ID        4u
#define STRIDE_VERSION   1u
#define STRIDE_FRAC_BITS 10u

struct stride_thread {
	struct rb_node node;
	uint64_t tid;
	uint64_t turn;
	uint64_t pass; /* OUT: pass - G, as a signed number */
	uint64_t slice_ns;
	uint64_t used_ns; /* of the slice */
	uint32_t pass_rem;
	uint32_t weight;
	uint8_t state;
	uint8_t pad[7];
};

struct stride_cpu {
	struct rb_tree tree;
	struct stride_thread *running;
	struct stride_thread *yielded; /* not to be picked next, unless it is alone */
	uint64_t global;
	uint64_t global_rem;
	uint64_t turns;
	uint64_t weight;
	uint32_t runnable;
	uint32_t misuse;
	uint32_t index;
	bool slice_over;
	uint8_t pad[3];
};

POLICY_VIEWS(stride);

static struct stride_thread *stride_of(struct rb_node *node)
{
	return node == NULL ? NULL : container_of(node, struct stride_thread, node);
}

static bool before(const struct stride_thread *a, const struct stride_thread *b)
{
	const int64_t ahead = (int64_t)(a->pass - b->pass);
	return ahead != 0 ? ahead < 0 : a->turn < b->turn;
}

static void tree_insert(struct stride_cpu *cpu, struct stride_thread *thread)
{
	thread->turn = ++cpu->turns;
	struct rb_node **link = &cpu->tree.root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = before(thread, stride_of(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(&cpu->tree, &thread->node, parent, link, rb_update_none);
}

static void tree_erase(struct stride_cpu *cpu, struct stride_thread *thread)
{
	rb_erase(&cpu->tree, &thread->node, rb_update_none);
}

/* (pass - G) w, exactly, in 2^-10 ns. */
static int128_t debt(const struct stride_cpu *cpu, const struct stride_thread *thread)
{
	const uint64_t base = thread->state == POLICY_OUT ? 0 : cpu->global;
	return (int128_t)(int64_t)(thread->pass - base) * thread->weight + thread->pass_rem;
}

/* Set the pass, from `base` on, so that the thread owes this much. */
static void debt_set(struct stride_thread *thread, uint64_t base, int128_t owes)
{
	uint64_t rem;
	thread->pass = base +
		       (uint64_t)int128_to_i64(int128_divide_floor(owes, thread->weight, &rem));
	thread->pass_rem = (uint32_t)rem;
}

/* W changes; what the remainder stands for stays, rounded down to the unit. */
static void weight_change(struct stride_cpu *cpu, uint64_t weight)
{
	if (cpu->weight != 0)
		cpu->global_rem = (uint64_t)((uint128_t)cpu->global_rem * weight / cpu->weight);
	if (weight == 0)
		cpu->global_rem = 0;
	cpu->weight = weight;
}

static void stride_cpu_init(struct policy_cpu *policy_cpu, uint32_t cpu_index)
{
	*stride_cpu(policy_cpu) = (struct stride_cpu){.index = cpu_index};
}

static enum error stride_thread_init(struct policy_thread *policy_thread,
				     const struct policy_params *params)
{
	if (!policy_params_valid(params))
		return ERR_RANGE;
	*stride_thread(policy_thread) = (struct stride_thread){
		.tid = params->tid,
		.slice_ns = params->slice_ns,
		.weight = params->weight,
		.state = POLICY_OUT,
	};
	return ERR_OK;
}

static enum error stride_set_params(struct policy_cpu *policy_cpu,
				    struct policy_thread *policy_thread,
				    const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	struct stride_thread *thread = stride_thread(policy_thread);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	const bool inside = thread->state != POLICY_OUT;
	if (thread->weight != params->weight) {
		const int128_t owes = debt(cpu, thread);
		if (inside) {
			tree_erase(cpu, thread);
			weight_change(cpu, cpu->weight - thread->weight + params->weight);
		}
		thread->weight = params->weight;
		debt_set(thread, inside ? cpu->global : 0, owes);
		if (inside)
			tree_insert(cpu, thread);
	}
	thread->slice_ns = params->slice_ns;
	if (thread->used_ns >= thread->slice_ns) {
		thread->used_ns = 0;
		cpu->slice_over = cpu->slice_over || cpu->running == thread;
	}
	return ERR_OK;
}

/* OUT -> QUEUED, at the global pass and what it owes. */
static void join(struct stride_cpu *cpu, struct stride_thread *thread, bool exact)
{
	int128_t owes = debt(cpu, thread);
	const int128_t credit_max = (int128_t)thread->slice_ns << STRIDE_FRAC_BITS;
	if (!exact && owes < -credit_max)
		owes = -credit_max;
	weight_change(cpu, cpu->weight + thread->weight);
	debt_set(thread, cpu->global, owes);
	thread->state = POLICY_QUEUED;
	thread->used_ns = 0;
	cpu->runnable++;
	tree_insert(cpu, thread);
}

static void stride_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			   enum policy_join reason, uint64_t now_ns)
{
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	struct stride_thread *thread = stride_thread(policy_thread);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT) {
			cpu->misuse++;
		} else if (reason == POLICY_JOIN_YIELD) {
			thread->used_ns = 0;
			cpu->yielded = thread;
			cpu->slice_over = cpu->slice_over || thread == cpu->running;
			tree_erase(cpu, thread);
			tree_insert(cpu, thread); /* the last among equals */
		}
		return;
	}
	if (thread->state == POLICY_OUT)
		join(cpu, thread, reason == POLICY_JOIN_EXACT);
}

static void stride_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			   enum policy_leave reason, uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	struct stride_thread *thread = stride_thread(policy_thread);
	if (thread->state == POLICY_OUT)
		return;
	const int128_t owes = debt(cpu, thread);
	tree_erase(cpu, thread);
	if (cpu->running == thread) {
		cpu->running = NULL;
		cpu->slice_over = false;
	}
	if (cpu->yielded == thread)
		cpu->yielded = NULL;
	thread->state = POLICY_OUT;
	debt_set(thread, 0, owes);
	weight_change(cpu, cpu->weight - thread->weight);
	cpu->runnable--;
}

/* Who would be picked; changes nothing. */
static struct stride_thread *choice(const struct stride_cpu *cpu, bool fresh)
{
	if (cpu->running != NULL && !cpu->slice_over && !fresh)
		return cpu->running;
	struct rb_node *first = rb_first(&cpu->tree);
	if (first != NULL && stride_of(first) == cpu->yielded && rb_next(first) != NULL)
		first = rb_next(first);
	return stride_of(first);
}

static void stride_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
			struct policy_pick *out)
{
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	*out = (struct policy_pick){.slice_ns = TIME_NEVER, .request_ns = TIME_NEVER};
	struct stride_thread *thread = choice(cpu, (flags & POLICY_PICK_FRESH) != 0);
	if (cpu->running != NULL)
		cpu->running->state = POLICY_QUEUED;
	cpu->running = thread;
	cpu->slice_over = false;
	cpu->yielded = NULL;
	if (thread == NULL)
		return;
	thread->state = POLICY_RUNNING;
	out->thread = stride_handle(thread);
	out->request_ns = thread->slice_ns - thread->used_ns;
	if (cpu->runnable > 1)
		out->slice_ns = out->request_ns;
}

/* pass += ran / w, G += ran / W, with their remainders. */
static void advance(struct stride_cpu *cpu, struct stride_thread *thread, uint64_t ran_ns)
{
	const bool inside = thread->state != POLICY_OUT;
	uint64_t rem;
	if (inside)
		tree_erase(cpu, thread);
	const uint128_t units = (uint128_t)ran_ns << STRIDE_FRAC_BITS;
	thread->pass += (uint64_t)uint128_divide(units + thread->pass_rem, thread->weight, &rem);
	thread->pass_rem = (uint32_t)rem;
	if (!inside)
		return;
	tree_insert(cpu, thread);
	cpu->global += (uint64_t)uint128_divide(units + cpu->global_rem, cpu->weight,
						&cpu->global_rem);
}

static bool stride_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			  uint64_t ran_ns, uint64_t now_ns)
{
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	struct stride_thread *thread = stride_thread(policy_thread);
	if (ran_ns != 0)
		advance(cpu, thread, ran_ns);
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

static bool stride_preempts(const struct policy_cpu *policy_cpu,
			    const struct policy_thread *running, const struct policy_thread *woken,
			    uint64_t now_ns)
{
	(void)now_ns;
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	return choice(cpu, false) == stride_thread_const(woken);
}

static void stride_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			       struct policy_migration *out, uint64_t now_ns)
{
	const struct stride_thread *thread = stride_thread_const(policy_thread);
	*out = (struct policy_migration){
		.policy_id = STRIDE_ID,
		.state = thread->state == POLICY_OUT ? POLICY_OUT : POLICY_QUEUED,
		.request_ns = thread->used_ns,
	};
	stride_dequeue(policy_cpu, policy_thread, POLICY_LEAVE_KEEP, now_ns);
	const int128_t owes = debt(stride_cpu(policy_cpu), thread);
	out->lag_whole = (int64_t)(owes >> 64);
	out->lag_low = (uint64_t)owes;
}

static void stride_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			      const struct policy_migration *in, uint64_t now_ns)
{
	(void)now_ns;
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	struct stride_thread *thread = stride_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		cpu->misuse++;
		return;
	}
	const bool known = in->policy_id == STRIDE_ID;
	/* Nobody waits: there is nobody to owe to. */
	const bool alone = in->state != POLICY_OUT && cpu->runnable == 0;
	const int128_t owes = int128_of_words((uint64_t)in->lag_whole, in->lag_low);
	debt_set(thread, 0, known && !alone ? owes : 0);
	if (in->state == POLICY_OUT)
		return;
	join(cpu, thread, true);
	if (known && in->request_ns < thread->slice_ns)
		thread->used_ns = in->request_ns;
}

static void stride_save(const struct policy_cpu *policy_cpu,
			const struct policy_thread *policy_thread, struct policy_record *out)
{
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	*out = (struct policy_record){.policy_id = STRIDE_ID, .version = STRIDE_VERSION, .kind = 1};
	if (policy_thread == NULL) {
		out->words[0] = cpu->global;
		out->words[1] = cpu->global_rem;
		return;
	}
	const struct stride_thread *thread = stride_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
	out->words[1] = thread->pass;
	out->words[2] = thread->pass_rem;
	out->words[3] = thread->used_ns;
}

static void thread_restore(struct stride_cpu *cpu, struct stride_thread *thread,
			   const struct policy_record *record)
{
	if (!policy_record_fits(record, STRIDE_ID, STRIDE_VERSION, 2, thread->tid) ||
	    record->words[0] > POLICY_RUNNING || record->words[2] >= thread->weight)
		return;
	thread->pass = record->words[1];
	thread->pass_rem = (uint32_t)record->words[2];
	if (record->words[0] == POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->used_ns = record->words[3] < thread->slice_ns ? record->words[3] : 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	tree_insert(cpu, thread);
}

static enum error stride_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
				 struct policy_thread *const threads[],
				 const struct policy_record *records, uint32_t count)
{
	struct stride_cpu *cpu = stride_cpu(policy_cpu);
	if (!policy_record_fits(queue, STRIDE_ID, STRIDE_VERSION, 1, 0))
		return ERR_FORMAT;
	cpu->global = queue->words[0];
	for (uint32_t i = 0; i < count; i++)
		thread_restore(cpu, stride_thread(threads[i]), &records[i]);
	cpu->global_rem = queue->words[1] < cpu->weight ? queue->words[1] : 0;
	return ERR_OK;
}

/* Who has the largest pass is owed least, up to the difference of the weights. */
static uint32_t stride_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
			     struct policy_spare *out, uint32_t count)
{
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct rb_node *node = rb_last(&cpu->tree);
	for (; node != NULL && used < count && looks < POLICY_LOOKS; node = rb_prev(node)) {
		looks++;
		struct stride_thread *thread = stride_of(node);
		if (thread->state == POLICY_QUEUED)
			out[used++] = (struct policy_spare){.thread = stride_handle(thread),
							    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

static struct policy_number number(int128_t units)
{
	return policy_number_of(units, STRIDE_FRAC_BITS);
}

static void stride_query(const struct policy_cpu *policy_cpu,
			 const struct policy_thread *policy_thread, struct policy_info *out)
{
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.v = number(cpu->global),
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct stride_thread *thread = stride_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	out->lag_ns = number(-debt(cpu, thread));
	if (thread->state == POLICY_OUT)
		return;
	out->thread_v = number(thread->pass);
	out->left_ns = thread->slice_ns - thread->used_ns;
}

static void stride_set_lag(struct policy_thread *policy_thread, struct policy_number lag_ns)
{
	const int128_t units = (int128_t)lag_ns.whole * (1 << STRIDE_FRAC_BITS) +
			       (int128_t)(lag_ns.frac >> (32 - STRIDE_FRAC_BITS));
	debt_set(stride_thread(policy_thread), 0, -units);
}

static uint32_t stride_check(const struct policy_cpu *policy_cpu)
{
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	const struct stride_thread *last = NULL;
	uint64_t weight = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	if (!rb_check(&cpu->tree))
		return 1;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		const struct stride_thread *thread = stride_of(node);
		if (last != NULL && !before(last, thread))
			return 1;
		if (thread->state == POLICY_RUNNING && thread == cpu->running)
			running++;
		else if (thread->state != POLICY_QUEUED)
			return 4;
		if (thread->pass_rem >= thread->weight || thread->used_ns >= thread->slice_ns)
			return 5;
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
	if (cpu->global_rem != 0 && cpu->global_rem >= cpu->weight)
		return 5;
	return cpu->misuse != 0 ? 6 : 0;
}

static size_t stride_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct stride_cpu *cpu = stride_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "stride");
	policy_show(&text, "cpu", cpu->index);
	policy_show(&text, "runnable", cpu->runnable);
	policy_show(&text, "global", cpu->global);
	text_char(&text, '\n');
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		if (shown++ == POLICY_SHOWN) {
			text_string(&text, "  ...\n");
			break;
		}
		const struct stride_thread *thread = stride_of(node);
		text_string(&text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
		policy_show(&text, "tid", thread->tid);
		policy_show(&text, "weight", thread->weight);
		policy_show(&text, "pass", thread->pass);
		text_char(&text, '\n');
	}
	return text.length;
}

const struct policy_ops policy_stride = {
	.name = "stride",
	.desc = "stride scheduling: the least service per weight runs next, for its slice",
	POLICY_OPS(stride, STRIDE_ID, STRIDE_VERSION),
	.set_average = policy_average_ignore,
	.set_lag = stride_set_lag,
};
