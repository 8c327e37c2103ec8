/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors: files of the boot archive (read-only), pipes, the console.  Thin clients of proc;
 * the POSIX names (open, read, write, close) in the C library are made of these.
 *
 * ERR_ARG from any of them: no such descriptor, or one of another kind.  What makes a descriptor returns
 * ERR_LIMIT if PROC_FDS_MAX are in use.
 */
#pragma once

#include <proc/protocol.h>

#include <libsys/syscall.h>

/* *@bytes, which may be NULL, is the length of the file.  ERR_NOT_FOUND: no such file. */
MUST_CHECK enum error file_open(const char *name, word_t *fd, size_t *bytes);
MUST_CHECK enum error file_close(word_t fd);

/* Read up to @bytes; waits for the first.  *@got 0 is the end of the file or of the pipe. */
MUST_CHECK enum error file_read(word_t fd, void *to, size_t bytes, size_t *got);

/* Write all of it, in pieces of PROC_IO_BYTES_MAX.  ERR_BROKEN_PIPE: nobody can read it. */
MUST_CHECK enum error file_write(word_t fd, const void *from, size_t bytes);

MUST_CHECK enum error file_seek(word_t fd, size_t position);
/* @new_fd may be PROC_FD_NONE: any; *@fd is the descriptor made. */
MUST_CHECK enum error file_duplicate(word_t old_fd, word_t new_fd, word_t *fd);
MUST_CHECK enum error pipe_create(word_t *read_fd, word_t *write_fd);

struct file_stat {
	word_t kind; /* enum proc_file_kind */
	word_t bytes;
	word_t archive_offset;
	word_t position;
};

MUST_CHECK enum error file_stat(word_t fd, struct file_stat *stat);

/* Map a whole archive file read-only.  Empty files: *@data is not to be read. */
MUST_CHECK enum error file_map(const char *name, const void **data, size_t *bytes);
MUST_CHECK enum error file_unmap(const void *data, size_t bytes);

struct file_entry {
	word_t bytes;
	word_t mode;
	char name[PROC_NAME_MAX];
};

/* File @number of the boot archive; ERR_NOT_FOUND past the end. */
MUST_CHECK enum error file_list(word_t number, struct file_entry *entry);
