/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Included by force before every file of the kernel and of the scheduler server that is compiled for the
 * target (relaxed_c_args in meson.build): relaxed loads and stores as volatile accesses.
 * Both are one single-copy atomic instruction for an aligned object
 * of at most eight bytes; but the compiler addresses a volatile one like any other field, with an
 * offset, and for an atomic one it computes the address first and extends the result.
 * Stronger orders are left to the compiler.
 */
#pragma once

/* As an instruction: that the load of a volatile byte extends it the compiler does not make use of. */
#define relaxed_byte(p)                                                                      \
	({                                                                                   \
		unsigned relaxed_value;                                                      \
		__asm__ volatile(                                                            \
			"ldrb %w0, %1"                                                       \
			: "=r"(relaxed_value)                                                \
			: "m"(*(const volatile unsigned char *)(const volatile void *)(p))); \
		if (relaxed_value > 255)                                                     \
			__builtin_unreachable();                                             \
		relaxed_value;                                                               \
	})

/* The type of *p if that is a byte: the other branch of a choice must compile, too. */
#define RELAXED_BYTE(p) __typeof__(__builtin_choose_expr(sizeof(*(p)) == 1, *(p), (unsigned char)0))

#define __atomic_load_n(p, order)                                                             \
	__builtin_choose_expr((order) == __ATOMIC_RELAXED,                                    \
			      __builtin_choose_expr(sizeof(*(p)) == 1,                        \
						    (RELAXED_BYTE(p))relaxed_byte((p)),       \
						    *(const volatile __typeof__(*(p)) *)(p)), \
			      __atomic_load_n((p), (order)))

#define __atomic_store_n(p, value, order)                                          \
	__builtin_choose_expr((order) == __ATOMIC_RELAXED, ({                      \
				      volatile __typeof__(*(p)) *relaxed_at = (p); \
				      *relaxed_at = (value);                       \
				      (void)0;                                     \
			      }),                                                  \
			      __atomic_store_n((p), (value), (order)))
