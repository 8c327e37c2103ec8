/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "message.h"

void message_put(struct msg *m, unsigned first, const void *from, size_t bytes)
{
	const char *source = from;

	for (unsigned i = first; bytes > 0; i++) {
		size_t part = bytes < sizeof(word_t) ? bytes : sizeof(word_t);
		word_t word = 0;

		memcpy(&word, source, part);
		msg_word_set(m, i, word);
		source += part;
		bytes -= part;
	}
}

void message_get(const struct msg *m, unsigned first, void *to, size_t bytes)
{
	char *target = to;

	for (unsigned i = first; bytes > 0; i++) {
		size_t part = bytes < sizeof(word_t) ? bytes : sizeof(word_t);
		word_t word = msg_word(m, i);

		memcpy(target, &word, part);
		target += part;
		bytes -= part;
	}
}

enum error server_request(cptr_t server, word_t label, const word_t *words, unsigned length,
			  struct msg *m)
{
	*m = msg_make(label, length);
	for (unsigned i = 0; i < length; i++)
		msg_word_set(m, i, words[i]);
	return server_call(server, m);
}

enum error server_query(cptr_t server, word_t label, const word_t *words, unsigned length,
			void *answer, size_t bytes)
{
	struct msg m;
	enum error error = server_request(server, label, words, length, &m);

	if (error == ERR_OK)
		message_get(&m, 0, answer, bytes);
	return error;
}
