/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <libsys/file.h>
#include <libsys/memory.h>
#include <proc/slots.h>

#include "message.h"

static enum error proc_request(word_t label, const word_t *words, unsigned length, struct msg *m)
{
	return server_request(PROC_SLOT_PROC, label, words, length, m);
}

enum error file_open(const char *name, word_t *fd, size_t *bytes)
{
	size_t length = strlen(name) + 1;

	if (length > PROC_NAME_MAX)
		return ERR_NOT_FOUND;
	struct msg m = msg_make(PROC_REQ_OPEN, 1 + msg_words_of(length));

	m.w[0] = length;
	message_put(&m, 1, name, length);
	enum error error = server_call(PROC_SLOT_PROC, &m);

	if (error != ERR_OK)
		return error;
	*fd = m.w[0];
	if (bytes)
		*bytes = m.w[1];
	return ERR_OK;
}

enum error file_close(word_t fd)
{
	struct msg m;

	return proc_request(PROC_REQ_CLOSE, &fd, 1, &m);
}

enum error file_read(word_t fd, void *to, size_t bytes, size_t *got)
{
	const word_t words[] = {fd, bytes < PROC_IO_BYTES_MAX ? bytes : PROC_IO_BYTES_MAX};
	struct msg m;
	enum error error = proc_request(PROC_REQ_READ, words, 2, &m);

	if (error != ERR_OK)
		return error;
	if (m.w[0] > words[1])
		return ERR_INTERNAL;
	*got = m.w[0];
	message_get(&m, 1, to, *got);
	return ERR_OK;
}

static enum error write_piece(word_t fd, const void *from, size_t bytes, size_t *taken)
{
	struct msg m = msg_make(PROC_REQ_WRITE, 2 + msg_words_of(bytes));

	m.w[0] = fd;
	m.w[1] = bytes;
	message_put(&m, 2, from, bytes);
	enum error error = server_call(PROC_SLOT_PROC, &m);

	*taken = m.w[0];
	return error;
}

enum error file_write(word_t fd, const void *from, size_t bytes)
{
	const char *at = from;

	while (bytes > 0) {
		size_t piece = bytes < PROC_IO_BYTES_MAX ? bytes : PROC_IO_BYTES_MAX;
		size_t taken;
		enum error error = write_piece(fd, at, piece, &taken);

		if (error != ERR_OK)
			return error;
		if (taken > piece)
			return ERR_INTERNAL;
		/* Nothing taken: the pipe was full, proc waited for us, and now there is room. */
		at += taken;
		bytes -= taken;
	}
	return ERR_OK;
}

enum error file_seek(word_t fd, size_t position)
{
	const word_t words[] = {fd, position};
	struct msg m;

	return proc_request(PROC_REQ_SEEK, words, 2, &m);
}

enum error file_duplicate(word_t old_fd, word_t new_fd, word_t *fd)
{
	const word_t words[] = {old_fd, new_fd};
	struct msg m;
	enum error error = proc_request(PROC_REQ_DUP, words, 2, &m);

	if (error == ERR_OK)
		*fd = m.w[0];
	return error;
}

enum error pipe_create(word_t *read_fd, word_t *write_fd)
{
	struct msg m;
	enum error error = proc_request(PROC_REQ_PIPE, NULL, 0, &m);

	if (error == ERR_OK) {
		*read_fd = m.w[0];
		*write_fd = m.w[1];
	}
	return error;
}

enum error file_stat(word_t fd, struct file_stat *stat)
{
	return server_query(PROC_SLOT_PROC, PROC_REQ_FILE_STAT, &fd, 1, stat, sizeof(*stat));
}

enum error file_map(const char *name, const void **data, size_t *bytes)
{
	struct file_stat stat;
	word_t fd;
	void *at;
	enum error error = file_open(name, &fd, NULL);

	if (error != ERR_OK)
		return error;
	error = file_stat(fd, &stat);
	if (error == ERR_OK && stat.kind != PROC_FILE_ARCHIVE)
		error = ERR_UNSUPPORTED;
	if (error == ERR_OK && stat.bytes == 0)
		at = (void *)(uintptr_t)PAGE_SIZE;
	else if (error == ERR_OK)
		error = memory_map_file(stat.archive_offset, stat.bytes, MM_PROT_READ, &at);
	(void)!file_close(fd);
	if (error == ERR_OK) {
		*data = at;
		*bytes = stat.bytes;
	}
	return error;
}

enum error file_unmap(const void *data, size_t bytes)
{
	uintptr_t first = (uintptr_t)data & ~(uintptr_t)(PAGE_SIZE - 1);
	uintptr_t end = ((uintptr_t)data + bytes + PAGE_SIZE - 1) & ~(uintptr_t)(PAGE_SIZE - 1);

	return bytes == 0 ? ERR_OK : memory_unmap((void *)first, end - first);
}

enum error file_list(word_t number, struct file_entry *entry)
{
	struct msg m;
	enum error error = proc_request(PROC_REQ_FILE_LIST, &number, 1, &m);

	if (error != ERR_OK)
		return error;
	size_t length = m.w[2];

	if (length >= sizeof(entry->name))
		return ERR_INTERNAL;
	entry->bytes = m.w[0];
	entry->mode = m.w[1];
	message_get(&m, 3, entry->name, length);
	entry->name[length] = '\0';
	return ERR_OK;
}
