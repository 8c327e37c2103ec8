/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel trace records: a ring per CPU, printed by the panic epitaph, read by gdb commands and
 * tools, and streamed to the host if the machine is started so. */
#pragma once

#include <abi/types.h>

/* X(name, value, meaning of a and b) */
#define TRACE_LIST(X)                                  \
	X(NONE, 0, "")                                 \
	X(SYSCALL, 1, "a number, b capability")        \
	X(SWITCH, 2, "a tag of the payer, b slice ns") \
	X(UPCALL, 3, "a reasons, b events")            \
	X(DECISION, 4, "a kind, b error")              \
	X(EVENT, 5, "a tag, b info")                   \
	X(KICK, 6, "a target CPU, b 0")                \
	X(IPI, 7, "a pending mask, b 0")               \
	X(TIMER, 8, "a deadline, b now")               \
	X(FAULT, 9, "a kind, b address")               \
	X(IDLE, 10, "a 1 enter, 0 leave; b 0")         \
	X(FALLBACK, 11, "a reason, b 0")               \
	X(IRQ, 12, "a number, b 0")                    \
	X(READY, 13, "a tag of the payer, b home CPU")

enum trace_kind {
#define X(name, value, meaning) TRACE_##name = value,
	TRACE_LIST(X)
#undef X
};

struct trace_record {
	time_ns_t at_ns;
	word_t kind;
	word_t a;
	word_t b;
};

/*
 * A recorded trace (boot argument trace=FILE) is a file of these, each followed by its records, all
 * little-endian.  One CPU's records are in order and without gaps; a record may come twice, under
 * the same number.
 */
#define TRACE_MAGIC 0x31636172546e7442ull /* "BtnTrac1" */

struct trace_chunk {
	word_t magic;
	word_t cpu;
	word_t first; /* number of the first record, counted from the start of that CPU */
	word_t count;
};

_Static_assert(sizeof(struct trace_record) == 32 && sizeof(struct trace_chunk) == 32,
	       "tools/baton/trace.py reads them");
