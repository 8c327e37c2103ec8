/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of siege.c that send the servers what they take for the kernel's word. */
#include <stdlib.h>

#include <libsys/ipc.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <proc/slots.h>

#include "siege.h"

/* tids of the programs that ran first; pids come there, too. */
#define TID_FIRST 272u
#define TID_LAST  280u

/* Its faults go to proc, in its own name. */
_Noreturn static void fault_in_its_name(void)
{
	program_need("choosing who takes faults",
		     tcb_set_fault(thread_reply_slot() + 1, PROC_SLOT_PROC, PROC_SLOT_PROC));
	for (;;)
		__asm__ volatile("udf #1");
}

int siege_impostor(void)
{
	struct process_self self;

	program_need("asking about itself", process_info(&self));
	if (self.pid < TID_FIRST)
		return 0;
	fault_in_its_name();
}

int siege_impostors(void)
{
	char *const argv[] = {(char[]){"siege"}, (char[]){"impostor"}, NULL};
	word_t pid = 0;

	while (pid < TID_LAST) {
		struct wait_result result;

		program_need("starting", process_spawn("siege", argv, NULL, NULL, &pid));
		program_need("waiting", process_wait(pid, false, &result));
		if (pid >= TID_FIRST && result.signal != PROC_SIGILL)
			exit(1);
	}
	return 0;
}
