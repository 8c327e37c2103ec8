/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's one monotonic clock, read without a system call:
 *
 *     now_ns = (CNTVCT_EL0 * mult) >> shift, in 128 bits
 *
 * mult and shift come from the boot information (proc) or from the auxiliary vector (programs).
 * Until clock_scale_set() was called the kernel is asked instead, which is slower but right.
 */
#pragma once

#include <abi/types.h>

void clock_scale_set(uint64_t mult, uint32_t shift);
time_ns_t clock_now_ns(void);

/* @a + @b, TIME_NEVER if that is past the end of time. */
static inline time_ns_t time_add_ns(time_ns_t a, time_ns_t b)
{
	return a > TIME_NEVER - b ? TIME_NEVER : a + b;
}
