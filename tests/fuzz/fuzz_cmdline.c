/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splitting command lines: words that are quoted again and joined split into the same words.
 * Two bytes first: room for words, and how much the buffer is too short.
 */
#include "fuzz.h"

#include <cmdline.h>

#define WORDS_MAX 40u

struct result {
	struct cmdline cmdline;
	enum error error;
};

static void split(struct result *result, const char *text, size_t len, size_t bytes, size_t words)
{
	struct cmdline *cmdline = &result->cmdline;

	*cmdline = (struct cmdline){.buffer = malloc(bytes > 0 ? bytes : 1),
				    .buffer_bytes = bytes,
				    .words = malloc(sizeof(char *) * (words > 0 ? words : 1)),
				    .words_max = words};
	result->error = cmdline_split(cmdline, text, len);
	fuzz_check(cmdline->reason < CMDLINE_REASON_COUNT);
	fuzz_touch(cmdline_reason_text(cmdline->reason), 1);
	fuzz_check((result->error == ERR_OK) == (cmdline->reason == CMDLINE_FINE));
	fuzz_check(result->error == ERR_OK || cmdline->fault_at <= len);
	if (result->error != ERR_OK)
		return;
	fuzz_check(cmdline->count < words && cmdline->words[cmdline->count] == NULL);
	for (size_t i = 0; i < cmdline->count; i++) {
		const char *word = cmdline->words[i];

		fuzz_check(word >= cmdline->buffer && word < cmdline->buffer + bytes);
		fuzz_check(word + strlen(word) < cmdline->buffer + bytes);
	}
}

static void result_free(struct result *result)
{
	free(result->cmdline.buffer);
	free(result->cmdline.words);
}

/* Every byte of a word as it cannot be misunderstood. */
static char *quoted(const struct cmdline *cmdline, size_t len, size_t *bytes)
{
	char *text = malloc(2 * len + 3 * cmdline->count + 1);
	char *at = text;

	for (size_t i = 0; i < cmdline->count; i++) {
		const char *c = cmdline->words[i];

		if (*c == '\0') {
			*at++ = '"';
			*at++ = '"';
		}
		for (; *c != '\0'; c++) {
			*at++ = '\\';
			*at++ = *c;
		}
		*at++ = ' ';
	}
	*bytes = (size_t)(at - text);
	return text;
}

static void check_again(const struct cmdline *first, size_t len)
{
	struct result again;
	size_t bytes;
	char *text = quoted(first, len, &bytes);

	split(&again, text, bytes, bytes + 1, first->count + 1);
	fuzz_check(again.error == ERR_OK && again.cmdline.count == first->count);
	for (size_t i = 0; i < first->count; i++)
		fuzz_check(strcmp(first->words[i], again.cmdline.words[i]) == 0);
	result_free(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	size_t words = 1 + fuzz_u8(&input) % WORDS_MAX;
	size_t missing = fuzz_u8(&input) % 8;
	const char *text = (const char *)input.at;
	size_t len = input.left;
	struct result result;

	split(&result, text, len, len + 1 > missing ? len + 1 - missing : 1, words);
	if (missing == 0)
		fuzz_check(result.cmdline.reason != CMDLINE_TOO_LONG);
	/* A NUL in the line would end a word early; there are none from a console. */
	if (result.error == ERR_OK && memchr(text, 0, len) == NULL)
		check_again(&result.cmdline, len);
	result_free(&result);
	return 0;
}
