/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernel trace records: a ring per CPU, printed by the panic epitaph, read by gdb commands and
 * tools. */
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
	X(IRQ, 12, "a number, b 0")

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
