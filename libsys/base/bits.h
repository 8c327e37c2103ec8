/* SPDX-License-Identifier: BSD-2-Clause */
/* Small arithmetic on bits.  Arguments of 0 are legal where the comment says so. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define BIT64(n) (UINT64_C(1) << (n))

/* `alignment` is a power of two; wraps at the top. */
static inline uint64_t align_up(uint64_t value, uint64_t alignment)
{
	return (value + alignment - 1) & ~(alignment - 1);
}

static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

static inline bool is_aligned(uint64_t value, uint64_t alignment)
{
	return (value & (alignment - 1)) == 0;
}

static inline bool is_power_of_2(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/* Index of the lowest set bit; 64 for 0. */
static inline uint32_t bit_first(uint64_t value)
{
	return value == 0 ? 64u : (uint32_t)__builtin_ctzll(value);
}

/* Index of the highest set bit: floor of the binary logarithm; 64 for 0. */
static inline uint32_t bit_last(uint64_t value)
{
	return value == 0 ? 64u : 63u - (uint32_t)__builtin_clzll(value);
}
