/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's panic where a part of it is tested alone: the test says why and dies. */
#include <kern/entry.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}
