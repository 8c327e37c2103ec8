/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton-step: one run queue.  After every operation the policy is asked for the pure order
 * (POLICY_PICK_FRESH): what runs is not protected by having been dispatched, because the
 * operations carry no time of dispatch.
 *
 * Threads are found by tid in a hash table, and listed in order of arrival.
 */
#include "step.h"
#include <base/list.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct step_thread {
	struct list_node all;
	struct step_thread *chain; /* same bucket */
	struct policy_params params;
	_Alignas(POLICY_ALIGN) unsigned char blob[POLICY_THREAD_BYTES_MAX];
};

static struct policy_thread *blob_of(struct step_thread *thread)
{
	return (struct policy_thread *)(void *)thread->blob;
}

#define BUCKETS         65536u
/* A check looks at every thread: each step of a short input, of a long one this many steps apart. */
#define STEPS_PER_CHECK 64u

struct step_queue {
	const struct policy_ops *ops;
	struct policy_cpu *cpu;
	struct list_node all;
	struct step_thread *buckets[BUCKETS];
	struct step_thread *picked;
	uint64_t now_ns;
	uint64_t steps;
};

struct step_queue *step_queue_make(const struct policy_ops *ops)
{
	struct step_queue *queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return NULL;
	queue->ops = ops;
	queue->cpu = aligned_alloc(POLICY_ALIGN, POLICY_CPU_BYTES_MAX);
	if (queue->cpu == NULL) {
		free(queue);
		return NULL;
	}
	ops->cpu_init(queue->cpu, 0);
	list_init(&queue->all);
	return queue;
}

static struct step_thread **bucket_of(struct step_queue *queue, uint64_t tid)
{
	return &queue->buckets[(tid * UINT64_C(0x9E3779B97F4A7C15)) >> 48];
}

static struct step_thread *thread_find(struct step_queue *queue, uint64_t tid)
{
	struct step_thread *thread = *bucket_of(queue, tid);
	while (thread != NULL && thread->params.tid != tid)
		thread = thread->chain;
	return thread;
}

static void thread_free(struct step_queue *queue, struct step_thread *thread)
{
	struct step_thread **link = bucket_of(queue, thread->params.tid);
	while (*link != thread)
		link = &(*link)->chain;
	*link = thread->chain;
	list_remove(&thread->all);
	free(thread);
}

void step_queue_free(struct step_queue *queue)
{
	list_for_each_safe (node, &queue->all)
		thread_free(queue, container_of(node, struct step_thread, all));
	free(queue->cpu);
	free(queue);
}

/* True: `message` names the value that is out of range. */
static bool out_of_range(const struct step_line *line, char *message, size_t message_bytes)
{
	const struct {
		const char *name;
		uint64_t value, min, max;
	} values[] = {
		{"weight", line->weight, POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX},
		{"slice_ns", line->slice_ns, POLICY_SLICE_NS_MIN, POLICY_SLICE_NS_MAX},
		{"priority", line->priority, 0, POLICY_PRIORITY_MAX},
	};
	for (uint32_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (values[i].value >= values[i].min && values[i].value <= values[i].max)
			continue;
		snprintf(message, message_bytes,
			 "%s %" PRIu64 " is out of range: %" PRIu64 " to %" PRIu64, values[i].name,
			 values[i].value, values[i].min, values[i].max);
		return true;
	}
	return false;
}

/* The policy refuses what is in range. */
static bool refused(const struct step_queue *queue, char *message, size_t message_bytes)
{
	snprintf(message, message_bytes, "policy %s refuses these parameters", queue->ops->name);
	return false;
}

static bool apply_enqueue(struct step_queue *queue, const struct step_line *line, char *message,
			  size_t message_bytes)
{
	if (thread_find(queue, line->tid) != NULL) {
		snprintf(message, message_bytes, "thread %" PRIu64 " is in the queue already",
			 line->tid);
		return false;
	}
	if (out_of_range(line, message, message_bytes))
		return false;
	struct step_thread *thread = aligned_alloc(POLICY_ALIGN, sizeof(*thread));
	if (thread == NULL)
		abort();
	list_init(&thread->all);
	thread->params = (struct policy_params){
		.tid = line->tid,
		.weight = (uint32_t)line->weight,
		.slice_ns = line->slice_ns,
		.class = line->background ? POLICY_CLASS_BACKGROUND : POLICY_CLASS_NORMAL,
		.priority = (uint8_t)line->priority,
	};
	if (queue->ops->thread_init(blob_of(thread), &thread->params) != ERR_OK) {
		free(thread);
		return refused(queue, message, message_bytes);
	}
	thread->chain = *bucket_of(queue, line->tid);
	*bucket_of(queue, line->tid) = thread;
	list_push_back(&queue->all, &thread->all);
	queue->ops->set_lag(blob_of(thread), line->lag_ns);
	queue->ops->enqueue(queue->cpu, blob_of(thread),
			    line->new ? POLICY_JOIN_NEW : POLICY_JOIN_EXACT, queue->now_ns);
	return true;
}

static bool apply_run(struct step_queue *queue, struct step_thread *thread,
		      const struct step_line *line, struct step_result *result, char *message,
		      size_t message_bytes)
{
	if (thread != queue->picked) {
		snprintf(message, message_bytes,
			 "thread %" PRIu64 " cannot run: thread %" PRIu64 " was picked", line->tid,
			 queue->picked->params.tid);
		return false;
	}
	if (line->ns > (uint64_t)INT64_MAX - queue->now_ns) {
		snprintf(message, message_bytes, "the runs add up to more than 2^63 ns");
		return false;
	}
	queue->now_ns += line->ns;
	result->request_done = queue->ops->charge(queue->cpu, blob_of(thread), line->ns,
						  queue->now_ns);
	return true;
}

static void apply_dequeue(struct step_queue *queue, struct step_thread *thread,
			  struct step_result *result)
{
	struct policy_info info;
	queue->ops->dequeue(queue->cpu, blob_of(thread), POLICY_LEAVE_KEEP, queue->now_ns);
	queue->ops->query(queue->cpu, blob_of(thread), &info);
	result->left = true;
	result->lag_ns = info.lag_ns;
	thread_free(queue, thread);
}

static bool apply_params(struct step_queue *queue, struct step_thread *thread,
			 const struct step_line *line, char *message, size_t message_bytes)
{
	struct policy_params params = thread->params;
	if (out_of_range(line, message, message_bytes))
		return false;
	if (line->op == STEP_REWEIGHT)
		params.weight = (uint32_t)line->weight;
	else
		params.slice_ns = line->slice_ns;
	if (queue->ops->set_params(queue->cpu, blob_of(thread), &params, queue->now_ns) != ERR_OK)
		return refused(queue, message, message_bytes);
	thread->params = params;
	return true;
}

/* NULL: it is nobody's who is in the queue; it is not looked at then. */
static struct step_thread *thread_of(struct step_queue *queue, const struct policy_thread *blob)
{
	list_for_each (node, &queue->all) {
		struct step_thread *thread = container_of(node, struct step_thread, all);
		if (blob_of(thread) == blob)
			return thread;
	}
	return NULL;
}

/* Who is next, and what must be true then, whatever the policy. */
static bool pick(struct step_queue *queue, bool *bug, char *message, size_t message_bytes)
{
	struct policy_pick picked;
	struct policy_info info;

	*bug = true;
	queue->ops->pick(queue->cpu, queue->now_ns, POLICY_PICK_FRESH, &picked);
	queue->picked = picked.thread == NULL ? NULL : thread_of(queue, picked.thread);
	if (picked.thread != NULL && queue->picked == NULL) {
		snprintf(message, message_bytes,
			 "policy %s picked what is no thread of the queue; this is a bug in it",
			 queue->ops->name);
		return false;
	}
	if (picked.thread == NULL && !list_empty(&queue->all)) {
		snprintf(message, message_bytes,
			 "policy %s picked nobody, but threads can run; this is a bug in it",
			 queue->ops->name);
		return false;
	}
	if (picked.thread != NULL && picked.slice_ns == 0) {
		snprintf(message, message_bytes,
			 "policy %s gave thread %" PRIu64 " a slice of 0 ns; this is a bug in it",
			 queue->ops->name, queue->picked->params.tid);
		return false;
	}
	*bug = false;
	queue->ops->query(queue->cpu, NULL, &info);
	if (info.v.whole != INT64_MAX && info.v.whole != INT64_MIN)
		return true;
	snprintf(message, message_bytes, "V has left the range that can be shown: -2^63 to 2^63");
	return false;
}

bool step_queue_check(const struct step_queue *queue, char *message, size_t message_bytes)
{
	const uint32_t rule = queue->ops->check(queue->cpu);
	if (rule != 0)
		snprintf(message, message_bytes,
			 "rule %u of policy %s is broken; this is a bug in it", rule,
			 queue->ops->name);
	return rule == 0;
}

bool step_queue_apply(struct step_queue *queue, const struct step_line *line,
		      struct step_result *result, char *message, size_t message_bytes)
{
	*result = (struct step_result){0};
	struct step_thread *thread = thread_find(queue, line->tid);
	bool done = true;
	if (line->op == STEP_ENQUEUE) {
		done = apply_enqueue(queue, line, message, message_bytes);
	} else if (thread == NULL) {
		snprintf(message, message_bytes, "there is no thread %" PRIu64, line->tid);
		return false;
	} else if (line->op == STEP_RUN) {
		done = apply_run(queue, thread, line, result, message, message_bytes);
	} else if (line->op == STEP_DEQUEUE) {
		apply_dequeue(queue, thread, result);
	} else {
		done = apply_params(queue, thread, line, message, message_bytes);
	}
	if (!done)
		return false;
	if (!pick(queue, &result->bug, message, message_bytes))
		return false;
	if (++queue->steps > STEPS_PER_CHECK && queue->steps % STEPS_PER_CHECK != 0)
		return true;
	result->bug = !step_queue_check(queue, message, message_bytes);
	return !result->bug;
}

void step_queue_dump(const struct step_queue *queue, FILE *out)
{
	char text[POLICY_DUMP_BYTES];

	queue->ops->dump(queue->cpu, text, sizeof(text));
	fputs(text, out);
}

/* To nine decimals, trailing zeros cut. */
static void number_print(struct policy_number number, FILE *out)
{
	const bool negative = number.whole < 0;
	uint64_t whole = (uint64_t)number.whole;
	uint64_t frac = number.frac;
	if (negative) { /* -(whole + frac) */
		whole = frac == 0 ? 0 - whole : 0 - whole - 1;
		frac = frac == 0 ? 0 : (UINT64_C(1) << 32) - frac;
	}
	uint64_t billionths = (frac * 1000000000u + (UINT64_C(1) << 31)) >> 32;
	if (billionths >= 1000000000u) {
		billionths -= 1000000000u;
		whole++;
	}
	fprintf(out, "%s%" PRIu64, negative && (whole != 0 || billionths != 0) ? "-" : "", whole);
	if (billionths == 0)
		return;
	int digits = 9;
	for (; billionths % 10 == 0; billionths /= 10)
		digits--;
	fprintf(out, ".%0*" PRIu64, digits, billionths);
}

void step_queue_print(struct step_queue *queue, const struct step_line *line,
		      const struct step_result *result, FILE *out)
{
	struct policy_info info;
	queue->ops->query(queue->cpu, NULL, &info);
	fprintf(out, "{\"op\":\"%s\",\"tid\":%" PRIu64 ",\"pick\":", step_op_name(line->op),
		line->tid);
	if (queue->picked == NULL)
		fputs("null", out);
	else
		fprintf(out, "%" PRIu64, queue->picked->params.tid);
	fputs(",\"v\":", out);
	number_print(info.v, out);
	fputs(",\"lags_ns\":{", out);
	const char *comma = "";
	list_for_each (node, &queue->all) {
		struct step_thread *thread = container_of(node, struct step_thread, all);
		queue->ops->query(queue->cpu, blob_of(thread), &info);
		fprintf(out, "%s\"%" PRIu64 "\":", comma, thread->params.tid);
		number_print(info.lag_ns, out);
		comma = ",";
	}
	fprintf(out, "},\"request_done\":%s", result->request_done ? "true" : "false");
	if (result->left) {
		fputs(",\"lag_ns\":", out);
		number_print(result->lag_ns, out);
	}
	fputs("}\n", out);
}
