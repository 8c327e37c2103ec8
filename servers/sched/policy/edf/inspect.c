/* SPDX-License-Identifier: BSD-2-Clause */
/* What looks at a queue from outside: records, figures, checks, text. */
#include "edf.h"

void edf_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
	      struct policy_record *out)
{
	(void)policy_cpu;
	*out = (struct policy_record){.policy_id = EDF_ID, .version = EDF_VERSION, .kind = 1};
	if (policy_thread == NULL)
		return;
	const struct edf_thread *thread = edf_thread_const(policy_thread);
	out->kind = 2;
	out->tid = thread->tid;
	out->words[0] = thread->state;
	out->words[1] = thread->bandwidth;
	out->words[2] = thread->deadline_ns;
	out->words[3] = (uint64_t)thread->left_ns;
	out->words[4] = thread->used_ns;
}

static void thread_restore(struct edf_cpu *cpu, struct edf_thread *thread,
			   const struct policy_record *record)
{
	const uint64_t *words = record->words;
	const int64_t left_ns = (int64_t)words[3];
	if (!policy_record_fits(record, EDF_ID, EDF_VERSION, 2, thread->tid) ||
	    words[0] > POLICY_RUNNING || left_ns > (int64_t)thread->slice_ns ||
	    left_ns < -(int64_t)thread->slice_ns)
		return;
	if (words[1] != 0 && edf_admit(cpu, thread, 0)) {
		thread->deadline_ns = words[2];
		thread->left_ns = left_ns;
		if (left_ns <= 0)
			edf_throttle(cpu, thread);
	}
	if (words[0] == POLICY_OUT)
		return;
	thread->state = POLICY_QUEUED;
	thread->used_ns = words[4] < thread->slice_ns ? words[4] : 0;
	cpu->weight += thread->weight;
	cpu->runnable++;
	edf_link(cpu, thread);
}

/* Deadlines are times of the machine's clock, so they are good for the next instance too.  The order
 * of the ring is that of the records. */
enum error edf_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
		       struct policy_thread *const threads[], const struct policy_record *records,
		       uint32_t count)
{
	if (!policy_record_fits(queue, EDF_ID, EDF_VERSION, 1, 0))
		return ERR_FORMAT;
	for (uint32_t i = 0; i < count; i++)
		thread_restore(edf_cpu(policy_cpu), edf_thread(threads[i]), &records[i]);
	return ERR_OK;
}

/* Only the background, last of the ring first: a reservation was made on this CPU. */
uint32_t edf_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor, struct policy_spare *out,
		   uint32_t count)
{
	const struct edf_cpu *cpu = edf_cpu_const(policy_cpu);
	uint32_t used = 0;
	uint32_t looks = 0;
	struct list_node *node = cpu->ring.prev;
	for (; node != &cpu->ring && used < count && looks < POLICY_LOOKS; node = node->prev) {
		looks++;
		struct edf_thread *thread = edf_of_ring(node);
		if (thread->state == POLICY_QUEUED && thread->bandwidth == 0)
			out[used++] = (struct policy_spare){.thread = edf_handle(thread),
							    .weight = thread->weight};
	}
	*cursor += looks;
	return used;
}

void edf_query(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
	       struct policy_info *out)
{
	const struct edf_cpu *cpu = edf_cpu_const(policy_cpu);
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread == NULL)
		return;
	const struct edf_thread *thread = edf_thread_const(policy_thread);
	out->state = thread->state;
	out->slice_ns = thread->slice_ns;
	if (thread->bandwidth != 0)
		out->thread_vd.whole = (int64_t)thread->deadline_ns;
	if (thread->state == POLICY_OUT)
		return;
	out->left_ns = thread->in_ready ? (uint64_t)thread->left_ns
					: thread->slice_ns - thread->used_ns;
}

/* What check() has counted so far. */
struct tally {
	uint64_t weight;
	uint64_t bandwidth; /* of the runnable and of the throttled */
	uint32_t runnable;
	uint32_t running;
};

static uint32_t thread_check(const struct edf_cpu *cpu, const struct edf_thread *thread,
			     struct tally *tally)
{
	if (thread->bandwidth != 0 &&
	    thread->bandwidth != edf_bandwidth(thread->slice_ns, thread->period_ns))
		return EDF_RULE_ADMISSION;
	if (thread->state == POLICY_RUNNING && cpu->running == thread)
		tally->running++;
	else if (thread->state != POLICY_QUEUED)
		return EDF_RULE_RUNNING;
	if (thread->in_ready ? thread->left_ns <= 0 || thread->left_ns > (int64_t)thread->slice_ns
			     : thread->throttled && thread->left_ns > 0)
		return EDF_RULE_BUDGET;
	if (thread->used_ns >= thread->slice_ns)
		return EDF_RULE_BACKGROUND;
	tally->weight += thread->weight;
	tally->bandwidth += thread->bandwidth;
	tally->runnable++;
	return 0;
}

static uint32_t ready_check(const struct edf_cpu *cpu, struct tally *tally)
{
	const struct edf_thread *last = NULL;
	if (!rb_check(&cpu->ready))
		return EDF_RULE_TREE;
	for (struct rb_node *node = rb_first(&cpu->ready); node != NULL; node = rb_next(node)) {
		const struct edf_thread *thread = edf_of_ready(node);
		if ((last != NULL && !edf_before(last, thread)) || !thread->in_ready ||
		    thread->bandwidth == 0 || thread->throttled || list_linked(&thread->ring))
			return EDF_RULE_TREE;
		const uint32_t rule = thread_check(cpu, thread, tally);
		if (rule != 0)
			return rule;
		last = thread;
	}
	return 0;
}

static uint32_t ring_check(const struct edf_cpu *cpu, struct tally *tally)
{
	list_for_each (node, &cpu->ring) {
		const struct edf_thread *thread = edf_of_ring(node);
		if (node->next->prev != node || thread->in_ready ||
		    (thread->bandwidth != 0) != thread->throttled)
			return EDF_RULE_RING;
		const uint32_t rule = thread_check(cpu, thread, tally);
		if (rule != 0)
			return rule;
		if (tally->runnable > cpu->runnable)
			return EDF_RULE_COUNT;
	}
	return 0;
}

static uint32_t throttled_check(const struct edf_cpu *cpu, struct tally *tally)
{
	const struct edf_thread *last = NULL;
	if (!rb_check(&cpu->throttled))
		return EDF_RULE_TREE;
	for (struct rb_node *node = rb_first(&cpu->throttled); node != NULL; node = rb_next(node)) {
		const struct edf_thread *thread = edf_of_throttle(node);
		if ((last != NULL && !edf_before(last, thread)) || !thread->throttled ||
		    thread->bandwidth == 0)
			return EDF_RULE_TREE;
		if (thread->left_ns > 0)
			return EDF_RULE_BUDGET;
		if (thread->state == POLICY_OUT)
			tally->bandwidth += thread->bandwidth;
		last = thread;
	}
	return 0;
}

uint32_t edf_check(const struct policy_cpu *policy_cpu)
{
	const struct edf_cpu *cpu = edf_cpu_const(policy_cpu);
	struct tally tally = {0};
	uint32_t rule = ready_check(cpu, &tally);
	if (rule == 0)
		rule = ring_check(cpu, &tally);
	if (rule == 0)
		rule = throttled_check(cpu, &tally);
	if (rule != 0)
		return rule;
	if (tally.runnable != cpu->runnable)
		return EDF_RULE_COUNT;
	if (tally.weight != cpu->weight)
		return EDF_RULE_WEIGHT;
	if (tally.running != (cpu->running != NULL ? 1u : 0u))
		return EDF_RULE_RUNNING;
	/* Sleepers with budget left are counted too, but no list has them. */
	if (tally.bandwidth > cpu->bandwidth || cpu->bandwidth > UINT64_C(1) << EDF_U_BITS ||
	    (cpu->admitted == 0) != (cpu->bandwidth == 0))
		return EDF_RULE_ADMISSION;
	return cpu->misuse != 0 ? EDF_RULE_MISUSE : 0;
}

static void dump_thread(struct text *text, const struct edf_thread *thread)
{
	text_string(text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
	policy_show(text, "tid", thread->tid);
	policy_show(text, "slice_ns", thread->slice_ns);
	policy_show(text, "period_ns", thread->period_ns);
	if (thread->bandwidth != 0) {
		policy_show(text, "deadline_ns", thread->deadline_ns);
		text_name(text, "left_ns");
		text_i64(text, thread->left_ns);
	} else if (thread->period_ns != 0) {
		text_string(text, " refused");
	}
	text_string(text, thread->throttled ? " throttled\n" : "\n");
}

size_t edf_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct edf_cpu *cpu = edf_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	uint32_t shown = 0;
	text_string(&text, "edf");
	policy_show(&text, "cpu", cpu->index);
	policy_show(&text, "runnable", cpu->runnable);
	policy_show(&text, "admitted", cpu->admitted);
	policy_show(&text, "permille", (cpu->bandwidth * 1000) >> EDF_U_BITS);
	text_char(&text, '\n');
	for (struct rb_node *node = rb_first(&cpu->ready); node != NULL && shown < POLICY_SHOWN;
	     node = rb_next(node), shown++)
		dump_thread(&text, edf_of_ready(node));
	struct list_node *node = cpu->ring.next;
	for (; node != &cpu->ring && shown < POLICY_SHOWN; node = node->next, shown++)
		dump_thread(&text, edf_of_ring(node));
	if (shown < cpu->runnable)
		text_string(&text, "  ...\n");
	return text.length;
}
