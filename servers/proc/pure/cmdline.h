/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits a command line into words, as a shell does, without expansions.
 *
 * Words are separated by blanks.  'single quotes' keep everything, "double quotes" keep all but
 * backslash before '"' or '\', and outside quotes a backslash keeps the next character.  Quoted and
 * unquoted parts that touch are one word; "" is an empty word.
 *
 * Pure: no allocation; the words are written into the caller's buffer.
 */
#pragma once

#include <abi/error.h>

#include <stddef.h>

/* X(name, text) */
#define CMDLINE_REASON_LIST(X)                                  \
	X(FINE, "no fault")                                     \
	X(OPEN_SINGLE, "a single quotation mark is not closed") \
	X(OPEN_DOUBLE, "a double quotation mark is not closed") \
	X(LAST_BACKSLASH, "the line ends with a backslash")     \
	X(TOO_MANY_WORDS, "too many words")                     \
	X(TOO_LONG, "the line is too long")

enum cmdline_reason {
#define X(name, text) CMDLINE_##name,
	CMDLINE_REASON_LIST(X)
#undef X
		CMDLINE_REASON_COUNT
};

struct cmdline {
	/* Set by the caller. */
	char *buffer; /* takes the words, each with its NUL */
	size_t buffer_bytes;
	char **words;     /* words[count] is set to null */
	size_t words_max; /* room in words[], the null included */

	/* Result. */
	size_t count;
	enum cmdline_reason reason;
	size_t fault_at; /* byte of the line at which the fault lies */
};

const char *cmdline_reason_text(enum cmdline_reason reason);

/*
 * Splits @len bytes at @text.  ERR_FORMAT: quotes or backslash; ERR_LIMIT: too many words or too
 * long; see @cmdline->reason.  A buffer of len + 1 bytes is always long enough.
 */
__attribute__((warn_unused_result)) enum error cmdline_split(struct cmdline *cmdline,
							     const char *text, size_t len);
