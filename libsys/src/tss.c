/* SPDX-License-Identifier: BSD-2-Clause */
/* Values of each thread under keys made at run time. */
#include "thread.h"

static struct mtx keys_lock = MTX_INIT;
static _Atomic unsigned keys_end; /* keys from here on were never used; written under keys_lock */
static bool keys_used[TSS_MAX];   /* keys_lock */
static _Atomic(tss_dtor_t *) destructors[TSS_MAX]; /* written under keys_lock, read by all */

int tss_create(unsigned *key, tss_dtor_t *destructor)
{
	int result = thrd_error;

	mtx_lock(&keys_lock);
	for (unsigned i = 0; i < TSS_MAX && result == thrd_error; i++) {
		if (keys_used[i])
			continue;
		keys_used[i] = true;
		atomic_store(&destructors[i], destructor);
		if (i >= atomic_load_explicit(&keys_end, memory_order_relaxed))
			atomic_store_explicit(&keys_end, i + 1, memory_order_relaxed);
		*key = i;
		result = thrd_success;
	}
	mtx_unlock(&keys_lock);
	return result;
}

void tss_delete(unsigned key)
{
	if (key >= TSS_MAX)
		return;
	mtx_lock(&keys_lock);
	keys_used[key] = false;
	atomic_store(&destructors[key], NULL);
	mtx_unlock(&keys_lock);
}

void *tss_get(unsigned key)
{
	return key < TSS_MAX ? thread_self()->tss[key] : NULL;
}

int tss_set(unsigned key, void *value)
{
	if (key >= TSS_MAX)
		return thrd_error;
	thread_self()->tss[key] = value;
	return thrd_success;
}

void tss_run_destructors(void)
{
	void **values = thread_self()->tss;
	/* Relaxed: a key that the thread has set a value under was given to it. */
	const unsigned end = atomic_load_explicit(&keys_end, memory_order_relaxed);
	bool again = true;

	for (unsigned round = 0; again && round < TSS_DTOR_ITERATIONS; round++) {
		again = false;
		for (unsigned i = 0; i < end; i++) {
			tss_dtor_t *destructor = atomic_load(&destructors[i]);
			void *value = values[i];

			if (!value || !destructor)
				continue;
			values[i] = NULL;
			again = true;
			destructor(value);
		}
	}
}
