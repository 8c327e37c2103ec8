/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included by force before every file of the kernel that is compiled for the target: relaxed loads
 * and stores as volatile accesses.  Both are one single-copy atomic instruction for an aligned object
 * of at most eight bytes; but the compiler addresses a volatile one like any other field, with an
 * offset, and for an atomic one it computes the address first and extends the result.
 * Stronger orders are left to the compiler.
 */
#pragma once

#define __atomic_load_n(p, order)                                      \
	__builtin_choose_expr((order) == __ATOMIC_RELAXED,             \
			      *(const volatile __typeof__(*(p)) *)(p), \
			      __atomic_load_n((p), (order)))

#define __atomic_store_n(p, value, order)                                          \
	__builtin_choose_expr((order) == __ATOMIC_RELAXED, ({                      \
				      volatile __typeof__(*(p)) *relaxed_at = (p); \
				      *relaxed_at = (value);                       \
				      (void)0;                                     \
			      }),                                                  \
			      __atomic_store_n((p), (value), (order)))
