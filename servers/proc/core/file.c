/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"
#include "realm.h"

#include "archive.h"
#include "bytes_msg.h"
#include "console.h"

struct file *file_get(struct process *process, word_t fd)
{
	if (fd >= PROC_FDS_MAX || process->files[fd].kind == PROC_FILE_NONE)
		return NULL;
	return &process->files[fd];
}

/* A closed descriptor, the lowest one; NULL: all are open. */
static struct file *file_free(struct process *process)
{
	for (uint32_t fd = 0; fd < PROC_FDS_MAX; fd++)
		if (process->files[fd].kind == PROC_FILE_NONE)
			return &process->files[fd];
	return NULL;
}

static word_t file_number(const struct process *process, const struct file *file)
{
	return (word_t)(file - process->files);
}

void file_console(struct file *file)
{
	*file = (struct file){.kind = PROC_FILE_CONSOLE};
}

void file_copy(struct file *to, const struct file *from)
{
	*to = *from;
	if (to->kind == PROC_FILE_PIPE_READ || to->kind == PROC_FILE_PIPE_WRITE)
		pipe_ref(to->pipe, to->kind == PROC_FILE_PIPE_WRITE);
}

void file_close(struct file *file)
{
	const struct file old = *file;

	file->kind = PROC_FILE_NONE;
	if (old.kind == PROC_FILE_PIPE_READ || old.kind == PROC_FILE_PIPE_WRITE)
		pipe_unref(old.pipe, old.kind == PROC_FILE_PIPE_WRITE);
}

static void archive_read(struct file *file, word_t bytes, struct msg *m)
{
	const uint64_t at = file->position < file->bytes ? file->position : file->bytes;

	if (bytes > file->bytes - at)
		bytes = file->bytes - at;
	if (bytes > PROC_IO_BYTES_MAX)
		bytes = PROC_IO_BYTES_MAX;
	msg_answer_bytes(m, file->data + at, (uint32_t)bytes);
	file->position += bytes;
}

bool file_read(struct process *process, struct msg *m)
{
	struct file *file = file_get(process, m->w[0]);
	const word_t bytes = m->w[1];

	switch (file == NULL ? PROC_FILE_NONE : file->kind) {
	case PROC_FILE_CONSOLE:
		return console_read(process, bytes, m);
	case PROC_FILE_PIPE_READ:
		return pipe_read(file->pipe, process, bytes, m);
	case PROC_FILE_ARCHIVE:
		archive_read(file, bytes, m);
		return true;
	default:
		msg_answer(m, ERR_ARG, 0);
		return true;
	}
}

bool file_write(struct process *process, struct msg *m)
{
	struct file *file = file_get(process, m->w[0]);
	const word_t bytes = m->w[1];
	char text[PROC_IO_BYTES_MAX];

	if (bytes > PROC_IO_BYTES_MAX || msg_words_of(bytes) + 2 > msg_length(m->info)) {
		msg_answer(m, ERR_RANGE, 0);
		return true;
	}
	switch (file == NULL ? PROC_FILE_NONE : file->kind) {
	case PROC_FILE_CONSOLE:
		msg_request_bytes(m, 2, text, (uint32_t)bytes);
		console_write(text, (uint32_t)bytes);
		m->w[0] = bytes;
		msg_answer(m, ERR_OK, 1);
		return true;
	case PROC_FILE_PIPE_WRITE:
		return pipe_write(file->pipe, process, bytes, m);
	default:
		msg_answer(m, ERR_ARG, 0);
		return true;
	}
}

void file_open(struct process *process, struct msg *m)
{
	struct file *file = file_free(process);
	struct cpio_entry entry;
	char name[PROC_NAME_MAX];

	if (file == NULL || m->w[0] >= PROC_NAME_MAX) {
		msg_answer(m, file == NULL ? ERR_LIMIT : ERR_RANGE, 0);
		return;
	}
	msg_request_bytes(m, 1, name, (uint32_t)m->w[0]);
	name[m->w[0]] = '\0';

	enum error error = archive_find(name, &entry);

	if (error == ERR_OK) {
		*file = (struct file){
			.kind = PROC_FILE_ARCHIVE, .data = entry.data, .bytes = entry.data_bytes};
		m->w[0] = file_number(process, file);
		m->w[1] = entry.data_bytes;
	}
	msg_answer(m, error, 2);
}

void file_close_request(struct process *process, struct msg *m)
{
	struct file *file = file_get(process, m->w[0]);

	if (file != NULL)
		file_close(file);
	msg_answer(m, file != NULL ? ERR_OK : ERR_ARG, 0);
}

void file_pipe(struct process *process, struct msg *m)
{
	struct file *reader = file_free(process);
	struct file *writer;
	uint32_t number;

	if (reader == NULL || realm_pipe(process) != ERR_OK) {
		msg_answer(m, ERR_LIMIT, 0);
		return;
	}
	reader->kind = PROC_FILE_PIPE_READ;
	writer = file_free(process);

	enum error error = writer != NULL ? pipe_new(&number) : ERR_LIMIT;

	if (error != ERR_OK) {
		reader->kind = PROC_FILE_NONE;
		msg_answer(m, error, 0);
		return;
	}
	*reader = (struct file){.kind = PROC_FILE_PIPE_READ, .pipe = number};
	*writer = (struct file){.kind = PROC_FILE_PIPE_WRITE, .pipe = number};
	m->w[0] = file_number(process, reader);
	m->w[1] = file_number(process, writer);
	msg_answer(m, ERR_OK, 2);
}

void file_dup(struct process *process, struct msg *m)
{
	struct file *from = file_get(process, m->w[0]);
	struct file *to = NULL;

	if (m->w[1] == PROC_FD_NONE)
		to = file_free(process);
	else if (m->w[1] < PROC_FDS_MAX)
		to = &process->files[m->w[1]];
	if (from == NULL || to == NULL) {
		msg_answer(m, from == NULL || m->w[1] != PROC_FD_NONE ? ERR_ARG : ERR_LIMIT, 0);
		return;
	}
	if (from != to) {
		struct file copy;

		file_copy(&copy, from);
		file_close(to);
		*to = copy;
	}
	m->w[0] = file_number(process, to);
	msg_answer(m, ERR_OK, 1);
}

void file_stat(struct process *process, struct msg *m)
{
	const struct file *file = file_get(process, m->w[0]);

	if (file == NULL) {
		msg_answer(m, ERR_ARG, 0);
		return;
	}
	m->w[0] = file->kind;
	m->w[1] = file->kind == PROC_FILE_ARCHIVE ? file->bytes : 0;
	m->w[2] = file->kind == PROC_FILE_ARCHIVE ? (word_t)(file->data - archive.base) : 0;
	m->w[3] = file->position;
	msg_answer(m, ERR_OK, 4);
}

void file_seek(struct process *process, struct msg *m)
{
	struct file *file = file_get(process, m->w[0]);

	if (file == NULL || file->kind != PROC_FILE_ARCHIVE) {
		msg_answer(m, ERR_ARG, 0);
		return;
	}
	file->position = m->w[1];
	msg_answer(m, ERR_OK, 0);
}

void file_list(struct msg *m)
{
	struct cpio_entry entry;
	word_t number = m->w[0];
	bool more = cpio_first(&archive, &entry);

	for (; more; more = cpio_next(&archive, &entry)) {
		if (!cpio_entry_is_file(&entry))
			continue;
		if (number-- == 0)
			break;
	}
	if (!more) {
		msg_answer(m, ERR_NOT_FOUND, 0);
		return;
	}

	const uint32_t bytes = entry.name_len < PROC_NAME_MAX ? (uint32_t)entry.name_len
							      : PROC_NAME_MAX;

	m->w[0] = entry.data_bytes;
	m->w[1] = entry.mode;
	m->w[2] = bytes;
	msg_words_put(m, 3, entry.name, bytes);
	msg_answer(m, ERR_OK, 3 + msg_words_of(bytes));
}
