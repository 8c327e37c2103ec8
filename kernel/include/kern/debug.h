/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Text output and the end of the machine.  kprintf() and panic() themselves: <kern/entry.h>.
 *
 * kprintf() takes a lock, so that lines of several CPUs do not mix; from a panic it takes none.
 * It polls the UART: slow, and never for anything that a correct machine does often.
 */
#pragma once

#include <abi/types.h>

#include <stdarg.h>

/*
 * The formats %s %d %u %x with a flag - or (numbers that are not negative) 0, a decimal width, and the
 * size l.  Anything else is printed as it stands.  Each character goes to put.
 */
void format_put(void (*put)(void *context, char c), void *context, const char *format,
		va_list arguments);

/* Characters as they are, as one piece (SYSTEM_DEBUG_WRITE). */
void kwrite(const char *text, size_t bytes);

/*
 * Begin an epitaph: this CPU now owns the console, the others are asked to halt, kprintf() takes no
 * lock.  Called by panic(); called before it by code that prints more first.  A CPU that comes here
 * while another one panics halts; a second panic of the same CPU ends the machine at once.
 */
void panic_begin(void);
