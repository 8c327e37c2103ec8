/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of t_sync share. */
#pragma once

#include <libsys/threads.h>

/* Ends the process on failure. */
struct thread *start(thrd_start_t *body, void *arg);
/* Its result. */
int join(struct thread *thread);

/* t_sync_inherit.c */
void mutex_inheritance(void);
void mutex_inheritance_timeout(void);
void mutex_inheritance_chain(void);
void mutex_inheritance_holder_ends(void);
void mutex_inheritance_waiter_killed(void);
void mutex_inheritance_refusals(void);
