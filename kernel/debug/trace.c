/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace ring.  See <kern/trace.h>. */
#include <base/bytes.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/trace.h>

#define TRACE_MASK_RARE (1u << TRACE_FALLBACK)

uint32_t trace_mask = KERNEL_DEBUG ? ~0u : TRACE_MASK_RARE;

static bool trace_streaming; /* written before user space runs */

_Static_assert(offsetof(struct cpu, trace) ==
		       offsetof(struct cpu, trace_chunk) + sizeof(struct trace_chunk),
	       "sent as one piece");
_Static_assert((TRACE_RECORDS & (TRACE_RECORDS - 1)) == 0, "numbers wrap where the ring does");

/* A full ring: head and records in one call, which the host does not mix with another CPU's. */
static void trace_send(struct cpu *cpu, uint32_t next)
{
	cpu->trace_chunk = (struct trace_chunk){
		.magic = TRACE_MAGIC,
		.cpu = cpu->core.index,
		.first = next - TRACE_RECORDS,
		.count = TRACE_RECORDS,
	};
	arch_trace_write(&cpu->trace_chunk, sizeof(cpu->trace_chunk) + sizeof(cpu->trace));
}

__attribute__((cold, noinline)) void trace_write_at(struct cpu *cpu, time_ns_t now,
						    enum trace_kind kind, word_t a, word_t b)
{
	uint32_t next = cpu->trace_next;
	struct trace_record *record = &cpu->trace[next % TRACE_RECORDS];

	record->at_ns = now;
	record->kind = kind;
	record->a = a;
	record->b = b;
	/* Release: whoever sends the rest at the end sees the whole record. */
	__atomic_store_n(&cpu->trace_next, ++next, __ATOMIC_RELEASE);
	if (next % TRACE_RECORDS == 0 && trace_streaming)
		trace_send(cpu, next);
}

__attribute__((cold, noinline)) void trace_write(enum trace_kind kind, word_t a, word_t b)
{
	trace_write_at(arch_this_cpu(), arch_now(), kind, a, b);
}

static void trace_print_record(const struct trace_record *record)
{
	static const char *const names[] = {
#define X(name, value, meaning) [value] = #name,
		TRACE_LIST(X)
#undef X
	};
	const char *name = "?";

	if (record->kind < sizeof(names) / sizeof(names[0]) && names[record->kind] != NULL)
		name = names[record->kind];
	kprintf("    %10lu.%03lu us  %-9s %lx %lx\n", (unsigned long)(record->at_ns / 1000),
		(unsigned long)(record->at_ns % 1000), name, (unsigned long)record->a,
		(unsigned long)record->b);
}

void trace_print(const struct cpu *cpu, unsigned count)
{
	uint32_t next = cpu->trace_next;

	if (count > TRACE_RECORDS)
		count = TRACE_RECORDS;
	if (count > next)
		count = next;
	for (uint32_t i = next - count; i != next; i++)
		trace_print_record(&cpu->trace[i % TRACE_RECORDS]);
}

boot_only void trace_stream_start(const char *file, size_t bytes)
{
	if (!arch_trace_create(file, bytes)) {
		kprintf("trace=: no host that takes this file (semihosting); going on without\n");
		return;
	}
	trace_mask |= TRACE_MASK_SCHEDULE;
	trace_streaming = true;
}

/* Copied first: the head of another CPU's ring belongs to that CPU, which may be sending now. */
static void trace_send_rest(const struct cpu *cpu)
{
	static struct {
		struct trace_chunk chunk;
		struct trace_record records[TRACE_RECORDS];
	} rest;
	uint32_t next = __atomic_load_n(&cpu->trace_next, __ATOMIC_ACQUIRE);
	uint32_t count = next % TRACE_RECORDS;

	rest.chunk = (struct trace_chunk){
		.magic = TRACE_MAGIC,
		.cpu = cpu->core.index,
		.first = next - count,
		.count = count,
	};
	bytes_copy(rest.records, cpu->trace, count * sizeof(rest.records[0]));
	arch_trace_write(&rest, sizeof(rest.chunk) + count * sizeof(rest.records[0]));
}

void trace_stream_end(void)
{
	if (!trace_streaming)
		return;
	for (uint32_t i = 0; i < cpus_count; i++)
		trace_send_rest(&cpus[i]);
}
