/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pipes: a bounded ring of bytes, readers that wait for some and writers that wait for room.  A
 * writer that waited is answered with 0 bytes taken and sends again, so no data is kept for it.
 */
#include "bytes_msg.h"

#include "file.h"

struct pipe {
	uint32_t readers; /* open descriptors; both 0: unused */
	uint32_t writers;
	uint32_t head; /* first byte */
	uint32_t bytes;
	struct list_node waiting_readers;
	struct list_node waiting_writers;
	uint8_t data[PROC_PIPE_BYTES];
};

static struct pipe pipes[PROC_PIPES_MAX];

enum error pipe_new(uint32_t *number)
{
	for (uint32_t i = 0; i < PROC_PIPES_MAX; i++) {
		struct pipe *pipe = &pipes[i];

		if (pipe->readers != 0 || pipe->writers != 0)
			continue;
		pipe->readers = 1;
		pipe->writers = 1;
		pipe->head = 0;
		pipe->bytes = 0;
		list_init(&pipe->waiting_readers);
		list_init(&pipe->waiting_writers);
		*number = i;
		return ERR_OK;
	}
	return ERR_LIMIT;
}

/* Up to `max` bytes as the answer, which are still there; returns how many. */
static uint32_t pipe_look(const struct pipe *pipe, word_t max, struct msg *m)
{
	uint32_t bytes = max < pipe->bytes ? (uint32_t)max : pipe->bytes;
	uint8_t data[PROC_IO_BYTES_MAX];

	if (bytes > PROC_IO_BYTES_MAX)
		bytes = PROC_IO_BYTES_MAX;
	for (uint32_t i = 0; i < bytes; i++)
		data[i] = pipe->data[(pipe->head + i) % PROC_PIPE_BYTES];
	msg_answer_bytes(m, data, bytes);
	return bytes;
}

static void pipe_take(struct pipe *pipe, uint32_t bytes)
{
	pipe->head = (pipe->head + bytes) % PROC_PIPE_BYTES;
	pipe->bytes -= bytes;
}

static void pipe_put(struct pipe *pipe, const uint8_t *data, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		pipe->data[(pipe->head + pipe->bytes + i) % PROC_PIPE_BYTES] = data[i];
	pipe->bytes += bytes;
}

static void readers_serve(struct pipe *pipe)
{
	while ((pipe->bytes != 0 || pipe->writers == 0) && !list_empty(&pipe->waiting_readers)) {
		struct waiter *waiter = waiter_of(list_pop_front(&pipe->waiting_readers));
		struct msg m;
		const uint32_t bytes = pipe_look(pipe, waiter->want, &m);

		/* Else it is for the next one. */
		if (waiter_try_answer(waiter, &m) == ERR_OK)
			pipe_take(pipe, bytes);
	}
}

/* All of them: who finds no room again waits again. */
static void writers_wake(struct pipe *pipe)
{
	while (!list_empty(&pipe->waiting_writers)) {
		struct waiter *waiter = waiter_of(list_pop_front(&pipe->waiting_writers));
		struct msg m = {.info = msg_info(ERR_OK, 1, 0), .w = {0}};

		if (pipe->readers == 0)
			m.info = msg_info(ERR_BROKEN_PIPE, 0, 0);
		waiter_answer(waiter, &m);
	}
}

void pipe_ref(uint32_t number, bool writer)
{
	if (writer)
		pipes[number].writers++;
	else
		pipes[number].readers++;
}

void pipe_unref(uint32_t number, bool writer)
{
	struct pipe *pipe = &pipes[number];

	if (writer && --pipe->writers == 0)
		readers_serve(pipe);
	if (!writer && --pipe->readers == 0)
		writers_wake(pipe);
}

bool pipe_read(uint32_t number, struct process *process, word_t bytes_max, struct msg *m)
{
	struct pipe *pipe = &pipes[number];

	if (pipe->bytes != 0 || pipe->writers == 0 || bytes_max == 0) {
		pipe_take(pipe, pipe_look(pipe, bytes_max, m));
		writers_wake(pipe);
		return true;
	}

	struct waiter *waiter = waiter_defer(process);

	waiter->want = bytes_max;
	list_push_back(&pipe->waiting_readers, &waiter->link);
	return false;
}

bool pipe_write(uint32_t number, struct process *process, word_t bytes, struct msg *m)
{
	struct pipe *pipe = &pipes[number];
	uint8_t data[PROC_IO_BYTES_MAX];
	const uint32_t room = PROC_PIPE_BYTES - pipe->bytes;

	/* Who waits gets what comes, also if another thread has closed its descriptor. */
	if (pipe->readers == 0 && list_empty(&pipe->waiting_readers)) {
		*m = msg_make(ERR_BROKEN_PIPE, 0);
		return true;
	}
	if (room == 0 && bytes != 0) {
		list_push_back(&pipe->waiting_writers, &waiter_defer(process)->link);
		return false;
	}
	if (bytes > room)
		bytes = room;
	msg_request_bytes(m, 2, data, (uint32_t)bytes);
	pipe_put(pipe, data, (uint32_t)bytes);
	readers_serve(pipe);
	*m = (struct msg){.info = msg_info(ERR_OK, 1, 0), .w = {bytes}};
	return true;
}
