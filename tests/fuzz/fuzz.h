/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What all fuzz targets share.  A target is one file that defines LLVMFuzzerTestOneInput(): libFuzzer
 * calls it with inputs that it makes up, replay.c with inputs that are kept.  A broken rule ends the
 * process; the address and undefined-behaviour sanitizers see the rest.
 *
 * A target must do the same for the same bytes every time: no clock, no random number, no state left
 * over from the input before.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_check(condition) \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, __func__, #condition))

static inline void fuzz_fail(const char *file, int line, const char *function, const char *what)
{
	fprintf(stderr, "%s:%d: %s: broken rule: %s\n", file, line, function, what);
	abort();
}

/* The input as a supply of small numbers; zeros when it is used up. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

static inline uint16_t fuzz_u16(struct fuzz_input *input)
{
	unsigned low = fuzz_u8(input);

	return (uint16_t)(low | (unsigned)fuzz_u8(input) << 8);
}

static inline uint64_t fuzz_u64(struct fuzz_input *input)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 64; i += 8)
		value |= (uint64_t)fuzz_u8(input) << i;
	return value;
}

/*
 * Mostly small numbers, sometimes those at which arithmetic goes wrong: the first byte says how many
 * bytes follow and what is done with them.
 */
static inline uint64_t fuzz_number(struct fuzz_input *input)
{
	uint8_t kind = fuzz_u8(input);

	switch (kind >> 5) {
	case 0:
	case 1:
	case 2:
	case 3:
		return kind;
	case 4:
		return (1ull << (fuzz_u8(input) & 63)) + (kind & 31) - 16;
	case 5:
		return fuzz_u16(input);
	case 6:
		return UINT64_MAX - (kind & 31);
	default:
		return fuzz_u64(input);
	}
}

/* So that the compiler keeps a read. */
static inline void fuzz_touch(const void *bytes, size_t len)
{
	volatile uint8_t sink = 0;

	for (size_t i = 0; i < len; i++)
		sink = (uint8_t)(sink + ((const uint8_t *)bytes)[i]);
	(void)sink;
}
