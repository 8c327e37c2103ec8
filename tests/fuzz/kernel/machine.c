/* SPDX-License-Identifier: BSD-2-Clause */
/* CPUs as coroutines.  See machine.h. */
#include "machine.h"

#include "../fuzz.h"
#include "world.h"

#include <coroutine.h>
#include <host_arch.h>
#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/fastpath.h>
#include <kern/machine.h>

#define STACK_BYTES 262144u
#define SVC_PC      0x10000u /* a system call that is to be made again has its pc here */
#define ROUNDS_MAX  2000u

enum machine_op { OP_START, OP_SYSCALL, OP_FAULT, OP_FPU, OP_INTERRUPT };

struct machine_cpu {
	struct coroutine coroutine;
	enum machine_at at;
	enum machine_op op;
	enum fault fault;
	uint64_t address;
	uint32_t access;
	_Alignas(64) unsigned char stack[STACK_BYTES];
};

static struct machine_cpu machine_cpus[MACHINE_CPUS];

/* ---- Coroutines ------------------------------------------------------------------------------ */

static void cpu_yield(enum machine_at at)
{
	struct machine_cpu *self = &machine_cpus[host_cpu_index()];

	self->at = at;
	coroutine_back(&self->coroutine);
}

/* Let a CPU go on until it hands back. */
static void cpu_go(unsigned cpu, enum machine_op op)
{
	struct machine_cpu *self = &machine_cpus[cpu];

	self->op = op;
	host_cpu_enter(cpu);
	coroutine_go(&self->coroutine);
}

static void cpu_op(const struct machine_cpu *self)
{
	switch (self->op) {
	case OP_START:
		kernel_exit();
		break;
	case OP_SYSCALL:
		kernel_svc();
		break;
	case OP_FAULT:
		kernel_fault(self->fault, self->address, self->access, 0);
		break;
	case OP_FPU:
		kernel_fpu_trap();
		break;
	case OP_INTERRUPT:
		(void)kernel_interrupt();
		break;
	}
}

static void cpu_main(void)
{
	const struct machine_cpu *self = &machine_cpus[host_cpu_index()];

	coroutine_begin();
	for (;;) {
		cpu_op(self);
		cpu_yield(AT_USER);
	}
}

/* ---- What the kernel calls (linked with --wrap) ---------------------------------------------- */

void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_wait_for_interrupt(void)
{
	cpu_yield(AT_IDLE);
}

void __wrap_arch_spin_pause(void);
void __wrap_arch_spin_pause(void)
{
	cpu_yield(AT_SPIN);
}

bool __real_preempt_pending(void);
bool __wrap_preempt_pending(void);
/* A long operation that waits for another CPU asks this in its loop: let the other one get on. */
bool __wrap_preempt_pending(void)
{
	static unsigned asked;

	if (++asked % 8 == 0)
		cpu_yield(AT_SPIN);
	return __real_preempt_pending();
}

/* ---- Steps ----------------------------------------------------------------------------------- */

enum machine_at machine_at(unsigned cpu)
{
	return machine_cpus[cpu].at;
}

struct tcb *machine_current(unsigned cpu)
{
	return machine_cpus[cpu].at == AT_USER ? cpus[cpu].core.current : NULL;
}

struct ipc_buffer *machine_buffer(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED);
}

void machine_syscall(unsigned cpu, const uint64_t x[9])
{
	struct tcb *tcb = machine_current(cpu);

	fuzz_check(tcb != NULL);
	if (tcb->context.pc != SVC_PC)
		memcpy(tcb->context.x, x, 9 * sizeof(x[0]));
	tcb->context.pc = SVC_PC + 4;
	cpu_go(cpu, OP_SYSCALL);
}

void machine_fault(unsigned cpu, enum fault kind, uint64_t address, uint32_t access)
{
	fuzz_check(machine_current(cpu) != NULL);
	machine_cpus[cpu].fault = kind;
	machine_cpus[cpu].address = address;
	machine_cpus[cpu].access = access;
	cpu_go(cpu, OP_FAULT);
}

void machine_fpu_trap(unsigned cpu)
{
	fuzz_check(machine_current(cpu) != NULL);
	cpu_go(cpu, OP_FPU);
}

void machine_touch(unsigned cpu, uint64_t vaddr)
{
	const struct vspace *vspace = host_cpu_vspace(cpu);

	if (machine_current(cpu) != NULL && vspace != NULL)
		(void)host_tlb_touch(vspace, vaddr, NULL);
}

void machine_irq(uint32_t irq)
{
	if (arch_irq_valid(irq))
		host_irq_raise(irq);
}

void machine_advance(time_ns_t ns)
{
	host_time_set(arch_now() + ns);
}

static bool cpu_pending(unsigned cpu)
{
	if (machine_cpus[cpu].at == AT_SPIN)
		return true;
	host_cpu_enter(cpu);
	/* Reasons: the fuzzer itself did something as this CPU. */
	return arch_irq_pending() || cpus[cpu].core.requests != 0 ||
	       (!cpus[cpu].core.dispatcher_running && cpus[cpu].core.reasons != 0);
}

void machine_interrupt(unsigned cpu)
{
	cpu_go(cpu, OP_INTERRUPT);
}

bool machine_step(void)
{
	bool more = false;

	for (unsigned cpu = 0; cpu < MACHINE_CPUS; cpu++)
		if (cpu_pending(cpu)) {
			cpu_go(cpu, OP_INTERRUPT);
			more = true;
		}
	return more;
}

void machine_settle(void)
{
	for (unsigned round = 0; machine_step(); round++)
		fuzz_check(round < ROUNDS_MAX);
}

void machine_boot(void)
{
	host_machine_reset(WORLD_RAM_BYTES, WORLD_ASIDS);
	cpus_count = MACHINE_CPUS;
	for (unsigned i = 0; i < MACHINE_CPUS; i++) {
		struct machine_cpu *self = &machine_cpus[i];

		core_init(&cpus[i].core, i);
		cpus[i].core.online = 1;
		coroutine_make(&self->coroutine, self->stack, STACK_BYTES, cpu_main);
	}
	janitor_make();
	for (unsigned i = 0; i < MACHINE_CPUS; i++)
		cpu_go(i, OP_START);
	machine_settle();
}
