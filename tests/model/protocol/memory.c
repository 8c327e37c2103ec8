/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A state is: those pages of the program's data that anything ever wrote during the exploration
 * (found by write protection), without what is excluded, and the live part of the stack of each CPU.
 * The explorer's own data is elsewhere (mmap), so it is no part of it.
 */
#include "model.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANGES_MAX   512u
#define EXCLUDED_MAX 512u

extern unsigned char __data_start[], _end[];

struct range {
	unsigned char *at;
	size_t bytes;
};

struct memory {
	unsigned char *first; /* page */
	size_t pages;
	unsigned char *initial;
	unsigned char *live; /* per page */
	struct range ranges[RANGES_MAX];
	unsigned ranges_count;
	size_t ranges_bytes;
	struct range excluded[EXCLUDED_MAX];
	unsigned excluded_count;
	bool protected;
	unsigned cpus;
};

static struct memory *memory;

static void fatal(const char *what)
{
	fprintf(stderr, "model: %s\n", what);
	_exit(2);
}

/* A page is written for the first time: it is part of the state. */
static void on_write(int number, siginfo_t *info, void *context)
{
	unsigned char *at = info->si_addr;
	size_t page;

	(void)number;
	(void)context;
	if (memory == NULL || !memory->protected || at < memory->first ||
	    at >= memory->first + memory->pages * PAGE_SIZE) {
		static const char text[] = "model: bad memory access\n";

		(void)!write(2, text, sizeof(text) - 1);
		signal(SIGSEGV, SIG_DFL);
		return;
	}
	page = (size_t)(at - memory->first) / PAGE_SIZE;
	memory->live[page] = 1;
	mprotect(memory->first + page * PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE);
	explore_again();
}

static void *private_memory(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		fatal("no memory");
	return at;
}

static void memory_first_use(void)
{
	struct sigaction action = {.sa_sigaction = on_write, .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t stack = {.ss_sp = private_memory(65536), .ss_size = 65536};
	uintptr_t from = (uintptr_t)__data_start & ~(uintptr_t)(PAGE_SIZE - 1);

	memory = private_memory(sizeof(*memory));
	memory->first = (unsigned char *)from;
	memory->pages = ((uintptr_t)_end - from + PAGE_SIZE - 1) / PAGE_SIZE;
	memory->initial = private_memory(memory->pages * PAGE_SIZE);
	memory->live = private_memory(memory->pages);
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
}

void memory_begin(void)
{
	if (memory == NULL)
		memory_first_use();
	memcpy(memory->initial, memory->first, (size_t)(_end - memory->first));
	memset(memory->live, 0, memory->pages);
	memory->excluded_count = 0;
}

void memory_exclude(const void *at, size_t bytes)
{
	if (memory->excluded_count == EXCLUDED_MAX)
		fatal("too much is excluded");
	memory->excluded[memory->excluded_count++] = (struct range){(unsigned char *)(uintptr_t)at,
								    bytes};
}

static void range_add(unsigned char *at, size_t bytes)
{
	struct range *last = &memory->ranges[memory->ranges_count];

	if (bytes == 0)
		return;
	memory->ranges_bytes += bytes;
	if (memory->ranges_count != 0 && last[-1].at + last[-1].bytes == at) {
		last[-1].bytes += bytes;
		return;
	}
	if (memory->ranges_count == RANGES_MAX)
		fatal("too many ranges");
	*last = (struct range){at, bytes};
	memory->ranges_count++;
}

/* One page without what is excluded. */
static void page_add(unsigned char *page)
{
	unsigned char *at = page;
	unsigned char *end = page + PAGE_SIZE;

	while (at < end) {
		unsigned char *stop = end;
		unsigned char *skip = NULL;

		for (unsigned i = 0; i < memory->excluded_count; i++) {
			struct range *range = &memory->excluded[i];

			if (range->at + range->bytes > at && range->at < stop) {
				stop = range->at > at ? range->at : at;
				skip = range->at + range->bytes;
			}
		}
		range_add(at, (size_t)(stop - at));
		at = skip != NULL ? skip : stop;
	}
}

static void protect(bool on)
{
	memory->protected = on;
	for (size_t i = 0; i < memory->pages; i++)
		if (!on || !memory->live[i])
			mprotect(memory->first + i * PAGE_SIZE, PAGE_SIZE,
				 on ? PROT_READ : PROT_READ | PROT_WRITE);
}

void memory_reset(void)
{
	protect(false);
	memcpy(memory->first, memory->initial, (size_t)(_end - memory->first));
	memory->ranges_count = 0;
	memory->ranges_bytes = 0;
	for (size_t i = 0; i < memory->pages; i++)
		if (memory->live[i])
			page_add(memory->first + i * PAGE_SIZE);
	memory->cpus = cpus_count;
	protect(true);
}

void memory_end(void)
{
	protect(false);
}

size_t memory_bytes(void)
{
	return memory->ranges_bytes + memory->cpus * (MODEL_STACK + sizeof(struct strand));
}

size_t memory_save(unsigned char *to)
{
	unsigned char *start = to;

	for (unsigned i = 0; i < memory->ranges_count; i++) {
		memcpy(to, memory->ranges[i].at, memory->ranges[i].bytes);
		to += memory->ranges[i].bytes;
	}
	for (unsigned i = 0; i < memory->cpus; i++) {
		size_t bytes;
		unsigned char *stack = strand_stack(i, &bytes);

		memcpy(to, strand_of(i), sizeof(struct strand));
		to += sizeof(struct strand);
		memcpy(to, stack, bytes);
		to += bytes;
	}
	return (size_t)(to - start);
}

void memory_restore(const unsigned char *from)
{
	for (unsigned i = 0; i < memory->ranges_count; i++) {
		memcpy(memory->ranges[i].at, from, memory->ranges[i].bytes);
		from += memory->ranges[i].bytes;
	}
	for (unsigned i = 0; i < memory->cpus; i++) {
		unsigned char *stack;
		size_t bytes;

		memcpy(strand_of(i), from, sizeof(struct strand));
		from += sizeof(struct strand);
		stack = strand_stack(i, &bytes);
		memcpy(stack, from, bytes);
		from += bytes;
	}
}

/* Four independent lanes of a multiplicative hash; bytes is a multiple of 4 at least. */
static uint64_t hash_range(uint64_t hash, const unsigned char *at, size_t bytes)
{
	const uint64_t k = 0x9e3779b97f4a7c15ull;
	uint64_t lane[4] = {hash, hash ^ 0x1234567, hash + k, ~hash};
	uint64_t word;

	for (; bytes >= 32; bytes -= 32, at += 32)
		for (unsigned i = 0; i < 4; i++) {
			memcpy(&word, at + 8 * i, 8);
			lane[i] = (lane[i] ^ word) * k;
			lane[i] ^= lane[i] >> 29;
		}
	for (; bytes > 0;) {
		size_t part = bytes < 8 ? bytes : 8;

		word = bytes;
		memcpy(&word, at, part);
		lane[0] = (lane[0] ^ word) * k;
		lane[0] ^= lane[0] >> 31;
		at += part;
		bytes -= part;
	}
	hash = lane[0];
	for (unsigned i = 1; i < 4; i++) {
		hash = (hash ^ lane[i]) * 0xff51afd7ed558ccdull;
		hash ^= hash >> 32;
	}
	return hash;
}

uint64_t memory_hash(void)
{
	uint64_t hash = 1;

	for (unsigned i = 0; i < memory->ranges_count; i++)
		hash = hash_range(hash, memory->ranges[i].at, memory->ranges[i].bytes);
	for (unsigned i = 0; i < memory->cpus; i++) {
		size_t bytes;
		unsigned char *stack = strand_stack(i, &bytes);

		hash = hash_range(hash, (const unsigned char *)strand_of(i), sizeof(struct strand));
		hash = hash_range(hash, stack, bytes);
	}
	return hash != 0 ? hash : 1;
}
