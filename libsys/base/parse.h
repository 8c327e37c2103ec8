/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers and CPU lists in text.  Texts are (pointer, length); no NUL is needed.
 * Pure, no allocation.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpumask.h>

/*
 * Decimal, or hexadecimal after "0x".  The whole text must be the number.
 * ERR_FORMAT: something else.  ERR_RANGE: does not fit 64 bits.
 */
__attribute__((warn_unused_result)) enum error parse_u64(const char *text, size_t len,
							 uint64_t *value);

/* As parse_u64() for decimal numbers with an optional minus sign. */
__attribute__((warn_unused_result)) enum error parse_i64(const char *text, size_t len,
							 int64_t *value);

/*
 * "0-3,6": numbers and ascending ranges, separated by commas; "all" is every CPU below @cpus.
 * ERR_FORMAT: something else, or empty.  ERR_RANGE: a CPU that is not below @cpus (<= CPUS_MAX),
 * or a descending range.
 */
__attribute__((warn_unused_result)) enum error parse_cpu_list(const char *text, size_t len,
							      uint32_t cpus, struct cpumask *mask);

#define CPU_LIST_BYTES_MAX 512u

/* Writes @mask as a list that parse_cpu_list() reads, with NUL; returns its length. */
size_t format_cpu_list(const struct cpumask *mask, char text[CPU_LIST_BYTES_MAX]);

/* Writes @value in decimal without NUL; returns the number of bytes, at most 20. */
size_t format_u64(uint64_t value, char text[20]);
