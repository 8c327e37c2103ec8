/* SPDX-License-Identifier: BSD-2-Clause */
/* The text form: what is written is read back alike; what is damaged is refused with its line. */
#include <base/bwl.h>
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <workload_file.h>

/* What @workload points into: as large as the text says and no larger, so that overruns are seen. */
static struct bwl_arrays arrays;
static struct bwl_fault fault;
static struct workload workload;

static void arrays_make(const char *text, size_t len)
{
	struct bwl_counts *max = &arrays.max;

	free(arrays.tasks);
	free(arrays.phases);
	free(arrays.events);
	free(arrays.objects);
	free(arrays.groups);
	/* A damaged text may ask for much; then there is less. */
	if (bwl_count(text, len, max, &fault) != ERR_OK || max->tasks > 64 || max->phases > 64 ||
	    max->events > 256 || max->objects > 64)
		*max = (struct bwl_counts){1, 1, 1, 1, 1};
	arrays.tasks = malloc(sizeof(arrays.tasks[0]) * max->tasks);
	arrays.phases = malloc(sizeof(arrays.phases[0]) * max->phases);
	arrays.events = malloc(sizeof(arrays.events[0]) * max->events);
	arrays.objects = malloc(sizeof(arrays.objects[0]) * max->objects);
	arrays.groups = malloc(sizeof(arrays.groups[0]) * max->groups);
}

/* In memory of exactly its size, without NUL. */
static enum error read_text(const char *text, size_t len)
{
	char *exact = malloc(len > 0 ? len : 1);
	enum error err;

	memcpy(exact, text, len);
	arrays_make(exact, len);
	err = bwl_read(exact, len, &arrays, &workload, &fault);
	cr_assert((err == ERR_OK) == (fault.reason == BWL_FINE));
	free(exact);
	return err;
}

static char *text_of(const struct workload *from, size_t *len)
{
	char *text;
	FILE *out = open_memstream(&text, len);

	cr_assert(workload_write_bwl(from, out));
	fclose(out);
	return text;
}

static void expect_params(const struct workload_params *a, const struct workload_params *b)
{
	cr_assert_eq(a->set, b->set);
	cr_assert_eq(a->weight, b->weight);
	cr_assert_eq(a->nice, b->nice);
	cr_assert_eq(a->priority, b->priority);
	cr_assert_eq(a->slice_ns, b->slice_ns);
	cr_assert_eq(a->period_ns, b->period_ns);
	cr_assert(cpumask_equal(&a->cpus, &b->cpus));
	cr_assert_eq(a->group, b->group);
	cr_assert((a->set & WORKLOAD_SET_POLICY) == 0 || a->policy == b->policy);
}

static void expect_phase(const struct workload_phase *a, const struct workload_phase *b)
{
	cr_assert_str_eq(a->name, b->name);
	cr_assert_eq(a->loop, b->loop);
	expect_params(&a->params, &b->params);
	cr_assert_eq(a->event_count, b->event_count);
	for (uint32_t i = 0; i < a->event_count; i++) {
		cr_assert_eq(a->events[i].kind, b->events[i].kind);
		cr_assert_eq(a->events[i].ns, b->events[i].ns);
		cr_assert_eq(a->events[i].ref, b->events[i].ref);
		cr_assert_eq(a->events[i].mutex, b->events[i].mutex);
		cr_assert_eq(a->events[i].absolute, b->events[i].absolute);
	}
}

static void expect_same(const struct workload *a, const struct workload *b)
{
	cr_assert_eq(a->duration_ns, b->duration_ns);
	cr_assert_eq(a->task_count, b->task_count);
	cr_assert_eq(a->object_count, b->object_count);
	for (uint32_t i = 0; i < a->object_count; i++) {
		cr_assert_eq(a->objects[i].kind, b->objects[i].kind);
		cr_assert_eq(a->objects[i].users, b->objects[i].users);
		cr_assert_str_eq(a->objects[i].name, b->objects[i].name);
	}
	cr_assert_eq(a->group_count, b->group_count);
	for (uint32_t i = 0; i < a->group_count; i++) {
		cr_assert_str_eq(a->groups[i].name, b->groups[i].name);
		cr_assert_eq(a->groups[i].parent, b->groups[i].parent);
		cr_assert_eq(a->groups[i].weight, b->groups[i].weight);
		cr_assert_eq(a->groups[i].quota_ns, b->groups[i].quota_ns);
		cr_assert_eq(a->groups[i].period_ns, b->groups[i].period_ns);
	}
	for (uint32_t i = 0; i < a->task_count; i++) {
		const struct workload_task *x = &a->tasks[i];
		const struct workload_task *y = &b->tasks[i];

		cr_assert_str_eq(x->name, y->name);
		cr_assert_eq(x->instance, y->instance);
		cr_assert_eq(x->start, y->start);
		cr_assert_eq(x->delay_ns, y->delay_ns);
		cr_assert_eq(x->loop, y->loop);
		expect_params(&x->params, &y->params);
		cr_assert_eq(x->phase_count, y->phase_count);
		for (uint32_t p = 0; p < x->phase_count; p++)
			expect_phase(&x->phases[p], &y->phases[p]);
	}
}

static const char all_of_it[] =
	"{\"global\": {\"duration\": 1.25}, \"groups\": {\"in\": {\"parent\": \"out\", \"weight\": "
	"7},\n"
	"  \"out\": {\"quota_us\": 100, \"period_us\": 1000.5}}, \"tasks\": {\n"
	"\"a\": {\"instance\": 3, \"priority\": -7, \"policy\": \"SCHED_BATCH\", \"delay\": 3,\n"
	"  \"lock\": \"m\", \"wait\": {\"ref\": \"c\", \"mutex\": \"m\"}, \"unlock\": \"m\",\n"
	"  \"barrier\": \"b\", \"timer\": {\"ref\": \"unique\", \"period\": 9, \"mode\": "
	"\"absolute\"}},\n"
	"\"b\": {\"weight\": 99, \"slice_us\": 300, \"period_us\": 4000, \"cpus\": [0, 1, 2, 9, "
	"127], \"signal\": "
	"\"c\",\n"
	"  \"broad\": \"c\", \"resume\": \"s\", \"fork\": \"d\", \"yield\": \"\", \"sleep\": 2},\n"
	"\"c\": {\"policy\": \"SCHED_RR\", \"group\": \"in\", \"priority\": 3, \"suspend\": \"s\", "
	"\"runtime\": 8},\n"
	"\"d\": {\"instance\": 0, \"loop\": 2, \"phases\": {\"x\": {\"run\": 1, \"cpus\": [3], "
	"\"group\": \"\"},\n"
	"  \"y\": {\"loop\": 5, \"policy\": \"SCHED_IDLE\", \"timer\": {\"ref\": \"t\", "
	"\"period\": 1}}}}}}";

static char *good_text(size_t *len)
{
	const struct workload_options options = {0};
	struct workload_fault json_fault;
	struct workload_file *file = workload_text_load(all_of_it, strlen(all_of_it), &options,
							&json_fault);
	char *text;

	cr_assert(file != NULL, "%s: %s", json_fault.path, json_fault.text);
	text = text_of(workload_of(file), len);
	cr_assert_eq(read_text(text, *len), ERR_OK, "line %u: %s", fault.line,
		     bwl_reason_text(fault.reason));
	expect_same(workload_of(file), &workload);
	workload_file_free(file);
	return text;
}

Test(bwl, round_trip)
{
	size_t len;
	size_t again_len;
	char *text = good_text(&len);
	char *again = text_of(&workload, &again_len);
	struct bwl_counts counts;

	cr_assert_eq(len, again_len);
	cr_assert(memcmp(text, again, len) == 0);
	cr_assert_eq(bwl_count(text, len, &counts, &fault), ERR_OK);
	cr_assert(counts.tasks == 6 && counts.phases == 7 && counts.events == 25);
	free(text);
	free(again);
}

Test(bwl, refuses_every_truncation)
{
	size_t len;
	char *text = good_text(&len);

	/* Only the last newline may be missing. */
	for (size_t cut = 0; cut < len - 1; cut++)
		cr_assert_neq(read_text(text, cut), ERR_OK, "cut %zu of %zu", cut, len);
	cr_assert_eq(read_text(text, len - 1), ERR_OK);
	free(text);
}

Test(bwl, survives_flipped_bits)
{
	size_t len;
	char *text = good_text(&len);
	uint64_t state = 8;
	int accepted = 0;

	for (int round = 0; round < 20000; round++) {
		char *copy = malloc(len);

		memcpy(copy, text, len);
		for (int flips = 1 + round % 3; flips > 0; flips--) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			copy[(state >> 33) % len] ^= (char)(1u << ((state >> 20) & 7));
		}
		if (read_text(copy, len) == ERR_OK) {
			size_t written;

			accepted++;
			/* What was accepted can be written, and reads back as itself. */
			free(text_of(&workload, &written));
		}
		free(copy);
	}
	cr_assert(accepted > 100 && accepted < 19000, "%d", accepted);
	free(text);
}

#define HEAD  "bwl 1\ncounts 1 1 1 1\nduration_ns 5\nobject mutex m 0\n"
#define TASK  HEAD "task a\n"
#define PHASE TASK "phase p 1\n"
#define GROUP "bwl 1\ncounts 1 1 1 0 2\ngroup g none 1024 100000 1000000\n"

static const struct {
	enum bwl_reason reason;
	uint32_t line;
	const char *text;
} bads[] = {
	{BWL_FINE, 8, PHASE "run 5\nend\n"},
	{BWL_FINE, 10, PHASE "# words that do not count\n\n  run  5 # so\nend\n"},
	{BWL_NOT_BWL, 0, ""},
	{BWL_NOT_BWL, 1, "bwl 2\n"},
	{BWL_NO_COUNTS, 2, "bwl 1\ncounts 1 1 1\n"},
	{BWL_NO_COUNTS, 2, "bwl 1\ncounts 1 1 x 1\n"},
	{BWL_LIMIT, 2, "bwl 1\ncounts 65 1 1 1\n"},
	{BWL_LIMIT, 2, "bwl 1\ncounts 1 1 257 1\n"},
	{BWL_LINE, 7, PHASE "jump 5\nend\n"},
	{BWL_LINE, 7, PHASE "run 5 6\nend\n"},
	{BWL_LINE, 7, PHASE "run\nend\n"},
	{BWL_LINE, 7, PHASE "yield 1\nend\n"},
	{BWL_LINE, 7, PHASE "run 1 2 3 4 5 6 7 8 9\nend\n"},
	{BWL_ORDER, 5, HEAD "run 5\n"},
	{BWL_ORDER, 5, HEAD "nice 5\n"},
	{BWL_ORDER, 5, HEAD "phase p 1\n"},
	{BWL_ORDER, 6, TASK "duration_ns 6\n"},
	{BWL_ORDER, 6, TASK "object mutex n 0\n"},
	{BWL_ORDER, 7, PHASE "delay_ns 6\n"},
	{BWL_ORDER, 8, PHASE "run 5\nnice 1\nend\n"},
	{BWL_NUMBER, 7, PHASE "run x\n"},
	{BWL_NUMBER, 7, PHASE "run -1\n"},
	{BWL_NUMBER, 6, TASK "nice 20\n"},
	{BWL_NUMBER, 6, TASK "weight 0\n"},
	{BWL_NUMBER, 6, TASK "loop 0\n"},
	{BWL_NUMBER, 6, TASK "loop -2\n"},
	{BWL_NUMBER, 6, TASK "start 2\n"},
	{BWL_NUMBER, 6, TASK "priority 100\n"},
	{BWL_NUMBER, 6, TASK "phase p 0\n"},
	{BWL_NAME, 5, HEAD "task abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuv\n"},
	{BWL_WORD, 6, TASK "policy deadline\n"},
	{BWL_WORD, 3, "bwl 1\ncounts 1 1 1 1\nobject door m 0\n"},
	{BWL_CPUS, 6, TASK "cpus 3-1\n"},
	{BWL_REF, 7, PHASE "lock 1\n"},
	{BWL_REF, 7, PHASE "signal 0\n"},
	{BWL_REF, 7, PHASE "timer 5 0 relative\n"},
	{BWL_REF, 7, PHASE "fork 1\n"},
	{BWL_COUNTS, 8, PHASE "run 1\nrun 2\n"},
	{BWL_COUNTS, 8, PHASE "run 1\nphase q 1\n"},
	{BWL_COUNTS, 8, PHASE "run 1\ntask b\n"},
	{BWL_COUNTS, 5, HEAD "object mutex n 0\n"},
	{BWL_COUNTS, 3, "bwl 1\ncounts 1 1 1 1\nend\n"},
	{BWL_COUNTS, 6, "bwl 1\ncounts 1 1 2 0\ntask a\nphase p 1\nrun 1\nend\n"},
	{BWL_COUNTS, 6, "bwl 1\ncounts 1 2 1 0\ntask a\nphase p 1\nrun 1\nend\n"},
	{BWL_COUNTS, 6, "bwl 1\ncounts 1 1 1 1\ntask a\nphase p 1\nrun 1\nend\n"},
	{BWL_FINE, 6, "bwl 1\ncounts 1 1 1 0\ntask a\nphase p 1\nrun 1\nend\n"},
	{BWL_EMPTY, 6, TASK "end\n"},
	{BWL_EMPTY, 6, TASK "task b\n"},
	{BWL_EMPTY, 7, PHASE "end\n"},
	{BWL_EMPTY, 7, PHASE "phase q 1\n"},
	{BWL_NO_END, 7, PHASE "run 5\n"},
	{BWL_NO_COUNTS, 2, "bwl 1\ncounts 1 1 1 1 64\n"},
	{BWL_NO_COUNTS, 2, "bwl 1\ncounts 1 1 1 1 1 1\n"},
	{BWL_FINE, 9, GROUP "group h 0 1 0 1000000\ntask a\nin 1\nphase p 1\nrun 1\nend\n"},
	{BWL_REF, 4, GROUP "group h 1 1 0 1000000\n"},
	{BWL_REF, 6, GROUP "group h 0 1 0 1000000\ntask a\nin 2\n"},
	{BWL_NUMBER, 4, GROUP "group h none 0 0 1000000\n"},
	{BWL_NUMBER, 4, GROUP "group h none 1 99999 1000000\n"},
	{BWL_NUMBER, 4, GROUP "group h none 1 0 999999\n"},
	{BWL_NUMBER, 4, GROUP "group h none 1 0 1000000001\n"},
	{BWL_COUNTS, 5, GROUP "group h 0 1 0 1000000\ngroup i 0 1 0 1000000\n"},
	{BWL_COUNTS, 7, GROUP "task a\nphase p 1\nrun 1\nend\n"},
	{BWL_ORDER, 5, GROUP "task a\ngroup h 0 1 0 1000000\n"},
	{BWL_DEPTH, 7,
	 "bwl 1\ncounts 1 1 1 0 5\ngroup a none 1 0 1000000\ngroup b 0 1 0 1000000\n"
	 "group c 1 1 0 1000000\ngroup d 2 1 0 1000000\ngroup e 3 1 0 1000000\n"},
};

Test(bwl, names_the_fault_and_its_line)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		(void)!read_text(bads[i].text, strlen(bads[i].text));
		cr_expect_eq(fault.reason, bads[i].reason, "%s: %s", bads[i].text,
			     bwl_reason_text(fault.reason));
		cr_expect_eq(fault.line, bads[i].line, "%s: line %u", bads[i].text, fault.line);
	}
}
