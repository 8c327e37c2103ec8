/* SPDX-License-Identifier: BSD-2-Clause */
#include "mm_client.h"

#include <libsys/objects.h>

#include "own.h"

static enum error mm_call(enum mm_request request, uint32_t pid, struct msg *m)
{
	msg_word_set(m, 5, pid);
	m->info = msg_info((word_t)request, 7, 0);
	return server_call(OWN_MM_PORT, m);
}

enum error mm_space_new(uint32_t pid, uint64_t pages_max, cptr_t vspace)
{
	struct msg m = {.w = {pages_max}};
	enum error error = mm_call(MM_REQ_SPACE_NEW, pid, &m);

	if (error != ERR_OK)
		return error;
	error = cnode_copy(BOOT_SLOT_CNODE, vspace, RIGHT_ALL, OWN_MM_CNODE, m.w[0]);
	if (error != ERR_OK && mm_space_free(pid) != ERR_OK)
		return ERR_INTERNAL;
	return error;
}

enum error mm_space_free(uint32_t pid)
{
	struct msg m = {.w = {0}};

	return mm_call(MM_REQ_SPACE_FREE, pid, &m);
}

enum error mm_space_tables(uint32_t pid, uint64_t vaddr)
{
	struct msg m = {.w = {vaddr}};

	return mm_call(MM_REQ_SPACE_TABLES, pid, &m);
}

enum error mm_map(uint32_t pid, const struct mm_map *map)
{
	struct msg m = {.w = {map->vaddr, map->bytes, map->flags, 0}};

	msg_word_set(&m, 4, map->offset);
	msg_word_set(&m, 6, map->file_bytes);
	return mm_call(MM_REQ_MAP, pid, &m);
}

enum error mm_unmap(uint32_t pid, uint64_t vaddr, uint64_t bytes)
{
	enum error error;

	do {
		struct msg m = {.w = {vaddr, bytes}};

		error = mm_call(MM_REQ_UNMAP, pid, &m);
		vaddr += bytes - m.w[1];
		bytes = m.w[1];
	} while (error == ERR_OK && bytes != 0);
	return error;
}

enum error mm_copy_in(uint32_t pid, uint64_t vaddr, uint64_t bytes, uint64_t offset)
{
	struct msg m = {.w = {vaddr, bytes, offset}};

	return mm_call(MM_REQ_COPY_IN, pid, &m);
}

enum error mm_copy_out(uint32_t pid, uint64_t vaddr, uint64_t bytes, uint64_t offset)
{
	struct msg m = {.w = {vaddr, bytes, offset}};

	return mm_call(MM_REQ_COPY_OUT, pid, &m);
}

enum error mm_memory(uint32_t pid, struct msg *m, unsigned *words)
{
	*words = (unsigned)((pid == 0 ? sizeof(struct mm_stats) : sizeof(struct mm_space_info)) /
			    sizeof(word_t));
	return mm_call(pid == 0 ? MM_REQ_STATS : MM_REQ_SPACE_INFO, pid, m);
}
