/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of CPUs, as a value: fixed size, no allocation, not atomic.  Bits at and above CPUS_MAX are
 * never set.  An empty mask is legal everywhere.  All functions O(CPUS_MAX / 64).
 */
#pragma once

#include <abi/types.h>

#define CPUMASK_WORDS ((CPUS_MAX + 63u) / 64u)

struct cpumask {
	uint64_t bits[CPUMASK_WORDS];
};

static inline struct cpumask cpumask_none(void)
{
	return (struct cpumask){{0}};
}

/* Of the word bits[cpu / 64], for who changes the words atomically. */
static inline uint64_t cpumask_bit(uint32_t cpu)
{
	return UINT64_C(1) << (cpu % 64u);
}

static inline void cpumask_set(struct cpumask *mask, uint32_t cpu)
{
	if (cpu < CPUS_MAX)
		mask->bits[cpu / 64u] |= cpumask_bit(cpu);
}

static inline void cpumask_clear(struct cpumask *mask, uint32_t cpu)
{
	if (cpu < CPUS_MAX)
		mask->bits[cpu / 64u] &= ~cpumask_bit(cpu);
}

static inline bool cpumask_test(const struct cpumask *mask, uint32_t cpu)
{
	return cpu < CPUS_MAX && ((mask->bits[cpu / 64u] >> (cpu % 64u)) & 1u) != 0;
}

/* CPUs 0 .. count - 1. */
static inline struct cpumask cpumask_first(uint32_t count)
{
	struct cpumask mask = cpumask_none();
	for (uint32_t cpu = 0; cpu < count && cpu < CPUS_MAX; cpu++)
		cpumask_set(&mask, cpu);
	return mask;
}

static inline struct cpumask cpumask_all(void)
{
	return cpumask_first(CPUS_MAX);
}

static inline struct cpumask cpumask_one(uint32_t cpu)
{
	struct cpumask mask = cpumask_none();
	cpumask_set(&mask, cpu);
	return mask;
}

static inline struct cpumask cpumask_and(struct cpumask a, struct cpumask b)
{
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		a.bits[i] &= b.bits[i];
	return a;
}

static inline struct cpumask cpumask_or(struct cpumask a, struct cpumask b)
{
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		a.bits[i] |= b.bits[i];
	return a;
}

static inline struct cpumask cpumask_and_not(struct cpumask a, struct cpumask b)
{
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		a.bits[i] &= ~b.bits[i];
	return a;
}

static inline bool cpumask_empty(const struct cpumask *mask)
{
	uint64_t any = 0;
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		any |= mask->bits[i];
	return any == 0;
}

static inline bool cpumask_equal(const struct cpumask *a, const struct cpumask *b)
{
	uint64_t differ = 0;
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		differ |= a->bits[i] ^ b->bits[i];
	return differ == 0;
}

static inline uint32_t cpumask_count(const struct cpumask *mask)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < CPUMASK_WORDS; i++)
		for (uint64_t rest = mask->bits[i]; rest != 0; rest &= rest - 1)
			count++;
	return count;
}

/* The lowest member that is >= from, or CPUS_MAX. */
static inline uint32_t cpumask_next(const struct cpumask *mask, uint32_t from)
{
	for (uint32_t word = from / 64u; word < CPUMASK_WORDS; word++) {
		uint64_t rest = mask->bits[word];
		if (word == from / 64u)
			rest &= ~UINT64_C(0) << (from % 64u);
		if (rest != 0)
			return word * 64u + (uint32_t)__builtin_ctzll(rest);
	}
	return CPUS_MAX;
}

#define cpumask_for_each(cpu, mask)                                  \
	for (uint32_t cpu = cpumask_next((mask), 0); cpu < CPUS_MAX; \
	     cpu = cpumask_next((mask), cpu + 1u))
