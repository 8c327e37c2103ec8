/* SPDX-License-Identifier: BSD-2-Clause */
/* EEVDF: looking at a queue without changing it: figures, candidates for migration, checks, text. */
#include "eevdf.h"

void eevdf_query(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		 struct policy_info *out)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	policy_info_clear(out);
	vtime_tell_queue(&cpu->time, out);
	out->load = cpu->weight - cpu->weight_delayed;
	out->runnable = cpu->runnable;
	out->delayed = cpu->sleepers;
	out->misuse = cpu->misuse;
	if (policy_thread == NULL)
		return;
	const struct eevdf_thread *thread = eevdf_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	vtime_tell_thread(&cpu->time, &thread->time, thread->state == POLICY_OUT, out);
	if (thread->state == POLICY_OUT)
		return;
	out->thread_ve = vtime_number(thread->ve);
	out->thread_vd = vtime_number(thread->vd);
	out->left_ns = thread->left_ns;
}

static struct policy_spare spare_of(const struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const int64_t owed_ns = vtime_owed_ns(&cpu->time, &thread->time);
	return policy_spare_of(eevdf_handle(thread), owed_ns, thread->weight,
			       thread == cpu->running);
}

/* The last by deadline have received most lately, so among the last POLICY_LOOKS the ones owed least are
 * found exactly when no more wait, and nearly otherwise.  The running thread is a candidate too: while its
 * dispatcher answers, it does not run. */
uint32_t eevdf_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor,
		     struct policy_spare *out, uint32_t count)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	uint32_t used = 0, looks = POLICY_LOOKS;
	if (count == 0)
		return 0;
	if (cpu->running != NULL)
		used = policy_spare_insert(out, used, count, spare_of(cpu, cpu->running));
	for (uint32_t c = 0; c < EEVDF_CLASSES; c++) {
		struct rb_node *node = policy_spare_start(&cpu->tree[c], *cursor);
		for (; node != NULL && looks > 0; node = rb_prev(node), looks--)
			used = policy_spare_insert(out, used, count,
						   spare_of(cpu, eevdf_of_node(node)));
	}
	*cursor += 1;
	return used;
}

struct check_sums {
	struct vtime_sums all;
	uint32_t threads;
	bool eligible;
};

static uint32_t check_thread(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread,
			     uint32_t state, struct check_sums *sums)
{
	if (!policy_weight_valid(thread->weight) || !policy_slice_valid(thread->slice_ns) ||
	    thread->class >= EEVDF_CLASSES)
		return EEVDF_RULE_PARAMS;
	if (thread->state != state)
		return EEVDF_RULE_RUNNING;
	if (thread->v_rem >= thread->weight || thread->ve_rem >= thread->weight ||
	    thread->vd_rem >= thread->weight)
		return EEVDF_RULE_REMAINDER;
	const int128_t left = vtime_left(&thread->request);
	if (!eevdf_request_valid(left, vtime_used(&thread->request)) ||
	    thread->left_ns != vtime_ns_ceil(left, 0))
		return EEVDF_RULE_REQUEST;
	vtime_sums_add(&sums->all, vtime_relative(&cpu->time, &thread->time), thread->weight);
	sums->threads++;
	sums->eligible = sums->eligible || eevdf_eligible(cpu, thread);
	return EEVDF_RULE_NONE;
}

static uint32_t check_tree(const struct eevdf_cpu *cpu, uint32_t which, struct check_sums *sums)
{
	const bool delayed = which == EEVDF_DELAYED;
	const struct rb_tree *tree = &cpu->tree[which];
	const struct eevdf_thread *last = NULL;
	if (!rb_check(tree) || eevdf_of_link(rb_first(tree)) != cpu->first[which])
		return EEVDF_RULE_TREE;
	for (const struct rb_node *node = rb_first(tree); node != NULL; node = rb_next(node)) {
		const struct eevdf_thread *thread = eevdf_of_node_const(node);
		if (last != NULL &&
		    !(delayed ? eevdf_delayed_before(last, thread) : eevdf_before(last, thread)))
			return EEVDF_RULE_TREE;
		struct eevdf_thread copy = *thread;
		if (eevdf_summary_update(&copy.node))
			return EEVDF_RULE_SUMMARY;
		if (!delayed && thread->class != which)
			return EEVDF_RULE_PARAMS;
		const uint32_t rule = check_thread(cpu, thread,
						   delayed ? POLICY_DELAYED : POLICY_QUEUED, sums);
		if (rule != EEVDF_RULE_NONE)
			return rule;
		last = thread;
	}
	return EEVDF_RULE_NONE;
}

static uint32_t check_sums(const struct eevdf_cpu *cpu, const struct check_sums *runnable,
			   const struct check_sums *delayed)
{
	if (runnable->threads != cpu->runnable || delayed->threads != cpu->sleepers)
		return EEVDF_RULE_COUNT;
	if (runnable->all.weight + delayed->all.weight != cpu->weight ||
	    delayed->all.weight != cpu->weight_delayed)
		return EEVDF_RULE_WEIGHT;
	if (cpu->weight == 0 ? cpu->vrem != 0 : cpu->vrem >= cpu->weight)
		return EEVDF_RULE_REMAINDER;
	if (runnable->all.rel + delayed->all.rel != (int128_t)cpu->vrem)
		return EEVDF_RULE_LAG;
	if (runnable->threads != 0 && !runnable->eligible)
		return EEVDF_RULE_ELIGIBLE;
	if (delayed->eligible)
		return EEVDF_RULE_DELAYED;
	return cpu->misuse != 0 ? EEVDF_RULE_MISUSE : EEVDF_RULE_NONE;
}

uint32_t eevdf_check(const struct policy_cpu *policy_cpu)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	struct check_sums runnable = {0}, delayed = {0};
	uint32_t rule = EEVDF_RULE_NONE;
	for (uint32_t i = 0; i < EEVDF_TREES && rule == EEVDF_RULE_NONE; i++)
		rule = check_tree(cpu, i, i == EEVDF_DELAYED ? &delayed : &runnable);
	if (rule == EEVDF_RULE_NONE && cpu->running != NULL)
		rule = check_thread(cpu, cpu->running, POLICY_RUNNING, &runnable);
	return rule != EEVDF_RULE_NONE ? rule : check_sums(cpu, &runnable, &delayed);
}

static void dump_thread(struct text *text, const struct policy_cpu *policy_cpu,
			struct rb_node *node)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	const struct eevdf_thread *thread = eevdf_of_node_const(node);
	text_string(text, thread->state == POLICY_RUNNING   ? "  running"
			  : thread->state == POLICY_DELAYED ? "  delayed"
							    : "  waiting");
	policy_show(text, "tid", thread->tid);
	policy_show(text, "class", thread->class);
	policy_show(text, "w", thread->weight);
	policy_show_signed(text, "lag_ns",
			   vtime_number(vtime_lag(&cpu->time, &thread->time)).whole);
	policy_show(text, "left_ns", thread->left_ns);
	policy_show(text, "slice_ns", thread->slice_ns);
	text_string(text, eevdf_eligible(cpu, thread) ? " eligible\n" : "\n");
}

size_t eevdf_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct eevdf_cpu *cpu = eevdf_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	policy_show_queue(&text, "eevdf", cpu->index, cpu->runnable, eevdf_check(policy_cpu));
	policy_show(&text, "delayed", cpu->sleepers);
	policy_show_signed(&text, "V", vtime_number(cpu->vq).whole);
	policy_show(&text, "W", cpu->weight);
	text_char(&text, '\n');
	if (cpu->running != NULL)
		dump_thread(&text, policy_cpu, &cpu->running->node);
	for (uint32_t i = 0; i < EEVDF_TREES; i++)
		policy_show_tree(&text, &cpu->tree[i], policy_cpu, dump_thread);
	return text.length;
}
