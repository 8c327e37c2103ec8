/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page faults.  What cannot be resolved goes on to the process server through the kernel, with the
 * reason; mm itself never calls it.
 */
#include <abi/fault.h>
#include <libsys/ipc.h>

#include "mm.h"
#include "page.h"

void fault_handle(struct msg *m)
{
	const uint64_t vaddr = m->w[0];
	const uint32_t access = (uint32_t)m->w[2];
	struct space *space = space_enter((uint32_t)m->badge);
	enum error error = ERR_NOT_FOUND;
	uint64_t *entry;
	bool raced = false;

	mm_count(&mm_stats.faults);
	if (space != NULL) {
		error = page_resolve(space, vaddr, access, &entry, &raced);
		space_leave(space);
	}
	if (raced)
		mm_count(&mm_stats.faults_raced);
	if (error == ERR_OK) {
		*m = msg_make(FAULT_REPLY_RESTART, 0);
		return;
	}
	mm_count(&mm_stats.faults_forward);
	*m = msg_make(FAULT_REPLY_FORWARD, 1);
	m->w[0] = (word_t)error;
}
