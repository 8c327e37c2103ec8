/* SPDX-License-Identifier: BSD-2-Clause */
/* A chain of mutexes.  See t_sync_chain.h. */
#include <libsys/semaphore.h>
#include <libsys/tap.h>

#include "lib/program.h"
#include "t_sync_chain.h"

static struct mtx chain[CHAIN + 1];
static struct semaphore held;
static struct semaphore all_held;
static struct semaphore door;
static _Atomic unsigned owners;

void chain_start(struct crew *crew, int mutex_type, thrd_start_t *body)
{
	semaphore_init(&held, 0);
	semaphore_init(&all_held, 0);
	semaphore_init(&door, 0);
	atomic_store(&owners, 0);
	for (unsigned i = 0; i <= CHAIN; i++)
		tap_equal(mtx_init(&chain[i], mutex_type), thrd_success);
	crew_start(crew, CHAIN, body, chain, sizeof(chain[0]));
	for (unsigned i = 0; i < CHAIN; i++)
		semaphore_wait(&held);
	for (unsigned i = 0; i < CHAIN; i++)
		semaphore_post(&all_held);
	for (unsigned i = 0; i < CHAIN; i++)
		thread_await_state(crew->threads[i], THREAD_WAITING);
	tap_equal(chain_owners(), 0);
}

unsigned chain_place(const struct mtx *own)
{
	return (unsigned)(own - chain);
}

int chain_own_two(struct mtx *own, time_ns_t burn_ns)
{
	const unsigned place = chain_place(own);
	int wrong = mtx_lock(own);

	semaphore_post(&held);
	semaphore_wait(&all_held);
	if (place == CHAIN - 1)
		semaphore_wait(&door);
	wrong += mtx_lock(own + 1);
	program_burn(burn_ns);
	wrong += atomic_fetch_add(&owners, 1) != CHAIN - 1 - place;
	return wrong + mtx_unlock(own + 1) + mtx_unlock(own);
}

struct mtx *chain_mutex(unsigned place)
{
	return &chain[place];
}

unsigned chain_owners(void)
{
	return atomic_load(&owners);
}

void chain_open(void)
{
	semaphore_post(&door);
}
