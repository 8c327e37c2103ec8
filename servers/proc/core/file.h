/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files of processes, and the pipes behind some of them.  Service thread. */
#pragma once

#include "state.h"

/* Requests: true: *m is the answer; false: the caller waits. */
bool file_read(struct process *process, struct msg *m);
bool file_write(struct process *process, struct msg *m);
void file_open(struct process *process, struct msg *m);
void file_close_request(struct process *process, struct msg *m);
void file_pipe(struct process *process, struct msg *m);
void file_dup(struct process *process, struct msg *m);
void file_stat(struct process *process, struct msg *m);
void file_seek(struct process *process, struct msg *m);
void file_list(struct msg *m);

/* Another descriptor for the same thing. */
void file_copy(struct file *to, const struct file *from);
/* Harmless for one that is closed. */
void file_close(struct file *file);
/* The file of a descriptor, or NULL. */
struct file *file_get(struct process *process, word_t fd);
/* fd 0, 1 and 2 of a first process. */
void file_console(struct file *file);

/* pipe.c */
__attribute__((warn_unused_result)) enum error pipe_new(uint32_t *number);
void pipe_ref(uint32_t number, bool writer);
void pipe_unref(uint32_t number, bool writer);
bool pipe_read(uint32_t number, struct process *process, word_t bytes_max, struct msg *m);
bool pipe_write(uint32_t number, struct process *process, word_t bytes, struct msg *m);
