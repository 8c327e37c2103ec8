/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: say why, show what every CPU was doing, stop the machine with status 101.
 *
 * Nothing here takes a lock or waits for anybody without a limit: the reason may be a lock, or the
 * CPU that would answer.  One CPU prints; the others are asked to halt and given a moment.
 */
#include "console.h"

#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/debug.h>
#include <kern/entry.h>
#include <kern/fallback.h>
#include <kern/trace.h>

#define PANIC_STATUS      101u
#define PANIC_NOBODY      0u
#define HALT_WAIT_ROUNDS  100000u
#define TRACE_PANIC_SELF  16u
#define TRACE_PANIC_OTHER 4u

/* 1 + index of the CPU that panics.  Atomic; the first to change it from 0 prints. */
static uint32_t panic_owner = PANIC_NOBODY;
static bool panic_twice;

/* Not core_post(): that may be what is broken. */
static void others_halt(unsigned self)
{
	for (unsigned i = 0; i < cpus_count; i++) {
		if (i == self || __atomic_load_n(&cpus[i].core.online, __ATOMIC_RELAXED) == 0)
			continue;
		/* Always with an interrupt: bits that are set already may have been lost. */
		__atomic_fetch_or(&cpus[i].core.requests, CORE_REQUEST_HALT, __ATOMIC_RELEASE);
		arch_ipi_send(i);
	}
	for (unsigned i = 0; i < HALT_WAIT_ROUNDS; i++)
		arch_spin_pause();
}

void panic_begin(void)
{
	uint32_t self = this_core()->index + 1;
	uint32_t owner = PANIC_NOBODY;

	if (!__atomic_compare_exchange_n(&panic_owner, &owner, self, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED) &&
	    owner != self)
		arch_halt();
	if (owner == PANIC_NOBODY) {
		console_seize();
		others_halt(self - 1);
		kprintf("\nBaton: the kernel cannot go on (CPU %u)\n", self - 1);
	}
}

static void cpu_print(unsigned index, bool self)
{
	const struct cpu *cpu = &cpus[index];
	const struct core *core = &cpu->core;
	const struct tcb *current = core->current;

	kprintf("  CPU %u: %s%s, thread %lx", index,
		__atomic_load_n(&core->online, __ATOMIC_RELAXED) != 0 ? "online" : "not started",
		__atomic_load_n(&core->idle, __ATOMIC_RELAXED) != 0 ? ", idle" : "",
		(unsigned long)current);
	if (current != NULL)
		kprintf(" tag %lx pc %lx sp %lx x8 %lx", (unsigned long)current->tag,
			(unsigned long)current->context.pc, (unsigned long)current->context.sp,
			(unsigned long)current->context.x[8]);
	kprintf("\n    requests %x, dispatcher %lx%s, fallback: %s, slice ends %lu ns, "
		"timer %lu ns\n",
		(unsigned)__atomic_load_n(&core->requests, __ATOMIC_RELAXED),
		(unsigned long)core->dispatcher, core->dispatcher_running ? " running" : "",
		fallback_text(core->fallback), (unsigned long)core->slice_end_ns,
		(unsigned long)core->armed_ns);
	trace_print(cpu, self ? TRACE_PANIC_SELF : TRACE_PANIC_OTHER);
}

_Noreturn void panic(const char *format, ...)
{
	unsigned self = this_core()->index;
	va_list arguments;

	panic_begin();
	va_start(arguments, format);
	kprintf("PANIC: ");
	kprintf_list(format, arguments);
	kprintf("\n");
	va_end(arguments);
	if (panic_twice)
		arch_power_off(PANIC_STATUS);
	panic_twice = true;
	kprintf("  at %lu ns, called from %lx\n", (unsigned long)arch_now(),
		(unsigned long)__builtin_return_address(0));
	if (arch_backtrace != NULL)
		arch_backtrace();
	cpu_print(self, true);
	for (unsigned i = 0; i < cpus_count; i++)
		if (i != self)
			cpu_print(i, false);
	trace_stream_end();
	arch_power_off(PANIC_STATUS);
}
