/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small printf for code without a C library: %d %i %u %x %X %p %c %s %%, with l ll z h hh,
 * width, 0, -, and precision (strings and minimum digits; also `*` for both).
 * Bad at: floating point (there is none), locales, %n.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include <abi/types.h>

/* Where text goes: called with texts of at most SYS_PRINT_PIECE bytes, not NUL-terminated. */
#define SYS_PRINT_PIECE 504u
typedef void sys_print_fn(void *context, const char *text, size_t bytes);

/* Default: nowhere. */
void sys_print_to(sys_print_fn *print, void *context);

/* A sink that writes to the kernel's console; the context is the SYSTEM capability as a pointer. */
void sys_print_debug(void *context, const char *text, size_t bytes);

/* One call makes one piece, so lines of different threads do not mix; longer texts are cut. */
__attribute__((format(printf, 1, 2))) void sys_printf(const char *format, ...);
void sys_vprintf(const char *format, va_list args);

/* As snprintf: always terminated if @bytes > 0; returns the length that the text wanted. */
__attribute__((format(printf, 3, 4))) size_t sys_snprintf(char *to, size_t bytes,
							  const char *format, ...);
size_t sys_vsnprintf(char *to, size_t bytes, const char *format, va_list args);
