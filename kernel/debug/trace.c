/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace ring.  See <kern/trace.h>. */
#include <kern/arch_if.h>
#include <kern/entry.h>
#include <kern/trace.h>

#define TRACE_MASK_RARE (1u << TRACE_FALLBACK)

uint32_t trace_mask = KERNEL_DEBUG ? ~0u : TRACE_MASK_RARE;

__attribute__((cold, noinline)) void trace_write_at(struct cpu *cpu, time_ns_t now,
						    enum trace_kind kind, word_t a, word_t b)
{
	struct trace_record *record = &cpu->trace[cpu->trace_next++ % TRACE_RECORDS];

	record->at_ns = now;
	record->kind = kind;
	record->a = a;
	record->b = b;
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
