/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdin, stdout and stderr of the C library.
 *
 * The library hands single characters over.  Each thread gathers them in buffers of its own and
 * sends a whole line at a time, so there is no lock, and lines of different threads do not mix.
 * Bad at: a line longer than the buffer, which goes out in pieces; a thread killed in mid-line.
 */
#include <stdio.h>

#include <libsys/file.h>

#include "thread.h"

struct line {
	unsigned used;
	char text[PROC_IO_BYTES_MAX - 16];
};

static _Thread_local struct line lines[2]; /* of descriptors 1 and 2 */

static int line_send(struct line *line, word_t fd)
{
	enum error error = ERR_OK;

	if (line->used > 0)
		error = file_write(fd, line->text, line->used);
	line->used = 0;
	return error == ERR_OK ? 0 : EOF;
}

static int line_put(word_t fd, char c)
{
	struct line *line = &lines[fd - 1];

	line->text[line->used++] = c;
	if (c == '\n' || line->used == sizeof(line->text))
		return line_send(line, fd) == 0 ? (unsigned char)c : EOF;
	return (unsigned char)c;
}

static int stdout_put(char c, FILE *file)
{
	(void)file;
	return line_put(1, c);
}

static int stdout_flush(FILE *file)
{
	(void)file;
	return line_send(&lines[0], 1);
}

static int stderr_put(char c, FILE *file)
{
	(void)file;
	return line_put(2, c);
}

static int stderr_flush(FILE *file)
{
	(void)file;
	return line_send(&lines[1], 2);
}

void stdio_flush_thread(void)
{
	line_send(&lines[0], 1);
	line_send(&lines[1], 2);
}

/* Input is read by one thread at a time: whoever reads the console or a pipe line by line. */
static struct mtx input_lock = MTX_INIT;
static char input[PROC_IO_BYTES_MAX];
static size_t input_at;
static size_t input_end;

static int input_next(void)
{
	if (input_at == input_end) {
		stdio_flush_thread(); /* a prompt is seen before the answer is waited for */
		input_at = 0;
		input_end = 0;
		if (file_read(0, input, sizeof(input), &input_end) != ERR_OK)
			return _FDEV_ERR;
		if (input_end == 0)
			return _FDEV_EOF;
	}
	return (unsigned char)input[input_at++];
}

static int stdin_get(FILE *file)
{
	(void)file;
	mtx_lock(&input_lock);
	int c = input_next();

	mtx_unlock(&input_lock);
	return c;
}

static FILE file_stdin = FDEV_SETUP_STREAM(NULL, stdin_get, NULL, _FDEV_SETUP_READ);
static FILE file_stdout = FDEV_SETUP_STREAM(stdout_put, NULL, stdout_flush, _FDEV_SETUP_WRITE);
static FILE file_stderr = FDEV_SETUP_STREAM(stderr_put, NULL, stderr_flush, _FDEV_SETUP_WRITE);

FILE *const stdin = &file_stdin;
FILE *const stdout = &file_stdout;
FILE *const stderr = &file_stderr;
