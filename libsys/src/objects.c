/* SPDX-License-Identifier: BSD-2-Clause */
/* The methods that are too long to be inline. */
#include <libsys/objects.h>

/* Bytes start at word 1: words 1..3 travel in registers, the rest in the IPC buffer. */
enum error system_debug_write(cptr_t system, const char *text, size_t bytes)
{
	if (bytes > SYSTEM_DEBUG_BYTES)
		return ERR_RANGE;
	struct msg m = msg_make(METHOD_SYSTEM_DEBUG_WRITE, 1 + msg_words_of(bytes));

	m.w[0] = bytes;
	for (size_t at = 0; at < bytes; at += sizeof(word_t)) {
		word_t word = 0;

		for (unsigned i = 0; i < sizeof(word_t) && at + i < bytes; i++)
			word |= (word_t)(unsigned char)text[at + i] << (8 * i);
		msg_word_set(&m, 1 + (unsigned)(at / sizeof(word_t)), word);
	}
	return sys_call(system, &m);
}
