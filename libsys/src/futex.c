/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wait queues behind every blocking function of libsys.
 *
 * A waiter lies on its own stack.  Who unlinks it (a waker, or itself after a timeout) does so
 * under the bucket's lock; a waker copies the handle first and marks it woken last, for from then
 * on the waiter may return and its stack be reused.  The signal follows after the lock is dropped;
 * it may therefore arrive when the waiter has already seen the mark, and then shows up as an early
 * return of a later park_wait(), which all callers expect.
 */
#include <libsys/futex.h>

#include <base/list.h>

#include "spin.h"

#define BUCKETS   64u
#define BATCH_MAX 16u

struct waiter {
	struct list_node node; /* bucket lock */
	const futex_word *word;
	word_t handle;
	_Atomic uint32_t woken;
};

/* One cache line each, so that unrelated words do not disturb each other. */
struct bucket {
	_Alignas(64) struct spin lock;
	struct list_node waiters; /* next == NULL: not used yet */
};

static struct bucket buckets[BUCKETS];

static struct bucket *bucket_lock(const futex_word *word)
{
	uint64_t hash = ((uint64_t)(uintptr_t)word >> 2) * 0x9e3779b97f4a7c15ull;
	struct bucket *bucket = &buckets[hash >> 58];

	spin_lock(&bucket->lock);
	if (!bucket->waiters.next)
		list_init(&bucket->waiters);
	return bucket;
}

/* True if the time had passed and the waiter was still queued: it is not any more. */
static bool waiter_give_up(struct waiter *waiter)
{
	struct bucket *bucket = bucket_lock(waiter->word);
	bool queued = list_linked(&waiter->node);

	list_remove(&waiter->node);
	spin_unlock(&bucket->lock);
	return queued;
}

enum error sys_futex_wait(const futex_word *word, uint32_t expected, time_ns_t deadline_ns)
{
	struct waiter waiter = {.word = word, .handle = park_handle()};
	struct bucket *bucket = bucket_lock(word);

	if (atomic_load_explicit(word, memory_order_relaxed) != expected) {
		spin_unlock(&bucket->lock);
		return ERR_WOULD_BLOCK;
	}
	list_push_back(&bucket->waiters, &waiter.node);
	spin_unlock(&bucket->lock);

	for (;;) {
		park_wait(deadline_ns);
		/* Acquire: pairs with the release in take_some(); the waker is done with us. */
		if (atomic_load_explicit(&waiter.woken, memory_order_acquire))
			return ERR_OK;
		if (deadline_ns != TIME_NEVER && park_now_ns() >= deadline_ns)
			return waiter_give_up(&waiter) ? ERR_TIMEOUT : ERR_OK;
	}
}

static unsigned take_some(const futex_word *word, unsigned count, word_t *handles)
{
	struct bucket *bucket = bucket_lock(word);
	unsigned taken = 0;

	list_for_each_safe (node, &bucket->waiters) {
		struct waiter *waiter = container_of(node, struct waiter, node);

		if (taken == count)
			break;
		if (waiter->word != word)
			continue;
		handles[taken++] = waiter->handle;
		list_remove(node);
		/* Release: the waiter's frame is not touched after this. */
		atomic_store_explicit(&waiter->woken, 1, memory_order_release);
	}
	spin_unlock(&bucket->lock);
	return taken;
}

unsigned sys_futex_wake(const futex_word *word, unsigned count)
{
	word_t handles[BATCH_MAX];
	unsigned total = 0;

	while (total < count) {
		unsigned want = count - total < BATCH_MAX ? count - total : BATCH_MAX;
		unsigned taken = take_some(word, want, handles);

		for (unsigned i = 0; i < taken; i++)
			park_signal(handles[i]);
		total += taken;
		if (taken < want)
			break;
	}
	return total;
}
