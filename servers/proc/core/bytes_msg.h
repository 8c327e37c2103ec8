/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes in messages: little-endian in words, the first ones perhaps in registers. */
#pragma once

#include <libsys/ipc.h>

/* `bytes` bytes that begin at word `first` of a message just received. */
static inline void msg_request_bytes(const struct msg *m, unsigned first, void *to, uint32_t bytes)
{
	uint8_t *out = to;

	for (uint32_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)(msg_word(m, first + i / 8) >> (i % 8 * 8));
}

static inline void msg_words_put(struct msg *m, unsigned first, const void *from, uint32_t bytes)
{
	const uint8_t *in = from;

	for (uint32_t at = 0; at < bytes; at += 8) {
		word_t word = 0;

		for (uint32_t i = 0; i < 8 && at + i < bytes; i++)
			word |= (word_t)in[at + i] << (i * 8);
		msg_word_set(m, first + at / 8, word);
	}
}

/* The answer "w0 bytes, w1.. data". */
static inline void msg_answer_bytes(struct msg *m, const void *data, uint32_t bytes)
{
	m->w[0] = bytes;
	msg_words_put(m, 1, data, bytes);
	m->info = msg_info(ERR_OK, 1 + msg_words_of(bytes), 0);
}

static inline void msg_answer(struct msg *m, enum error error, unsigned words)
{
	m->info = msg_info((word_t)error, error == ERR_OK ? words : 0, 0);
}
