/* SPDX-License-Identifier: BSD-2-Clause */
/* Stepped CPUs.  See sim.h. */
#include "sim.h"

#include <host_arch.h>
#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fastpath.h>
#include <kern/machine.h>

#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

#define SIM_CPUS 4u

enum sim_op { OP_START, OP_SYSCALL, OP_FAULT, OP_FPU_TRAP, OP_KERNEL, OP_INTERRUPT };

struct sim_cpu {
	pthread_t thread;
	sem_t go;
	enum sim_op op;
	enum sim_at at;
	enum fault fault;
	uint64_t address;
	void (*action)(void);
	bool end;
};

static struct sim_cpu sim_cpus[SIM_CPUS];
static unsigned sim_count;
static sem_t back; /* to the test */

static void cpu_yield(enum sim_at at)
{
	struct sim_cpu *self = &sim_cpus[host_cpu_index()];

	self->at = at;
	sem_post(&back);
	sem_wait(&self->go);
	if (self->end)
		pthread_exit(NULL);
}

/* The kernel's waits come here instead of the fake machine's (linked with --wrap). */
void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_wait_for_interrupt(void)
{
	cpu_yield(SIM_IDLE);
}

void __wrap_arch_spin_pause(void);
void __wrap_arch_spin_pause(void)
{
	cpu_yield(SIM_SPIN);
}

/* For good. */
_Noreturn void __wrap_arch_halt(void);
_Noreturn void __wrap_arch_halt(void)
{
	for (;;)
		cpu_yield(SIM_HALTED);
}

static void *cpu_main(void *argument)
{
	struct sim_cpu *self = argument;

	host_cpu_enter((unsigned)(self - sim_cpus));
	sem_wait(&self->go);
	for (;;) {
		switch (self->op) {
		case OP_START:
			kernel_exit();
			break;
		case OP_SYSCALL:
			kernel_svc();
			break;
		case OP_FAULT:
			kernel_fault(self->fault, self->address, FAULT_ACCESS_READ, 0);
			break;
		case OP_FPU_TRAP:
			kernel_fpu_trap();
			break;
		case OP_KERNEL:
			self->action();
			kernel_exit();
			break;
		case OP_INTERRUPT:
			(void)kernel_interrupt();
			break;
		}
		cpu_yield(SIM_USER);
	}
	return NULL;
}

/* Let a CPU go on until it hands back. */
static void cpu_go(unsigned cpu, enum sim_op op)
{
	sim_cpus[cpu].op = op;
	sem_post(&sim_cpus[cpu].go);
	sem_wait(&back);
}

void sim_objects_reset(void);

void sim_start(unsigned count)
{
	assert(count <= SIM_CPUS);
	host_machine_reset(1u << 20, 256);
	sim_objects_reset();
	memset(cpus, 0, sizeof(cpus));
	cpus_count = count;
	sim_count = count;
	sem_init(&back, 0, 0);
	for (unsigned i = 0; i < count; i++) {
		sim_cpus[i] = (struct sim_cpu){.at = SIM_USER};
		core_init(&cpus[i].core, i);
		cpus[i].core.online = 1;
		sem_init(&sim_cpus[i].go, 0, 0);
		pthread_create(&sim_cpus[i].thread, NULL, cpu_main, &sim_cpus[i]);
		cpu_go(i, OP_START);
	}
}

void sim_end(void)
{
	for (unsigned i = 0; i < sim_count; i++) {
		sim_cpus[i].end = true;
		sem_post(&sim_cpus[i].go);
		pthread_join(sim_cpus[i].thread, NULL);
	}
	sim_count = 0;
}

static bool cpu_pending(unsigned cpu)
{
	host_cpu_enter(cpu);
	if (sim_cpus[cpu].at == SIM_HALTED)
		return false;
	/* Reasons: the test itself did something as this CPU. */
	return arch_irq_pending() || cpus[cpu].core.requests != 0 ||
	       (!cpus[cpu].core.dispatcher_running && cpus[cpu].core.reasons != 0);
}

void sim_step(unsigned cpu)
{
	for (unsigned i = 0; i < 100; i++) {
		if (sim_cpus[cpu].at == SIM_USER && !cpu_pending(cpu))
			return;
		if (sim_cpus[cpu].at == SIM_IDLE && !cpu_pending(cpu))
			return;
		if ((sim_cpus[cpu].at == SIM_SPIN && i > 0) || sim_cpus[cpu].at == SIM_HALTED)
			return;
		cpu_go(cpu, OP_INTERRUPT);
	}
	assert(!"the CPU has something pending for ever");
}

void sim_settle(void)
{
	bool more = true;

	for (unsigned round = 0; more; round++) {
		assert(round < 1000);
		more = false;
		for (unsigned i = 0; i < sim_count; i++)
			if (cpu_pending(i) || sim_cpus[i].at == SIM_SPIN) {
				sim_step(i);
				more = true;
			}
	}
}

enum sim_at sim_at(unsigned cpu)
{
	return sim_cpus[cpu].at;
}

struct tcb *sim_current(unsigned cpu)
{
	return sim_cpus[cpu].at == SIM_USER ? cpus[cpu].core.current : NULL;
}

void sim_syscall(unsigned cpu, struct tcb *tcb, enum syscall number, struct sim_regs regs)
{
	assert(sim_current(cpu) == tcb);
	for (unsigned i = 0; i < 15; i++)
		tcb->context.x[i] = regs.x[i];
	tcb->context.x[8] = number;
	tcb->context.pc += 4;
	cpu_go(cpu, OP_SYSCALL);
}

void sim_fault(unsigned cpu, struct tcb *tcb, enum fault kind, uint64_t address)
{
	assert(sim_current(cpu) == tcb);
	sim_cpus[cpu].fault = kind;
	sim_cpus[cpu].address = address;
	cpu_go(cpu, OP_FAULT);
}

void sim_fpu_trap(unsigned cpu, struct tcb *tcb)
{
	assert(sim_current(cpu) == tcb);
	cpu_go(cpu, OP_FPU_TRAP);
}

void sim_kernel(unsigned cpu, void (*action)(void))
{
	assert(sim_at(cpu) == SIM_USER);
	sim_cpus[cpu].action = action;
	cpu_go(cpu, OP_KERNEL);
}

void sim_advance(time_ns_t ns)
{
	host_time_set(arch_now() + ns);
}

int64_t sim_x0(const struct tcb *tcb)
{
	return (int64_t)tcb->context.x[0];
}

void sim_as(unsigned cpu)
{
	host_cpu_enter(cpu);
}

unsigned sim_ipis(void)
{
	return (unsigned)host_counters.ipis;
}

static void check_cpu(unsigned cpu)
{
	const struct core *core = &cpus[cpu].core;

	assert(!spin_held(&core->lock));
	if (core->payer != NULL)
		assert(core->payer->sched == SCHED_RUNNING && core->payer->home == core &&
		       core->current == core->payer->tail);
	else
		assert(core->current == NULL || core->dispatcher_running);
	list_for_each (node, &core->homed) {
		const struct tcb *tcb = container_of_const(node, struct tcb, home_link);

		assert(tcb->home == core && tcb->payer == tcb);
		assert((tcb->sched == SCHED_READY) == list_linked(&tcb->ready_link));
		assert((tcb->sched == SCHED_RUNNING) == (core->payer == tcb));
		if (tcb->sched != SCHED_BLOCKED)
			assert(tcb->tail->state == THREAD_READY);
		for (const struct tcb *m = tcb; m != NULL; m = m->chain_next) {
			assert(m->payer == tcb);
			assert(m->chain_next != NULL || m == tcb->tail);
			assert(m->chain_next == NULL || m->chain_next->chain_prev == m);
			assert(m->chain_next == NULL || m->state == THREAD_CALLING);
		}
	}
	if (core->fallback == FALLBACK_NONE && core->payer == NULL && !core->dispatcher_running)
		assert(list_empty(&core->events) || core->requests != 0 || core->reasons != 0 ||
		       core->switched);
	/* Whoever finds nothing noted finds nothing linked either. */
	assert(core->untold != 0 || (list_empty(&core->events) && !core->switched));
	assert(core->untold_more != 0 ||
	       (core->rebind_next == NULL && list_empty(&core->requests_waiting)));
	/* What ran first on a CPU that idles again is told in time. */
	list_for_each (node, &core->events) {
		const struct tcb *tcb = container_of_const(node, struct tcb, event_link);

		if (core->payer == NULL && !core->dispatcher_running && core->requests == 0 &&
		    core->reasons == 0 && EVENT_FIRSTS(tcb->event_info) != 0)
			assert(core->again_until_ns != 0 && core->armed_ns <= core->again_until_ns);
	}
	/* I4: what the filter holds back is seen when it ends. */
	if (core->filtered)
		assert(!core->dispatcher_running && core->fallback == FALLBACK_NONE &&
		       (core->armed_ns <= core->filter_until_ns || core->requests != 0));
	if (core->dispatcher_running || core->fallback != FALLBACK_NONE)
		assert(core->filter_until_ns == 0 && core->first_slice_ns == 0 &&
		       !core->next.armed);
}

void sim_check(void)
{
	for (unsigned i = 0; i < sim_count; i++)
		check_cpu(i);
}
