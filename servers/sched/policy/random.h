/* SPDX-License-Identifier: BSD-2-Clause */
/* Reproducible chance for policies that want it: the state lies in the queue and in its record. */
#pragma once

#include <stdint.h>

/* splitmix64 (S. Vigna): any state is a good one. */
static inline uint64_t random_next(uint64_t *state)
{
	*state += UINT64_C(0x9E3779B97F4A7C15);
	uint64_t z = *state;
	z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
	return z ^ (z >> 31);
}
