/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of kernel/debug. */
#pragma once

#include <stdarg.h>

/* From now on nobody takes the console's lock: its holder may be a halted CPU. */
void console_seize(void);
void kprintf_list(const char *format, va_list arguments);
