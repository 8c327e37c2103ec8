/* SPDX-License-Identifier: BSD-2-Clause */
/* Affinity masks in use, and the level of each CPU that follows from them. */
#pragma once

#include <sched/server.h>

/* The CPUs of a class of masks; class 0: all.  One that changes may be seen half changed, by words. */
struct cpumask sched_class_mask(const struct sched_server *server, uint32_t class);
/* Its mask is new: find its class.  O(classes). */
void sched_mask_set(struct sched_server *server, struct sched_thread *thread);
/* It dies, or another thread takes its place: out of its class. */
void sched_mask_forget(struct sched_server *server, struct sched_thread *thread);
/* Count it in its class as it is now. */
void sched_mask_count(struct sched_server *server, struct sched_thread *thread);
/* Its state or weight may have changed. */
static inline void sched_mask_changed(struct sched_server *server, struct sched_thread *thread)
{
	if (thread->mask_class != 0)
		sched_mask_count(server, thread);
}
/* Some runnable thread may not run everywhere. */
static inline bool sched_masks_used(const struct sched_server *server)
{
	return __atomic_load_n(&server->masks.weight, __ATOMIC_RELAXED) != 0;
}
/* The layer of policy/group is in use on some CPU. */
static inline bool sched_grouped(const struct sched_server *server)
{
	return __atomic_load_n(&server->masks.grouped, __ATOMIC_RELAXED);
}
/* Where masks bind, or there are groups: fill in view->levels, from an array of server->cpus. */
void sched_levels_view(struct sched_server *server, struct place_view *view, uint64_t *levels);
/* Bring them nearer to what is now.  O(CPUs). */
void sched_levels_update(struct sched_server *server, const struct sched_cpu *cpu,
			 const struct place_view *view);
