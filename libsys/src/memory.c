/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/memory.h>
#include <proc/slots.h>

#include "message.h"

static size_t pages_up(size_t bytes)
{
	return (bytes + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

static enum error mm_map(const word_t *words, unsigned length, void **at)
{
	struct msg m;
	enum error error = server_request(PROC_SLOT_MM, MM_REQ_MAP, words, length, &m);

	if (error == ERR_OK)
		*at = (void *)(uintptr_t)m.w[0];
	return error;
}

enum error memory_map_at(word_t vaddr, size_t bytes, word_t flags, word_t object, word_t offset,
			 void **at)
{
	const word_t words[] = {vaddr, pages_up(bytes), flags, object, offset};

	return mm_map(words, 5, at);
}

enum error memory_map(size_t bytes, unsigned protection, void **at)
{
	return memory_map_at(0, bytes, MM_MAP_FLAGS(protection, MM_KIND_ANON), 0, 0, at);
}

enum error memory_map_stack(size_t bytes, void **at)
{
	return memory_map_at(0, bytes, MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_STACK), 0,
			     0, at);
}

/* The region is whole pages; what of it is the file's is said in w6. */
enum error memory_map_file(word_t offset, size_t bytes, unsigned protection, void **at)
{
	word_t inside = offset & (PAGE_SIZE - 1);
	const word_t words[] = {0, bytes, MM_MAP_FLAGS(protection, MM_KIND_FILE), 0, offset,
				0, bytes};
	enum error error = mm_map(words, 7, at);

	/* With vaddr 0 mm picks the region; the first byte of the file lies @inside its page. */
	if (error == ERR_OK && ((uintptr_t)*at & (PAGE_SIZE - 1)) == 0)
		*at = (char *)*at + inside;
	return error;
}

enum error memory_unmap(void *at, size_t bytes)
{
	word_t words[] = {(word_t)at, pages_up(bytes)};
	enum error error;
	struct msg m;

	/* mm does a part at a time. */
	do {
		error = server_request(PROC_SLOT_MM, MM_REQ_UNMAP, words, 2, &m);
		if (error == ERR_OK) {
			words[0] += words[1] - m.w[1];
			words[1] = m.w[1];
		}
	} while (error == ERR_OK && words[1] != 0);
	return error;
}

enum error memory_protect(void *at, size_t bytes, unsigned protection)
{
	word_t words[] = {(word_t)at, pages_up(bytes), protection, 0};
	enum error error;
	struct msg m;

	do {
		error = server_request(PROC_SLOT_MM, MM_REQ_PROTECT, words, 4, &m);
		words[3] = m.w[0];
	} while (error == ERR_OK && words[3] != words[1]);
	return error;
}

enum error shared_new(size_t bytes, word_t *object)
{
	const word_t words[] = {pages_up(bytes)};
	struct msg m;
	enum error error = server_request(PROC_SLOT_MM, MM_REQ_SHARED_NEW, words, 1, &m);

	if (error == ERR_OK)
		*object = m.w[0];
	return error;
}

enum error shared_allow(word_t object, word_t pid)
{
	const word_t words[] = {object, pid};
	struct msg m;

	return server_request(PROC_SLOT_MM, MM_REQ_SHARED_ALLOW, words, 2, &m);
}

enum error shared_free(word_t object)
{
	enum error error;
	struct msg m;

	do
		error = server_request(PROC_SLOT_MM, MM_REQ_SHARED_FREE, &object, 1, &m);
	while (error == ERR_OK && m.w[0] != 0);
	return error;
}

enum error shared_map(word_t object, size_t bytes, unsigned protection, void **at)
{
	return memory_map_at(0, bytes, MM_MAP_FLAGS(protection, MM_KIND_SHARED), object, 0, at);
}
