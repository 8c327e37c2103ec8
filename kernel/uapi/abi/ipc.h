/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Message info word and IPC buffer.
 *
 *   bits 0..6   length in words, 0..64          bits 7..8   capabilities, 0..3
 *   bit  9      NOTIFIED: a signal of the bound notification, not a message; badge register = word
 *   bit  10     FAULTED: the message is a fault of a thread (label = enum fault), answer with
 *               FAULT_REPLY_*
 *   bits 12..63 label: method, request, fault kind; in answers of servers an enum error (positive)
 */
#pragma once

#include <abi/types.h>

#define MSG_NOTIFIED    (1ull << 9)
#define MSG_FAULTED     (1ull << 10)
#define MSG_LABEL_SHIFT 12

static inline word_t msg_info(word_t label, unsigned length, unsigned caps)
{
	return (label << MSG_LABEL_SHIFT) | ((word_t)(caps & 3u) << 7) | (word_t)(length & 127u);
}

static inline unsigned msg_length(word_t info)
{
	return (unsigned)(info & 127u);
}

static inline unsigned msg_caps(word_t info)
{
	return (unsigned)(info >> 7) & 3u;
}

static inline word_t msg_label(word_t info)
{
	return info >> MSG_LABEL_SHIFT;
}

/*
 * The IPC buffer: the first bytes of a 4 KiB frame that is mapped in the thread's address space and
 * registered with TCB_CONFIGURE.  Words 0..3 of a message are in registers, msg[0..3] is not used
 * for them.
 */
struct ipc_buffer {
	word_t msg[MSG_WORDS_MAX];
	cptr_t caps[MSG_CAPS_MAX]; /* sender: capabilities to transfer, slots of its root CNode */
	cptr_t recv_slot; /* receiver: first of caps consecutive empty slots; 0 = take none */
	word_t user[4];   /* free for the library */
};

_Static_assert(sizeof(struct ipc_buffer) == 72 * sizeof(word_t), "the IPC buffer is an ABI");
