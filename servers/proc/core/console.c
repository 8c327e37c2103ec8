/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "console.h"

#include <libsys/objects.h>

#include "bytes_msg.h"
#include "lineedit.h"
#include "realm.h"

#define PENDING_MAX 512u
#define PROMPT_MAX  64u

static struct {
	struct lineedit editor;
	bool editing; /* a line was begun */
	char prompt[PROMPT_MAX];
	char partial[PROMPT_MAX]; /* output since the last line end */
	uint32_t partial_bytes;
	uint32_t foreground;
	uint32_t realm; /* whose processes may pass the foreground on, too; 0: nobody's */
	struct list_node readers;
	/* Lines that nobody has read yet. */
	uint8_t line[LINEEDIT_BYTES_MAX + 1];
	uint32_t line_bytes;
	uint32_t line_at;
	bool end; /* the next read gets end of file */
	/* Typed ahead. */
	uint8_t pending[PENDING_MAX];
	uint32_t pending_head;
	uint32_t pending_bytes;
} console;

static void output(const char *text, uint32_t bytes)
{
	for (uint32_t at = 0; at < bytes;) {
		const uint32_t left = bytes - at;
		const uint32_t piece = left < SYSTEM_DEBUG_BYTES ? left : SYSTEM_DEBUG_BYTES;
		/* Nobody could be told of a failure but by writing. */
		enum error error = system_debug_write(BOOT_SLOT_SYSTEM, text + at, piece);

		(void)error;
		at += piece;
	}
}

/* Remember what stands on the last line. */
static void partial_keep(const char *text, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++) {
		if (text[i] == '\n')
			console.partial_bytes = 0;
		else if (console.partial_bytes < PROMPT_MAX - 1)
			console.partial[console.partial_bytes++] = text[i];
	}
}

void console_write(const char *text, uint32_t bytes)
{
	if (console.editing)
		lineedit_hide(&console.editor);
	output(text, bytes);
	if (console.editing) {
		if (bytes != 0 && text[bytes - 1] != '\n')
			output("\n", 1);
		lineedit_show(&console.editor);
	} else {
		partial_keep(text, bytes);
	}
}

/* Begin a line where the cursor stands: what is before it is the prompt. */
static void edit_start(void)
{
	for (uint32_t i = 0; i < console.partial_bytes; i++)
		console.prompt[i] = console.partial[i];
	console.prompt[console.partial_bytes] = '\0';
	console.partial_bytes = 0;
	output("\r", 1);
	lineedit_start(&console.editor, console.prompt);
	console.editing = true;
}

static void editor_write(void *context, const char *bytes, size_t len)
{
	(void)context;
	output(bytes, (uint32_t)len);
}

void console_init(void)
{
	list_init(&console.readers);
	lineedit_init(&console.editor, editor_write, NULL);
}

/* Who is confined is not told what is typed for others, say for a shell at its prompt. */
static bool may_read(const struct process *process)
{
	return process->realm == 0 || process->group == console.foreground;
}

enum error console_foreground(const struct process *caller, uint32_t group)
{
	const struct process *leader = process_get(group);

	if (caller->realm == 0) {
		console.realm = leader != NULL ? leader->realm : 0;
	} else {
		if (group == 0)
			group = caller->group;
		if (console.realm != caller->realm ||
		    (group != caller->group &&
		     (leader == NULL || realm_reaches(caller, leader) != ERR_OK)))
			return ERR_PERMISSION;
	}
	console.foreground = group;
	console_check();
	return ERR_OK;
}

void console_give(const struct process *caller, uint32_t group)
{
	/* Else it stays where it is. */
	enum error error = may_read(caller) ? console_foreground(caller, group) : ERR_PERMISSION;

	(void)error;
}

void console_check(void)
{
	struct list_node *node = list_first(&console.readers);

	while (node != NULL) {
		struct waiter *waiter = waiter_of(node);

		node = node->next == &console.readers ? NULL : node->next;
		if (!may_read(waiter->process))
			waiter_fail(waiter, ERR_PERMISSION);
	}
}

static void group_interrupt(void)
{
	for (struct process *process = process_next(1); process != NULL;
	     process = process_next((word_t)process->pid + 1))
		if (process->group == console.foreground)
			process_end(process, 0, PROC_SIGINT);
}

_Static_assert(sizeof(console.line) <= PROC_IO_BYTES_MAX, "a message has room for a line");

/* The answer to who reads that many, which is still there. */
static void console_look(word_t bytes_max, struct msg *m)
{
	const uint32_t left = console.line_bytes - console.line_at;

	msg_answer_bytes(m, console.line + console.line_at,
			 bytes_max < left ? (uint32_t)bytes_max : left);
}

/* Who reads that many has had the answer. */
static void console_take(word_t bytes_max)
{
	const uint32_t left = console.line_bytes - console.line_at;

	if (left == 0 && bytes_max != 0)
		console.end = false;
	console.line_at += bytes_max < left ? (uint32_t)bytes_max : left;
}

/* What is left of the line to the first who reads. */
static void readers_serve(void)
{
	while (!list_empty(&console.readers) &&
	       (console.line_at < console.line_bytes || console.end)) {
		struct waiter *waiter = waiter_of(list_pop_front(&console.readers));
		struct msg m;
		const word_t want = waiter->want;

		console_look(want, &m);
		/* Else it is for the next one. */
		if (waiter_try_answer(waiter, &m) == ERR_OK)
			console_take(want);
	}
}

/* The line is done: keep it for the readers. */
static void line_keep(void)
{
	for (uint32_t i = 0; i < console.editor.len; i++)
		console.line[i] = (uint8_t)console.editor.line[i];
	console.line[console.editor.len] = '\n';
	console.line_bytes = (uint32_t)console.editor.len + 1;
	console.line_at = 0;
}

/* Feed what was typed to the editor, as long as somebody waits for a line. */
static void pending_edit(void)
{
	while (console.pending_bytes != 0 && !list_empty(&console.readers)) {
		const uint8_t byte = console.pending[console.pending_head];

		console.pending_head = (console.pending_head + 1) % PENDING_MAX;
		console.pending_bytes--;
		switch (lineedit_byte(&console.editor, byte)) {
		case LINEEDIT_LINE:
			line_keep();
			break;
		case LINEEDIT_END:
			console.end = true;
			break;
		case LINEEDIT_INTERRUPT: /* the same prompt again, for another line */
			lineedit_start(&console.editor, console.prompt);
			continue;
		default:
			continue;
		}
		console.editing = false;
		readers_serve();
		if (!list_empty(&console.readers))
			edit_start();
	}
}

void console_input(struct msg *m)
{
	uint8_t typed[PROC_IO_BYTES_MAX];
	const uint32_t bytes = m->w[0] < PROC_IO_BYTES_MAX ? (uint32_t)m->w[0] : PROC_IO_BYTES_MAX;

	msg_request_bytes(m, 1, typed, bytes);
	for (uint32_t i = 0; i < bytes; i++) {
		/* The shell at its prompt has no foreground group: then Ctrl-C is the editor's. */
		if (typed[i] == 3 && console.foreground != 0) {
			group_interrupt();
			continue;
		}
		if (console.pending_bytes == PENDING_MAX)
			continue; /* typed too far ahead: dropped, as a UART does */
		console.pending[(console.pending_head + console.pending_bytes) % PENDING_MAX] =
			typed[i];
		console.pending_bytes++;
	}
	pending_edit();
	msg_answer(m, ERR_OK, 0);
}

void console_keys(struct msg *m)
{
	m->w[0] = console.pending_bytes;
	console.pending_bytes = 0;
	msg_answer(m, ERR_OK, 1);
}

bool console_read(struct process *process, word_t bytes_max, struct msg *m)
{
	struct waiter *waiter;

	if (!may_read(process)) {
		msg_answer(m, ERR_PERMISSION, 0);
		return true;
	}
	if (console.line_at < console.line_bytes || console.end || bytes_max == 0) {
		console_look(bytes_max, m);
		console_take(bytes_max);
		return true;
	}
	waiter = waiter_defer(process);
	waiter->want = bytes_max;
	list_push_back(&console.readers, &waiter->link);
	if (!console.editing)
		edit_start();
	pending_edit();
	return false;
}
