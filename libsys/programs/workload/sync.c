/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What tasks wait for besides the scheduler.  Mutexes and conditions are libsys's; barriers and
 * suspensions count rounds in a futex: whoever comes waits until the round is over, so a resume
 * that comes before its suspend is lost, as in rt-app.
 */
#include <libsys/clock.h>

#include "runner.h"

static struct runner_object *object_at(const struct runner_task *self, uint32_t index)
{
	return &self->runner->objects[index];
}

static const char *object_name(const struct runner_task *self, uint32_t index)
{
	return self->runner->workload->objects[index].name;
}

static void wait_begin(struct runner_task *self)
{
	/* Relaxed: only compared with itself, a second later. */
	atomic_fetch_add_explicit(&self->waits_count, 1, memory_order_relaxed);
	atomic_store_explicit(&self->waits, true, memory_order_relaxed);
}

static void wait_end(struct runner_task *self)
{
	atomic_store_explicit(&self->waits, false, memory_order_relaxed);
}

/*
 * Who holds a mutex is only compared with the thread that asks, and what that one wrote itself it
 * reads: relaxed is enough.
 */
static struct runner_task *holder(struct runner_object *object)
{
	return atomic_load_explicit(&object->holder, memory_order_relaxed);
}

static void hold(struct runner_object *object, struct runner_task *self)
{
	atomic_store_explicit(&object->holder, self, memory_order_relaxed);
}

bool sync_lock(struct runner_task *self, uint32_t index)
{
	struct runner_object *object = object_at(self, index);

	if (holder(object) == self)
		runner_fail(self, "locks, but holds already", object_name(self, index));
	if (mtx_trylock(&object->mutex) != thrd_success) {
		wait_begin(self);
		int result = mtx_lock_until(&object->mutex, self->runner->end_ns);

		wait_end(self);
		if (result != thrd_success)
			return false;
	}
	hold(object, self);
	return true;
}

void sync_unlock(struct runner_task *self, uint32_t index)
{
	struct runner_object *object = object_at(self, index);

	if (holder(object) != self)
		runner_fail(self, "unlocks, but does not hold", object_name(self, index));
	hold(object, NULL);
	mtx_unlock(&object->mutex);
}

bool sync_wait(struct runner_task *self, uint32_t index, uint32_t mutex)
{
	struct runner_object *object = object_at(self, mutex);

	if (holder(object) != self)
		runner_fail(self, "waits with, but does not hold", object_name(self, mutex));
	hold(object, NULL);
	wait_begin(self);
	int result = cnd_wait_until(&object_at(self, index)->condition, &object->mutex,
				    self->runner->end_ns);

	wait_end(self);
	/* It has the mutex again in any case. */
	hold(object, self);
	return result == thrd_success;
}

void sync_wake(struct runner_task *self, uint32_t index, bool all)
{
	struct cnd *condition = &object_at(self, index)->condition;

	if (all)
		cnd_broadcast(condition);
	else
		cnd_signal(condition);
}

/* Until the round is over that was on when the caller looked; false if the workload ended first. */
static bool round_wait(struct runner_task *self, struct runner_object *object, uint32_t round)
{
	bool opened = true;

	wait_begin(self);
	/* Acquire: pairs with the release of round_open(). */
	while (opened && atomic_load_explicit(&object->rounds, memory_order_acquire) == round)
		opened = sys_futex_wait(&object->rounds, round, self->runner->end_ns) !=
			 ERR_TIMEOUT;
	wait_end(self);
	return opened;
}

static void round_open(struct runner_object *object)
{
	atomic_fetch_add_explicit(&object->rounds, 1, memory_order_release);
	sys_futex_wake(&object->rounds, FUTEX_ALL);
}

/*
 * The round is read before the arrival is counted: the last one, who ends the round, has then not
 * been here, so nobody waits for a round that is over.  Nobody arrives for the next round before
 * the count is 0 again, because all users are here.
 */
bool sync_barrier(struct runner_task *self, uint32_t index)
{
	struct runner_object *object = object_at(self, index);
	uint32_t round = atomic_load_explicit(&object->rounds, memory_order_acquire);
	/* Acquire and release: the last one has seen all that the others did before. */
	uint32_t arrived = atomic_fetch_add_explicit(&object->arrived, 1, memory_order_acq_rel) + 1;

	if (arrived < self->runner->workload->objects[index].users)
		return round_wait(self, object, round);
	atomic_store_explicit(&object->arrived, 0, memory_order_relaxed);
	round_open(object);
	return true;
}

bool sync_suspend(struct runner_task *self, uint32_t index)
{
	struct runner_object *object = object_at(self, index);

	return round_wait(self, object,
			  atomic_load_explicit(&object->rounds, memory_order_acquire));
}

void sync_resume(struct runner_task *self, uint32_t index)
{
	round_open(object_at(self, index));
}

void sync_release(struct runner_task *self)
{
	for (uint32_t i = 0; i < self->runner->workload->object_count; i++)
		if (holder(object_at(self, i)) == self)
			sync_unlock(self, i);
}
