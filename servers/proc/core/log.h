/* SPDX-License-Identifier: BSD-2-Clause */
/* One line to the console, "proc: ...".  Any thread of proc. */
#pragma once

#include <abi/error.h>
#include <libsys/errno.h>

#define LOG_ERROR 0u /* something failed that the machine needs, or a program was killed */
#define LOG_INFO  1u /* what a person wants to see once */
#define LOG_DEBUG 2u

void log_level_set(unsigned level);
__attribute__((format(printf, 2, 3))) void log_line(unsigned level, const char *format, ...);

/* proc cannot go on: say why, end the machine visibly. */
_Noreturn void proc_panic(const char *what, enum error error);

/* For what can only fail if proc itself is wrong. */
static inline void must(enum error error, const char *what)
{
	if (error != ERR_OK)
		proc_panic(what, error);
}
