/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of kernel/debug, and the judge of locks. */
#pragma once

#include <stdarg.h>

/* From now on nobody takes the console's lock: its holder may be a halted CPU. */
void console_seize(void);
void kprintf_list(const char *format, va_list arguments);

/* What takes no lock: lines of several CPUs may mix.  For those who complain about locks. */
void console_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
void console_print_list(const char *format, va_list arguments);
