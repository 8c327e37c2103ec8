/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What threads wait for besides the scheduler: mutexes, conditions, barriers, suspension.  They are
 * libsys's: a waiter is blocked on a notification, and an unlock wakes the first one but does not
 * hand the mutex over, so whoever comes first takes it and the woken one may have to wait again.
 */
#include "sim.h"

static struct sim_thread *waiter_pop(struct sim_object *object)
{
	struct list_node *node = list_pop_front(&object->waiters);

	return node == NULL ? NULL : container_of(node, struct sim_thread, wait_link);
}

static void wait_on(struct sim *sim, struct sim_thread *thread, struct sim_object *object)
{
	list_push_back(&object->waiters, &thread->wait_link);
	sim_thread_block(sim, thread, CAUSE_NOTIFICATION);
}

bool sim_mutex_lock(struct sim *sim, struct sim_thread *thread, uint32_t index)
{
	struct sim_object *object = &sim->objects[index];

	if (object->owner == NULL) {
		object->owner = thread;
		return true;
	}
	if (object->owner == thread) {
		sim_fail(sim, "task \"%s\" locks \"%s\", which it holds already, at %llu ns",
			 thread->name, sim->config.workload->objects[index].name,
			 (unsigned long long)sim->now_ns);
		return true;
	}
	thread->wait_mutex = index;
	thread->relocks = true;
	wait_on(sim, thread, object);
	return false;
}

void sim_mutex_unlock(struct sim *sim, struct sim_thread *thread, uint32_t index)
{
	struct sim_object *object = &sim->objects[index];
	struct sim_thread *waiter;

	if (object->owner != thread) {
		sim_fail(sim, "task \"%s\" unlocks \"%s\", which it does not hold, at %llu ns",
			 thread->name, sim->config.workload->objects[index].name,
			 (unsigned long long)sim->now_ns);
		return;
	}
	object->owner = NULL;
	waiter = waiter_pop(object);
	if (waiter != NULL)
		sim_thread_ready(sim, waiter, CAUSE_WAKE);
}

bool sim_mutex_again(struct sim *sim, struct sim_thread *thread)
{
	if (!thread->relocks)
		return true;
	thread->relocks = false;
	return sim_mutex_lock(sim, thread, thread->wait_mutex);
}

bool sim_condition_wait(struct sim *sim, struct sim_thread *thread, uint32_t index, uint32_t mutex)
{
	sim_mutex_unlock(sim, thread, mutex);
	thread->wait_mutex = mutex;
	thread->relocks = true;
	wait_on(sim, thread, &sim->objects[index]);
	return false;
}

/* A waiter comes back with its mutex, once it has got that. */
void sim_condition_wake(struct sim *sim, uint32_t index, bool all)
{
	struct sim_thread *thread;

	while ((thread = waiter_pop(&sim->objects[index])) != NULL) {
		sim_thread_ready(sim, thread, CAUSE_WAKE);
		if (!all)
			return;
	}
}

bool sim_barrier_arrive(struct sim *sim, struct sim_thread *thread, uint32_t index)
{
	struct sim_object *object = &sim->objects[index];
	struct sim_thread *waiter;

	if (++object->arrived < sim->config.workload->objects[index].users) {
		wait_on(sim, thread, object);
		return false;
	}
	object->arrived = 0;
	while ((waiter = waiter_pop(object)) != NULL)
		sim_thread_ready(sim, waiter, CAUSE_WAKE);
	return true;
}

void sim_suspension_wait(struct sim *sim, struct sim_thread *thread, uint32_t index)
{
	wait_on(sim, thread, &sim->objects[index]);
}

void sim_suspension_end(struct sim *sim, uint32_t index)
{
	struct sim_thread *thread;

	while ((thread = waiter_pop(&sim->objects[index])) != NULL)
		sim_thread_ready(sim, thread, CAUSE_WAKE);
}

void sim_sync_release(struct sim *sim, struct sim_thread *thread)
{
	for (uint32_t i = 0; i < sim->config.workload->object_count; i++)
		if (sim->config.workload->objects[i].kind == WORKLOAD_OBJECT_MUTEX &&
		    sim->objects[i].owner == thread)
			sim_mutex_unlock(sim, thread, i);
}

#define WAITERS_TOLD 4u

void sim_sync_tell(const struct sim *sim, char *text, size_t bytes)
{
	size_t len = 0;
	uint32_t count = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < sim->config.workload->object_count; i++) {
		const struct workload_object *object = &sim->config.workload->objects[i];

		list_for_each (node, &sim->objects[i].waiters) {
			if (++count > WAITERS_TOLD || len >= bytes)
				continue;
			len += (size_t)snprintf(
				text + len, bytes - len, "%s%s (%s %s)", count > 1 ? ", " : "",
				container_of(node, struct sim_thread, wait_link)->name,
				workload_object_word(object->kind), object->name);
		}
	}
	if (count > WAITERS_TOLD && len < bytes)
		snprintf(text + len, bytes - len, " and %u more", count - WAITERS_TOLD);
}
