/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <stdbool.h>

#include "lending.h"

/* The calling thread ends. */
void lend_host_end(void);
/* Before a thread waits: after it has looked who holds the mutex. */
extern void (*_Atomic lend_host_waits)(void);
/* How many wait. */
unsigned lend_host_waiters(void);
/* Nobody waits, owns, or is waited for. */
bool lend_host_idle(void);
