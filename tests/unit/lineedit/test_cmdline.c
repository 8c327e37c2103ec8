/* SPDX-License-Identifier: BSD-2-Clause */
/* Command lines into words. */
#include <cmdline.h>
#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char joined[512];

/* Splits @text, in buffers of exactly the size promised, and joins the words with '|'. */
static enum error split(const char *text, size_t buffer_bytes, size_t words_max,
			struct cmdline *cmdline)
{
	size_t len = strlen(text);
	char *exact = malloc(len > 0 ? len : 1);
	enum error err;

	memcpy(exact, text, len);
	*cmdline = (struct cmdline){.buffer = malloc(buffer_bytes > 0 ? buffer_bytes : 1),
				    .buffer_bytes = buffer_bytes,
				    .words = malloc((words_max + 1) * sizeof(char *)),
				    .words_max = words_max};
	err = cmdline_split(cmdline, exact, len);
	joined[0] = '\0';
	for (size_t i = 0; i < cmdline->count; i++) {
		strcat(joined, cmdline->words[i]);
		strcat(joined, "|");
	}
	if (words_max > 0)
		cr_assert_null(cmdline->words[cmdline->count]);
	cr_assert((err == ERR_OK) == (cmdline->reason == CMDLINE_FINE));
	cr_assert_leq(cmdline->fault_at, len);
	free(exact);
	free(cmdline->buffer);
	free((void *)cmdline->words);
	return err;
}

static void expect_words(const char *text, const char *words)
{
	struct cmdline cmdline;

	cr_expect_eq(split(text, strlen(text) + 1, 20, &cmdline), ERR_OK, "%s: %s", text,
		     cmdline_reason_text(cmdline.reason));
	cr_expect_str_eq(joined, words, "%s: %s", text, joined);
}

static void expect_fault(const char *text, enum error err, enum cmdline_reason reason, size_t at)
{
	struct cmdline cmdline;

	cr_expect_eq(split(text, 32, 4, &cmdline), err, "%s", text);
	cr_expect_eq(cmdline.reason, reason, "%s: %s", text, cmdline_reason_text(cmdline.reason));
	cr_expect_eq(cmdline.fault_at, at, "%s: %zu", text, cmdline.fault_at);
}

Test(cmdline, splits)
{
	expect_words("", "");
	expect_words(" \t ", "");
	expect_words("run", "run|");
	expect_words("  run  file.json\t--cpus 4 ", "run|file.json|--cpus|4|");
	expect_words("echo 'a  b' \"c  d\"", "echo|a  b|c  d|");
	expect_words("a'b c'd\"e f\"g", "ab cde fg|");
	expect_words("'' \"\" x", "||x|");
	expect_words("a\\ b \\'c\\\" \\\\", "a b|'c\"|\\|");
	expect_words("\"a\\\"b\\\\c\\d\" 'e\\f'", "a\"b\\c\\d|e\\f|");
	expect_words("'\"' \"'\"", "\"|'|");
}

Test(cmdline, names_the_fault)
{
	expect_fault("a 'b", ERR_FORMAT, CMDLINE_OPEN_SINGLE, 2);
	expect_fault("a b\"c\\\"", ERR_FORMAT, CMDLINE_OPEN_DOUBLE, 3);
	expect_fault("a \\", ERR_FORMAT, CMDLINE_LAST_BACKSLASH, 2);
	expect_fault("a b c d", ERR_LIMIT, CMDLINE_TOO_MANY_WORDS, 6);
	expect_fault("a b c ", ERR_OK, CMDLINE_FINE, 6);
	expect_fault("abcdefghijklmnopqrstuvwxyz0123456789", ERR_LIMIT, CMDLINE_TOO_LONG, 33);
	expect_fault("abcdefghijklmnopqrstuvwxyz01234", ERR_OK, CMDLINE_FINE, 31);
	expect_fault("abcdefghijklmnopqrstuvwxyz012345", ERR_LIMIT, CMDLINE_TOO_LONG, 32);
}

Test(cmdline, survives_noise)
{
	static const char alphabet[] = "ab '\"\\\t";
	uint64_t state = 9;
	struct cmdline cmdline;
	char text[40];

	for (int round = 0; round < 100000; round++) {
		size_t len;

		state = state * 6364136223846793005u + 1442695040888963407u;
		len = (state >> 40) % sizeof(text);
		for (size_t i = 0; i < len; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			text[i] = alphabet[(state >> 33) % (sizeof(alphabet) - 1)];
		}
		text[len] = '\0';
		if (split(text, len + 1, 30, &cmdline) != ERR_OK)
			cr_assert_neq(cmdline.reason, CMDLINE_TOO_LONG, "%s", text);
		if (split(text, (state >> 20) % 20, (state >> 30) % 6, &cmdline) != ERR_OK)
			cr_assert_neq(cmdline.reason, CMDLINE_FINE);
	}
}
