/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/objects.h>
#include <libsys/print.h>

/* Set once at start, before there is a second thread. */
static sys_print_fn *print_sink;
static void *print_context;

void sys_print_to(sys_print_fn *print, void *context)
{
	print_sink = print;
	print_context = context;
}

void sys_print_debug(void *context, const char *text, size_t bytes)
{
	/* There is nowhere to report that reporting failed. */
	(void)!system_debug_write((cptr_t)(uintptr_t)context, text, bytes);
}

void sys_vprintf(const char *format, va_list args)
{
	char text[SYS_PRINT_PIECE + 1];
	size_t length = sys_vsnprintf(text, sizeof(text), format, args);

	if (length > SYS_PRINT_PIECE) {
		length = SYS_PRINT_PIECE;
		text[length - 1] = '\n'; /* cut, but the next text starts on its own line */
	}
	if (print_sink && length > 0)
		print_sink(print_context, text, length);
}

void sys_printf(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	sys_vprintf(format, args);
	va_end(args);
}
