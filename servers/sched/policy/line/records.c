/* SPDX-License-Identifier: BSD-2-Clause */
/* A line seen from outside: what travels, what is saved, who can be spared, figures, checks, text. */
#include "line.h"

void line_migrate_out(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		      struct policy_migration *out, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	line_clock(cpu, now_ns);
	*out = (struct policy_migration){.policy_id = cpu->kind->id, .state = POLICY_OUT};
	if (thread->state != POLICY_OUT) {
		out->state = POLICY_QUEUED;
		if (thread->turn_ns != 0 && thread->turn_ns != TIME_NEVER) {
			out->request_ns = thread->used_ns;
			out->deadline_ns = thread->turn_ns - thread->used_ns;
		}
		line_part(cpu, thread);
	}
	if (cpu->kind->carry != NULL)
		cpu->kind->carry(cpu, thread, out, now_ns);
}

/* The rest of a turn goes on, if the numbers are those of one. */
static void turn_arrives(struct line_thread *thread, const struct policy_migration *in)
{
	if (in->deadline_ns == 0 || in->deadline_ns > POLICY_SLICE_NS_MAX ||
	    in->request_ns > POLICY_SLICE_NS_MAX - in->deadline_ns)
		return;
	thread->used_ns = in->request_ns;
	thread->turn_ns = in->request_ns + in->deadline_ns;
}

void line_migrate_in(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		     const struct policy_migration *in, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	if (thread->state != POLICY_OUT) {
		cpu->misuse++;
		return;
	}
	const bool known = in->policy_id == cpu->kind->id;
	line_clock(cpu, now_ns);
	if (cpu->kind->arrive != NULL)
		cpu->kind->arrive(cpu, thread, known ? in : NULL, now_ns);
	if (in->state == POLICY_OUT)
		return;
	line_join(cpu, thread, POLICY_JOIN_EXACT, now_ns);
	if (known)
		turn_arrives(thread, in);
}

/* ---- Records ---- */

enum { WORD_STATE, WORD_KEY, WORD_NUMBER, WORD_USED, WORD_TURN, WORD_OWN };
#define WORD_NUMBERS 0 /* of the queue's record */
_Static_assert(WORD_OWN + LINE_WORDS_OWN == POLICY_RECORD_WORDS, "all words are named");

void line_save(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
	       struct policy_record *out)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	const struct line_kind *kind = cpu->kind;
	const struct line_thread *thread = NULL;
	*out = policy_record_of(kind->id, kind->version);
	out->words[WORD_NUMBERS] = cpu->numbers;
	if (policy_thread != NULL) {
		thread = line_thread_const(policy_thread);
		out->kind = 2;
		out->tid = thread->tid;
		out->words[WORD_STATE] = thread->state;
		out->words[WORD_KEY] = thread->key;
		out->words[WORD_NUMBER] = thread->number;
		out->words[WORD_USED] = thread->used_ns;
		out->words[WORD_TURN] = thread->turn_ns;
	}
	if (kind->save != NULL)
		kind->save(cpu, thread, &out->words[WORD_OWN]);
}

static void thread_restore(struct line_cpu *cpu, struct line_thread *thread,
			   const struct policy_record *record)
{
	const uint64_t *words = record->words;
	if (!policy_record_fits(record, cpu->kind->id, cpu->kind->version, 2, thread->tid) ||
	    words[WORD_STATE] > POLICY_RUNNING)
		return;
	thread->key = words[WORD_KEY];
	thread->state = words[WORD_STATE] == POLICY_OUT ? POLICY_OUT : POLICY_QUEUED;
	if (cpu->kind->load != NULL && !cpu->kind->load(cpu, thread, &words[WORD_OWN])) {
		thread->key = 0;
		thread->state = POLICY_OUT;
	}
	if (thread->state == POLICY_OUT)
		return;
	if (words[WORD_USED] < words[WORD_TURN]) {
		thread->used_ns = words[WORD_USED];
		thread->turn_ns = words[WORD_TURN];
	}
	thread->number = words[WORD_NUMBER];
	cpu->numbers = max_u64(cpu->numbers, thread->number);
	cpu->weight += thread->weight;
	cpu->runnable++;
	line_link(cpu, thread);
}

enum error line_restore(struct policy_cpu *policy_cpu, const struct policy_record *queue,
			struct policy_thread *const threads[], const struct policy_record *records,
			uint32_t count)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	if (!policy_record_fits(queue, cpu->kind->id, cpu->kind->version, 1, 0))
		return ERR_FORMAT;
	cpu->numbers = queue->words[WORD_NUMBERS];
	for (uint32_t i = 0; i < count; i++)
		thread_restore(cpu, line_thread(threads[i]), &records[i]);
	if (cpu->kind->load != NULL)
		(void)cpu->kind->load(cpu, NULL, &queue->words[WORD_OWN]);
	return ERR_OK;
}

/* ---- Who can be spared, figures ---- */

/* From the end of the line: who stands there has received most lately, or matters least; so among those
 * looked at the ones owed least are found exactly when no more wait.  Or from its front: who stands there
 * runs next, on the CPU that it is given to. */
uint32_t line_spare(const struct policy_cpu *policy_cpu, uint64_t *cursor, struct policy_spare *out,
		    uint32_t count)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	const struct line_kind *kind = cpu->kind;
	uint32_t used = 0;
	uint64_t looks = min_u64(cpu->runnable, POLICY_LOOKS);
	const bool front = kind->spares_first;
	struct rb_node *node = front && *cursor == 0 ? rb_first(&cpu->tree)
						     : policy_spare_start(&cpu->tree, *cursor);
	for (; node != NULL && looks > 0 && count > 0; looks--) {
		struct line_thread *thread = line_of(node);
		node = front ? rb_next(node) : rb_prev(node);
		if (node == NULL) /* once around at most */
			node = front ? rb_first(&cpu->tree) : rb_last(&cpu->tree);
		const bool running = thread->state == POLICY_RUNNING;
		if ((running && !kind->running_spare) ||
		    (kind->spares != NULL && !kind->spares(thread)))
			continue;
		const int64_t owed_ns = kind->owed_ns != NULL ? kind->owed_ns(cpu, thread) : 0;
		used = policy_spare_insert(
			out, used, count,
			policy_spare_of(line_handle(thread), owed_ns, thread->weight, running));
	}
	*cursor += 1;
	return used;
}

void line_query(const struct policy_cpu *policy_cpu, const struct policy_thread *policy_thread,
		struct policy_info *out)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	const struct line_thread *thread = NULL;
	*out = (struct policy_info){
		.weight = cpu->weight,
		.load = cpu->weight,
		.runnable = cpu->runnable,
		.misuse = cpu->misuse,
	};
	if (policy_thread != NULL) {
		thread = line_thread_const(policy_thread);
		out->state = thread->state;
		out->slice_ns = thread->slice_ns;
		if (thread->state != POLICY_OUT)
			out->left_ns = thread->turn_ns == 0 ? thread->slice_ns
				       : thread->turn_ns == TIME_NEVER
					       ? 0
					       : thread->turn_ns - thread->used_ns;
	}
	if (cpu->kind->tell != NULL)
		cpu->kind->tell(cpu, thread, out);
}

/* ---- Checks and text ---- */

static enum line_rule thread_check(const struct line_cpu *cpu, const struct line_thread *thread)
{
	const bool running = thread == cpu->running;
	if (thread->state != (running ? POLICY_RUNNING : POLICY_QUEUED))
		return LINE_RULE_RUNNING;
	if (thread->turn_ns == 0 ? thread->used_ns != 0 : thread->used_ns >= thread->turn_ns)
		return LINE_RULE_TURN;
	if (cpu->kind->right != NULL && !cpu->kind->right(cpu, thread))
		return LINE_RULE_OWN;
	return 0;
}

uint32_t line_check(const struct policy_cpu *policy_cpu)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	const struct line_thread *last = NULL;
	uint64_t weight = 0;
	uint32_t count = 0;
	uint32_t running = 0;
	if (!rb_check(&cpu->tree))
		return LINE_RULE_ORDER;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		const struct line_thread *thread = line_of(node);
		if (last != NULL && !line_before(last, thread))
			return LINE_RULE_ORDER;
		const enum line_rule rule = thread_check(cpu, thread);
		if (rule != 0)
			return rule;
		weight += thread->weight;
		running += thread == cpu->running ? 1 : 0;
		count++;
		last = thread;
	}
	if (count != cpu->runnable)
		return LINE_RULE_COUNT;
	if (weight != cpu->weight)
		return LINE_RULE_WEIGHT;
	if (running != (cpu->running != NULL ? 1u : 0u))
		return LINE_RULE_RUNNING;
	if (cpu->kind->right != NULL && !cpu->kind->right(cpu, NULL))
		return LINE_RULE_OWN;
	return cpu->misuse != 0 ? LINE_RULE_MISUSE : 0;
}

/* For people: what a number of check() says, and the hook `right` where that is what failed. */
static const char *rule_text(uint32_t rule)
{
	switch (rule) {
	case LINE_RULE_ORDER:
		return "tree and keys differ: was a key changed without line_move?";
	case LINE_RULE_COUNT:
		return "runnable is not the number of threads in the tree";
	case LINE_RULE_WEIGHT:
		return "weight is not the sum of the threads' weights";
	case LINE_RULE_RUNNING:
		return "who is RUNNING is not who was chosen, or is not in the line";
	case LINE_RULE_TURN:
		return "a thread has used up its turn and still has it";
	case LINE_RULE_OWN:
		return "the hook right says no";
	case LINE_RULE_MISUSE:
		return "an operation was called in a state that does not fit";
	default:
		return NULL;
	}
}

static void dump_thread(struct text *text, const struct policy_cpu *policy_cpu,
			struct rb_node *node)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	const struct line_thread *thread = line_of(node);
	text_string(text, thread->state == POLICY_RUNNING ? "  running" : "  waiting");
	policy_show(text, "tid", thread->tid);
	policy_show(text, "weight", thread->weight);
	policy_show(text, "key", thread->key);
	policy_show(text, "used_ns", thread->used_ns);
	if (cpu->kind->show != NULL)
		cpu->kind->show(cpu, thread, text);
	text_char(text, '\n');
}

size_t line_dump(const struct policy_cpu *policy_cpu, char *buffer, size_t bytes)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	struct text text = text_make(buffer, bytes);
	const uint32_t rule = line_check(policy_cpu);
	policy_show_queue(&text, cpu->kind->name, cpu->index, cpu->runnable, rule);
	if (cpu->kind->show != NULL)
		cpu->kind->show(cpu, NULL, &text);
	if (rule_text(rule) != NULL) {
		text_string(&text, "\n  rule: ");
		text_string(&text, rule_text(rule));
	}
	text_char(&text, '\n');
	policy_show_tree(&text, &cpu->tree, policy_cpu, dump_thread);
	return text.length;
}
