/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line editor against two models: a slow editor that only knows what a line should become, and
 * a terminal that only knows what it was told to show.  After each key all three must agree.
 */
#include <criterion/criterion.h>
#include <lineedit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 1024

/* One row of a terminal is enough for one line. */
struct terminal {
	char row[COLUMNS + 1];
	size_t column;
	int bells;
	int escape; /* 0, 1 after ESC, 2 inside CSI */
	size_t number;
};

static void terminal_clear(struct terminal *terminal, size_t from)
{
	memset(terminal->row + from, ' ', COLUMNS - from);
}

static void terminal_sequence(struct terminal *terminal, char final)
{
	size_t count = terminal->number > 0 ? terminal->number : 1;

	switch (final) {
	case 'C':
		terminal->column += count;
		cr_assert_lt(terminal->column, COLUMNS);
		break;
	case 'D':
		cr_assert_geq(terminal->column, count);
		terminal->column -= count;
		break;
	case 'K':
		terminal_clear(terminal, terminal->column);
		break;
	case 'H':
		terminal->column = 0;
		break;
	case 'J':
		terminal_clear(terminal, 0);
		break;
	default:
		cr_assert_fail("unknown sequence %c", final);
	}
}

static void terminal_byte(struct terminal *terminal, char c)
{
	if (terminal->escape == 1) {
		cr_assert_eq(c, '[');
		terminal->escape = 2;
		terminal->number = 0;
	} else if (terminal->escape == 2 && c >= '0' && c <= '9') {
		terminal->number = terminal->number * 10 + (size_t)(c - '0');
	} else if (terminal->escape == 2) {
		terminal->escape = 0;
		terminal_sequence(terminal, c);
	} else if (c == '\033') {
		terminal->escape = 1;
	} else if (c == '\r') {
		terminal->column = 0;
	} else if (c == '\n') {
		terminal_clear(terminal, 0);
	} else if (c == '\a') {
		terminal->bells++;
	} else {
		cr_assert(c >= ' ' && c <= '~');
		cr_assert_lt(terminal->column, COLUMNS);
		terminal->row[terminal->column++] = c;
	}
}

static void terminal_write(void *context, const char *bytes, size_t len)
{
	cr_assert_gt(len, 0);
	for (size_t i = 0; i < len; i++)
		terminal_byte(context, bytes[i]);
}

static struct terminal terminal;
static struct lineedit *editor;

static void setup(void)
{
	/* On the heap, so that the address sanitizer guards its ends. */
	editor = malloc(sizeof(*editor));
	memset(&terminal, 0, sizeof(terminal));
	terminal_clear(&terminal, 0);
	lineedit_init(editor, terminal_write, &terminal);
	lineedit_start(editor, "baton> ");
}

static void teardown(void)
{
	free(editor);
}

TestSuite(lineedit, .init = setup, .fini = teardown);

static void expect_screen(void)
{
	char expected[COLUMNS + 1];

	memset(expected, ' ', sizeof(expected));
	memcpy(expected, editor->prompt, strlen(editor->prompt));
	memcpy(expected + strlen(editor->prompt), editor->line, editor->len);
	cr_assert(memcmp(expected, terminal.row, COLUMNS) == 0, "line \"%s\", screen \"%.80s\"",
		  editor->line, terminal.row);
	cr_assert_eq(terminal.column, strlen(editor->prompt) + editor->cursor);
	cr_assert(editor->cursor <= editor->len && editor->len < LINEEDIT_BYTES_MAX);
	cr_assert_eq(strlen(editor->line), editor->len);
}

static enum lineedit_result type(const char *keys)
{
	enum lineedit_result result = LINEEDIT_MORE;

	for (; *keys != '\0'; keys++) {
		cr_assert_eq(result, LINEEDIT_MORE);
		result = lineedit_byte(editor, (uint8_t)*keys);
		if (result == LINEEDIT_MORE)
			expect_screen();
	}
	return result;
}

static void expect_line(const char *keys, const char *line)
{
	cr_assert_eq(type(keys), LINEEDIT_LINE);
	cr_expect_str_eq(editor->line, line);
	lineedit_start(editor, "> ");
}

Test(lineedit, edits)
{
	expect_line("hello\r", "hello");
	expect_line("helo\033[Dl\r", "hello");
	expect_line("ello\001h\005!\r", "hello!");
	expect_line("ello\033[Hh\033[F!\r", "hello!");
	expect_line("ello\033[1~h\033[4~!\r", "hello!");
	expect_line("ello\033OHh\033OF!\r", "hello!");
	expect_line("abc\033[D\033[D\033[3~\r", "ac");
	expect_line("abc\177\010x\r", "ax");
	expect_line("abc\002\002\004\r", "ac");
	expect_line("one two  three  \027\027x\r", "one x");
	expect_line("one two\001\006\006\013\r", "on");
	expect_line("one two\002\002\025\r", "wo");
	expect_line("abc\014d\r", "abcd");
	expect_line("abc\001\014d\r", "dabc");
}

Test(lineedit, line_ends)
{
	expect_line("a\r", "a");
	/* The line feed of a CR LF pair is not a second, empty line. */
	cr_expect_eq(type("\n"), LINEEDIT_MORE);
	expect_line("b\n", "b");
	expect_line("\n", "");
	expect_line("\r", "");
	cr_expect_eq(type("abc\003"), LINEEDIT_INTERRUPT);
	cr_expect_str_eq(editor->line, "");
	lineedit_start(editor, "> ");
	cr_expect_eq(type("\004"), LINEEDIT_END);
	lineedit_start(editor, "> ");
	cr_expect_eq(type("a\001\004\004"), LINEEDIT_END);
}

Test(lineedit, history)
{
	char text[8];

	expect_line("first\r", "first");
	expect_line("second\r", "second");
	expect_line("second\r", "second");
	expect_line("\r", "");
	expect_line("\033[A\r", "second");
	expect_line("\033[A\033[A\r", "first");
	expect_line("draft\033[A\033[A\033[A\033[B\033[B\033[B\r", "draft");
	expect_line("draft2\020\020\016\016!\r", "draft2!");
	expect_line("\033[A\033[A?\r", "draft?");
	for (unsigned int i = 0; i < LINEEDIT_HISTORY_MAX + 5; i++) {
		snprintf(text, sizeof(text), "l%u\r", i);
		cr_assert_eq(type(text), LINEEDIT_LINE);
		lineedit_start(editor, "> ");
	}
	terminal.bells = 0;
	for (unsigned int i = 0; i < LINEEDIT_HISTORY_MAX; i++)
		type("\033[A");
	cr_expect_eq(terminal.bells, 0);
	cr_expect_str_eq(editor->line, "l5");
	type("\033[A");
	cr_expect_eq(terminal.bells, 1);
	cr_expect_str_eq(editor->line, "l5");
}

Test(lineedit, overlong_lines_ring)
{
	for (unsigned int i = 0; i < 2 * LINEEDIT_BYTES_MAX; i++)
		cr_assert_eq(lineedit_byte(editor, (uint8_t)('a' + i % 26)), LINEEDIT_MORE);
	expect_screen();
	cr_expect_eq(editor->len, LINEEDIT_BYTES_MAX - 1);
	cr_expect_eq(terminal.bells, LINEEDIT_BYTES_MAX + 1);
	type("\001x\005y\177z");
	cr_expect_eq(editor->len, LINEEDIT_BYTES_MAX - 1);
	cr_expect_eq(editor->line[editor->len - 1], 'z');
	cr_expect_eq(type("\r"), LINEEDIT_LINE);
	lineedit_start(editor, "> ");
	type("\033[A");
	cr_expect_eq(editor->len, LINEEDIT_BYTES_MAX - 1);
}

Test(lineedit, odd_sequences_do_no_harm)
{
	expect_line("a\033[99999999999999999999~b\r", "ab");
	expect_line("a\033[1;5Cb\r", "ab");
	expect_line("a\033[3;1~b\r", "ab");
	expect_line("a\033\033[Db\r", "ba");
	expect_line("a\033[\001b\r", "ba");
	expect_line("a\033xb\r", "ab");
	expect_line("a\033[200~b\r", "ab");
	expect_line("a\033[\r", "a");
	expect_line("a\tb\377\200c\r", "abc");
	/* A step and a deletion at the end of the line, and three bytes that are no keys. */
	cr_expect_eq(terminal.bells, 5);
}

Test(lineedit, hides_and_shows)
{
	type("abc\002");
	lineedit_hide(editor);
	for (size_t i = 0; i < COLUMNS; i++)
		cr_assert_eq(terminal.row[i], ' ');
	terminal_write(&terminal, "message\r\n", 9);
	lineedit_show(editor);
	expect_screen();
}

/* What the keys should make of a line, written without a thought for speed or terminals. */
struct model {
	char line[LINEEDIT_BYTES_MAX];
	size_t cursor;
};

static void model_cut(struct model *model, size_t from, size_t to)
{
	memmove(model->line + from, model->line + to, strlen(model->line) + 1 - to);
	model->cursor = from;
}

static void model_key(struct model *model, unsigned int key, char c)
{
	size_t len = strlen(model->line);
	size_t at = model->cursor;

	switch (key) {
	case 0:
		model->cursor = at > 0 ? at - 1 : 0;
		break;
	case 1:
		model->cursor = at < len ? at + 1 : len;
		break;
	case 2:
		model->cursor = 0;
		break;
	case 3:
		model->cursor = len;
		break;
	case 4:
		model_cut(model, at > 0 ? at - 1 : 0, at);
		break;
	case 5:
		model_cut(model, at, at < len ? at + 1 : len);
		break;
	case 6:
		model_cut(model, at, len);
		break;
	case 7:
		model_cut(model, 0, at);
		break;
	case 8:
		while (at > 0 && model->line[at - 1] == ' ')
			at--;
		while (at > 0 && model->line[at - 1] != ' ')
			at--;
		model_cut(model, at, model->cursor);
		break;
	case 9:
		break;
	default:
		if (len + 1 == LINEEDIT_BYTES_MAX)
			break;
		memmove(model->line + at + 1, model->line + at, len - at + 1);
		model->line[at] = c;
		model->cursor++;
		break;
	}
}

Test(lineedit, agrees_with_a_model)
{
	static const char *const keys[] = {"\033[D",  "\033[C", "\033OH", "\005", "\177",
					   "\033[3~", "\013",   "\025",   "\027", "\014"};
	uint64_t state = 77;
	struct model model = {.cursor = 0};

	for (int round = 0; round < 60000; round++) {
		char text[2] = "";
		unsigned int key;

		state = state * 6364136223846793005u + 1442695040888963407u;
		key = (unsigned int)(state >> 33) % 40;
		/* Lines shall grow long at times: kills are rare. */
		if (key >= 6 && key <= 7 && (state >> 50) % 20 != 0)
			key = 0;
		text[0] = (state >> 40) % 5 == 0 ? ' ' : (char)('a' + (state >> 45) % 26);
		model_key(&model, key, text[0]);
		type(key < 10 ? keys[key] : text);
		cr_assert_str_eq(editor->line, model.line);
		cr_assert_eq(editor->cursor, model.cursor);
	}
}

Test(lineedit, survives_noise)
{
	uint64_t state = 5;

	for (int round = 0; round < 300000; round++) {
		uint8_t byte;

		state = state * 6364136223846793005u + 1442695040888963407u;
		byte = (uint8_t)(state >> 33);
		if ((state >> 50) % 3 == 0)
			byte = (uint8_t) "\033[ABCD3~\r\n\001\013"[(state >> 42) % 12];
		if (lineedit_byte(editor, byte) != LINEEDIT_MORE)
			lineedit_start(editor, "$ ");
		if (round % 7 == 0)
			expect_screen();
	}
}
