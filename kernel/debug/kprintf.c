/* SPDX-License-Identifier: BSD-2-Clause */
/* Output on the kernel's console. */
#include "console.h"

#include <kern/debug.h>
#include <kern/entry.h>
#include <kern/lock.h>

/* Orders whole messages of CPUs, nothing else. */
static struct spinlock console_lock = {.class = LOCK_CONSOLE};
static uint32_t console_free; /* atomic; set once, by a panic: nobody takes the lock any more */

void console_seize(void)
{
	__atomic_store_n(&console_free, 1, __ATOMIC_RELAXED);
}

static bool console_lock_take(void) LOCK_TRIES(true, console_lock)
{
	if (__atomic_load_n(&console_free, __ATOMIC_RELAXED) != 0)
		return false;
	spin_lock(&console_lock);
	return true;
}

static void console_put(void *context, char c)
{
	(void)context;
	if (c == '\n')
		arch_console_put('\r');
	arch_console_put(c);
}

void console_print_list(const char *format, va_list arguments)
{
	format_put(console_put, NULL, format, arguments);
}

void console_print(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	console_print_list(format, arguments);
	va_end(arguments);
}

void kprintf_list(const char *format, va_list arguments)
{
	bool locked = console_lock_take();

	console_print_list(format, arguments);
	if (locked)
		spin_unlock(&console_lock);
}

void kprintf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	kprintf_list(format, arguments);
	va_end(arguments);
}

void kwrite(const char *text, size_t bytes)
{
	bool locked = console_lock_take();

	for (size_t i = 0; i < bytes; i++)
		console_put(NULL, text[i]);
	if (locked)
		spin_unlock(&console_lock);
}
