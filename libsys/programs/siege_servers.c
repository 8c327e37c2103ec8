/* SPDX-License-Identifier: BSD-2-Clause */
/* Parts of siege.c that send the servers what they take for the kernel's word. */
#include <stdio.h>
#include <stdlib.h>

#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/memory.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>
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

/* ---- Requests that take long, by who has little time, and a server that waits for their end ------ */

#define CROWD      50u
#define LONG_BYTES (16u << 20)

_Noreturn static int stand_there(void *argument)
{
	(void)argument;
	for (;;)
		program_burn(NS_PER_MS);
}

_Noreturn static int unmap_much(void *at)
{
	program_need("the least weight", sched_param_set(0, SCHED_PARAM_NICE, 19, 0));
	program_need("the shortest slice",
		     sched_param_set(0, SCHED_PARAM_SLICE_NS, NS_PER_MS / 10, 0));
	(void)!memory_unmap(at, LONG_BYTES);
	siege_rest();
}

/* Makes proc wait for its memory. */
int siege_much(void)
{
	char *const argv[] = {(char[]){"nothing"}, NULL};
	struct wait_result result;
	void *at;
	word_t pid;

	program_need("mapping much", memory_map(LONG_BYTES, MM_PROT_READ | MM_PROT_WRITE, &at));
	for (size_t i = 0; i < LONG_BYTES; i += PAGE_SIZE)
		((volatile char *)at)[i] = 1;
	siege_thread(unmap_much, (uintptr_t)at);
	for (unsigned i = 0; i < CROWD; i++)
		siege_thread(stand_there, 0);
	for (;;)
		if (process_spawn("nothing", argv, NULL, NULL, &pid) == ERR_OK)
			(void)!process_wait(pid, false, &result);
}
