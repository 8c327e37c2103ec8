/* SPDX-License-Identifier: BSD-2-Clause */
/* Line editor of the console.  See lineedit.h. */
#include "lineedit.h"

#include <base/bytes.h>
#include <base/parse.h>

#define CTRL(letter) ((uint8_t)((letter)&0x1f))
#define BYTE_ESCAPE  0x1bu
#define BYTE_DELETE  0x7fu

static void emit(struct lineedit *editor, const char *bytes, size_t len)
{
	if (len > 0)
		editor->write(editor->context, bytes, len);
}

static void emit_text(struct lineedit *editor, const char *text)
{
	emit(editor, text, str_len_max(text, SIZE_MAX));
}

static void bell(struct lineedit *editor)
{
	emit(editor, "\a", 1);
}

/* Moves the terminal's cursor @count columns: 'C' to the right, 'D' to the left. */
static void emit_move(struct lineedit *editor, size_t count, char direction)
{
	char sequence[24] = "\033[";
	size_t len = 2;

	if (count == 0)
		return;
	len += format_u64(count, sequence + len);
	sequence[len++] = direction;
	emit(editor, sequence, len);
}

static void cursor_to(struct lineedit *editor, size_t to)
{
	if (to < editor->cursor)
		emit_move(editor, editor->cursor - to, 'D');
	else
		emit_move(editor, to - editor->cursor, 'C');
	editor->cursor = to;
}

/* Prints what stands right of the cursor, clears what was there before, and comes back. */
static void tail_draw(struct lineedit *editor)
{
	emit(editor, editor->line + editor->cursor, editor->len - editor->cursor);
	emit_text(editor, "\033[K");
	emit_move(editor, editor->len - editor->cursor, 'D');
}

/* Removes @line[from..to); the cursor ends at @from. */
static void cut(struct lineedit *editor, size_t from, size_t to)
{
	if (from == to) {
		bell(editor);
		return;
	}
	cursor_to(editor, from);
	for (size_t i = to; i <= editor->len; i++)
		editor->line[from + i - to] = editor->line[i];
	editor->len -= to - from;
	tail_draw(editor);
}

static void insert(struct lineedit *editor, char c)
{
	if (editor->len + 1 >= LINEEDIT_BYTES_MAX) {
		bell(editor);
		return;
	}
	for (size_t i = editor->len + 1; i > editor->cursor; i--)
		editor->line[i] = editor->line[i - 1];
	editor->line[editor->cursor] = c;
	editor->len++;
	emit(editor, &c, 1);
	editor->cursor++;
	if (editor->cursor < editor->len)
		tail_draw(editor);
}

static void line_replace(struct lineedit *editor, const char *text)
{
	cursor_to(editor, 0);
	editor->len = str_len_max(text, LINEEDIT_BYTES_MAX - 1);
	bytes_copy(editor->line, text, editor->len);
	editor->line[editor->len] = '\0';
	tail_draw(editor);
	cursor_to(editor, editor->len);
}

/* The line entered @back lines ago; 1 is the newest. */
static char *history_line(struct lineedit *editor, uint32_t back)
{
	return editor->history[(editor->history_next - back) % LINEEDIT_HISTORY_MAX];
}

static void history_add(struct lineedit *editor)
{
	if (editor->len == 0 ||
	    (editor->history_used > 0 && str_equal(history_line(editor, 1), editor->line)))
		return;
	bytes_copy(editor->history[editor->history_next % LINEEDIT_HISTORY_MAX], editor->line,
		   editor->len + 1);
	editor->history_next++;
	if (editor->history_used < LINEEDIT_HISTORY_MAX)
		editor->history_used++;
}

/* @back is at most one away from where the user is. */
static void history_go(struct lineedit *editor, uint32_t back)
{
	if (back > editor->history_used) {
		bell(editor);
		return;
	}
	if (editor->history_back == 0)
		bytes_copy(editor->draft, editor->line, editor->len + 1);
	editor->history_back = back;
	line_replace(editor, back == 0 ? editor->draft : history_line(editor, back));
}

static void history_up(struct lineedit *editor)
{
	history_go(editor, editor->history_back + 1);
}

static void history_down(struct lineedit *editor)
{
	if (editor->history_back == 0)
		bell(editor);
	else
		history_go(editor, editor->history_back - 1);
}

static void step(struct lineedit *editor, bool right)
{
	if (right ? editor->cursor == editor->len : editor->cursor == 0)
		bell(editor);
	else
		cursor_to(editor, right ? editor->cursor + 1 : editor->cursor - 1);
}

static void delete_right(struct lineedit *editor)
{
	cut(editor, editor->cursor, editor->cursor + (editor->cursor < editor->len));
}

static void delete_left(struct lineedit *editor)
{
	cut(editor, editor->cursor - (editor->cursor > 0), editor->cursor);
}

static void delete_word(struct lineedit *editor)
{
	size_t from = editor->cursor;

	while (from > 0 && editor->line[from - 1] == ' ')
		from--;
	while (from > 0 && editor->line[from - 1] != ' ')
		from--;
	cut(editor, from, editor->cursor);
}

static void escape_key(struct lineedit *editor, uint8_t final)
{
	switch (final) {
	case 'A':
		history_up(editor);
		break;
	case 'B':
		history_down(editor);
		break;
	case 'C':
		step(editor, true);
		break;
	case 'D':
		step(editor, false);
		break;
	case 'H':
		cursor_to(editor, 0);
		break;
	case 'F':
		cursor_to(editor, editor->len);
		break;
	default:
		break;
	}
}

/* Keys that send a number and '~'. */
static void number_key(struct lineedit *editor)
{
	switch (editor->parameter) {
	case 1:
	case 7:
		cursor_to(editor, 0);
		break;
	case 4:
	case 8:
		cursor_to(editor, editor->len);
		break;
	case 3:
		delete_right(editor);
		break;
	default:
		break;
	}
}

static void csi_byte(struct lineedit *editor, uint8_t byte)
{
	if (byte >= '0' && byte <= '9' && !editor->parameter_done) {
		/* Far above any key's number it stops counting, so it cannot wrap. */
		if (editor->parameter < 1000)
			editor->parameter = editor->parameter * 10 + (uint32_t)(byte - '0');
		return;
	}
	if (byte < 0x40) {
		/* More parameters and intermediate bytes; only the first number matters. */
		editor->parameter_done = true;
		return;
	}
	editor->state = LINEEDIT_PLAIN;
	if (byte == '~')
		number_key(editor);
	else
		escape_key(editor, byte);
}

/* Bytes of an escape sequence, none of them a control byte. */
static void escape_byte(struct lineedit *editor, uint8_t byte)
{
	switch (editor->state) {
	case LINEEDIT_ESCAPE:
		editor->parameter = 0;
		editor->parameter_done = false;
		editor->state = byte == '['   ? LINEEDIT_CSI
				: byte == 'O' ? LINEEDIT_SS3
					      : LINEEDIT_PLAIN;
		break;
	case LINEEDIT_SS3:
		editor->state = LINEEDIT_PLAIN;
		escape_key(editor, byte);
		break;
	default:
		csi_byte(editor, byte);
		break;
	}
}

static enum lineedit_result line_done(struct lineedit *editor, enum lineedit_result result)
{
	/* From the end, so that a long line is not overwritten by what comes next. */
	cursor_to(editor, editor->len);
	if (result == LINEEDIT_INTERRUPT) {
		emit_text(editor, "^C");
		editor->len = 0;
		editor->line[0] = '\0';
	}
	emit_text(editor, "\r\n");
	if (result == LINEEDIT_LINE)
		history_add(editor);
	return result;
}

static void control_byte(struct lineedit *editor, uint8_t byte)
{
	switch (byte) {
	case CTRL('A'):
		cursor_to(editor, 0);
		break;
	case CTRL('B'):
		step(editor, false);
		break;
	case CTRL('D'):
		delete_right(editor);
		break;
	case CTRL('E'):
		cursor_to(editor, editor->len);
		break;
	case CTRL('F'):
		step(editor, true);
		break;
	case CTRL('H'):
	case BYTE_DELETE:
		delete_left(editor);
		break;
	case CTRL('K'):
		cut(editor, editor->cursor, editor->len);
		break;
	case CTRL('L'):
		emit_text(editor, "\033[H\033[2J");
		lineedit_show(editor);
		break;
	case CTRL('N'):
		history_down(editor);
		break;
	case CTRL('P'):
		history_up(editor);
		break;
	case CTRL('U'):
		cut(editor, 0, editor->cursor);
		break;
	case CTRL('W'):
		delete_word(editor);
		break;
	default:
		bell(editor);
		break;
	}
}

enum lineedit_result lineedit_byte(struct lineedit *editor, uint8_t byte)
{
	bool after_return = editor->after_return;

	editor->after_return = byte == '\r';
	/* A control byte ends a sequence that it stands in, and counts itself. */
	if (editor->state != LINEEDIT_PLAIN && byte >= ' ' && byte != BYTE_DELETE) {
		escape_byte(editor, byte);
		return LINEEDIT_MORE;
	}
	editor->state = LINEEDIT_PLAIN;
	if (byte == BYTE_ESCAPE)
		editor->state = LINEEDIT_ESCAPE;
	else if (byte == '\r')
		return line_done(editor, LINEEDIT_LINE);
	else if (byte == '\n')
		return after_return ? LINEEDIT_MORE : line_done(editor, LINEEDIT_LINE);
	else if (byte == CTRL('C'))
		return line_done(editor, LINEEDIT_INTERRUPT);
	else if (byte == CTRL('D') && editor->len == 0)
		return line_done(editor, LINEEDIT_END);
	else if (byte >= ' ' && byte < BYTE_DELETE)
		insert(editor, (char)byte);
	else
		control_byte(editor, byte);
	return LINEEDIT_MORE;
}

void lineedit_init(struct lineedit *editor,
		   void (*write)(void *context, const char *bytes, size_t len), void *context)
{
	*editor = (struct lineedit){.write = write, .context = context, .prompt = ""};
}

void lineedit_start(struct lineedit *editor, const char *prompt)
{
	editor->prompt = prompt;
	editor->len = 0;
	editor->cursor = 0;
	editor->line[0] = '\0';
	editor->history_back = 0;
	editor->state = LINEEDIT_PLAIN;
	emit_text(editor, prompt);
}

void lineedit_hide(struct lineedit *editor)
{
	emit_text(editor, "\r\033[K");
}

void lineedit_show(struct lineedit *editor)
{
	emit_text(editor, editor->prompt);
	emit(editor, editor->line, editor->len);
	emit_move(editor, editor->len - editor->cursor, 'D');
}
