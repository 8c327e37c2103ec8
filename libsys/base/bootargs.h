/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Boot arguments: "key=value key=value", separated by white space.
 *
 * The caller gives a table of the keys that it knows and an array for their values; nothing is
 * allocated, values point into the text.  A value may stand in double quotes to contain spaces.
 * Every fault is reported and parsing goes on: the machine shall boot, and say what it ignored.
 * When a key is given twice, that is reported, and the last one counts (as in Linux).
 *
 * Bad at: quotes inside values; there is no escape character.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/cpumask.h>

/* X(name, text) */
#define BOOTARG_REASON_LIST(X)                                    \
	X(FINE, "no fault")                                       \
	X(UNKNOWN_KEY, "unknown key")                             \
	X(DUPLICATE, "given more than once; the last one counts") \
	X(NO_KEY, "a value without a key")                        \
	X(NO_VALUE, "needs a value (key=value)")                  \
	X(BAD_NUMBER, "is not a number")                          \
	X(OUT_OF_RANGE, "is outside the range allowed")           \
	X(BAD_FLAG, "is neither on, off, 1, 0, yes nor no")       \
	X(BAD_CPUS, "is not a CPU list such as 0-3,6")            \
	X(OPEN_QUOTE, "a quotation mark is not closed")

enum bootarg_reason {
#define X(name, text) BOOTARG_##name,
	BOOTARG_REASON_LIST(X)
#undef X
		BOOTARG_REASON_COUNT
};

enum bootarg_kind {
	BOOTARG_STRING,
	BOOTARG_NUMBER, /* decimal or 0x...; min <= value <= max */
	BOOTARG_FLAG,   /* key alone, or key=on|off|1|0|yes|no */
	BOOTARG_CPUS,   /* CPU list; every CPU below max (0: CPUS_MAX) */
};

struct bootarg_key {
	const char *name;
	enum bootarg_kind kind;
	uint64_t min;
	uint64_t max;
};

struct bootarg_value {
	bool present;     /* given, and valid */
	const char *text; /* not NUL-terminated */
	size_t len;
	uint64_t number;     /* NUMBER; FLAG: 0 or 1 */
	struct cpumask cpus; /* CPUS */
};

const char *bootarg_reason_text(enum bootarg_reason reason);

/* Called for each fault with the whole word, which is not NUL-terminated. */
struct bootarg_report {
	void (*call)(void *context, enum bootarg_reason reason, const char *word, size_t len);
	void *context;
};

/*
 * Parses @len bytes at @text, or up to a NUL.  values[i] belongs to keys[i]; all are overwritten.
 * @report may be null.  ERR_ARG if anything was reported; the valid values are there all the same.
 * Cost: words times keys.
 */
__attribute__((warn_unused_result)) enum error
bootargs_parse(const char *text, size_t len, const struct bootarg_key *keys,
	       struct bootarg_value *values, size_t count, const struct bootarg_report *report);
