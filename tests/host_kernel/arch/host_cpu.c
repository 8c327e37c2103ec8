/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs, time and interrupts of the fake machine. */
#include "host_arch.h"
#include "host_private.h"

#include <kern/core.h>
#include <kern/entry.h>
#include <kern/tcb.h>

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct host_cpu {
	bool ipi;
	time_ns_t deadline;
	struct vspace *vspace;
};

struct host_irq {
	bool pending;
	bool unmasked;
	unsigned cpu;
};

static _Thread_local unsigned this_index;
_Thread_local bool host_interrupts_on;
bool host_misuse_survives;

/* Guards all below; changed tells who waits for an interrupt. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct host_cpu host_cpus[CPUS_MAX];
static struct host_irq irqs[HOST_IRQS];
static time_ns_t now_ns;
static bool stopped;

void host_interrupts_reset(void)
{
	memset(host_cpus, 0, sizeof(host_cpus));
	memset(irqs, 0, sizeof(irqs));
	for (unsigned i = 0; i < CPUS_MAX; i++)
		host_cpus[i].deadline = TIME_NEVER;
	now_ns = 1000000;
	stopped = false;
}

void host_machine_reset(size_t ram_bytes, unsigned asids)
{
	host_memory_reset(ram_bytes);
	host_tlb_reset(asids);
	host_interrupts_reset();
	this_index = 0;
}

void host_cpu_enter(unsigned index)
{
	this_index = index;
}

unsigned host_cpu_index(void)
{
	return this_index;
}

struct vspace *host_cpu_vspace(unsigned index)
{
	return __atomic_load_n(&host_cpus[index].vspace, __ATOMIC_ACQUIRE);
}

struct cpu *arch_this_cpu(void)
{
	return &cpus[this_index];
}

bool arch_interrupts_masked(void)
{
	return !host_interrupts_on;
}

void arch_lock_misused(void)
{
	if (!host_misuse_survives)
		panic("a lock is misused");
}

void arch_spin_pause(void)
{
	sched_yield();
}

bool arch_cpu_start(unsigned index)
{
	(void)index;
	return false;
}

_Noreturn void arch_halt(void)
{
	pthread_exit(NULL);
}

/* ---- Time ------------------------------------------------------------------------------------ */

time_ns_t arch_now(void)
{
	return __atomic_load_n(&now_ns, __ATOMIC_SEQ_CST);
}

void host_time_set(time_ns_t now)
{
	pthread_mutex_lock(&mutex);
	__atomic_store_n(&now_ns, now, __ATOMIC_SEQ_CST);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

void arch_timer_set(time_ns_t deadline)
{
	pthread_mutex_lock(&mutex);
	host_cpus[this_index].deadline = deadline;
	pthread_mutex_unlock(&mutex);
}

/* ---- Interrupts ------------------------------------------------------------------------------ */

static uint32_t pending_irq(unsigned cpu)
{
	if (host_cpus[cpu].ipi)
		return ARCH_IRQ_IPI;
	if (host_cpus[cpu].deadline <= now_ns)
		return ARCH_IRQ_TIMER;
	for (uint32_t irq = 0; irq < HOST_IRQS; irq++)
		if (irqs[irq].pending && irqs[irq].unmasked && irqs[irq].cpu == cpu)
			return irq;
	return ARCH_IRQ_NONE;
}

uint32_t arch_irq_take(void)
{
	uint32_t irq;

	pthread_mutex_lock(&mutex);
	irq = pending_irq(this_index);
	if (irq == ARCH_IRQ_IPI) {
		host_cpus[this_index].ipi = false;
	} else if (irq == ARCH_IRQ_TIMER) {
		host_cpus[this_index].deadline = TIME_NEVER;
	} else if (irq != ARCH_IRQ_NONE) {
		irqs[irq].pending = false;
		irqs[irq].unmasked = false;
	}
	pthread_mutex_unlock(&mutex);
	return irq;
}

bool arch_irq_pending(void)
{
	bool pending;

	pthread_mutex_lock(&mutex);
	pending = pending_irq(this_index) != ARCH_IRQ_NONE;
	pthread_mutex_unlock(&mutex);
	return pending;
}

void arch_wait_for_interrupt(void)
{
	pthread_mutex_lock(&mutex);
	while (!stopped && pending_irq(this_index) == ARCH_IRQ_NONE)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static void set_masked(uint32_t irq, bool masked)
{
	pthread_mutex_lock(&mutex);
	irqs[irq].unmasked = !masked;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

void arch_irq_mask(uint32_t irq)
{
	set_masked(irq, true);
}

void arch_irq_unmask(uint32_t irq)
{
	set_masked(irq, false);
}

bool arch_irq_valid(uint32_t irq)
{
	return irq >= 32 && irq < HOST_IRQS;
}

void arch_irq_route(uint32_t irq, unsigned cpu)
{
	pthread_mutex_lock(&mutex);
	irqs[irq].cpu = cpu;
	pthread_mutex_unlock(&mutex);
}

void arch_ipi_send(unsigned cpu)
{
	__atomic_add_fetch(&host_counters.ipis, 1, __ATOMIC_RELAXED);
	pthread_mutex_lock(&mutex);
	host_cpus[cpu].ipi = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

void host_irq_raise(uint32_t irq)
{
	pthread_mutex_lock(&mutex);
	irqs[irq].pending = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

bool host_irq_masked(uint32_t irq)
{
	return !irqs[irq].unmasked;
}

unsigned host_irq_route_of(uint32_t irq)
{
	return irqs[irq].cpu;
}

void host_machine_stop(void)
{
	pthread_mutex_lock(&mutex);
	stopped = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

bool host_machine_stopped(void)
{
	return __atomic_load_n(&stopped, __ATOMIC_ACQUIRE);
}

/* ---- Threads --------------------------------------------------------------------------------- */

void arch_switch(struct tcb *prev, struct tcb *next)
{
	struct vspace *vspace = NULL;

	if (prev != NULL)
		this_core()->fpu_live = false;
	if (next != NULL)
		vspace = __atomic_load_n(&next->vspace, __ATOMIC_ACQUIRE);
	__atomic_add_fetch(&host_counters.switches, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&host_cpus[this_index].vspace, vspace, __ATOMIC_RELEASE);
}

void arch_switch_short(struct tcb *prev, struct tcb *next, const struct vspace *space)
{
	assert(!this_core()->fpu_live && space != NULL);
	arch_switch(prev, next);
}

void arch_fpu_enable(struct tcb *current)
{
	(void)current;
	this_core()->fpu_live = true;
}
