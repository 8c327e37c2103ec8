/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Weights of nice values: 1024 for 0, each step about a quarter more or a fifth less, so that one
 * step is worth about 10 % of a CPU between two threads.  The values are Linux's.
 */
#pragma once

#include <stdint.h>

#define NICE_LOWEST       (-20)
#define NICE_HIGHEST      19
#define WEIGHT_BACKGROUND 3u /* the background class (SCHED_IDLE) */
#define WEIGHT_LARGEST    (1u << 20)

/* @nice outside its range is clamped. */
static inline uint32_t nice_weight(int nice)
{
	static const uint32_t weights[] = {
		88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
		9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
		1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
		110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
	};

	if (nice < NICE_LOWEST)
		nice = NICE_LOWEST;
	if (nice > NICE_HIGHEST)
		nice = NICE_HIGHEST;
	return weights[nice - NICE_LOWEST];
}
