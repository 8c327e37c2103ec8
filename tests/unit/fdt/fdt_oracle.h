/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device tree tests share: files, random trees, and libfdt as the second opinion. */
#pragma once

#include <base/fdt.h>

#include <stddef.h>
#include <stdint.h>

#define TREE_BYTES_MAX 65536u

/* xorshift64*; each test states its seed. */
uint64_t random_next(uint64_t *state);

/* The compiled tree NAME.dtb in memory of exactly its size; the caller frees it. */
void *tree_load(const char *name, size_t *size);
/* Random tree made with libfdt's sequential writer, in memory of exactly its size. */
void *tree_random(uint64_t *seed, size_t *size);
/* A copy of @blob of exactly @size bytes, so that the address sanitizer sees each stray read. */
void *tree_copy(const void *blob, size_t size);

/* Fails the running test unless both readers see the same tree. */
void tree_compare(const void *blob, const struct fdt *fdt);
/* Reads everything that can be read; the result does not matter, only that nothing else is. */
void tree_touch(const struct fdt *fdt);
