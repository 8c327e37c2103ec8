/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits a command line into words.  See cmdline.h. */
#include "cmdline.h"

#include <base/reason.h>
#include <stdbool.h>

struct splitter {
	struct cmdline *cmdline;
	const char *text;
	size_t len;
	size_t at;
	size_t used; /* bytes of the buffer */
};

const char *cmdline_reason_text(enum cmdline_reason reason)
{
	static const char *const texts[] = {CMDLINE_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, CMDLINE_REASON_COUNT, (uint32_t)reason);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static enum cmdline_reason put(struct splitter *splitter, char c)
{
	if (splitter->used == splitter->cmdline->buffer_bytes)
		return CMDLINE_TOO_LONG;
	splitter->cmdline->buffer[splitter->used++] = c;
	return CMDLINE_FINE;
}

/* From the opening mark to behind the closing one. */
static enum cmdline_reason quoted_read(struct splitter *splitter)
{
	char quote = splitter->text[splitter->at];
	enum cmdline_reason reason = CMDLINE_FINE;

	for (size_t at = splitter->at + 1; at < splitter->len; at++) {
		char c = splitter->text[at];

		if (c == quote) {
			splitter->at = at + 1;
			return CMDLINE_FINE;
		}
		if (c == '\\' && quote == '"' && at + 1 < splitter->len &&
		    (splitter->text[at + 1] == '"' || splitter->text[at + 1] == '\\'))
			c = splitter->text[++at];
		reason = put(splitter, c);
		if (reason != CMDLINE_FINE)
			return reason;
	}
	return quote == '"' ? CMDLINE_OPEN_DOUBLE : CMDLINE_OPEN_SINGLE;
}

static enum cmdline_reason part_read(struct splitter *splitter)
{
	char c = splitter->text[splitter->at];

	if (c == '"' || c == '\'')
		return quoted_read(splitter);
	if (c == '\\') {
		if (splitter->at + 1 == splitter->len)
			return CMDLINE_LAST_BACKSLASH;
		c = splitter->text[++splitter->at];
	}
	splitter->at++;
	return put(splitter, c);
}

static enum cmdline_reason word_read(struct splitter *splitter)
{
	struct cmdline *cmdline = splitter->cmdline;
	enum cmdline_reason reason = CMDLINE_FINE;

	if (cmdline->count + 1 >= cmdline->words_max)
		return CMDLINE_TOO_MANY_WORDS;
	cmdline->words[cmdline->count] = cmdline->buffer + splitter->used;
	while (reason == CMDLINE_FINE && splitter->at < splitter->len &&
	       !is_blank(splitter->text[splitter->at]))
		reason = part_read(splitter);
	if (reason == CMDLINE_FINE)
		reason = put(splitter, '\0');
	cmdline->count += reason == CMDLINE_FINE;
	return reason;
}

enum error cmdline_split(struct cmdline *cmdline, const char *text, size_t len)
{
	struct splitter splitter = {.cmdline = cmdline, .text = text, .len = len};

	cmdline->count = 0;
	cmdline->reason = CMDLINE_FINE;
	while (cmdline->reason == CMDLINE_FINE) {
		while (splitter.at < len && is_blank(text[splitter.at]))
			splitter.at++;
		if (splitter.at == len)
			break;
		cmdline->reason = word_read(&splitter);
	}
	cmdline->fault_at = splitter.at;
	if (cmdline->words_max > 0)
		cmdline->words[cmdline->count] = NULL;
	if (cmdline->reason == CMDLINE_FINE)
		return ERR_OK;
	return cmdline->reason >= CMDLINE_TOO_MANY_WORDS ? ERR_LIMIT : ERR_FORMAT;
}
