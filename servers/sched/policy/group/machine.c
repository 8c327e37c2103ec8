/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Groups as the whole machine sees them: which there are, and each one's pool of runtime.
 *
 * The pool is one word, changed by compare-and-swap alone, so two CPUs never get the same
 * nanosecond.  It counts up to the quota and what may be carried, GROUP_CARRY_NS of it, which is used up at
 * first.  Each new period takes a quota off, so what others did not let the group use is there in the
 * next.  Relaxed order is enough everywhere but for `id`: a figure that is a moment old is only a
 * share that is a moment late, while an id that is seen must come with its configuration (release,
 * acquire).
 */
#include "group.h"

#define MEMBERS_CLOSED (UINT64_C(1) << 63)
#define TAKEN_MASK     ((UINT64_C(1) << GROUP_TAKEN_BITS) - 1)

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

void group_machine_start(struct group_machine *machine, uint32_t cpus, uint32_t epoch,
			 struct group_record *record)
{
	__atomic_store_n(&machine->cpus, cpus, __ATOMIC_RELAXED);
	__atomic_store_n(&machine->epoch, epoch & 0xffffu, __ATOMIC_RELAXED);
	__atomic_store_n(&machine->record, record, __ATOMIC_RELAXED);
}

bool group_exists(const struct group_machine *machine, group_id_t id)
{
	return id != 0 && group_index(id) != 0 &&
	       __atomic_load_n(&machine->group[group_index(id)].id, __ATOMIC_ACQUIRE) == id;
}

static group_id_t id_of(const struct group_machine *machine, uint32_t index)
{
	return __atomic_load_n(&machine->group[index].id, __ATOMIC_ACQUIRE);
}

bool group_within(const struct group_machine *machine, group_id_t id, group_id_t above)
{
	for (uint32_t depth = 0; depth <= GROUP_DEPTH_MAX && id != above; depth++) {
		if (!group_exists(machine, id))
			return false;
		const uint32_t parent = __atomic_load_n(&machine->group[group_index(id)].parent,
							__ATOMIC_RELAXED);
		id = parent == 0 ? 0 : id_of(machine, parent);
	}
	return id == above;
}

group_id_t group_next(const struct group_machine *machine, uint64_t index)
{
	group_id_t id = 0;

	for (uint64_t i = index == 0 ? 1 : index; i < GROUP_MAX && id == 0; i++)
		id = id_of(machine, (uint32_t)i);
	return id;
}

bool group_member_add(struct group_machine *machine, group_id_t id)
{
	struct group_common *group = &machine->group[group_index(id)];

	if (!group_exists(machine, id))
		return false;
	if ((__atomic_fetch_add(&group->members, 1, __ATOMIC_ACQ_REL) & MEMBERS_CLOSED) == 0 &&
	    group_exists(machine, id))
		return true;
	__atomic_fetch_sub(&group->members, 1, __ATOMIC_RELAXED);
	return false;
}

void group_member_remove(struct group_machine *machine, group_id_t id)
{
	__atomic_fetch_sub(&machine->group[group_index(id)].members, 1, __ATOMIC_ACQ_REL);
}

static bool config_valid(const struct group_config *config)
{
	return config->weight >= POLICY_WEIGHT_MIN && config->weight <= POLICY_WEIGHT_MAX &&
	       (config->quota_ns == 0 || (config->period_ns >= GROUP_PERIOD_NS_MIN &&
					  config->period_ns <= GROUP_PERIOD_NS_MAX &&
					  config->quota_ns >= GROUP_PIECE_NS_MIN));
}

static void config_write(struct group_machine *machine, uint32_t index,
			 const struct group_config *config)
{
	struct group_common *group = &machine->group[index];
	struct group_record *record = &machine->record[index];
	/* All that the CPUs can run in a period, or more: no cap. */
	const bool capped = config->quota_ns != 0 &&
			    config->quota_ns < config->period_ns * machine->cpus;

	__atomic_store_n(&group->weight, config->weight, __ATOMIC_RELAXED);
	/* Never 0: who reads the old one of the two words beside the new one divides by it. */
	put(&group->period_ns, config->quota_ns != 0 ? config->period_ns : GROUP_PERIOD_NS_DEFAULT);
	put(&group->quota_ns, capped ? config->quota_ns : 0);
	put(&record->weight, config->weight);
	put(&record->quota_ns, config->quota_ns);
	put(&record->period_ns, config->period_ns);
}

/* A free slot becomes ours: its members are closed (or it never had any), and we open them. */
static uint32_t slot_claim(struct group_machine *machine)
{
	for (uint32_t index = 1; index < GROUP_MAX; index++) {
		uint32_t *word = &machine->group[index].generation;
		uint32_t generation = __atomic_load_n(word, __ATOMIC_RELAXED);

		/* Odd generations are in use. */
		if (generation % 2 == 0 &&
		    __atomic_compare_exchange_n(word, &generation, generation + 1, false,
						__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			return index;
	}
	return 0;
}

/* The caller has claimed the slot, and is a member of the parent. */
static void slot_open(struct group_machine *machine, uint32_t index,
		      const struct group_config *config, uint32_t depth, group_id_t id)
{
	struct group_common *group = &machine->group[index];

	config_write(machine, index, config);
	__atomic_store_n(&group->parent, config->parent == 0 ? 0 : group_index(config->parent),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&group->depth, depth, __ATOMIC_RELAXED);
	__atomic_fetch_and(&group->members, ~MEMBERS_CLOSED, __ATOMIC_RELAXED);
	put(&group->pool, UINT64_MAX << GROUP_TAKEN_BITS); /* of a period long ago */
	put(&group->full, 0);
	put(&group->effective, 0);
	put(&group->due, 0);
	__atomic_store_n(&group->bound, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&group->behind, 0, __ATOMIC_RELAXED);
	put(&group->throttled_last, UINT64_MAX);
	__atomic_store_n(&group->id, id, __ATOMIC_RELEASE);
}

static void record_open(struct group_record *record, group_id_t parent, group_id_t id)
{
	put(&record->parent, parent);
	put(&record->used_ns, 0);
	put(&record->throttled_ns, 0);
	put(&record->periods, 0);
	put(&record->throttled_periods, 0);
	__atomic_store_n(&record->id, id, __ATOMIC_RELEASE);
}

/* A member of the parent more; *depth is below it. */
static enum error parent_join(struct group_machine *machine, group_id_t parent, uint32_t *depth)
{
	*depth = 1;
	if (parent == 0)
		return ERR_OK;
	if (!group_member_add(machine, parent))
		return ERR_NOT_FOUND;
	*depth += __atomic_load_n(&machine->group[group_index(parent)].depth, __ATOMIC_RELAXED);
	if (*depth <= GROUP_DEPTH_MAX)
		return ERR_OK;
	group_member_remove(machine, parent);
	return ERR_LIMIT;
}

enum error group_create(struct group_machine *machine, const struct group_config *config,
			group_id_t *id)
{
	uint32_t index, depth;
	enum error error;

	if (!config_valid(config))
		return ERR_RANGE;
	error = parent_join(machine, config->parent, &depth);
	if (error != ERR_OK)
		return error;
	index = slot_claim(machine);
	if (index == 0) {
		if (config->parent != 0)
			group_member_remove(machine, config->parent);
		return ERR_NO_MEMORY;
	}
	*id = (uint64_t)machine->epoch << GROUP_EPOCH_SHIFT |
	      (uint64_t)machine->group[index].generation << GROUP_GENERATION_SHIFT | index;
	slot_open(machine, index, config, depth, *id);
	record_open(&machine->record[index], config->parent, *id);
	return ERR_OK;
}

/* Could a request have said that, and the group have had that id?  Its parent is there before it. */
static bool record_restore(struct group_machine *machine, uint32_t index, group_id_t id)
{
	const struct group_record *record = &machine->record[index];
	const uint32_t generation = (uint32_t)(id >> GROUP_GENERATION_SHIFT);
	const uint64_t weight = get(&record->weight);
	const struct group_config config = {
		.parent = get(&record->parent),
		.weight = weight > POLICY_WEIGHT_MAX ? 0 : (uint32_t)weight,
		.quota_ns = get(&record->quota_ns),
		.period_ns = get(&record->period_ns),
	};
	uint32_t depth;

	if ((id & GROUP_INDEX_MASK) != index || generation % 2 == 0 || !config_valid(&config) ||
	    parent_join(machine, config.parent, &depth) != ERR_OK)
		return false;
	__atomic_store_n(&machine->group[index].generation, generation, __ATOMIC_RELAXED);
	slot_open(machine, index, &config, depth, id);
	return true;
}

uint32_t group_machine_restore(struct group_machine *machine)
{
	uint32_t lost = 0;

	for (uint32_t depth = 1; depth <= GROUP_DEPTH_MAX; depth++)
		for (uint32_t index = 1; index < GROUP_MAX; index++) {
			const group_id_t id = __atomic_load_n(&machine->record[index].id,
							      __ATOMIC_ACQUIRE);

			if (id != 0 && !group_exists(machine, id))
				(void)record_restore(machine, index, id);
		}
	for (uint32_t index = 1; index < GROUP_MAX; index++)
		if (id_of(machine, index) != get(&machine->record[index].id)) {
			put(&machine->record[index].id, 0);
			lost++;
		}
	return lost;
}

enum error group_set(struct group_machine *machine, group_id_t id,
		     const struct group_config *config)
{
	if (!config_valid(config))
		return ERR_RANGE;
	if (!group_exists(machine, id))
		return ERR_NOT_FOUND;
	config_write(machine, group_index(id), config);
	__atomic_fetch_add(&machine->changes, 1, __ATOMIC_RELEASE);
	return ERR_OK;
}

enum error group_delete(struct group_machine *machine, group_id_t id)
{
	struct group_common *group = &machine->group[group_index(id)];
	uint64_t members = 0;

	if (!group_exists(machine, id))
		return ERR_NOT_FOUND;
	if (!__atomic_compare_exchange_n(&group->members, &members, MEMBERS_CLOSED, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return ERR_BUSY;
	const uint32_t parent = __atomic_load_n(&group->parent, __ATOMIC_RELAXED);

	__atomic_store_n(&group->id, 0, __ATOMIC_RELEASE);
	put(&machine->record[group_index(id)].id, 0);
	if (parent != 0)
		group_member_remove(machine, machine->group[parent].id);
	__atomic_fetch_add(&group->generation, 1, __ATOMIC_RELEASE);
	return ERR_OK;
}

static uint64_t period_of(const struct group_common *group, uint64_t now_ns)
{
	return (now_ns / get(&group->period_ns)) & (UINT64_MAX >> GROUP_TAKEN_BITS);
}

uint64_t group_time_ns(const struct group_common *group, uint64_t time_ns)
{
	return group_part_of(get(&group->quota_ns), time_ns, get(&group->period_ns));
}

/* Of the period, as the pool counts: from what can be left over from the one before. */
static uint64_t taken_of(const struct group_common *group, uint64_t word, uint64_t period,
			 uint64_t carry_ns)
{
	const uint64_t before = word >> GROUP_TAKEN_BITS;
	const uint64_t taken_ns = word & TAKEN_MASK;

	if (before == period)
		return taken_ns;
	/* After a whole period without it nothing is left.  The quota may have been another one. */
	return before + 1 != period
		       ? carry_ns
		       : min_u64(sub_saturate_u64(taken_ns, get(&group->quota_ns)), carry_ns);
}

int64_t group_pool_taken(const struct group_machine *machine, uint32_t index, uint64_t now_ns)
{
	const struct group_common *group = &machine->group[index];
	const uint64_t carry_ns = group_time_ns(group, GROUP_CARRY_NS);
	const uint64_t word = get(&group->pool);

	return (int64_t)taken_of(group, word, period_of(group, now_ns), carry_ns) -
	       (int64_t)carry_ns;
}

uint64_t group_pool_take(struct group_machine *machine, uint32_t index, uint64_t wanted_ns,
			 uint64_t now_ns)
{
	struct group_common *group = &machine->group[index];
	const uint64_t carry_ns = group_time_ns(group, GROUP_CARRY_NS);
	const uint64_t most_ns = get(&group->quota_ns) + carry_ns;
	const uint64_t period = period_of(group, now_ns);
	uint64_t word = get(&group->pool);
	uint64_t got_ns;
	uint64_t next;

	do {
		const uint64_t taken_ns = taken_of(group, word, period, carry_ns);

		got_ns = min_u64(wanted_ns, sub_saturate_u64(most_ns, taken_ns));
		next = period << GROUP_TAKEN_BITS | (taken_ns + got_ns);
	} while (!__atomic_compare_exchange_n(&group->pool, &word, next, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (word >> GROUP_TAKEN_BITS != period) {
		__atomic_fetch_add(&machine->record[index].periods, 1, __ATOMIC_RELAXED);
		__atomic_store_n(&group->behind,
				 taken_of(group, word, period, carry_ns) < carry_ns / 2,
				 __ATOMIC_RELAXED);
	}
	return got_ns;
}

/* Into the last period in which it took any: into the present one goes what may be carried. */
void group_pool_give(struct group_machine *machine, uint32_t index, uint64_t unused_ns)
{
	struct group_common *group = &machine->group[index];
	uint64_t word = get(&group->pool);
	uint64_t next;

	do {
		next = word - min_u64(unused_ns, word & TAKEN_MASK);
	} while (!__atomic_compare_exchange_n(&group->pool, &word, next, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
}
