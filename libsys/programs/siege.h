/* SPDX-License-Identifier: BSD-2-Clause */
/* What the parts of siege.c share. */
#pragma once

#include <libsys/syscall.h>
#include <libsys/threads.h>

#include "lib/program.h"

#define SIEGE_CHAIN_MAX 31u /* two objects each: all that a process may have */
#define SIEGE_CREW      8u
#define SIEGE_SLOT      40u /* the first of those that it plays with */

extern cptr_t siege_tcbs[SIEGE_CHAIN_MAX]; /* of those who told */

/* Another order of events for each @n and each seed of the program; what it gives is never 0. */
uint64_t siege_seed(uintptr_t n);

static inline word_t siege_pick(uint64_t *seed, word_t below)
{
	return (program_random(seed) >> 16) % below;
}

/* Start a thread with a small stack; ends the process with status 3 if that cannot be. */
void siege_thread(thrd_start_t *body, uintptr_t argument);

/* The calling thread is number @n. */
void siege_tcb_tell(unsigned n);
/* Until so many have told. */
void siege_tcbs_await(unsigned count);

/* Wait to be killed. */
_Noreturn void siege_rest(void);

/* siege_threads.c */
int siege_chain(void);
int siege_quarrels(void);

/* siege_masks.c */
int siege_maskless(void);

/* siege_prod.c */
int siege_stops(void);
int siege_nices(void);
int siege_moves(void);

/* siege_servers.c */
int siege_impostor(void);
int siege_impostors(void);
int siege_much(void);
