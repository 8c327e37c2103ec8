/* SPDX-License-Identifier: BSD-2-Clause */
/* Workload files: what the text may begin with, which bytes it may not hold, and very long ones. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <workload_file.h>

static struct workload_fault fault;

/* What editors and copying leave around a text. */
Test(encoding, byte_order_marks_and_zeroes)
{
#define GOOD "{\"tasks\": {\n\"t\": {\"loop\": 1, \"run\": 5}}}\n"
	static const struct {
		const char *text;
		size_t bytes;
		unsigned int line;
		const char *says; /* null: it is fine */
	} cases[] = {
		{"\xef\xbb\xbf" GOOD, sizeof("\xef\xbb\xbf" GOOD) - 1, 0, NULL},
		{"\xef\xbb" GOOD, sizeof("\xef\xbb" GOOD) - 1, 1, "not JSON"},
		{"\xef\xbb\xbf", 3, 0, "empty"},
		{"\xff\xfe{\0}\0", 6, 0, "UTF-16"},
		{"\xfe\xff\0{\0}", 6, 0, "UTF-16"},
		{GOOD "\0", sizeof(GOOD "\0") - 1, 3, "a byte 0"},
		{"{\n\"tasks\0\"", 10, 2, "a byte 0"},
		{"\0", 1, 1, "a byte 0"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct workload_options options = {.cpus = 1};
		struct workload_file *file = workload_text_load(cases[i].text, cases[i].bytes,
								&options, &fault);

		cr_expect_eq(file != NULL, cases[i].says == NULL, "%zu: %s", i, fault.text);
		if (cases[i].says != NULL) {
			cr_expect(strstr(fault.text, cases[i].says) != NULL, "%s", fault.text);
			cr_expect_eq(fault.line, cases[i].line, "%zu: %u", i, fault.line);
		}
		workload_file_free(file);
	}
}

/* As in a phase made from a recording: the same few keys, over and over. */
Test(encoding, thousands_of_repeated_events_are_numbered_at_once)
{
	enum { EVENTS = 4000 };
	const struct workload_options options = {.cpus = 1};
	const clock_t start = clock();
	struct workload_file *file;
	char *text = malloc(64 + EVENTS * 24);
	size_t len = (size_t)sprintf(text, "{\"tasks\": {\"t\": {\"loop\": 1, \"run2\": 1");

	for (unsigned int i = 0; i < EVENTS; i++)
		len += (size_t)sprintf(text + len, ", \"%s\": 5", i % 2 == 0 ? "run" : "sleep");
	len += (size_t)sprintf(text + len, "}}}");
	file = workload_text_load(text, len, &options, &fault);
	cr_assert(file != NULL, "%s: %s", fault.path, fault.text);
	cr_expect_eq(workload_of(file)->tasks[0].phases[0].event_count, EVENTS + 1);
	cr_expect_lt(clock() - start, 3 * CLOCKS_PER_SEC);
	workload_file_free(file);
	free(text);
}
