/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time and interrupts of a storm (linked with --wrap), with relaxed atomics only: the fake machine's
 * mutex would order everything that the CPUs do, and hide from the race detector what the kernel
 * itself fails to order.
 */
#include "storm.h"

#include <host_arch.h>
#include <string.h>

struct storm_line {
	_Alignas(64) unsigned ipi; /* atomic */
	time_ns_t deadline;        /* atomic; written by its CPU only */
};

/* A device.  Which CPU it is routed to changes only while it is masked. */
struct storm_device {
	_Alignas(64) unsigned pending; /* atomic, all of them */
	unsigned unmasked;
	unsigned cpu;
};

static struct storm_line lines[STORM_CPUS_MAX];
static struct storm_device devices[STORM_IRQS];
static time_ns_t now_ns; /* atomic */

time_ns_t __wrap_arch_now(void);
void __wrap_arch_timer_set(time_ns_t deadline);
uint32_t __wrap_arch_irq_take(void);
bool __wrap_arch_irq_pending(void);
void __wrap_arch_irq_mask(uint32_t irq);
void __wrap_arch_irq_unmask(uint32_t irq);
void __wrap_arch_irq_route(uint32_t irq, unsigned cpu);
bool __wrap_arch_irq_valid(uint32_t irq);
void __wrap_arch_ipi_send(unsigned cpu);
void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_console_put(char c);

void storm_lines_reset(void)
{
	now_ns = 1000;
	for (unsigned i = 0; i < STORM_CPUS_MAX; i++)
		lines[i] = (struct storm_line){.deadline = TIME_NEVER};
	memset(devices, 0, sizeof(devices));
}

time_ns_t __wrap_arch_now(void)
{
	return __atomic_add_fetch(&now_ns, 100, __ATOMIC_RELAXED);
}

void storm_time_pass(time_ns_t ns)
{
	__atomic_fetch_add(&now_ns, ns, __ATOMIC_RELAXED);
}

void __wrap_arch_timer_set(time_ns_t deadline)
{
	__atomic_store_n(&lines[host_cpu_index()].deadline, deadline, __ATOMIC_RELAXED);
}

static bool device_pending(const struct storm_device *device, unsigned cpu)
{
	return __atomic_load_n(&device->pending, __ATOMIC_RELAXED) != 0 &&
	       __atomic_load_n(&device->cpu, __ATOMIC_RELAXED) == cpu &&
	       __atomic_load_n(&device->unmasked, __ATOMIC_RELAXED) != 0;
}

void storm_device_raise(unsigned device)
{
	__atomic_store_n(&devices[device].pending, 1, __ATOMIC_RELAXED);
}

bool storm_device_masked(unsigned device)
{
	return __atomic_load_n(&devices[device].unmasked, __ATOMIC_RELAXED) == 0;
}

bool storm_line_pending(unsigned cpu)
{
	const struct storm_line *line = &lines[cpu];

	for (unsigned i = 0; i < STORM_IRQS; i++)
		if (device_pending(&devices[i], cpu))
			return true;
	return __atomic_load_n(&line->ipi, __ATOMIC_RELAXED) != 0 ||
	       __atomic_load_n(&line->deadline, __ATOMIC_RELAXED) <=
		       __atomic_load_n(&now_ns, __ATOMIC_RELAXED);
}

bool __wrap_arch_irq_pending(void)
{
	return storm_line_pending(host_cpu_index());
}

/* What is taken is masked. */
static uint32_t device_take(unsigned cpu)
{
	for (unsigned i = 0; i < STORM_IRQS; i++)
		if (device_pending(&devices[i], cpu) &&
		    __atomic_exchange_n(&devices[i].unmasked, 0, __ATOMIC_RELAXED) != 0) {
			__atomic_store_n(&devices[i].pending, 0, __ATOMIC_RELAXED);
			return STORM_IRQ_FIRST + i;
		}
	return ARCH_IRQ_NONE;
}

uint32_t __wrap_arch_irq_take(void)
{
	struct storm_line *line = &lines[host_cpu_index()];

	if (__atomic_exchange_n(&line->ipi, 0, __ATOMIC_RELAXED) != 0)
		return ARCH_IRQ_IPI;
	if (__atomic_load_n(&line->deadline, __ATOMIC_RELAXED) >
	    __atomic_load_n(&now_ns, __ATOMIC_RELAXED))
		return device_take(host_cpu_index());
	__atomic_store_n(&line->deadline, TIME_NEVER, __ATOMIC_RELAXED);
	return ARCH_IRQ_TIMER;
}

void __wrap_arch_irq_mask(uint32_t irq)
{
	__atomic_store_n(&devices[irq - STORM_IRQ_FIRST].unmasked, 0, __ATOMIC_RELAXED);
}

void __wrap_arch_irq_unmask(uint32_t irq)
{
	__atomic_store_n(&devices[irq - STORM_IRQ_FIRST].unmasked, 1, __ATOMIC_RELAXED);
}

void __wrap_arch_irq_route(uint32_t irq, unsigned cpu)
{
	__atomic_store_n(&devices[irq - STORM_IRQ_FIRST].cpu, cpu, __ATOMIC_RELAXED);
}

bool __wrap_arch_irq_valid(uint32_t irq)
{
	return irq - STORM_IRQ_FIRST < STORM_IRQS;
}

void __wrap_arch_ipi_send(unsigned cpu)
{
	__atomic_store_n(&lines[cpu].ipi, 1, __ATOMIC_RELAXED);
}

/* A CPU that falls back says so; nobody reads it. */
void __wrap_arch_console_put(char c)
{
	(void)c;
}
