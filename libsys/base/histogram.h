/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Log-linear histogram of durations: 128 buckets, four per power of two, so a percentile read back
 * is at most 25 % above the truth.  Bucket 0..3 hold 0..3 ns; values of 2^33 ns (8.6 s) and more
 * share the last one.
 */
#pragma once

#include <stdint.h>

#define HISTOGRAM_BUCKETS 128u

static inline uint32_t histogram_bucket(uint64_t ns)
{
	if (ns < 4)
		return (uint32_t)ns;
	uint32_t exponent = 63u - (uint32_t)__builtin_clzll(ns);
	uint32_t bucket = (exponent - 1u) * 4u + (uint32_t)((ns >> (exponent - 2u)) & 3u);
	return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1u;
}

/* Largest value that falls into a bucket. */
static inline uint64_t histogram_bucket_max(uint32_t bucket)
{
	if (bucket < 4)
		return bucket;
	uint32_t exponent = bucket / 4u + 1u;
	return ((UINT64_C(5) + (bucket & 3u)) << (exponent - 2u)) - 1u;
}

/* Value below or at which `permille` of the samples lie (upper edge of the bucket); 0 if there are
 * none. */
static inline uint64_t histogram_percentile(const uint32_t *buckets, uint32_t permille)
{
	uint64_t total = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		total += buckets[i];
	if (total == 0)
		return 0;
	uint64_t want = (total * permille + 999u) / 1000u;
	uint64_t seen = 0;
	for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += buckets[i];
		if (seen >= want && seen > 0)
			return histogram_bucket_max(i);
	}
	return histogram_bucket_max(HISTOGRAM_BUCKETS - 1u);
}
