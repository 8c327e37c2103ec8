/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The word of a mutex with mtx_inherit: 0 if it is free, else the number of its holder, with
 * INHERIT_WAITED if somebody may wait; then it goes from one to the next through proc
 * (docs/design/inheritance.md).
 */
#pragma once

#include <libsys/threads.h>

#define INHERIT_WAITED 0x80000000u

/* The calling thread does not hold it: thrd_success, thrd_timedout, thrd_error if the holder has ended. */
int inherit_lock_until(struct mtx *mutex, time_ns_t deadline_ns);

/* The calling thread holds it. */
void inherit_unlock(struct mtx *mutex);
