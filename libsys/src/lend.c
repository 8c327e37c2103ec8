/* SPDX-License-Identifier: BSD-2-Clause */
#include "lend.h"

#include <proc/protocol.h>
#include <proc/slots.h>

#include "message.h"
#include "thread.h"

uint32_t lend_self(void)
{
	return thread_tid(thread_self());
}

static enum error request(enum proc_request label, word_t w0, word_t w1, word_t w2)
{
	const word_t words[] = {w0, w1, w2};
	struct msg m;

	return server_request(PROC_SLOT_PROC, label, words, 3, &m);
}

enum error lend_wait(uint32_t holder, word_t key)
{
	return request(PROC_REQ_MUTEX_WAIT, lend_self(), holder, key);
}

enum error lend_take(bool leaves, word_t key)
{
	return request(PROC_REQ_MUTEX_TAKE, lend_self(), leaves, key);
}

enum error lend_pass(word_t key)
{
	return request(PROC_REQ_MUTEX_PASS, key, lend_self(), 0);
}
