/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes whose holders inherit.  Nothing here but the word itself is shared between threads: a lock that
 * one of low priority holds when it is preempted would undo it all.  So proc has the queues.
 *
 * No waiter is forgotten:
 *
 *   who waits                                  who unlocks
 *   1 sets INHERIT_WAITED                      a clears INHERIT_WAITED, still the holder
 *   2 tells proc for whom (lend_wait)          b asks proc for the next one (lend_pass); one: done
 *   3 looks whether the word is as before;     c sets the word to 0 if INHERIT_WAITED is not there;
 *     if not, takes 2 back and begins anew       else begins anew
 *
 *   2 before b: proc finds it.  2 after b: 3 is after a, so the bit is there only if somebody set it since,
 *   and then c begins anew.
 *
 * A thread that is stopped in a request and goes on has no answer (ERR_CANCELLED): proc may have done what
 * was asked or not.  It asks again, so proc takes a thread's second question for the first one.
 *
 * From b on the mutex is the next one's, who writes itself into the word when it runs, with
 * INHERIT_WAITED: proc remembers it as the owner until it passes the mutex on.  Until then others find the
 * last holder in the word, and proc knows better.
 */
#include "inherit.h"

#include "lend.h"
#include "park.h"

static word_t key_of(const struct mtx *mutex)
{
	return (word_t)(uintptr_t)&mutex->state;
}

/* It was passed to the calling thread.  Acquire: pairs with the release in inherit_unlock(); in between
 * there are only changes of one bit by others, which continue it. */
static int inherit_own(struct mtx *mutex)
{
	(void)atomic_exchange_explicit(&mutex->state, lend_self() | INHERIT_WAITED,
				       memory_order_acquire);
	return thrd_success;
}

static enum error inherit_take(const struct mtx *mutex, bool leaves)
{
	enum error error;

	do
		error = lend_take(leaves, key_of(mutex));
	while (error == ERR_CANCELLED);
	return error;
}

/* Until proc has an answer or the time is over. */
static enum error inherit_sleep(const struct mtx *mutex, time_ns_t deadline_ns)
{
	enum error error = ERR_WOULD_BLOCK;
	bool over = false;

	while (error == ERR_WOULD_BLOCK && !over) {
		park_wait(deadline_ns);
		over = deadline_ns != TIME_NEVER && park_now_ns() >= deadline_ns;
		error = inherit_take(mutex, over);
	}
	/* That it does not wait was the answer to the second question. */
	if (over && error == ERR_STATE)
		return ERR_TIMEOUT;
	return error == ERR_WOULD_BLOCK ? ERR_TIMEOUT : error;
}

/*
 * One attempt, with what was seen in the word.  ERR_OK: it is the caller's.  ERR_WOULD_BLOCK: the word has
 * changed.
 */
static enum error inherit_wait(struct mtx *mutex, uint32_t seen, time_ns_t deadline_ns)
{
	enum error error = lend_wait(seen & ~INHERIT_WAITED, key_of(mutex));
	/* Sequentially consistent, as all accesses that the proof above is about. */
	const bool same = atomic_load(&mutex->state) == seen;

	/* The holder that was seen may have ended since, or be the calling thread, which was it before. */
	if (error != ERR_OK && error != ERR_CANCELLED)
		return same ? error : ERR_WOULD_BLOCK;
	if (same && error == ERR_OK)
		return inherit_sleep(mutex, deadline_ns);
	error = inherit_take(mutex, true);
	return error == ERR_OK ? ERR_OK : ERR_WOULD_BLOCK;
}

int inherit_lock_until(struct mtx *mutex, time_ns_t deadline_ns)
{
	enum error error = ERR_WOULD_BLOCK;
	const uint32_t self = lend_self();

	if (self == 0)
		return thrd_error;
	while (error == ERR_WOULD_BLOCK) {
		uint32_t seen = 0;

		/* Acquire: pairs with the release of the last unlock. */
		if (atomic_compare_exchange_strong(&mutex->state, &seen, self))
			return thrd_success;
		if ((seen & INHERIT_WAITED) != 0 ||
		    atomic_compare_exchange_strong(&mutex->state, &seen, seen | INHERIT_WAITED))
			error = inherit_wait(mutex, seen | INHERIT_WAITED, deadline_ns);
	}
	if (error == ERR_TIMEOUT)
		return thrd_timedout;
	return error == ERR_OK ? inherit_own(mutex) : thrd_error;
}

static enum error inherit_pass(const struct mtx *mutex)
{
	enum error error;

	do
		error = lend_pass(key_of(mutex));
	while (error == ERR_CANCELLED);
	return error;
}

/* The word may be another one's if an answer was lost that the mutex is passed on. */
void inherit_unlock(struct mtx *mutex)
{
	uint32_t self = lend_self();
	uint32_t seen = self;

	while (!atomic_compare_exchange_strong(&mutex->state, &seen, 0)) {
		if ((seen & ~INHERIT_WAITED) != self)
			return;
		atomic_store(&mutex->state, self);
		if (inherit_pass(mutex) == ERR_OK)
			return;
		seen = self;
	}
}
