/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console's line editor before a terminal that only knows what it was told to show: after each
 * key both agree.  Each line goes on to the splitter of command lines.
 * Two bytes that are no keys stand for what others do to the screen: 0xfe hides and shows the line,
 * 0xff gives the line up and starts another.
 */
#include "fuzz.h"

#include <cmdline.h>
#include <lineedit.h>

#define COLUMNS 320u
#define PROMPT  "baton> "

static struct {
	char row[COLUMNS];
	size_t column;
	int escape; /* 0, 1 after ESC, 2 inside CSI */
	size_t number;
} terminal;

static void terminal_clear(size_t from)
{
	memset(terminal.row + from, ' ', COLUMNS - from);
}

static void terminal_sequence(char final)
{
	size_t count = terminal.number > 0 ? terminal.number : 1;

	switch (final) {
	case 'C':
		terminal.column += count;
		fuzz_check(terminal.column < COLUMNS);
		break;
	case 'D':
		fuzz_check(terminal.column >= count);
		terminal.column -= count;
		break;
	case 'K':
		terminal_clear(terminal.column);
		break;
	case 'H':
		terminal.column = 0;
		break;
	case 'J':
		terminal_clear(0);
		break;
	default:
		fuzz_check(!"a sequence that the terminal knows");
	}
}

static void terminal_byte(char c)
{
	if (terminal.escape == 1) {
		fuzz_check(c == '[');
		terminal.escape = 2;
		terminal.number = 0;
	} else if (terminal.escape == 2 && c >= '0' && c <= '9') {
		terminal.number = terminal.number * 10 + (size_t)(c - '0');
	} else if (terminal.escape == 2) {
		terminal.escape = 0;
		terminal_sequence(c);
	} else if (c == '\033') {
		terminal.escape = 1;
	} else if (c == '\r') {
		terminal.column = 0;
	} else if (c == '\n') {
		terminal_clear(0);
	} else if (c != '\a') {
		fuzz_check(c >= ' ' && c <= '~' && terminal.column < COLUMNS);
		terminal.row[terminal.column++] = c;
	}
}

static void terminal_write(void *context, const char *bytes, size_t len)
{
	(void)context;
	fuzz_check(len > 0);
	for (size_t i = 0; i < len; i++)
		terminal_byte(bytes[i]);
}

static void check_screen(const struct lineedit *editor)
{
	size_t prompt = strlen(PROMPT);

	fuzz_check(editor->cursor <= editor->len && editor->len < LINEEDIT_BYTES_MAX);
	fuzz_check(strlen(editor->line) == editor->len && terminal.escape == 0);
	fuzz_check(terminal.column == prompt + editor->cursor);
	fuzz_check(memcmp(terminal.row, PROMPT, prompt) == 0);
	fuzz_check(memcmp(terminal.row + prompt, editor->line, editor->len) == 0);
	for (size_t i = prompt + editor->len; i < COLUMNS; i++)
		fuzz_check(terminal.row[i] == ' ');
}

/* Room for the words as the header says it: len + 1 bytes are always enough. */
static void split(const char *line, size_t len)
{
	char *words[8];
	struct cmdline cmdline = {
		.buffer = malloc(len + 1), .buffer_bytes = len + 1, .words = words, .words_max = 8};
	enum error error = cmdline_split(&cmdline, line, len);

	fuzz_check((error == ERR_OK) == (cmdline.reason == CMDLINE_FINE));
	fuzz_check(cmdline.reason != CMDLINE_TOO_LONG);
	if (error == ERR_OK)
		fuzz_check(cmdline.count < 8 && words[cmdline.count] == NULL);
	free(cmdline.buffer);
}

static void take_line(struct lineedit *editor, enum lineedit_result result)
{
	if (result == LINEEDIT_LINE)
		split(editor->line, editor->len);
	if (result == LINEEDIT_INTERRUPT)
		fuzz_check(editor->len == 0);
	terminal_write(NULL, "\r\n", 2);
	lineedit_start(editor, PROMPT);
}

static void key(struct lineedit *editor, uint8_t byte)
{
	enum lineedit_result result = LINEEDIT_MORE;

	if (byte == 0xfe) {
		lineedit_hide(editor);
		for (size_t i = 0; i < COLUMNS; i++)
			fuzz_check(terminal.row[i] == ' ');
		terminal_write(NULL, "message\r\n", 9);
		lineedit_show(editor);
	} else if (byte == 0xff) {
		result = LINEEDIT_END;
	} else {
		result = lineedit_byte(editor, byte);
	}
	if (result != LINEEDIT_MORE)
		take_line(editor, result);
	check_screen(editor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* On the heap, so that the address sanitizer guards its ends. */
	struct lineedit *editor = malloc(sizeof(*editor));

	memset(&terminal, 0, sizeof(terminal));
	terminal_clear(0);
	lineedit_init(editor, terminal_write, NULL);
	lineedit_start(editor, PROMPT);
	for (size_t i = 0; i < size; i++)
		key(editor, data[i]);
	free(editor);
	return 0;
}
