/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reaper: an active thread that ends threads and frees the memory of processes, so that nobody
 * has to delete the thread that it runs on.  It asks the service thread for work and reports it
 * done; in between it calls the kernel and mm only.
 */
#include <libsys/objects.h>

#include "log.h"
#include "mm_client.h"
#include "register.h"
#include "state.h"

/* Returns its CPU time. */
static uint64_t thread_end(uint32_t tid, uint32_t pid, uint64_t stack_vaddr, uint64_t stack_bytes)
{
	const uint64_t cpu_ns = thread_objects_delete(tid);

	if (stack_bytes != 0 && mm_unmap(pid, stack_vaddr, stack_bytes) != ERR_OK)
		log_line(LOG_DEBUG, "pid %u: the stack of a thread that ended is not mapped",
			 (unsigned)pid);
	return cpu_ns;
}

/* Returns the CPU time of its threads. */
static uint64_t process_free(uint32_t pid)
{
	const uint32_t n = pid % PROC_PROCESSES_MAX;
	const struct process *process = process_get(pid);
	uint64_t cpu_ns = 0;

	/* The entry is DYING: nobody changes it, nor its threads, but for what this reports. */
	list_for_each (node, &process->threads) {
		const struct thread *thread = container_of(node, struct thread, link);

		cpu_ns += thread_objects_delete(thread_tid(thread)) - thread->cpu_base_ns;
	}
	must(cnode_revoke(BOOT_SLOT_CNODE, process->cnode_untyped), "deleting a CNode");
	if (process->objects != CPTR_NULL)
		must(cnode_revoke(BOOT_SLOT_CNODE, process->objects), "deleting objects");
	must(cnode_delete(BOOT_SLOT_CNODE, own_process_slot(n, PROCESS_PAGER)),
	     "deleting a process's pager");
	must(cnode_delete(BOOT_SLOT_CNODE, own_process_slot(n, PROCESS_BOOTINFO)),
	     "deleting a process's boot information");
	must(mm_space_free(pid), "freeing an address space");
	return cpu_ns;
}

void reaper_thread(word_t a0, word_t a1, word_t a2, word_t a3)
{
	struct msg m = {.w = {REAP_NOTHING}};
	uint64_t billed_ns = 0; /* of its own CPU time */

	(void)a0, (void)a1, (void)a2, (void)a3;
	for (;;) {
		word_t signals;

		const uint64_t cpu_ns = sys_thread_clock().cpu_ns;

		m.w[3] = cpu_ns - billed_ns;
		billed_ns = cpu_ns;
		m.info = msg_info(OWN_REQ_REAP, 4, 0);
		must(server_call(OWN_SERVICE_PORT, &m), "asking for work");
		switch (m.w[0]) {
		case REAP_THREAD:
			m.w[2] = thread_end((uint32_t)m.w[1], (uint32_t)m.w[2], m.w[3],
					    msg_word(&m, 4));
			break;
		case REAP_PROCESS:
			m.w[2] = process_free((uint32_t)m.w[1]);
			break;
		default:
			/* A signal since the question was asked is still there. */
			must(sys_wait(OWN_REAPER_SIGNAL, &signals), "waiting as reaper");
			m.w[0] = REAP_NOTHING;
		}
	}
}
