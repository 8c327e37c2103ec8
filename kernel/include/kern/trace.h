/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The trace ring of each CPU: the last TRACE_RECORDS things that it did.  Written by its CPU only,
 * read by the panic epitaph of another CPU after that CPU was stopped (or torn, if it would not
 * stop), and by the debugger.
 *
 * Where a kind is not recorded, a trace point costs a load and a test.  A debug build records all
 * kinds, a release build only what happens rarely; it has no trace points for what it never records.
 * Streaming (boot argument trace=FILE): what scheduling shows is recorded too, and each full ring goes
 * to the host before it is written over, so nothing is lost.  The CPU stands still meanwhile; on an
 * emulator that takes no guest time.
 *
 * Bad at: long histories without streaming; a busy CPU fills the ring in well under a millisecond.
 */
#pragma once

#include <abi/trace.h>
#include <kern/core.h>

#define TRACE_MASK_SCHEDULE                                                                       \
	((1u << TRACE_SWITCH) | (1u << TRACE_READY) | (1u << TRACE_IDLE) | (1u << TRACE_UPCALL) | \
	 (1u << TRACE_FALLBACK))

/* Bit per enum trace_kind: what this build has trace points for. */
#define TRACE_MASK_BUILT (KERNEL_DEBUG ? ~0u : TRACE_MASK_SCHEDULE)

/* Of these, what is recorded.  Read without a lock; changed only by a debugger. */
extern uint32_t trace_mask;

static inline bool trace_wanted(enum trace_kind kind)
{
	return (TRACE_MASK_BUILT & 1u << kind) != 0 &&
	       __builtin_expect((trace_mask & 1u << kind) != 0, 0);
}

/* Write a record of this CPU.  The second form reads the clock. */
void trace_write_at(struct cpu *cpu, time_ns_t now, enum trace_kind kind, word_t a, word_t b);
void trace_write(enum trace_kind kind, word_t a, word_t b);

static inline void trace_record_at(struct cpu *cpu, time_ns_t now, enum trace_kind kind, word_t a,
				   word_t b)
{
	if (trace_wanted(kind))
		trace_write_at(cpu, now, kind, a, b);
}

/* The same where the caller has not read the clock. */
static inline void trace_record(enum trace_kind kind, word_t a, word_t b)
{
	if (trace_wanted(kind))
		trace_write(kind, a, b);
}

/*
 * Record what scheduling shows from now on and stream it to that file of the host (@bytes of name,
 * no NUL); says so if there is no host that takes it.  Boot CPU, before user space runs.
 */
void trace_stream_start(const char *file, size_t bytes);
/*
 * Send what has not been sent, of all CPUs.  Others may go on; what they record from now on may be
 * missing.
 */
void trace_stream_end(void);

/* Print the newest records of a CPU; only from a panic. */
void trace_print(const struct cpu *cpu, unsigned count);
