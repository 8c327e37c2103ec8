/* SPDX-License-Identifier: BSD-2-Clause */
/* What processes and proc ask of mm, and cases that print TAP. */
#pragma once

#include "mm_messages.h"

#include <abi/error.h>
#include <abi/types.h>
#include <mm/protocol.h>
#include <stdbool.h>

#define ARCHIVE_PAGES 16u
#define UNTYPED_BITS  24u /* 16 MiB */
#define AT            0x10000000ull
#define THREADS       4u

#define ANON_RW   MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_ANON)
#define SHARED_RW MM_MAP_FLAGS(MM_PROT_READ | MM_PROT_WRITE, MM_KIND_SHARED)

#define check(condition) check_at((condition), __LINE__, #condition)
void check_at(bool good, int line, const char *text);

enum error proc_of(enum mm_request request, uint32_t pid, word_t w0, word_t w1, word_t w2,
		   word_t *result);
enum error map_of(uint32_t pid, uint64_t vaddr, uint64_t bytes, word_t flags, word_t object,
		  word_t offset, word_t file_bytes);

bool put(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint8_t value);
int get(uint32_t pid, uint32_t vspace, uint64_t vaddr); /* -1: refused */
enum error why_not(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint32_t access);

uint32_t space_make(uint32_t pid, word_t pages_max);
void space_end(uint32_t pid, uint32_t vspace);
/* A shared object of that many pages. */
word_t shared_new_of(uint32_t pid, uint64_t pages);
enum error shared_of(enum mm_request request, uint32_t pid, word_t id, word_t whom);
/* That a space is charged for. */
word_t pages_of(uint32_t pid);
word_t frames_free(void);
word_t frames_lost(void);

struct mm_case {
	const char *name;
	void (*run)(void);
};

#define CASE(name)          \
	{                   \
#name, name \
	}

/* Starts mm and runs them all; for main to return. */
int cases_run(const struct mm_case *all, unsigned cases);
