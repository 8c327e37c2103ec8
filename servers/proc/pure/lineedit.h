/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Line editor of the console: bytes from the terminal in, bytes for the terminal out, a line now
 * and then.  A state machine without allocation or input of its own.
 *
 * Keys: left and right (or ^B ^F), Home and End (or ^A ^E), Delete, Backspace, ^D (delete, or end
 * of input on an empty line), ^K ^U ^W (delete to the end, to the start, a word), ^L (fresh
 * screen), up and down (or ^P ^N) through the lines entered before, ^C (give up this line).
 *
 * Invariants: cursor <= len < LINEEDIT_BYTES_MAX; line[len] is NUL; on the screen stands the
 * prompt and the line, and the terminal's cursor is where the editor's is.
 *
 * Bad at: lines longer than the terminal is wide (the cursor does not climb to the row above), and
 * anything but ASCII: other bytes ring the bell.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINEEDIT_BYTES_MAX   256u /* with the NUL */
#define LINEEDIT_HISTORY_MAX 16u

enum lineedit_result {
	LINEEDIT_MORE,      /* go on */
	LINEEDIT_LINE,      /* a line is ready in lineedit->line */
	LINEEDIT_INTERRUPT, /* ^C; the line is empty */
	LINEEDIT_END,       /* ^D on an empty line */
};

enum lineedit_state { LINEEDIT_PLAIN, LINEEDIT_ESCAPE, LINEEDIT_CSI, LINEEDIT_SS3 };

struct lineedit {
	/* Set by lineedit_init(), read-only afterwards. */
	void (*write)(void *context, const char *bytes, size_t len);
	void *context;

	/* May be read by the caller after LINEEDIT_LINE, until the next lineedit_start(). */
	char line[LINEEDIT_BYTES_MAX];
	size_t len;

	/* Private. */
	size_t cursor;
	const char *prompt;
	enum lineedit_state state;
	uint32_t parameter; /* first number of a CSI sequence */
	bool parameter_done;
	bool after_return;     /* a line feed that follows is part of the same line end */
	uint32_t history_used; /* entries; the newest is number history_next - 1 */
	uint32_t history_next;
	uint32_t history_back; /* how many lines back the user has gone; 0: own line */
	char draft[LINEEDIT_BYTES_MAX];
	char history[LINEEDIT_HISTORY_MAX][LINEEDIT_BYTES_MAX];
};

/* @write is called with what the terminal is to get. */
void lineedit_init(struct lineedit *editor,
		   void (*write)(void *context, const char *bytes, size_t len), void *context);

/* Begins a line: prints @prompt, which must stay valid until the line is done. */
void lineedit_start(struct lineedit *editor, const char *prompt);

/*
 * One byte of input.  After anything but LINEEDIT_MORE call lineedit_start() before the next byte.
 * Cost: bounded by the length of a line.
 */
enum lineedit_result lineedit_byte(struct lineedit *editor, uint8_t byte);

/* Removes the line from the screen, so that something else can be printed; and shows it again. */
void lineedit_hide(struct lineedit *editor);
void lineedit_show(struct lineedit *editor);
