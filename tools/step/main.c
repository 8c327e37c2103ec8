/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * baton-step --policy NAME [--dump] FILE: feed one run queue operations, print what it decides after each.
 * Exit status: 0 done, 1 the policy is wrong, 2 the input is, or cannot be read, or the usage.
 */
#include "../stall/stall.h"
#include "step.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 256

static int usage(void)
{
	fputs("usage: baton-step --policy NAME [--dump] FILE   (FILE -: the standard input)\n"
	      "--dump: after each operation how the policy describes its queue, on the\n"
	      "standard error\n"
	      "one operation a line, # starts a comment:\n"
	      "  enqueue tid=N [weight=1024] [slice_ns=3000000] [lag_ns=0] [new=1]\n"
	      "          [class=normal|background] [priority=50]     background: weight 3\n"
	      "  run tid=N ns=N        the thread picked last ran for that long\n"
	      "  dequeue tid=N\n"
	      "  reweight tid=N weight=N\n"
	      "  slice tid=N slice_ns=N\n"
	      "policies:\n",
	      stderr);
	for (uint32_t i = 0; i < policies_count; i++)
		fprintf(stderr, "  %-8s %s\n", policies[i]->name, policies[i]->desc);
	return 2;
}

/* Where it is, for stall.h. */
static const char *fed_name;
static uint64_t fed_lines;

static void stalled(void)
{
	fprintf(stderr,
		"%s:%" PRIu64 ": the policy does not return: %u s of CPU time are used up\n",
		fed_name, fed_lines, STALL_SECONDS);
}

/* getline() takes the byte NUL for one like any other; the rest of the line would be lost. */
static bool line_parse(char *text, size_t bytes, struct step_line *line, char *message)
{
	static const char mark[] = "\xef\xbb\xbf"; /* which some editors begin a file with */

	if (strlen(text) == bytes) {
		if (fed_lines == 1 && strncmp(text, mark, sizeof(mark) - 1) == 0)
			text += sizeof(mark) - 1;
		return step_line_parse(text, line, message, MESSAGE_BYTES);
	}
	snprintf(message, MESSAGE_BYTES, "the line holds a byte 0");
	return false;
}

/* A message quotes the input, which may hold what breaks the line, or commands for a terminal. */
static void message_tame(char *message)
{
	for (; *message != '\0'; message++)
		if (*message < ' ' || *message > '~')
			*message = '?';
}

static int feed(struct step_queue *queue, FILE *in, const char *name, bool dump)
{
	char *text = NULL;
	size_t text_bytes = 0;
	ssize_t bytes;
	char message[MESSAGE_BYTES] = "";
	struct step_result result = {0};
	bool good = true;
	fed_name = name;
	stall_watch(&fed_lines, STALL_SECONDS, stalled);
	while (good && (bytes = getline(&text, &text_bytes, in)) >= 0) {
		struct step_line line;
		fed_lines++;
		good = line_parse(text, (size_t)bytes, &line, message);
		if (!good || line.op == STEP_NONE)
			continue;
		good = step_queue_apply(queue, &line, &result, message, sizeof(message));
		if (good)
			step_queue_print(queue, &line, &result, stdout);
		if (good && dump) {
			fflush(stdout);
			step_queue_dump(queue, stderr);
		}
	}
	if (good) {
		good = step_queue_check(queue, message, sizeof(message));
		result.bug = true;
	}
	stall_unwatch();
	if (ferror(in) != 0) {
		fprintf(stderr, "baton-step: %s: %s\n", name, strerror(errno));
		free(text);
		return 2;
	}
	free(text);
	if (fflush(stdout) != 0 || ferror(stdout) != 0) {
		fprintf(stderr, "baton-step: the standard output: %s\n", strerror(errno));
		return 1;
	}
	if (!good) {
		message_tame(message);
		fprintf(stderr, "%s:%" PRIu64 ": %s\n", name, fed_lines, message);
		if (result.bug && !dump)
			step_queue_dump(queue, stderr);
	}
	return good ? 0 : result.bug ? 1 : 2;
}

int main(int argc, char **argv)
{
	const char *policy_name = NULL;
	const char *file = NULL;
	bool dump = false;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--policy") == 0 && i + 1 < argc)
			policy_name = argv[++i];
		else if (strncmp(argv[i], "--policy=", 9) == 0)
			policy_name = argv[i] + 9;
		else if (strcmp(argv[i], "--dump") == 0)
			dump = true;
		else if ((argv[i][0] == '-' && argv[i][1] != '\0') || file != NULL)
			return usage();
		else
			file = argv[i];
	}
	if (policy_name == NULL || file == NULL)
		return usage();
	const struct policy_ops *ops = policy_find(policy_name, strlen(policy_name));
	if (ops == NULL) {
		fprintf(stderr, "baton-step: there is no policy \"%s\"\n", policy_name);
		return usage();
	}
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");
	if (in == NULL) {
		fprintf(stderr, "baton-step: %s: %s\n", file, strerror(errno));
		return 2;
	}
	struct step_queue *queue = step_queue_make(ops);
	if (queue == NULL) {
		fputs("baton-step: out of memory\n", stderr);
		return 1;
	}
	const int status = feed(queue, in, file, dump);
	step_queue_free(queue);
	if (in != stdin)
		fclose(in);
	return status;
}
