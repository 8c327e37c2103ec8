/* SPDX-License-Identifier: BSD-2-Clause */
/* See mm_messages.h. */
#include "mm_messages.h"

#include <abi/fault.h>
#include <libsys/ipc.h>
#include <string.h>

#include "fake_kernel.h"
#include "mm.h"

#define FAULT_TRIES 10u

enum error request_of(word_t badge, word_t label, uint32_t pid, word_t w[4], word_t w4, word_t w6)
{
	struct msg m = {.info = msg_info(label, 7, 0), .badge = badge};

	memcpy(m.w, w, sizeof(m.w));
	fake_buffer.msg[4] = w4;
	fake_buffer.msg[5] = pid;
	fake_buffer.msg[6] = w6;
	request_handle(&m);
	memcpy(w, m.w, sizeof(m.w));
	return (enum error)msg_label(m.info);
}

uint8_t *touch(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint32_t access, enum error *why)
{
	for (unsigned i = 0; i < FAULT_TRIES; i++) {
		bool present;
		uint8_t *byte = fake_access(vspace, vaddr, access, &present);
		struct msg m = {.info = msg_info(FAULT_PAGE, 4, 0) | MSG_FAULTED,
				.w = {vaddr, 0x400000, access},
				.badge = pid};

		if (byte != NULL)
			return byte;
		if (present)
			m.w[2] |= FAULT_ACCESS_PRESENT;
		fault_handle(&m);
		if (msg_label(m.info) == FAULT_REPLY_FORWARD) {
			*why = (enum error)m.w[0];
			return NULL;
		}
		if (msg_label(m.info) != FAULT_REPLY_RESTART)
			mm_panic("answering a fault", ERR_INTERNAL);
	}
	mm_panic("resolving a fault in ten tries", ERR_INTERNAL);
}
