/* SPDX-License-Identifier: BSD-2-Clause */
/* What proc does for mutexes whose holders inherit, made of its own pure part and a lock. */
#include "lend_host.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "../../../libsys/src/lend.h"
#include "../../../libsys/src/park.h"

#define THREADS_MAX 4096u

struct host_thread {
	struct lending_thread lending;
	word_t park;
};

void (*_Atomic lend_host_waits)(void);
atomic_bool lend_host_loses;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct lending process;
static struct host_thread threads[THREADS_MAX]; /* by number; 0 is nobody */
static _Atomic uint32_t last;
static _Thread_local uint32_t self;

static void enter(void)
{
	pthread_mutex_lock(&lock);
	if (process.threads.next == NULL)
		lending_init(&process);
	process.lent_max = UINT32_MAX;
}

static void leave(void)
{
	lending_count(&process);
	list_for_each_safe (node, &process.threads) {
		struct lending_thread *thread = container_of(node, struct lending_thread, link);

		if (lending_idle(thread))
			lending_remove(thread);
	}
	pthread_mutex_unlock(&lock);
}

static void wake(struct lending_thread *lending)
{
	park_signal(container_of(lending, struct host_thread, lending)->park);
}

uint32_t lend_self(void)
{
	if (self != 0)
		return self;
	self = atomic_fetch_add(&last, 1) + 1;
	if (self >= THREADS_MAX)
		abort();
	enter();
	lending_thread_init(&threads[self].lending);
	threads[self].park = park_handle();
	leave();
	return self;
}

static bool lost(void)
{
	static _Thread_local uint32_t random = 1;

	random = random * 1664525u + 1013904223u;
	return atomic_load(&lend_host_loses) && random >> 29 == 0;
}

void lend_host_end(void)
{
	struct lending_thread *thread = &threads[lend_self()].lending;
	struct lending_thread *waiter;

	enter();
	while ((waiter = lending_leave_one(&process, thread)) != NULL)
		wake(waiter);
	lending_remove(thread);
	threads[self].park = 0;
	leave();
}

unsigned lend_host_waiters(void)
{
	unsigned waiters = 0;

	enter();
	list_for_each (node, &process.threads)
		waiters += container_of(node, struct lending_thread, link)->state == LENDING_WAITS;
	leave();
	return waiters;
}

bool lend_host_idle(void)
{
	bool idle;

	enter();
	idle = list_empty(&process.threads);
	leave();
	return idle;
}

enum error lend_wait(uint32_t holder, word_t key)
{
	void (*const waits)(void) = atomic_exchange(&lend_host_waits, NULL);
	enum error error = ERR_NOT_FOUND;

	if (waits != NULL)
		waits();
	if (lost())
		return ERR_CANCELLED;
	enter();
	if (holder < THREADS_MAX && threads[holder].park != 0)
		error = lending_wait(&process, &threads[lend_self()].lending,
				     &threads[holder].lending, key);
	leave();
	return lost() ? ERR_CANCELLED : error;
}

enum error lend_take(bool leaves, word_t key)
{
	enum error error;

	if (lost())
		return ERR_CANCELLED;
	enter();
	error = lending_take(&threads[lend_self()].lending, key, leaves);
	leave();
	return lost() ? ERR_CANCELLED : error;
}

enum error lend_pass(word_t key)
{
	struct lending_thread *next;
	enum error error;

	if (lost())
		return ERR_CANCELLED;
	enter();
	error = lending_pass(&process, &threads[lend_self()].lending, key, &next);
	if (next != NULL)
		wake(next);
	leave();
	return lost() ? ERR_CANCELLED : error;
}
