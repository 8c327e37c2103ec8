/* SPDX-License-Identifier: BSD-2-Clause */
/* The five functions that wait queues stand on, made of POSIX threads. */
#include "park_posix.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "../../../libsys/src/park.h"

struct parker {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool signalled;
};

#define PARKERS_MAX 4096u

static struct parker parkers[PARKERS_MAX];
static _Atomic unsigned parkers_used;
static _Thread_local struct parker *self;

/* Parkers outlive their threads: a late signal must find memory, as a late signal in the system
 * finds a notification. */
static struct parker *parker_self(void)
{
	pthread_condattr_t attr;

	if (self)
		return self;
	unsigned index = atomic_fetch_add(&parkers_used, 1);

	if (index >= PARKERS_MAX)
		abort();
	self = &parkers[index];
	pthread_mutex_init(&self->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&self->changed, &attr);
	return self;
}

word_t park_handle(void)
{
	return (word_t)(uintptr_t)parker_self();
}

void park_wait(time_ns_t deadline_ns)
{
	struct parker *parker = parker_self();
	int error = 0;

	pthread_mutex_lock(&parker->lock);
	while (!parker->signalled && error != ETIMEDOUT) {
		if (deadline_ns == TIME_NEVER) {
			error = pthread_cond_wait(&parker->changed, &parker->lock);
			continue;
		}
		struct timespec at = {.tv_sec = (time_t)(deadline_ns / 1000000000u),
				      .tv_nsec = (long)(deadline_ns % 1000000000u)};

		error = pthread_cond_timedwait(&parker->changed, &parker->lock, &at);
	}
	parker->signalled = false;
	pthread_mutex_unlock(&parker->lock);
}

void park_signal(word_t handle)
{
	struct parker *parker = (struct parker *)(uintptr_t)handle;

	pthread_mutex_lock(&parker->lock);
	parker->signalled = true;
	pthread_cond_signal(&parker->changed);
	pthread_mutex_unlock(&parker->lock);
}

void spin_backoff(unsigned attempt)
{
	if (attempt % 64 == 63)
		sched_yield();
}

_Thread_local void (*park_meanwhile)(void);

time_ns_t park_now_ns(void)
{
	void (*meanwhile)(void) = park_meanwhile;
	struct timespec now;

	if (meanwhile) {
		park_meanwhile = NULL;
		meanwhile();
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (time_ns_t)now.tv_sec * 1000000000u + (time_ns_t)now.tv_nsec;
}
