/* SPDX-License-Identifier: BSD-2-Clause */
/* A panic of the kernel is a broken rule (linked with --wrap=panic). */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void __wrap_panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void __wrap_panic(const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "broken rule: panic: ");
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}
