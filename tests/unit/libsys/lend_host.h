/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "lending.h"

/* The calling thread ends. */
void lend_host_end(void);
/* Before a thread waits: after it has looked who holds the mutex. */
extern void (*_Atomic lend_host_waits)(void);
/* Of every four answers one is lost, as of a thread that is stopped and goes on: ERR_CANCELLED. */
extern atomic_bool lend_host_loses;
/* How many wait. */
unsigned lend_host_waiters(void);
/* Nobody waits, owns, or is waited for. */
bool lend_host_idle(void);
