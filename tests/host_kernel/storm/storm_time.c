/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and interrupts of a storm (linked with --wrap), with relaxed atomics only: the fake machine's
 * mutex would order everything that the CPUs do, and hide from the race detector what the kernel
 * itself fails to order.
 */
#include "storm.h"

#include <host_arch.h>

struct storm_line {
	_Alignas(64) unsigned ipi; /* atomic */
	time_ns_t deadline;        /* its CPU only */
};

static struct storm_line lines[STORM_CPUS];
static time_ns_t now_ns = 1000; /* atomic */

time_ns_t __wrap_arch_now(void);
void __wrap_arch_timer_set(time_ns_t deadline);
uint32_t __wrap_arch_irq_take(void);
bool __wrap_arch_irq_pending(void);
void __wrap_arch_ipi_send(unsigned cpu);

time_ns_t __wrap_arch_now(void)
{
	return __atomic_add_fetch(&now_ns, 100, __ATOMIC_RELAXED);
}

void __wrap_arch_timer_set(time_ns_t deadline)
{
	lines[host_cpu_index()].deadline = deadline;
}

bool __wrap_arch_irq_pending(void)
{
	const struct storm_line *line = &lines[host_cpu_index()];

	return __atomic_load_n(&line->ipi, __ATOMIC_RELAXED) != 0 ||
	       line->deadline <= __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

uint32_t __wrap_arch_irq_take(void)
{
	struct storm_line *line = &lines[host_cpu_index()];

	if (__atomic_exchange_n(&line->ipi, 0, __ATOMIC_RELAXED) != 0)
		return ARCH_IRQ_IPI;
	if (line->deadline > __atomic_load_n(&now_ns, __ATOMIC_RELAXED))
		return ARCH_IRQ_NONE;
	line->deadline = TIME_NEVER;
	return ARCH_IRQ_TIMER;
}

void __wrap_arch_ipi_send(unsigned cpu)
{
	__atomic_store_n(&lines[cpu].ipi, 1, __ATOMIC_RELAXED);
}
