/* SPDX-License-Identifier: BSD-2-Clause */
#include "object.h"

#include <libsys/objects.h>

#include "bytes_msg.h"
#include "log.h"
#include "untyped.h"

/* The capability is made here, sent with the answer, and deleted before the next one. */
static bool offer_used;

static enum error offer_make(struct process *process, enum object_type type)
{
	enum error error = ERR_OK;

	if (type != OBJ_ENDPOINT && type != OBJ_NOTIFICATION && type != OBJ_REPLY)
		return ERR_CAP_TYPE;
	if (offer_used)
		/* SLOT_EMPTY: its process has ended. */
		error = cnode_delete(BOOT_SLOT_CNODE, OWN_OFFER);
	(void)error;
	offer_used = false;
	if (process->objects == CPTR_NULL) {
		error = untyped_alloc(PROCESS_OBJECTS_BITS, &process->objects);
		if (error != ERR_OK)
			return error;
	}
	error = untyped_retype(process->objects, type, 0, 1, 0, OWN_OFFER);
	offer_used = error == ERR_OK;
	return error;
}

void object_request(struct process *process, struct msg *m)
{
	const enum error error = offer_make(process, (enum object_type)m->w[0]);

	msg_answer(m, error, 0);
	if (error == ERR_OK) {
		m->info = msg_info(ERR_OK, 0, 1);
		msg_cap_set(0, OWN_OFFER);
	}
}
