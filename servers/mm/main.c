/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm, the pager.  A pool of threads receives on one endpoint, each with a reply object of its own;
 * all run the same loop.  They are passive: they run on the time of whoever faulted.
 *
 * Thread 0 starts alone and sets everything up before its first receive; proc starts the others
 * when thread 0 has answered a call.  mm is mapped by proc before it starts and never faults.
 */
#include <libsys/ipc.h>
#include <libsys/objects.h>
#include <libsys/print.h>
#include <libsys/server.h>

#include "memory.h"
#include "mm.h"
#include "space.h"

#define EXIT_MM_FAILED 103

struct mm_stats mm_stats;

_Noreturn void mm_panic(const char *what, enum error error)
{
	sys_printf("mm: panic: %s failed with error %d\n", what, (int)error);
	/* Every program and proc wait for mm: better no machine than one that waits for ever. */
	(void)!system_power_off(MM_SLOT_SYSTEM, EXIT_MM_FAILED);
	for (;;)
		__builtin_trap();
}

static void mm_init(void)
{
	const struct mm_start *start = mm_start_page();

	sys_print_to(sys_print_debug, (void *)(uintptr_t)MM_SLOT_SYSTEM);
	if (start->magic != MM_START_MAGIC || start->bytes != sizeof(*start))
		mm_panic("reading the start page", ERR_FORMAT);
	memory_init(start);
	spaces_init();
}

_Noreturn void server_main(word_t thread, word_t a1, word_t a2, word_t a3)
{
	(void)a1, (void)a2, (void)a3;

	const cptr_t reply = MM_SLOT_REPLY_FIRST + thread;
	struct msg m;

	if (thread == 0)
		mm_init();

	enum error error = sys_recv(MM_SLOT_ENDPOINT, reply, &m);

	for (;;) {
		while (error != ERR_OK)
			/* The last caller is gone, or a receive was disturbed: nothing is owed. */
			error = sys_recv(MM_SLOT_ENDPOINT, reply, &m);
		if ((m.info & MSG_FAULTED) != 0)
			fault_handle(&m);
		else
			request_handle(&m);
		error = sys_reply_recv(MM_SLOT_ENDPOINT, reply, &m);
	}
}
