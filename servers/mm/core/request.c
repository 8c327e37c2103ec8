/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of processes and of the process server: decode, check who may, do, answer. */
#include <abi/fault.h>
#include <base/bytes.h>
#include <libsys/ipc.h>

#include "memory.h"
#include "mm.h"
#include "page.h"
#include "region_pool.h"
#include "shared.h"

/* The space that a request is about: the caller's own, or the one that the process server names. */
static uint32_t request_pid(const struct msg *m)
{
	return m->badge == MM_BADGE_PROC ? (uint32_t)msg_word(m, 5) : (uint32_t)m->badge;
}

static void answer(struct msg *m, enum error error, unsigned words)
{
	m->info = msg_info((word_t)error, error == ERR_OK ? words : 0, 0);
}

static enum error request_map(struct msg *m, struct space *space)
{
	const struct map_args args = {.vaddr = m->w[0],
				      .bytes = m->w[1],
				      .flags = (uint32_t)m->w[2],
				      .object = (uint32_t)m->w[3],
				      .offset = msg_word(m, 4),
				      .file_bytes = msg_word(m, 6)};

	return space_map(space, &args, &m->w[0]);
}

static enum error request_shared_new(struct msg *m, struct space *space)
{
	uint32_t id = 0;
	const enum error error = space_shared_new(space, m->w[0], &id);

	m->w[0] = id;
	return error;
}

static enum error request_shared_free(struct msg *m, struct space *space)
{
	bool more = false;
	const enum error error = space_shared_free(space, (uint32_t)m->w[0], MM_WORK_MAX, &more);

	m->w[0] = more;
	return error;
}

static enum error request_unmap(struct msg *m, struct space *space)
{
	const uint64_t all = m->w[0] + m->w[1];
	uint64_t end = all;
	const enum error error = space_unmap(space, m->w[0], &end, &m->w[0]);

	m->w[1] = all - end;
	return error;
}

static enum error request_protect(struct msg *m, struct space *space)
{
	const uint64_t start = m->w[0];
	uint64_t done = start + m->w[3];
	const enum error error = space_protect(space, start, start + m->w[1], (uint32_t)m->w[2],
					       &done);

	m->w[0] = done - start;
	return error;
}

static enum error request_in_space(enum mm_request request, struct msg *m, struct space *space)
{
	uint64_t *entry;

	switch (request) {
	case MM_REQ_MAP:
		return request_map(m, space);
	case MM_REQ_UNMAP:
		return request_unmap(m, space);
	case MM_REQ_PROTECT:
		return request_protect(m, space);
	case MM_REQ_SPACE_TABLES:
		return space_tables(space, m->w[0], &entry);
	case MM_REQ_SHARED_NEW:
		return request_shared_new(m, space);
	case MM_REQ_SHARED_FREE:
		return request_shared_free(m, space);
	case MM_REQ_SPACE_LIMIT:
		space->account.limit = m->w[0];
		return ERR_OK;
	default:
		return ERR_METHOD;
	}
}

/* Between a space and the bounce buffer, page by page. */
static enum error request_copy(struct msg *m, struct space *space, bool in)
{
	uint64_t vaddr = m->w[0];
	uint64_t left = m->w[1];
	uint8_t *bounce = (uint8_t *)(uintptr_t)(MM_BOUNCE_VADDR + m->w[2]);

	if (m->w[2] > MM_BOUNCE_BYTES || left > MM_BOUNCE_BYTES - m->w[2])
		return ERR_RANGE;
	while (left != 0) {
		const uint64_t at = vaddr % PAGE_SIZE;
		const uint64_t bytes = left < PAGE_SIZE - at ? left : PAGE_SIZE - at;
		uint64_t *entry;
		bool raced;
		enum error error = page_resolve(
			space, vaddr, in ? FAULT_ACCESS_WRITE : FAULT_ACCESS_READ, &entry, &raced);

		if (error == ERR_NO_MEMORY || error == ERR_LIMIT)
			return error;
		if (error != ERR_OK)
			return ERR_FAULT_ADDR;

		uint8_t *page = (uint8_t *)page_window(*entry) + at;

		__builtin_memcpy(in ? page : bounce, in ? bounce : page, bytes);
		vaddr += bytes;
		bounce += bytes;
		left -= bytes;
	}
	return ERR_OK;
}

static void request_space_info(struct msg *m, const struct space *space)
{
	const struct mm_space_info info = {.pages = space->account.pages,
					   .pages_limit = space->account.limit,
					   .pages_peak = space->account.peak,
					   .regions = space->regions.count,
					   .bytes_mapped = space->regions.bytes};
	const word_t *words = (const word_t *)&info;

	for (unsigned i = 0; i < sizeof(info) / sizeof(word_t); i++)
		msg_word_set(m, i, words[i]);
}

/* Each counter as it is at some moment: others go on counting. */
static struct mm_stats counters_read(void)
{
	const word_t *from = (const word_t *)&mm_stats;
	struct mm_stats stats = {0};
	word_t *to = (word_t *)&stats;

	for (unsigned i = 0; i < sizeof(stats) / sizeof(word_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	return stats;
}

static void request_stats(struct msg *m)
{
	struct mm_stats stats = counters_read();
	const word_t *words = (const word_t *)&stats;
	uint32_t held;

	memory_stats(&stats);
	spaces_stats(&stats, &held);
	for (unsigned i = 0; i < sizeof(stats) / sizeof(word_t); i++)
		msg_word_set(m, i, words[i]);
	answer(m, ERR_OK, sizeof(stats) / sizeof(word_t));
}

/*
 * Each entry of a space and each page of an object holds a reference, and each used frame has at
 * least one.  Frames that are shared are counted once for each, so the sum of the references of all
 * used frames is what must agree.
 */
static word_t request_check(void)
{
	struct mm_stats stats;
	uint32_t held;
	uint32_t refs = 0;

	spaces_stats(&stats, &held);
	held += shared_frames_held() + shared_table_frames() + region_pool_frames();
	for (uint32_t n = 1; n <= memory_frames_seen(); n++)
		refs += frame_refs(frame_at(n));
	return refs - held;
}

/* Requests that only the process server may send and that take no space's lock first. */
static void request_proc(enum mm_request request, struct msg *m)
{
	const uint32_t pid = request_pid(m);
	enum error error = ERR_METHOD;
	uint32_t vspace = 0;

	switch (request) {
	case MM_REQ_SPACE_NEW:
		error = space_new(pid, m->w[0], &vspace);
		m->w[0] = vspace;
		break;
	case MM_REQ_SPACE_FREE:
		error = space_free(pid, &m->w[0]);
		break;
	case MM_REQ_SPACE_CLONE:
		error = space_clone((uint32_t)m->w[0], pid, &m->w[0]);
		break;
	case MM_REQ_CHECK:
		m->w[0] = request_check();
		error = ERR_OK;
		break;
	default:
		break;
	}
	answer(m, error, 1);
}

static void request_with_space(enum mm_request request, struct msg *m)
{
	struct space *space = space_enter(request_pid(m));
	enum error error;
	unsigned words = 2;

	if (space == NULL) {
		answer(m, ERR_NOT_FOUND, 0);
		return;
	}
	if (request == MM_REQ_COPY_IN || request == MM_REQ_COPY_OUT) {
		error = request_copy(m, space, request == MM_REQ_COPY_IN);
	} else if (request == MM_REQ_SPACE_INFO) {
		request_space_info(m, space);
		error = ERR_OK;
		words = sizeof(struct mm_space_info) / sizeof(word_t);
	} else {
		error = request_in_space(request, m, space);
	}
	space_leave(space);
	answer(m, error, words);
}

void request_handle(struct msg *m)
{
	const enum mm_request request = (enum mm_request)msg_label(m->info);
	const bool proc = m->badge == MM_BADGE_PROC;

	if (request >= MM_REQ_SPACE_NEW && !proc) {
		answer(m, request <= MM_REQ_CHECK ? ERR_PERMISSION : ERR_METHOD, 0);
		return;
	}
	switch (request) {
	case MM_REQ_STATS:
		request_stats(m);
		break;
	case MM_REQ_SHARED_ALLOW:
		answer(m, shared_allow(request_pid(m), (uint32_t)m->w[0], (uint32_t)m->w[1]), 1);
		break;
	case MM_REQ_SPACE_NEW:
	case MM_REQ_SPACE_FREE:
	case MM_REQ_SPACE_CLONE:
	case MM_REQ_CHECK:
		request_proc(request, m);
		break;
	default:
		request_with_space(request, m);
	}
}
