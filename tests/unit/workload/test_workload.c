/* SPDX-License-Identifier: BSD-2-Clause */
/* Workload files: what they mean, and where each fault is said to be. */
#include <criterion/criterion.h>
#include <string.h>
#include <workload_file.h>

static char notes[4096];

static void take_note(void *context, const char *text)
{
	(void)context;
	strncat(notes, text, sizeof(notes) - strlen(notes) - 2);
	strcat(notes, ";");
}

static struct workload_fault fault;

static struct workload_file *load(const char *text, uint32_t cpus)
{
	const struct workload_options options = {.cpus = cpus, .note = take_note};

	notes[0] = '\0';
	return workload_text_load(text, strlen(text), &options, &fault);
}

static struct workload_file *load_good(const char *text)
{
	struct workload_file *file = load(text, 0);

	cr_assert(file != NULL, "%u: %s: %s", fault.line, fault.path, fault.text);
	return file;
}

Test(workload, reads_a_whole_file)
{
	struct workload_file *file = load_good(
		"/* comment */ { // and another\n"
		"\"global\": {\"duration\": 2, \"calibration\": \"CPU0\", \"logdir\": \"./\",\n"
		"  \"default_policy\": \"SCHED_OTHER\"},\n"
		"\"tasks\": {\n"
		" \"hog\": {\"instance\": 3, \"loop\": -1, \"run\": 1000, \"priority\": 5},\n"
		" \"two\": {\"delay\": 500, \"loop\": 7, \"cpus\": [0, 2], \"slice_us\": 700,\n"
		"  \"phases\": {\"light\": {\"loop\": 10, \"run0\": 1.5, \"sleep0\": 20, \"run1\": "
		"3},\n"
		"   \"heavy\": {\"runtime\": 4000, \"yield\": \"\",\n"
		"    \"timer\": {\"ref\": \"unique\", \"period\": 30000, \"mode\": "
		"\"absolute\"}}}}}}");
	const struct workload *workload = workload_of(file);
	const struct workload_task *two = &workload->tasks[3];

	cr_assert_eq(workload->task_count, 4);
	cr_expect_eq(workload->duration_ns, 2000000000);
	cr_expect_str_eq(workload->tasks[0].name, "hog-0");
	cr_expect_str_eq(workload->tasks[2].name, "hog-2");
	cr_expect_eq(workload->tasks[2].instance, 2);
	cr_expect_eq(workload->tasks[1].params.weight, 335);
	cr_expect_eq(workload->tasks[1].params.nice, 5);
	cr_expect_eq(workload->tasks[1].phases[0].events[0].ns, 1000000);
	cr_expect_str_eq(two->name, "two");
	cr_expect_eq(two->delay_ns, 500000);
	cr_expect_eq(two->loop, 7);
	cr_expect_eq(two->params.slice_ns, 700000);
	cr_expect_eq(two->params.cpus.bits[0], 5);
	cr_assert_eq(two->phase_count, 2);
	cr_expect_eq(two->phases[0].loop, 10);
	cr_assert_eq(two->phases[0].event_count, 3);
	cr_expect_eq(two->phases[0].events[0].ns, 1500);
	cr_expect_eq(two->phases[0].events[1].kind, WORKLOAD_SLEEP);
	cr_expect_eq(two->phases[1].loop, 1);
	cr_expect_eq(two->phases[1].events[0].kind, WORKLOAD_RUNTIME);
	cr_expect_eq(two->phases[1].events[1].kind, WORKLOAD_YIELD);
	cr_expect(two->phases[1].events[2].absolute);
	cr_expect_eq(two->phases[1].events[2].ns, 30000000);
	cr_expect_str_eq(notes, "global.calibration, global.logdir: accepted and ignored, without "
				"meaning here;");
	workload_file_free(file);
}

Test(workload, defaults)
{
	struct workload_file *file = load_good("{\"tasks\": {\"a\": {\"run\": 1}}}");
	const struct workload_task *task = workload_of(file)->tasks;
	struct cpumask all = cpumask_all();

	cr_expect_eq(workload_of(file)->duration_ns, TIME_NEVER);
	cr_expect_eq(task->loop, WORKLOAD_LOOP_FOREVER);
	cr_expect(task->start);
	cr_expect_eq(task->params.weight, 1024);
	cr_expect_eq(task->params.slice_ns, 0);
	cr_expect_eq(task->params.set, 0);
	cr_expect(cpumask_equal(&task->params.cpus, &all));
	workload_file_free(file);
}

Test(workload, unique_timers_belong_to_one_thread)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"instance\": 2, \"phases\": {\n"
		" \"p\": {\"run\": 1, \"timer\": {\"ref\": \"uniqueA\", \"period\": 5}},\n"
		" \"q\": {\"timer0\": {\"ref\": \"uniqueA\", \"period\": 5},\n"
		"        \"timer1\": {\"ref\": \"tick\", \"period\": 5}}}},\n"
		" \"b\": {\"timer\": {\"ref\": \"tick\", \"period\": 7}}}}");
	const struct workload_task *tasks = workload_of(file)->tasks;

	cr_assert_eq(workload_of(file)->object_count, 3);
	cr_expect_eq(tasks[0].phases[0].events[1].ref, tasks[0].phases[1].events[0].ref);
	cr_expect_neq(tasks[0].phases[0].events[1].ref, tasks[1].phases[0].events[1].ref);
	cr_expect_eq(tasks[0].phases[1].events[1].ref, tasks[1].phases[1].events[1].ref);
	cr_expect_eq(tasks[2].phases[0].events[0].ref, tasks[0].phases[1].events[1].ref);
	workload_file_free(file);
}

Test(workload, references_are_resolved)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"instance\": 2, \"lock\": \"m\", \"wait\": {\"ref\": "
		"\"c\",\n"
		"  \"mutex\": \"m\"}, \"unlock\": \"m\", \"barrier\": \"b\", \"run\": 1},\n"
		" \"d\": {\"signal\": \"c\", \"broad\": \"c\", \"barrier\": \"b\", \"resume\": "
		"\"e\",\n"
		"        \"fork\": \"child\", \"sleep\": 9},\n"
		" \"e\": {\"suspend\": \"\"},\n"
		" \"child\": {\"instance\": 0, \"loop\": 1, \"run\": 5},\n"
		" \"unused\": {\"instance\": 0, \"run\": 5}}}");
	const struct workload *workload = workload_of(file);
	const struct workload_event *d = workload->tasks[2].phases[0].events;

	cr_assert_eq(workload->task_count, 5);
	cr_expect_eq(workload->objects[workload->tasks[0].phases[0].events[3].ref].users, 3);
	cr_expect_eq(d[0].ref, workload->tasks[0].phases[0].events[1].ref);
	cr_expect_eq(workload->tasks[0].phases[0].events[1].mutex,
		     workload->tasks[0].phases[0].events[0].ref);
	cr_expect_eq(d[3].ref, workload->tasks[3].phases[0].events[0].ref);
	cr_expect_eq(d[4].ref, 4);
	cr_expect_str_eq(workload->tasks[4].name, "child");
	cr_expect(!workload->tasks[4].start);
	cr_expect(strstr(notes, "tasks.unused: has no instance") != NULL);
	workload_file_free(file);
}

Test(workload, policies_and_phase_parameters)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"idle\": {\"policy\": \"SCHED_IDLE\", \"run\": 1},\n"
		" \"rt\": {\"priority\": 50, \"policy\": \"SCHED_FIFO\", \"run\": 1},\n"
		" \"p\": {\"phases\": {\"x\": {\"weight\": 77, \"cpus\": [1], \"run\": 1}}}}}");
	const struct workload_task *tasks = workload_of(file)->tasks;

	cr_expect_eq(tasks[0].params.weight, 3);
	cr_expect_eq(tasks[1].params.priority, 50);
	cr_expect_eq(tasks[1].params.policy, WORKLOAD_POLICY_FIFO);
	cr_expect_eq(tasks[2].phases[0].params.set, WORKLOAD_SET_WEIGHT | WORKLOAD_SET_CPUS);
	workload_file_free(file);
}

Test(workload, repeated_events_are_numbered)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"loop\": 2, \"run\": 1, \"sleep\": 2, \"run\": 3, // run\n"
		"  \"run\": 4, \"sleep1\": 5, 'sleep' : 6,},\n"
		" \"b\": {\"phases\": {\"run\": {\"run\": 7, \"run\": 8},\n"
		"  \"q\": {\"run1\": 9, \"run\": 10, \"run\": 11}, }, }, }, }\n");
	const struct workload_task *tasks = workload_of(file)->tasks;
	static const uint64_t us[] = {1, 2, 3, 4, 5, 6};

	cr_assert_eq(tasks[0].phases[0].event_count, 6);
	for (unsigned int i = 0; i < 6; i++)
		cr_expect_eq(tasks[0].phases[0].events[i].ns, 1000 * us[i], "event %u", i);
	cr_expect_eq(tasks[0].phases[0].events[5].kind, WORKLOAD_SLEEP);
	cr_assert_eq(tasks[1].phase_count, 2);
	cr_expect_eq(tasks[1].phases[0].events[1].ns, 8000);
	cr_assert_eq(tasks[1].phases[1].event_count, 3);
	cr_expect_eq(tasks[1].phases[1].events[2].ns, 11000);
	workload_file_free(file);
}

Test(workload, an_event_may_lack_its_value)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"suspend\", \"run\": 1, \"suspend\" /* x */ , \"yield\"},\n"
		" \"b\": {\"sleep\": 1, \"resume\": \"a\"}}}");
	const struct workload_phase *a = workload_of(file)->tasks[0].phases;

	cr_assert_eq(a->event_count, 4);
	cr_expect_eq(a->events[2].kind, WORKLOAD_SUSPEND);
	cr_expect_eq(a->events[2].ref, a->events[0].ref);
	cr_expect_eq(a->events[3].kind, WORKLOAD_YIELD);
	workload_file_free(file);
}

Test(workload, a_sync_is_a_signal_and_a_wait)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"lock\": \"m\", \"sync\": {\"ref\": \"c\", \"mutex\": "
		"\"m\"},\n"
		"  \"sync\": {\"ref\": \"c\", \"mutex\": \"m\"}, \"unlock\": \"m\"}}}");
	const struct workload_phase *a = workload_of(file)->tasks[0].phases;
	static const enum workload_event_kind kinds[] = {WORKLOAD_LOCK, WORKLOAD_SIGNAL,
							 WORKLOAD_WAIT, WORKLOAD_SIGNAL,
							 WORKLOAD_WAIT, WORKLOAD_UNLOCK};

	cr_assert_eq(a->event_count, 6);
	for (uint32_t i = 0; i < 6; i++)
		cr_expect_eq(a->events[i].kind, kinds[i], "event %u", i);
	for (uint32_t i = 1; i < 5; i++)
		cr_expect_eq(a->events[i].ref, a->events[1].ref, "event %u", i);
	cr_expect_eq(a->events[2].mutex, a->events[0].ref);
	cr_expect_eq(a->events[4].mutex, a->events[0].ref);
	workload_file_free(file);
}

/* In rt-app they are one thing; elsewhere a suspension is left as it is. */
Test(workload, a_suspension_may_share_its_name_with_a_condition)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"suspend\": \"c\", \"run\": 1, \"suspend\": \"a\"},\n"
		" \"b\": {\"lock\": \"m\", \"signal\": \"c\", \"unlock\": \"m\", \"run\": 2,\n"
		"   \"resume\": \"c\", \"resume\": \"a\", \"suspend\": \"m\"}}}");
	const struct workload *workload = workload_of(file);
	static const enum workload_event_kind kinds[2][11] = {
		{WORKLOAD_LOCK, WORKLOAD_WAIT, WORKLOAD_UNLOCK, WORKLOAD_RUN, WORKLOAD_SUSPEND},
		{WORKLOAD_LOCK, WORKLOAD_SIGNAL, WORKLOAD_UNLOCK, WORKLOAD_RUN, WORKLOAD_LOCK,
		 WORKLOAD_BROAD, WORKLOAD_UNLOCK, WORKLOAD_RESUME, WORKLOAD_LOCK, WORKLOAD_WAIT,
		 WORKLOAD_UNLOCK}};
	static const uint32_t counts[] = {5, 11};
	const struct workload_event *events[2];

	for (uint32_t t = 0; t < 2; t++) {
		const struct workload_phase *phase = &workload->tasks[t].phases[0];

		events[t] = phase->events;
		cr_assert_eq(phase->event_count, counts[t]);
		for (uint32_t i = 0; i < counts[t]; i++)
			cr_expect_eq(phase->events[i].kind, kinds[t][i], "%u: event %u", t, i);
	}
	cr_expect_eq(events[0][1].ref, events[1][1].ref);
	cr_expect_eq(events[0][1].ref, events[1][5].ref);
	cr_expect_eq(events[0][1].mutex, events[0][0].ref);
	cr_expect_eq(events[0][1].mutex, events[1][4].ref);
	cr_expect_eq(events[0][4].ref, events[1][7].ref);
	cr_expect_eq(events[1][9].mutex, events[1][0].ref);
	workload_file_free(file);
}

/* As rt-app's users name a second event of a kind; what only begins with one is none. */
Test(workload, keys_with_something_behind_the_word)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"lock\": \"m\", \"run\": 1, \"unlock_it\": \"m\", "
		"\"run_end\": 2,\n"
		" \"runend\": 3, \"runtime_2\": 4, \"suspend1\": \"s\", \"suspend_end\": \"s\"},\n"
		" \"b\": {\"resume_a\": \"s\", \"run\": 1}}}");
	const struct workload_phase *phase = &workload_of(file)->tasks[0].phases[0];
	static const enum workload_event_kind kinds[] = {
		WORKLOAD_LOCK, WORKLOAD_RUN,     WORKLOAD_UNLOCK,  WORKLOAD_RUN,
		WORKLOAD_RUN,  WORKLOAD_RUNTIME, WORKLOAD_SUSPEND, WORKLOAD_SUSPEND};

	cr_assert_eq(phase->event_count, 8);
	for (uint32_t i = 0; i < 8; i++)
		cr_assert_eq(phase->events[i].kind, kinds[i], "event %u", i);
	workload_file_free(file);
}

Test(workload, a_phase_without_cpus_has_its_tasks)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"cpus\": [3], \"phases\": {\"p\": {\"cpus\": [1], \"run\": "
		"1},\n"
		"   \"q\": {\"priority\": 2, \"run\": 1}}},\n"
		" \"b\": {\"cpus\": [3], \"phases\": {\"p\": {\"run\": 1}}}}}");
	const struct workload_phase *a = workload_of(file)->tasks[0].phases;

	cr_expect_eq(a[0].params.cpus.bits[0], 2);
	cr_expect_eq(a[1].params.set, WORKLOAD_SET_CPUS | WORKLOAD_SET_NICE);
	cr_expect_eq(a[1].params.cpus.bits[0], 8);
	cr_expect_eq(workload_of(file)->tasks[1].phases[0].params.set, 0);
	workload_file_free(file);
}

Test(workload, taskgroups_are_made_of_paths)
{
	struct workload_file *file = load_good(
		"{\"groups\": {\"/a\": {\"weight\": 300}, \"b\": {}},\n"
		" \"tasks\": {\"u\": {\"run\": 1, \"taskgroup\": \"/x//y/\"},\n"
		" \"v\": {\"taskgroup\": \"/a\", \"phases\": {\n"
		"   \"p\": {\"run\": 1, \"taskgroup\": \"/a/b\"},\n"
		"   \"q\": {\"run\": 1, \"taskgroup\": \"/\"},\n"
		"   \"r\": {\"run\": 1, \"taskgroup\": \"\"}}}}}");
	const struct workload *workload = workload_of(file);
	const struct workload_group *groups = workload->groups;
	const struct workload_task *v = &workload->tasks[1];

	cr_assert_eq(workload->group_count, 5);
	cr_expect_str_eq(groups[2].name, "/x");
	cr_expect_eq(groups[2].parent, WORKLOAD_GROUP_NONE);
	cr_expect_str_eq(groups[3].name, "/x/y");
	cr_expect_eq(groups[3].parent, 2);
	cr_expect_eq(groups[3].weight, 1024);
	cr_expect_eq(groups[3].quota_ns, 0);
	cr_expect_eq(workload->tasks[0].params.group, 3);
	cr_expect_str_eq(groups[v->params.group].name, "/a");
	cr_expect_eq(groups[v->params.group].weight, 300);
	cr_expect_str_eq(groups[v->phases[0].params.group].name, "/a/b");
	cr_expect_eq(groups[v->phases[0].params.group].parent, v->params.group);
	cr_expect_eq(v->phases[1].params.set, WORKLOAD_SET_GROUP);
	cr_expect_eq(v->phases[1].params.group, WORKLOAD_GROUP_NONE);
	cr_expect_eq(v->phases[2].params.set, 0);
	workload_file_free(file);
}

/* Each of 32 tasks names two groups that nobody else names: one more than there may be. */
Test(workload, taskgroups_are_limited)
{
	char text[4096] = "{\"tasks\": {";
	size_t len = strlen(text);

	for (unsigned int i = 0; i < 32; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"%s\"t%u\": {\"run\": 1, \"taskgroup\": \"/g%u/h\"}",
					i == 0 ? "" : ",", i, i);
	snprintf(text + len, sizeof(text) - len, "}}");
	cr_assert_null(load(text, 0));
	cr_expect_str_eq(fault.path, "tasks.t31.taskgroup");
	cr_expect(strstr(fault.text, "more than 63 groups") != NULL, "%s", fault.text);
}

struct bad {
	unsigned int line;
	const char *path;
	const char *text; /* part of the message */
	const char *json; /* what stands inside "tasks", or a whole file if it begins with '!' */
};

#define GROUPS(text) "!{\"groups\": {" text "}, \"tasks\": {\"t\": {\"run\": 1}}}"

static const struct bad bads[] = {
	{1, "tasks.a.group", "there is no group \"g\"", "\"a\": {\"run\": 1, \"group\": \"g\"}"},
	{1, "tasks.a.group", "string", "\"a\": {\"run\": 1, \"group\": 3}"},
	{1, "tasks.a.phases.p.group", "there is no group",
	 "\"a\": {\"phases\": {\"p\": {\"run\": 1, \"group\": \"g\"}}}"},
	{1, "tasks.a.taskgroup", "begins with \"/\"", "\"a\": {\"run\": 1, \"taskgroup\": \"tg\"}"},
	{1, "tasks.a.taskgroup", "string", "\"a\": {\"run\": 1, \"taskgroup\": 1}"},
	{1, "tasks.a.taskgroup", "visible ASCII", "\"a\": {\"run\": 1, \"taskgroup\": \"/a b\"}"},
	{1, "tasks.a.taskgroup", "5 deep", "\"a\": {\"run\": 1, \"taskgroup\": \"/a/b/c/d/e\"}"},
	{1, "tasks.a.taskgroup", "cannot both",
	 "!{\"groups\": {\"g\": {}}, \"tasks\": {\"a\": {\"run\": 1, \"group\": \"g\", "
	 "\"taskgroup\": \"/g\"}}}"},
	{1, "groups", "object", "!{\"groups\": [], \"tasks\": {\"t\": {\"run\": 1}}}"},
	{1, "groups.g", "object", GROUPS("\"g\": 1")},
	{2, "groups.g.wieght", "unknown key \"wieght\"", GROUPS("\"g\": {\n\"wieght\": 1}")},
	{1, "groups.g.weight", "from 1", GROUPS("\"g\": {\"weight\": 0}")},
	{1, "groups.g.weight", "whole", GROUPS("\"g\": {\"weight\": 1.5}")},
	{1, "groups.g.parent", "there is no group \"h\"", GROUPS("\"g\": {\"parent\": \"h\"}")},
	{1, "groups.g.parent", "cycle", GROUPS("\"g\": {\"parent\": \"g\"}")},
	{2, "groups.g.parent", "cycle",
	 GROUPS("\"h\": {},\n\"g\": {\"parent\": \"i\"}, \"i\": {\"parent\": \"g\"}")},
	{1, "groups.x.parent", "cycle",
	 GROUPS("\"x\": {\"parent\": \"g\"}, \"g\": {\"parent\": \"i\"}, \"i\": {\"parent\": "
		"\"g\"}")},
	{1, "groups.e.parent", "5 deep",
	 GROUPS("\"e\": {\"parent\": \"d\"}, \"d\": {\"parent\": \"c\"}, \"c\": {\"parent\": "
		"\"b\"}, \"b\": {\"parent\": \"a\"}, \"a\": {}")},
	{1, "groups.g.quota_us", "from 100 to 400000", GROUPS("\"g\": {\"quota_us\": 99}")},
	{1, "groups.g.quota_us", "from 100 to 40000",
	 GROUPS("\"g\": {\"quota_us\": 40001, \"period_us\": 10000}")},
	{1, "groups.g.quota_us", "negative", GROUPS("\"g\": {\"quota_us\": -1}")},
	{1, "groups.g.period_us", "from 1000 to 1000000",
	 GROUPS("\"g\": {\"quota_us\": 500, \"period_us\": 999}")},
	{1, "groups.g.period_us", "without", GROUPS("\"g\": {\"period_us\": 2000}")},
	{1, "groups.g", "twice", GROUPS("\"g\": {}, \"g\": {}")},
	{2, "tasks.a.runn", "unknown key \"runn\"", "\"a\": {\"run\": 1,\n\"runn\": 2}"},
	{1, "tasks.a.runx1", "unknown key", "\"a\": {\"runx1\": 2}"},
	{1, "tasks.a.rum_end", "unknown key", "\"a\": {\"rum_end\": 2}"},
	{1, "tasks.a.susp", "unknown key", "\"a\": {\"susp\": \"\"}"},
	{1, "tasks.a.nice", "unknown key", "\"a\": {\"run\": 1, \"nice\": 2}"},
	{1, "tasks.a.mem", "does not do rt-app's \"mem\"", "\"a\": {\"run\": 1, \"mem\": 2}"},
	{1, "tasks.a.iorun3", "does not do", "\"a\": {\"run\": 1, \"iorun3\": 2}"},
	{1, "tasks.a.iorun1", "does not do", "\"a\": {\"run\": 1, \"iorun1\": 2, \"iorun\": 3}"},
	{2, "tasks.a.mem", "does not do", "\"a\": {\"run\": 1,\n\"mem\": 2,\n\"mem\": 3}"},
	{1, "tasks.a.phases.p.sync", "never locks the mutex \"m\"",
	 "\"a\": {\"phases\": {\"p\": {\"run\": 1, \"sync\": {\"ref\": \"c\", \"mutex\": "
	 "\"m\"}}}}"},
	{1, "tasks.a.sync_1", "needs", "\"a\": {\"lock\": \"m\", \"sync_1\": {\"ref\": \"c\"}}"},
	{1, "tasks.a.sync.x", "unknown key",
	 "\"a\": {\"sync\": {\"ref\": \"c\", \"mutex\": \"m\", \"x\": 1}}"},
	{1, "tasks.a.synced", "unknown key", "\"a\": {\"run\": 1, \"synced\": 2}"},
	{3, "tasks.a.loop", "twice",
	 "\"a\": {\"suspend\",\n\"loop\": 1, \"run\": 1,\n\"loop\": 2}"},
	{2, "", "not JSON",
	 "\"a\": {\"run\": 1,\n\"run\" 2,\n\"suspend\", \"loop\": 1, \"loop\": 1}"},
	{1, "tasks.a.lock", "string", "\"a\": {\"run\": 1, \"lock\": [\"m\", \"n\"]}"},
	{1, "tasks.a.run1", "number", "\"a\": {\"run\": 1, \"run\"}"},
	{1, "", "not JSON", "\"a\": {\"run\": 1, \"loop\"}"},
	{1, "tasks.a.sleep2", "negative", "\"a\": {\"run\": 1, \"sleep2\": -1}"},
	{3, "tasks.a.loop", "twice",
	 "\"a\": {\"loop\": 1,\n/* \"run\": { */ \"sleep\": 1,\n\"loop\": 2}"},
	{2, "tasks.a.run1", "negative", "\"a\": {\"run\": 1,\n\"run\": -2}"},
	{1, "tasks.a.run1.b", "twice", "\"a\": {\"run\": 1, \"run\": {\"b\": 1, \"b\": 2}}"},
	{1, "tasks.run", "twice", "\"run\": {\"run\": 1}, \"run\": {\"run\": 1}"},
	{1, "tasks.a.phases.p.timer.period", "twice",
	 "\"a\": {\"phases\": {\"p\": {\"timer\": {\"period\": 1, \"period\": 2}}}}"},
	{2, "tasks.a", "twice", "\"a\": {\"run\": 1},\n\"a\": {\"run\": 1}"},
	{1, "tasks.\"a.b\".x", "unknown key", "\"a\": {\"run\": 1}, \"a.b\": {\"x\": 1}"},
	{1, "tasks.a.run", "negative", "\"a\": {\"run\": -1}"},
	{1, "tasks.a.run", "must be a number", "\"a\": {\"run\": NaN}"},
	{1, "tasks.a.lock", "character 0", "\"a\": {\"run\": 1, \"lock\": \"m\\u0000\"}"},
	{2, "tasks.a\\u0000b", "without escapes",
	 "\"a\": {\"run\": 1},\n\"a\\u0000b\": {\"run\": 1}"},
	{1, "tasks.\\u0061", "without escapes", "\"a\": {\"run\": 1}, \"\\u0061\": {\"run\": 1}"},
	{1, "tasks.a.run", "number", "\"a\": {\"run\": \"1\"}"},
	{1, "tasks.a.run", "longer", "\"a\": {\"run\": 1e18}"},
	{1, "tasks.a.delay", "negative", "\"a\": {\"run\": 1, \"delay\": -5}"},
	{1, "tasks.a.loop", "-1", "\"a\": {\"run\": 1, \"loop\": 0}"},
	{1, "tasks.a.loop", "from -1", "\"a\": {\"run\": 1, \"loop\": -2}"},
	{1, "tasks.a.instance", "from 0", "\"a\": {\"run\": 1, \"instance\": -1}"},
	{1, "tasks.a.instance", "whole", "\"a\": {\"run\": 1, \"instance\": 1.5}"},
	{1, "tasks.a.cpus", "empty", "\"a\": {\"run\": 1, \"cpus\": []}"},
	{1, "tasks.a.cpus", "CPU 4", "\"a\": {\"run\": 1, \"cpus\": [0, 4]}"},
	{1, "tasks.a.cpus", "from 0", "\"a\": {\"run\": 1, \"cpus\": [-1]}"},
	{1, "tasks.a.cpus", "array", "\"a\": {\"run\": 1, \"cpus\": 0}"},
	{1, "tasks.a.priority", "from -20", "\"a\": {\"run\": 1, \"priority\": 20}"},
	{1, "tasks.a.priority", "from 1",
	 "\"a\": {\"run\": 1, \"priority\": 0, \"policy\": \"SCHED_RR\"}"},
	{1, "tasks.a.weight", "from 1", "\"a\": {\"run\": 1, \"weight\": 0}"},
	{1, "tasks.a.weight", "both", "\"a\": {\"run\": 1, \"weight\": 5, \"priority\": 1}"},
	{1, "tasks.a.slice_us", "from 100", "\"a\": {\"run\": 1, \"slice_us\": 99}"},
	{1, "tasks.a.period_us", "from the slice (3000)",
	 "\"a\": {\"run\": 1, \"period_us\": 2999}"},
	{1, "tasks.a.policy", "under the policy edf",
	 "\"a\": {\"run\": 1, \"policy\": \"SCHED_DEADLINE\"}"},
	{1, "tasks.a.policy", "unknown policy", "\"a\": {\"run\": 1, \"policy\": \"CFS\"}"},
	{1, "tasks.a", "no events", "\"a\": {\"loop\": 3}"},
	{1, "tasks.a", "object", "\"a\": 3"},
	{1, "tasks.a.run", "beside", "\"a\": {\"run\": 1, \"phases\": {\"p\": {\"run\": 1}}}"},
	{1, "tasks.a.phases", "no phases", "\"a\": {\"phases\": {}}"},
	{1, "tasks.a.phases.p.delay", "unknown key",
	 "\"a\": {\"phases\": {\"p\": {\"run\": 1, \"delay\": 3}}}"},
	{1, "tasks.a.timer", "period", "\"a\": {\"timer\": {\"ref\": \"x\"}}"},
	{1, "tasks.a", "without taking time", "\"a\": {\"timer\": {\"period\": 0}}"},
	{1, "tasks.a.timer.period", "negative", "\"a\": {\"timer\": {\"period\": -1}}"},
	{1, "tasks.a.run", "104 days", "\"a\": {\"run\": 9007199254741}"},
	{1, "tasks.a.timer.mode", "relative",
	 "\"a\": {\"timer\": {\"period\": 1, \"mode\": \"x\"}}"},
	{1, "tasks.a.timer.deadline", "unknown key",
	 "\"a\": {\"timer\": {\"period\": 1, \"deadline\": 2}}"},
	{1, "tasks.a.fork", "no task \"b\"", "\"a\": {\"run\": 1, \"fork\": \"b\"}"},
	{1, "tasks.a.fork", "cycle", "\"a\": {\"run\": 1, \"fork\": \"a\"}"},
	{3, "tasks.c.fork0", "cycle",
	 "\"a\": {\"run\": 1, \"fork\": \"b\"},\n\"b\": {\"run\": 1, \"fork\": \"c\"},\n"
	 "\"c\": {\"run\": 1, \"fork0\": \"a\"}"},
	{1, "tasks.b.barrier", "forked",
	 "\"a\": {\"run\": 1, \"fork\": \"b\"}, \"b\": {\"run\": 1, \"barrier\": \"x\"}"},
	{1, "tasks.a.unlock", "never locks", "\"a\": {\"run\": 1, \"unlock\": \"m\"}"},
	{1, "tasks.a.wait", "never locks", "\"a\": {\"wait\": {\"ref\": \"c\", \"mutex\": \"m\"}}"},
	{1, "tasks.a.wait", "needs", "\"a\": {\"wait\": {\"ref\": \"c\"}}"},
	{1, "tasks.a.signal", "waits", "\"a\": {\"run\": 1, \"signal\": \"c\"}"},
	{1, "tasks.a.resume", "suspends", "\"a\": {\"run\": 1, \"resume\": \"b\"}"},
	{1, "tasks.a", "without taking time", "\"a\": {\"run\": 0}"},
	{1, "tasks.a", "without taking time",
	 "\"a\": {\"loop\": 1, \"phases\": {\"p\": {\"loop\": -1, \"yield\": \"\"}}}"},
	{1, "tasks", "\"h-1\"", "\"h\": {\"instance\": 2, \"run\": 1}, \"h-1\": {\"run\": 1}"},
	{1, "tasks.a b", "visible", "\"a b\": {\"run\": 1}"},
	{0, "", "tasks", "!{\"global\": {}}"},
	{1, "global.durations", "unknown key", "!{\"global\": {\"durations\": 1}, \"tasks\": {}}"},
	{1, "global.log_level", "unknown key", "!{\"global\": {\"log_level\": 1}, \"tasks\": {}}"},
	{1, "global.duration", "more than 0", "!{\"global\": {\"duration\": 0}, \"tasks\": {}}"},
	{1, "global.duration", "negative", "!{\"global\": {\"duration\": -2}, \"tasks\": {}}"},
	{1, "task", "unknown key", "!{\"task\": {}}"},
	{0, "", "one JSON object", "![1]"},
	{1, "", "ends inside", "!{\"tasks\": {"},
	{3, "", "ends inside", "!{\"tasks\": {\"a\": {\n\"run\": 1, \"yield\",\n\"run\":"},
	{2, "", "not JSON", "!{\"tasks\": \n}}"},
	{2, "", "more after", "!{\"tasks\": {\"a\":{\"run\":1}}}\n{}"},
	{0, "", "is empty", "!"},
	{0, "", "is empty", "!\n  \t\n"},
};

Test(workload, names_the_fault_and_its_place)
{
	char text[1024];

	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		const struct bad *bad = &bads[i];
		struct workload_file *file;

		if (bad->json[0] == '!')
			snprintf(text, sizeof(text), "%s", bad->json + 1);
		else
			snprintf(text, sizeof(text), "{\"tasks\": {%s}}", bad->json);
		file = load(text, 4);
		cr_assert_null(file, "accepted: %s", text);
		cr_expect_str_eq(fault.path, bad->path, "%s: %s: %s", text, fault.path, fault.text);
		cr_expect(strstr(fault.text, bad->text) != NULL, "%s: %s", text, fault.text);
		cr_expect_eq(fault.line, bad->line, "%s: line %u", text, fault.line);
	}
}

Test(workload, has_so_many_threads)
{
	char text[1024] = "{\"tasks\": {\"a\": {\"instance\": 4096, \"run\": 1}";
	size_t length = strlen(text);
	struct workload_file *file;

	for (char name = 'b'; name <= 'q'; name++) {
		snprintf(text + length, sizeof(text) - length, "}}");
		if (name == 'q') {
			file = load_good(text);
			cr_assert_eq(workload_of(file)->task_count, 65536);
			workload_file_free(file);
		}
		length += (size_t)snprintf(text + length, sizeof(text) - length,
					   ", \"%c\": {\"instance\": %u, \"run\": 1}", name,
					   name == 'q' ? 1 : 4096);
	}
	snprintf(text + length, sizeof(text) - length, "}}");
	cr_assert_null(load(text, 4));
	cr_assert_str_eq(fault.path, "tasks");
	cr_assert_not_null(strstr(fault.text, "more than 65536"), "%s", fault.text);
}

/* A priority is one of the task's policy, also where a phase says it. */
Test(workload, a_phase_has_the_policy_of_its_task)
{
	struct workload_file *file = load_good(
		"{\"tasks\": {\"a\": {\"policy\": \"SCHED_FIFO\", \"phases\": {\n"
		"  \"p\": {\"priority\": 50, \"run\": 0.0006, \"sleep\": 9007199254740}}}}}");
	const struct workload_phase *phase = &workload_of(file)->tasks[0].phases[0];

	cr_assert_eq(phase->params.priority, 50);
	cr_assert_eq(phase->events[0].ns, 1, "to the next nanosecond");
	cr_assert_eq(phase->events[1].ns, 9007199254740000);
	workload_file_free(file);
}

Test(workload, survives_depth)
{
	static char text[2000001];
	static const char *const words[] = {"[", "{\"a\":", "{\"tasks\":[{"};

	for (unsigned int w = 0; w < 3; w++) {
		size_t len = strlen(words[w]);

		for (size_t i = 0; i + len < sizeof(text); i += len)
			memcpy(text + i, words[w], len + 1);
		cr_expect_null(load(text, 4));
		cr_expect(strstr(fault.text, "not JSON") != NULL, "%s", fault.text);
	}
}

Test(workload, survives_noise)
{
	static const char good[] =
		"{\"global\":{\"duration\":2},\"tasks\":{\"a\":{\"instance\":2,\"lock\":\"m\","
		"\"wait\":{\"ref\":\"c\",\"mutex\":\"m\"},\"unlock\":\"m\",\"run\":1,\"timer\":{"
		"\"ref\":"
		"\"u\",\"period\":3}},\"b\":{\"broad\":\"c\",\"fork\":\"d\",\"cpus\":[1,2],"
		"\"sleep\":4},"
		"\"d\":{\"instance\":0,\"phases\":{\"p\":{\"run\":3}}}}}";
	static const char alphabet[] = "{}[]\"',:/*0-19ea\\ \n";
	uint64_t state = 1;
	int accepted = 0;

	for (int round = 0; round < 20000; round++) {
		char text[sizeof(good)];
		struct workload_file *file;

		memcpy(text, good, sizeof(good));
		for (int edits = 1 + round % 3; edits > 0; edits--) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			text[(state >> 33) % (sizeof(good) - 1)] =
				alphabet[(state >> 20) % (sizeof(alphabet) - 1)];
		}
		file = load(text, 4);
		accepted += file != NULL;
		cr_assert(file != NULL || fault.text[0] != '\0');
		workload_file_free(file);
	}
	cr_assert(accepted > 20 && accepted < 19000, "%d", accepted);
}
