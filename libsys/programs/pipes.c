/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipes [STAGES [BYTES]]: data passes through a chain of processes, each of which adds one to every
 * byte; the sum at the end must be right.  `pipes stage` is such a process.
 */
#include <stdio.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/file.h>
#include <libsys/process.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define STAGES_MAX 64u

static int stage_main(void)
{
	uint8_t buffer[PROC_IO_BYTES_MAX];
	size_t got;
	enum error error;

	while ((error = file_read(0, buffer, sizeof(buffer), &got)) == ERR_OK && got > 0) {
		for (size_t i = 0; i < got; i++)
			buffer[i]++;
		error = file_write(1, buffer, got);
		if (error != ERR_OK)
			break;
	}
	return error == ERR_OK ? 0 : 1;
}

struct source {
	word_t fd;
	uint64_t bytes;
	uint64_t sum; /* of the bytes, each plus the number of stages */
	unsigned stages;
};

static int source_main(void *arg)
{
	struct source *source = arg;
	uint64_t seed = 42;
	uint8_t buffer[PROC_IO_BYTES_MAX];
	enum error error = ERR_OK;

	for (uint64_t left = source->bytes; left > 0 && error == ERR_OK;) {
		size_t part = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);

		for (size_t i = 0; i < part; i++) {
			buffer[i] = (uint8_t)program_random(&seed);
			source->sum = source->sum * 31 + (uint8_t)(buffer[i] + source->stages);
		}
		error = file_write(source->fd, buffer, part);
		left -= part;
	}
	(void)!file_close(source->fd);
	return (int)error;
}

/* A stage that reads @input; *@output is what the next one reads. */
static word_t stage_start(const char *self, word_t input, word_t *output)
{
	char *const argv[] = {(char *)(uintptr_t)self, (char *)(uintptr_t) "stage", NULL};
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	word_t write_fd;
	word_t pid;

	program_need("making a pipe", pipe_create(output, &write_fd));
	options.files[0] = input;
	options.files[1] = write_fd;
	program_need("starting a stage", process_spawn("pipes", argv, NULL, &options, &pid));
	program_need("closing", file_close(input));
	program_need("closing", file_close(write_fd));
	return pid;
}

static uint64_t sink(word_t fd, uint64_t *bytes)
{
	uint8_t buffer[PROC_IO_BYTES_MAX];
	uint64_t sum = 0;
	size_t got;

	*bytes = 0;
	for (;;) {
		program_need("reading", file_read(fd, buffer, sizeof(buffer), &got));
		if (got == 0)
			return sum;
		*bytes += got;
		for (size_t i = 0; i < got; i++)
			sum = sum * 31 + buffer[i];
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "stage") == 0)
		return stage_main();
	unsigned stages = (unsigned)program_number(argc, argv, 1, 4, 1, STAGES_MAX);
	struct source source = {.stages = stages,
				.bytes = program_number(argc, argv, 2, 65536, 1, 1u << 30)};
	word_t pids[STAGES_MAX];
	word_t end;
	uint64_t bytes;
	struct thread *writer;
	int failed = 0;
	time_ns_t start = clock_now_ns();

	program_need("making a pipe", pipe_create(&end, &source.fd));
	for (unsigned i = 0; i < stages; i++)
		pids[i] = stage_start(argv[0], end, &end);
	if (thrd_create(&writer, source_main, &source) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	uint64_t sum = sink(end, &bytes);

	thrd_join(writer, &failed);
	for (unsigned i = 0; i < stages; i++) {
		struct wait_result result;

		program_need("waiting for a stage", process_wait(pids[i], false, &result));
		failed += result.status != 0 || result.signal != 0;
	}
	bool right = failed == 0 && bytes == source.bytes && sum == source.sum;

	printf("pipes: %u stages, %lu bytes in %lu ms, checksum %s\n", stages, (unsigned long)bytes,
	       (unsigned long)((clock_now_ns() - start) / NS_PER_MS), right ? "right" : "WRONG");
	return right ? 0 : 1;
}
