/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A chain of mutexes: each of six threads holds its own and waits for the next one's, the last for the door
 * to be opened.  There is one at a time.
 */
#pragma once

#include <libsys/threads.h>

#include "lib/crew.h"

#define CHAIN 6u

/* Starts the threads; they are seen to wait when it returns.  Each runs @body with its own mutex. */
void chain_start(struct crew *crew, int mutex_type, thrd_start_t *body);

/* For @body: its place, 0 holds the first mutex. */
unsigned chain_place(const struct mtx *own);
/* For @body: locks its own and the next one's, keeps that for @burn_ns and unlocks both.  What was wrong. */
int chain_own_two(struct mtx *own, time_ns_t burn_ns);

/* The mutex of a place, or with CHAIN the one that nobody owns. */
struct mtx *chain_mutex(unsigned place);
/* How many got their second mutex so far. */
unsigned chain_owners(void);
void chain_open(void);
