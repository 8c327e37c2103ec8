/* SPDX-License-Identifier: BSD-2-Clause */
/* Slots for capabilities that the process receives, and what it makes with them. */
#include <libsys/device.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <proc/slots.h>

#include "message.h"
#include "thread.h"

#define SLOTS      (PROC_SLOT_THREAD_FIRST - PROC_SLOT_FREE_FIRST)
#define SLOT_WORDS ((SLOTS + 63u) / 64u)

/* Bit set: slot PROC_SLOT_FREE_FIRST + n is used. */
static _Atomic uint64_t slots_used[SLOT_WORDS];

static enum error slot_allocate(cptr_t *slot)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		uint64_t bit = 1ull << (i % 64u);

		/* Relaxed: the bit only decides whose slot it is. */
		if (!(atomic_fetch_or_explicit(&slots_used[i / 64u], bit, memory_order_relaxed) &
		      bit)) {
			*slot = PROC_SLOT_FREE_FIRST + i;
			return ERR_OK;
		}
	}
	return ERR_LIMIT;
}

static void slot_release(cptr_t slot)
{
	unsigned i = (unsigned)(slot - PROC_SLOT_FREE_FIRST);

	atomic_fetch_and_explicit(&slots_used[i / 64u], ~(1ull << (i % 64u)), memory_order_relaxed);
}

/* A request with one word that is answered with a capability. */
static enum error capability_request(word_t label, word_t word, cptr_t slot, struct msg *m)
{
	msg_receive_slot_set(slot);
	enum error error = server_request(PROC_SLOT_PROC, label, &word, 1, m);

	msg_receive_slot_set(CPTR_NULL);
	return error == ERR_OK && msg_caps(m->info) != 1 ? ERR_NO_MEMORY : error;
}

/* A signal is the badge of the capability, and no badge is no signal: go on with a badged copy. */
static enum error object_badge(cptr_t *slot)
{
	cptr_t badged;
	enum error error = slot_allocate(&badged);

	if (error != ERR_OK)
		return error;
	error = cnode_mint(PROC_SLOT_CNODE, badged, RIGHT_ALL, CPTR_NULL, *slot, 1);
	if (error != ERR_OK) {
		slot_release(badged);
		return error;
	}
	object_free(*slot);
	*slot = badged;
	return ERR_OK;
}

enum error object_new(word_t type, cptr_t *slot)
{
	struct msg m;
	enum error error = slot_allocate(slot);

	if (error != ERR_OK)
		return error;
	error = capability_request(PROC_REQ_OBJECT_NEW, type, *slot, &m);
	if (error != ERR_OK) {
		slot_release(*slot);
		return error;
	}
	if (type == OBJ_NOTIFICATION) {
		error = object_badge(slot);
		if (error != ERR_OK)
			object_free(*slot);
	}
	return error;
}

void object_free(cptr_t slot)
{
	if (cnode_delete(PROC_SLOT_CNODE, slot) == ERR_OK)
		slot_release(slot);
}

enum error device_open(word_t cpu, struct device *device)
{
	struct msg m;
	cptr_t slot;
	enum error error = slot_allocate(&slot);

	if (error != ERR_OK)
		return error;
	error = capability_request(PROC_REQ_DEVICE_OPEN, cpu, slot, &m);
	if (error != ERR_OK) {
		slot_release(slot);
		return error;
	}
	*device = (struct device){.registers = (volatile uint8_t *)PROC_DEVICE_VADDR,
				  .bytes = m.w[0],
				  .interrupt = slot};
	return ERR_OK;
}

enum error thread_passive_set(bool passive)
{
	cptr_t tcb = proc_thread_slot(thread_self()->index, PROC_THREAD_SLOT_TCB);

	thread_self()->serves = true;
	return tcb_set_flags(tcb, passive ? TCB_FLAG_PASSIVE : 0, passive ? 0 : TCB_FLAG_PASSIVE);
}

cptr_t thread_reply_slot(void)
{
	thread_self()->serves = true;
	return proc_thread_slot(thread_self()->index, PROC_THREAD_SLOT_REPLY);
}
