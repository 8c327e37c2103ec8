/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace ring of each CPU: the last TRACE_RECORDS things that it did.  Written by its CPU only,
 * read by the panic epitaph of another CPU after that CPU was stopped (or torn, if it would not
 * stop), and by the debugger.
 * Bad at: long histories; a busy CPU fills the ring in well under a millisecond.
 */
#pragma once

#include <abi/trace.h>
#include <kern/core.h>

/* Bit per enum trace_kind: what is recorded.  Read without a lock; changed only by a debugger. */
extern uint32_t trace_mask;

static inline void trace_record_at(struct cpu *cpu, time_ns_t now, enum trace_kind kind, word_t a,
				   word_t b)
{
	struct trace_record *record;

	if ((trace_mask & (1u << kind)) == 0)
		return;
	record = &cpu->trace[cpu->trace_next++ % TRACE_RECORDS];
	record->at_ns = now;
	record->kind = kind;
	record->a = a;
	record->b = b;
}

/* The same where the caller has not read the clock. */
static inline void trace_record(enum trace_kind kind, word_t a, word_t b)
{
	if ((trace_mask & (1u << kind)) != 0)
		trace_record_at(arch_this_cpu(), arch_now(), kind, a, b);
}

/* Print the newest records of a CPU; only from a panic. */
void trace_print(const struct cpu *cpu, unsigned count);
