/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <abi/bootinfo.h>
#include <libsys/objects.h>
#include <libsys/print.h>

#define EXIT_PROC_FAILED 102

static unsigned log_level = LOG_INFO;

void log_level_set(unsigned level)
{
	log_level = level;
}

void log_line(unsigned level, const char *format, ...)
{
	char line[256];
	va_list args;

	if (level > log_level)
		return;
	va_start(args, format);
	sys_vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	sys_printf("proc: %s\n", line);
}

_Noreturn void proc_panic(const char *what, enum error error)
{
	sys_printf("proc: panic: %s: %s (error %d)\n", what, error_text(error), (int)error);
	if (error == ERR_NO_MEMORY)
		sys_printf("proc: too little memory; give the machine more\n");
	enum error failed = system_power_off(BOOT_SLOT_SYSTEM, EXIT_PROC_FAILED);

	(void)failed;
	for (;;)
		__builtin_trap();
}
