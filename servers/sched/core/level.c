/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Affinity masks in use, and the level of each CPU that follows from them (policy/place/level.h).
 *
 * Threads with the same mask are a class.  Each dispatcher adds the weight of a thread to its class while the
 * thread is runnable; one whose mask has all CPUs is in class 0, which nobody counts: it is what is left of
 * the loads.  So threads without a mask cost one comparison.
 *
 * A slot is taken by compare-and-swap on its number of users, and its mask is written while the number says
 * so.  Two slots with the same mask do no harm.  When all are taken a thread counts as one without a mask.
 *
 * Without masks each CPU's level is the average load; with groups it is what a thread of the root weighs that
 * has a CPU (core/fair.c), and a thread of a group counts with what it weighs beside such a one.  The levels
 * are one result for all CPUs, brought up to date by whoever balances and finds nobody else at it; readers
 * may see old and new ones together, for a moment.
 */
#include <base/math.h>

#include "fair.h"
#include "level.h"
#include "mask.h"
#include "steady.h"
#include "thread.h"

#define USERS_TAKEN UINT32_MAX

static bool slot_holds(struct sched_mask_class *slot, const struct cpumask *mask)
{
	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		if (__atomic_load_n(&slot->mask.bits[word], __ATOMIC_RELAXED) != mask->bits[word])
			return false;
	return true;
}

/* One user more of a slot in use that has this mask.  Acquire: the mask was written before. */
static bool slot_join(struct sched_mask_class *slot, const struct cpumask *mask)
{
	uint32_t users = __atomic_load_n(&slot->users, __ATOMIC_ACQUIRE);

	do {
		if (users == 0 || users == USERS_TAKEN || !slot_holds(slot, mask))
			return false;
	} while (!__atomic_compare_exchange_n(&slot->users, &users, users + 1, false,
					      __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	/* Left and taken for another mask between look and exchange. */
	if (slot_holds(slot, mask))
		return true;
	__atomic_fetch_sub(&slot->users, 1, __ATOMIC_RELEASE);
	return false;
}

static bool slot_take(struct sched_mask_class *slot, const struct cpumask *mask)
{
	uint32_t users = 0;

	if (!__atomic_compare_exchange_n(&slot->users, &users, USERS_TAKEN, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return false;
	for (uint32_t word = 0; word < CPUMASK_WORDS; word++)
		__atomic_store_n(&slot->mask.bits[word], mask->bits[word], __ATOMIC_RELAXED);
	__atomic_store_n(&slot->users, 1, __ATOMIC_RELEASE);
	return true;
}

static uint8_t class_find(struct sched_server *server, struct cpumask mask)
{
	const struct cpumask all = cpumask_first(server->cpus);

	mask = cpumask_and(mask, all);
	if (cpumask_empty(&mask) || cpumask_equal(&mask, &all))
		return 0;
	for (uint8_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		if (slot_join(&server->masks.class[i], &mask))
			return i;
	for (uint8_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		if (slot_take(&server->masks.class[i], &mask))
			return i;
	return 0;
}

/* What its class has of it from now on. */
static void weight_set(struct sched_server *server, struct sched_thread *thread, uint32_t weight)
{
	struct sched_mask_class *class = &server->masks.class[thread->mask_class];

	if (weight == thread->mask_weight)
		return;
	if ((weight == 0) != (thread->mask_weight == 0))
		__atomic_fetch_add(&class->count, weight == 0 ? UINT32_MAX : 1, __ATOMIC_RELAXED);
	/* Unsigned sums go round the right way. */
	__atomic_fetch_add(&class->weight, (uint64_t)weight - thread->mask_weight,
			   __ATOMIC_RELAXED);
	__atomic_fetch_add(&server->masks.weight, (uint64_t)weight - thread->mask_weight,
			   __ATOMIC_RELAXED);
	thread->mask_weight = weight;
}

void sched_mask_count(struct sched_server *server, struct sched_thread *thread)
{
	const struct sched_thread_params *params = sched_thread_params(server, thread);
	uint32_t weight = 0;

	if (thread->state == SCHED_READY)
		weight = params->class == POLICY_CLASS_BACKGROUND ? POLICY_WEIGHT_BACKGROUND
								  : params->weight;
	if (weight != 0)
		weight = sched_weight_flat(server, thread, weight);
	weight_set(server, thread, weight);
}

void sched_mask_forget(struct sched_server *server, struct sched_thread *thread)
{
	if (thread->mask_class == 0)
		return;
	weight_set(server, thread, 0);
	__atomic_fetch_sub(&server->masks.class[thread->mask_class].users, 1, __ATOMIC_RELEASE);
	thread->mask_class = 0;
}

void sched_mask_set(struct sched_server *server, struct sched_thread *thread)
{
	sched_mask_forget(server, thread);
	thread->mask_class = class_find(server, *sched_thread_mask(server, thread));
	sched_mask_changed(server, thread);
}

/* ---- Levels ---------------------------------------------------------------------------------- */

static void known_add(struct level_input *input, uint64_t weight, uint32_t class)
{
	input->thread[input->known++] = (struct level_thread){
		.weight = (uint32_t)min_u64(weight, UINT32_MAX),
		.class = (uint8_t) class,
	};
}

/* Those that may be heavier than a CPU of theirs: the published ones, and who has a CPU alone. */
static void heavy_fill(const struct sched_server *server, const struct place_view *view,
		       struct level_input *input)
{
	uint64_t least = UINT64_MAX;

	input->known = 0;
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++)
		least = min_u64(least,
				__atomic_load_n(&server->masks.level[cpu], __ATOMIC_RELAXED));
	for (uint32_t i = 0; i < view->cpus; i++) {
		const struct sched_cpu *cpu = &server->cpu[i];
		const uint32_t count = __atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED);

		if (view->loads[i].runnable == 1)
			known_add(input, view->loads[i].weight,
				  __atomic_load_n(&cpu->running_class, __ATOMIC_RELAXED));
		for (uint32_t at = 0; at < count && view->loads[i].runnable > 1; at++) {
			const struct sched_plan_thread *thread = &cpu->plan_thread[at];
			const uint32_t weight = __atomic_load_n(&thread->weight, __ATOMIC_RELAXED);

			if (weight >= least / 2)
				known_add(input, weight,
					  __atomic_load_n(&thread->class, __ATOMIC_RELAXED));
		}
	}
}

struct cpumask sched_class_mask(const struct sched_server *server, uint32_t class)
{
	struct cpumask mask = cpumask_first(server->cpus);

	for (uint32_t word = 0; class != 0 && word < CPUMASK_WORDS; word++)
		mask.bits[word] = __atomic_load_n(&server->masks.class[class].mask.bits[word],
						  __ATOMIC_RELAXED);
	return mask;
}

/* The threads that a CPU has published. */
static void lasting_add(const struct sched_cpu *cpu, uint32_t count, struct level_input *input)
{
	for (uint32_t at = 0; at < count; at++) {
		const struct sched_plan_thread *thread = &cpu->plan_thread[at];
		const uint32_t class = __atomic_load_n(&thread->class, __ATOMIC_RELAXED);
		const uint32_t weight = __atomic_load_n(&thread->weight, __ATOMIC_RELAXED);

		input->weight[class] += weight;
		input->count[class]++;
		known_add(input, weight, class);
	}
}

/* What sleepers use of the CPUs is as if threads without a mask had used it, at the level of such ones. */
static void sleepers_add(const struct sched_server *server, const struct place_view *view,
			 const struct level_state *state, struct level_input *input)
{
	uint64_t used = 0, height = state->height[0] >> LEVEL_SHIFT;

	for (uint32_t i = 0; i < view->cpus; i++) {
		used += __atomic_load_n(&server->cpu[i].steady.used, __ATOMIC_RELAXED);
		if (state->height[0] == 0)
			height += level_of(state, i) / view->cpus;
	}
	input->weight[0] += used * height / STEADY_WHOLE;
	input->count[0] += (uint32_t)(used / STEADY_WHOLE) + 1;
}

/* From the threads that hardly sleep, one by one; false: not all are known. */
static bool input_fill_lasting(const struct sched_server *server, const struct place_view *view,
			       const struct level_state *state, struct level_input *input)
{
	input->cpus = view->cpus;
	input->online = view->online;
	input->known = 0;
	for (uint32_t i = 0; i < LEVEL_CLASSES_MAX; i++) {
		input->weight[i] = 0;
		input->count[i] = 0;
	}
	for (uint32_t i = 0; i < view->cpus; i++) {
		const uint32_t count = __atomic_load_n(&server->cpu[i].plan_count,
						       __ATOMIC_RELAXED);

		if (count >= PLAN_THREADS_MAX)
			return false;
		lasting_add(&server->cpu[i], count, input);
	}
	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++)
		if (input->weight[i] != 0)
			input->mask[i] = sched_class_mask(server, i);
	sleepers_add(server, view, state, input);
	return true;
}

static void input_fill(const struct sched_server *server, const struct place_view *view,
		       struct level_input *input)
{
	uint64_t masked = 0, all = 0;
	uint32_t masked_count = 0, all_count = 0;

	input->cpus = view->cpus;
	input->online = view->online;
	for (uint32_t i = 1; i < LEVEL_CLASSES_MAX; i++) {
		const struct sched_mask_class *class = &server->masks.class[i];

		input->weight[i] = __atomic_load_n(&class->weight, __ATOMIC_RELAXED);
		input->count[i] = __atomic_load_n(&class->count, __ATOMIC_RELAXED);
		if (input->weight[i] == 0)
			continue;
		input->mask[i] = sched_class_mask(server, i);
		masked += input->weight[i];
		masked_count += input->count[i];
	}
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++) {
		all += view->loads[cpu].weight;
		all_count += view->loads[cpu].runnable;
	}
	input->weight[0] = sub_saturate_u64(all, masked);
	input->count[0] = all_count > masked_count ? all_count - masked_count : 0;
	heavy_fill(server, view, input);
}

void sched_levels_view(struct sched_server *server, struct place_view *view, uint64_t *levels)
{
	view->levels = NULL;
	if (sched_grouped(server)
		    ? __atomic_load_n(&server->masks.level[0], __ATOMIC_RELAXED) == 0
		    : !sched_masks_used(server) &&
			      !__atomic_load_n(&server->masks.lasting, __ATOMIC_RELAXED))
		return;
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++)
		levels[cpu] = __atomic_load_n(&server->masks.level[cpu], __ATOMIC_RELAXED);
	view->levels = levels;
}

static void levels_find(struct sched_server *server, const struct sched_cpu *asks,
			const struct place_view *view)
{
	struct sched_masks *masks = &server->masks;
	const bool grouped = sched_grouped(server);
	const bool lasting = sched_steady_used(server, asks) &&
			     input_fill_lasting(server, view, &masks->state, &masks->input);
	const bool filled = lasting || (!grouped && sched_masks_used(server));
	bool rounded;
	uint64_t average = 0;

	if (grouped)
		average = sched_fair_update(server, view);
	else if (!filled)
		average = balance_average(view, &rounded);
	if (!lasting && filled)
		input_fill(server, view, &masks->input);
	for (uint32_t round = 0; filled && round < (lasting ? 4 : 1); round++)
		level_step(&masks->state, &masks->input);
	for (uint32_t cpu = 0; cpu < view->cpus; cpu++)
		__atomic_store_n(&masks->level[cpu],
				 filled ? level_of(&masks->state, cpu) : average, __ATOMIC_RELAXED);
	__atomic_store_n(&masks->lasting, lasting, __ATOMIC_RELAXED);
}

/* Acquire and release of `busy`: who comes next sees what this one left.  Nobody waits. */
void sched_levels_update(struct sched_server *server, const struct sched_cpu *cpu,
			 const struct place_view *view)
{
	struct sched_masks *masks = &server->masks;
	bool busy = false;

	if (!__atomic_compare_exchange_n(&masks->busy, &busy, true, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return;
	levels_find(server, cpu, view);
	__atomic_store_n(&masks->busy, false, __ATOMIC_RELEASE);
}
