/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes and structures in messages, wherever their words are. */
#pragma once

#include <libsys/ipc.h>

/* Copy @bytes bytes into the message from word @first on.  The rest of the last word is zero. */
void message_put(struct msg *m, unsigned first, const void *from, size_t bytes);

/* Copy @bytes bytes out of the message from word @first on. */
void message_get(const struct msg *m, unsigned first, void *to, size_t bytes);

/* A call with @length words at @words, then a look at the error.  @m gets the answer. */
MUST_CHECK enum error server_request(cptr_t server, word_t label, const word_t *words,
				     unsigned length, struct msg *m);

/* As server_request; the answer is a structure of whole words. */
MUST_CHECK enum error server_query(cptr_t server, word_t label, const word_t *words,
				   unsigned length, void *answer, size_t bytes);
