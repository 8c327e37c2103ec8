/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked, saturating and 128-bit integer arithmetic.  No floating point and no calls into the
 * compiler's run-time library (128-bit division would be one).
 *
 * Division of a 128-bit number a by b > 0 rounds to minus infinity: a = q b + r with 0 <= r < b.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline uint64_t add_saturate_u64(uint64_t a, uint64_t b)
{
	uint64_t sum;
	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

static inline uint64_t sub_saturate_u64(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static inline uint64_t mul_saturate_u64(uint64_t a, uint64_t b)
{
	uint64_t product;
	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

#define INT128_MAX ((int128_t)(~(uint128_t)0 >> 1))

static inline int128_t min_i128(int128_t a, int128_t b)
{
	return a < b ? a : b;
}

static inline int128_t max_i128(int128_t a, int128_t b)
{
	return a > b ? a : b;
}

/* a < b where b - a is no overflow: one subtraction, where the comparison is several jumps. */
static inline bool int128_below(int128_t a, int128_t b)
{
	return (int64_t)(((uint128_t)a - (uint128_t)b) >> 64) < 0;
}

/* The nearest of -most to most; most >= 0. */
static inline int64_t bound_i64(int64_t value, int64_t most)
{
	if (value > most)
		return most;
	return value < -most ? -most : value;
}

static inline bool int128_fits_i64(int128_t a)
{
	return a == (int128_t)(int64_t)a;
}

/* Saturates at the ends of int64_t. */
static inline int64_t int128_to_i64(int128_t a)
{
	if (int128_fits_i64(a))
		return (int64_t)a;
	return a < 0 ? INT64_MIN : INT64_MAX;
}

/* 128 / 64 bit by bit, for b >= 2^32. */
static __attribute__((noinline, unused)) uint128_t uint128_divide_slow(uint128_t a, uint64_t b,
								       uint64_t *remainder)
{
	const uint64_t high = (uint64_t)(a >> 64);
	const uint64_t low = (uint64_t)a;
	uint64_t r = high % b;
	uint64_t q_low = 0;
	for (uint32_t bit = 64; bit-- > 0;) {
		const bool carry = (r >> 63) != 0;
		r = (r << 1) | ((low >> bit) & 1u);
		if (carry || r >= b) {
			r -= b;
			q_low |= UINT64_C(1) << bit;
		}
	}
	*remainder = r;
	return ((uint128_t)(high / b) << 64) | q_low;
}

/* Unsigned 128 / 64.  With b < 2^32 in at most three steps of the machine's own division (every
 * weight sum below 2^32 takes this way). */
static inline uint128_t uint128_divide(uint128_t a, uint64_t b, uint64_t *remainder)
{
	const uint64_t high = (uint64_t)(a >> 64);
	const uint64_t low = (uint64_t)a;
	if (high == 0) {
		*remainder = low % b;
		return low / b;
	}
	if (b > UINT32_MAX)
		return uint128_divide_slow(a, b, remainder);
	const uint64_t middle = ((high % b) << 32) | (low >> 32);
	const uint64_t last = ((middle % b) << 32) | (low & UINT32_MAX);
	*remainder = last % b;
	return ((uint128_t)(high / b) << 64) | (((middle / b) << 32) + last / b);
}

/* floor(a / b), with the remainder in [0, b).  b > 0. */
static inline int128_t int128_divide_floor(int128_t a, uint64_t b, uint64_t *remainder)
{
	if (a >= 0)
		return (int128_t)uint128_divide((uint128_t)a, b, remainder);
	/* For a < 0: ~a = -a - 1 >= 0, and floor(a / b) = ~floor(~a / b). */
	uint64_t r;
	const uint128_t q = uint128_divide((uint128_t)~a, b, &r);
	*remainder = b - 1 - r;
	return ~(int128_t)q;
}

static inline int128_t int128_of_words(uint64_t high, uint64_t low)
{
	return (int128_t)(((uint128_t)high << 64) | low);
}

/* int128_divide_floor() of |a| < 2^105 b and 0 < b <= 2^21, without a branch: 2^106 b more is above 0. */
static inline int128_t int128_divide_floor_short(int128_t a, uint64_t b, uint64_t *remainder)
{
	const uint64_t high = (uint64_t)(a >> 64) + (b << 42);
	const uint64_t middle = ((high % b) << 32) | ((uint64_t)a >> 32);
	const uint64_t last = ((middle % b) << 32) | ((uint64_t)a & UINT32_MAX);
	*remainder = last % b;
	return int128_of_words(high / b - (UINT64_C(1) << 42), ((middle / b) << 32) + last / b);
}

/* *whole + *rem / b += a / b, exactly, with *rem in [0, b) before and after.  a >= 0. */
static inline void fraction_add(int128_t *whole, uint64_t *rem, uint64_t b, int128_t a)
{
	uint64_t rest;
	*whole += (int128_t)uint128_divide((uint128_t)(a + (int128_t)*rem), b, &rest);
	*rem = rest;
}

/* The same for any a, with b and *rem of 32 bits. */
static inline void fraction_add_32(int128_t *whole, uint32_t *rem, uint32_t b, int128_t a)
{
	uint64_t rest;
	*whole += int128_divide_floor(a + (int128_t)*rem, b, &rest);
	*rem = (uint32_t)rest;
}
