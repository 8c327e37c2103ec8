/* SPDX-License-Identifier: BSD-2-Clause */
/* Workload files: a fault is told with a text; what is accepted goes through the text form unharmed. */
#include "fuzz.h"

#include <base/bwl.h>
#include <workload_file.h>

static void take_note(void *context, const char *text)
{
	(void)context;
	fuzz_touch(text, strlen(text));
}

static void check_text_form(const char *text, size_t len)
{
	struct bwl_arrays arrays;
	struct bwl_fault fault;
	struct workload workload;
	char *again = NULL;
	size_t again_len;
	FILE *out;

	fuzz_check(bwl_count(text, len, &arrays.max, &fault) == ERR_OK);
	arrays.tasks = malloc(sizeof(arrays.tasks[0]) * arrays.max.tasks);
	arrays.phases = malloc(sizeof(arrays.phases[0]) * arrays.max.phases);
	arrays.events = malloc(sizeof(arrays.events[0]) * arrays.max.events);
	arrays.objects = malloc(sizeof(arrays.objects[0]) * arrays.max.objects);
	arrays.groups = malloc(sizeof(arrays.groups[0]) * arrays.max.groups);
	fuzz_check(bwl_read(text, len, &arrays, &workload, &fault) == ERR_OK);
	out = open_memstream(&again, &again_len);
	fuzz_check(out != NULL && workload_write_bwl(&workload, out));
	fclose(out);
	fuzz_check(len == again_len && memcmp(text, again, len) == 0);
	free(again);
	free(arrays.tasks);
	free(arrays.phases);
	free(arrays.events);
	free(arrays.objects);
	free(arrays.groups);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The first byte: how many CPUs the machine has. */
	const struct workload_options options = {.cpus = size > 0 && data[0] < '0' ? data[0] : 0,
						 .note = take_note};
	struct workload_fault fault;
	struct workload_file *file;
	char *text = malloc(size + 1);
	char *written = NULL;
	size_t len;
	FILE *out;

	memcpy(text, data, size);
	text[size] = '\0';
	if (options.cpus != 0)
		text[0] = ' ';
	file = workload_text_load(text, size, &options, &fault);
	free(text);
	if (file == NULL) {
		fuzz_check(fault.text[0] != '\0' && !fault.io);
		fuzz_check(memchr(fault.path, 0, sizeof(fault.path)) != NULL);
		return 0;
	}
	out = open_memstream(&written, &len);
	fuzz_check(out != NULL && workload_write_bwl(workload_of(file), out));
	fclose(out);
	check_text_form(written, len);
	free(written);
	workload_file_free(file);
	return 0;
}
