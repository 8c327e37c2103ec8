/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Simulated CPUs: one coroutine each, which stops before each operation that another CPU could see.
 *
 * An operation on an address that only one CPU ever touches, or that nobody writes, commutes with all
 * others, so no other CPU is let in before it.  Which addresses those are is found out on the way:
 * the first time that one turns out to be shared, the exploration begins anew with that knowledge.
 * What plain accesses touch is protected by the locks and by ownership (the race detector watches
 * that in the storms), so a piece from one shared operation to the next is one step.
 */
#include "hook.h"
#include "model.h"

#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <kern/entry.h>
#include <kern/event.h>

#define ADDRESSES_MAX  (1u << 14)
#define OPERATIONS_MAX 10000u /* without one that another CPU could see */

struct address {
	const volatile void *at;
	uint64_t value;
	unsigned cpus; /* mask */
	bool written;
	bool shared;
};

/* Not part of the state. */
struct strands {
	struct strand strand[MODEL_CPUS];
	_Alignas(64) unsigned char stack[MODEL_CPUS][MODEL_STACK];
	void *back[5];
	unsigned running; /* MODEL_CPUS: none */
	unsigned as;
	unsigned operations; /* since the CPU was last let go on */
	struct address addresses[ADDRESSES_MAX];
};

/* Released memory; part of the state. */
static struct {
	const unsigned char *at;
	size_t bytes;
} poison;

static struct strands *all;
struct model_cpu model_cpus[MODEL_CPUS];

struct strand *strand_of(unsigned cpu)
{
	return &all->strand[cpu];
}

unsigned char *strand_stack(unsigned cpu, size_t *bytes)
{
	unsigned char *sp = all->strand[cpu].frame[2];
	unsigned char *end = all->stack[cpu] + MODEL_STACK;

	*bytes = (size_t)(end - sp);
	return sp;
}

unsigned cpu_running(void)
{
	return all != NULL ? all->running : MODEL_CPUS;
}

static __attribute__((noinline)) void jump(void **frame)
{
	__builtin_longjmp(frame, 1);
}

void cpu_abandon(void)
{
	all->running = MODEL_CPUS;
	jump(all->back);
	__builtin_unreachable();
}

__attribute__((noinline)) void cpu_guard(void (*function)(const struct scenario *, unsigned),
					 const struct scenario *scenario)
{
	if (__builtin_setjmp(all->back) == 0)
		function(scenario, scenario->cpus);
}

/* The CPU stops here until it is chosen. */
static __attribute__((noinline)) void stop_at(enum strand_at at, const volatile void *what,
					      const char *where)
{
	struct strand *strand = &all->strand[all->running];

	strand->at = at;
	strand->what = what;
	strand->where = where;
	if (__builtin_setjmp(strand->frame) == 0)
		jump(all->back);
}

/* What was left below is no part of the state; what is called next finds zeroes. */
static void stack_clean(unsigned cpu)
{
	unsigned char *sp = all->strand[cpu].frame[2];
	unsigned char *from = all->stack[cpu];

	if ((size_t)(sp - from) > 4096)
		from = sp - 4096;
	memset(from, 0, (size_t)(sp - from));
}

__attribute__((noinline)) void cpu_run(unsigned cpu, enum choice choice)
{
	if (choice == CHOICE_TIMER) {
		struct model_cpu *hardware = &model_cpus[cpu];

		if (hardware->timer_budget > 0)
			hardware->timer_budget--;
		hardware->timer = true;
		model_time_reach(hardware->deadline);
		hardware->deadline = TIME_NEVER;
		return;
	}
	all->strand[cpu].choice = choice;
	all->operations = 0;
	stack_clean(cpu);
	all->running = cpu;
	if (__builtin_setjmp(all->back) == 0)
		jump(all->strand[cpu].frame);
	all->running = MODEL_CPUS;
}

static void cpu_main(void)
{
	stop_at(AT_OPERATION, NULL, "starts");
	kernel_exit();
	for (;;) {
		stop_at(AT_USER, NULL, "user mode");
		if (all->strand[all->running].choice == CHOICE_INTERRUPT)
			(void)kernel_interrupt();
		else
			user_execute(all->running);
	}
}

static __attribute__((noinline)) void cpu_start(unsigned cpu)
{
	static ucontext_t here, there;

	memset(all->stack[cpu], 0, MODEL_STACK);
	memset(&all->strand[cpu], 0, sizeof(all->strand[cpu]));
	all->running = cpu;
	getcontext(&there);
	there.uc_stack.ss_sp = all->stack[cpu];
	there.uc_stack.ss_size = MODEL_STACK;
	makecontext(&there, cpu_main, 0);
	if (__builtin_setjmp(all->back) == 0)
		swapcontext(&here, &there);
	all->running = MODEL_CPUS;
}

void cpus_start(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		cpu_start(i);
}

void cpus_share_nothing(void)
{
	if (all == NULL) {
		all = mmap(NULL, sizeof(*all), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
		all->running = MODEL_CPUS;
	}
	memset(all->addresses, 0, sizeof(all->addresses));
}

void cpu_as(unsigned cpu)
{
	all->as = cpu;
}

struct cpu *arch_this_cpu(void)
{
	unsigned running = cpu_running();

	return &cpus[running < MODEL_CPUS ? running : all->as];
}

/* ---- What is shared -------------------------------------------------------------------------- */

static struct address *address_of(const volatile void *at)
{
	size_t slot = ((uintptr_t)at >> 2) * 0x9e3779b1u % ADDRESSES_MAX;

	while (all->addresses[slot].at != NULL && all->addresses[slot].at != at)
		slot = (slot + 1) % ADDRESSES_MAX;
	return &all->addresses[slot];
}

static uint64_t value_at(const volatile void *at, unsigned bytes)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)(uintptr_t)at, bytes < 8 ? bytes : 8);
	return value;
}

static bool address_shared(const volatile void *at, unsigned bytes, bool write)
{
	struct address *address = address_of(at);
	uint64_t value = value_at(at, bytes);

	if (address->shared)
		return true;
	if (address->at == NULL) {
		address->at = at;
		address->value = value;
	}
	address->cpus |= 1u << all->running;
	/* Also written by plain stores, which nobody tells us about: count it as shared. */
	if (!address->written && value != address->value) {
		address->written = true;
		address->cpus = ~0u;
	}
	address->written |= write;
	if (!address->written || (address->cpus & (address->cpus - 1)) == 0)
		return false;
	address->shared = true;
	explore_again();
	return true;
}

static void check_poison(const volatile void *at, const char *where)
{
	if ((uintptr_t)at - (uintptr_t)poison.at < poison.bytes)
		violation("memory that was released is used at %s", where);
}

void memory_poison(const void *at, size_t bytes)
{
	poison.at = at;
	poison.bytes = bytes;
}

static void stop_if_shared(enum strand_at kind, const volatile void *at, unsigned bytes, bool write,
			   const char *where)
{
	if (all->running == MODEL_CPUS)
		return;
	if (++all->operations > OPERATIONS_MAX)
		violation("CPU %u goes round for ever: %s", all->running, where);
	if (address_shared(at, bytes, write))
		stop_at(kind, at, where);
	check_poison(at, where);
}

/* ---- The kernel's operations ----------------------------------------------------------------- */

void model_at(enum model_op op, const volatile void *at, unsigned bytes, const char *where)
{
	stop_if_shared(AT_OPERATION, at, bytes, op != MODEL_LOAD, where);
}

/* Requests between CPUs: who changes the word from zero owes the one IPI. */
void model_after_or(const volatile void *at, uint64_t old)
{
	if (all->running == MODEL_CPUS)
		return;
	for (unsigned i = 0; i < cpus_count; i++)
		if (at == &cpus[i].core.requests && old == 0 && i != all->running)
			all->strand[all->running].ipi_owed[i] = true;
}

void model_lock(struct spinlock *lock, const char *where)
{
	uint16_t self = lock_owner_name(cpu_running());

	stop_if_shared(AT_LOCK, lock, sizeof(lock->owner), true, where);
	if (lock->owner == self)
		violation("taken twice: %s", where);
	if (lock->owner != 0)
		violation("taken while held: %s", where);
	lock->owner = self;
}

void model_unlock(struct spinlock *lock, const char *where)
{
	if (lock->owner != lock_owner_name(cpu_running()))
		violation("not held: %s", where);
	lock->owner = 0;
}

void arch_spin_pause(void)
{
	if (all->running != MODEL_CPUS)
		stop_at(AT_PAUSE, NULL, "waits in a loop");
}

/* ---- Interrupts and time --------------------------------------------------------------------- */

static time_ns_t now_ns;

void model_hardware_reset(void)
{
	memset(model_cpus, 0, sizeof(model_cpus));
	for (unsigned i = 0; i < MODEL_CPUS; i++)
		model_cpus[i].deadline = TIME_NEVER;
	now_ns = 1000000;
	poison.bytes = 0;
}

void model_time_reach(time_ns_t time)
{
	if (now_ns < time)
		now_ns = time;
}

time_ns_t arch_now(void)
{
	return now_ns;
}

static struct model_cpu *this_hardware(void)
{
	unsigned running = cpu_running();

	return &model_cpus[running < MODEL_CPUS ? running : all->as];
}

static bool interrupt_pending(const struct model_cpu *cpu)
{
	return cpu->ipi || cpu->timer;
}

void arch_timer_set(time_ns_t deadline)
{
	this_hardware()->deadline = deadline;
}

uint32_t arch_irq_take(void)
{
	struct model_cpu *cpu = this_hardware();

	stop_if_shared(AT_OPERATION, &cpu->ipi, 1, true, "takes an interrupt");
	if (cpu->ipi) {
		cpu->ipi = false;
		return ARCH_IRQ_IPI;
	}
	if (cpu->timer) {
		cpu->timer = false;
		return ARCH_IRQ_TIMER;
	}
	return ARCH_IRQ_NONE;
}

bool arch_irq_pending(void)
{
	struct model_cpu *cpu = this_hardware();

	stop_if_shared(AT_OPERATION, &cpu->ipi, 1, false, "looks for an interrupt");
	return interrupt_pending(cpu);
}

void arch_wait_for_interrupt(void)
{
	if (all->running != MODEL_CPUS)
		stop_at(AT_WAIT, NULL, "WFI");
}

void arch_ipi_send(unsigned cpu)
{
	struct strand *self = &all->strand[all->running];

	stop_if_shared(AT_OPERATION, &model_cpus[cpu].ipi, 1, true, "sends an IPI");
	if (all->running != MODEL_CPUS) {
		if (!self->ipi_owed[cpu])
			violation("I9: an IPI to CPU %u, whose requests were not zero before", cpu);
		self->ipi_owed[cpu] = false;
	}
	if (cpus[cpu].core.online == 0)
		violation("I9: an IPI to CPU %u, which is not online", cpu);
	model_cpus[cpu].ipi = true;
}

/* ---- What a CPU may do next ------------------------------------------------------------------ */

static unsigned choices_user(unsigned cpu, enum choice out[3])
{
	unsigned count = 0;

	if (interrupt_pending(&model_cpus[cpu]))
		out[count++] = CHOICE_INTERRUPT;
	if (user_has_instruction(cpu))
		out[count++] = CHOICE_GO;
	return count;
}

/* As often as a scenario says; and whenever a decision that was accepted in spite of something pending
 * is to end. */
static bool timer_may_fire(unsigned cpu)
{
	const struct model_cpu *hardware = &model_cpus[cpu];
	const struct core *core = &cpus[cpu].core;

	if (hardware->deadline == TIME_NEVER || hardware->timer)
		return false;
	if (hardware->timer_budget > 0)
		return true;
	return all->strand[cpu].at == AT_USER && core->payer != NULL &&
	       core->fallback == FALLBACK_NONE && event_pending(core);
}

unsigned choices_of(unsigned cpu, enum choice out[3])
{
	const struct strand *strand = &all->strand[cpu];
	const struct model_cpu *hardware = &model_cpus[cpu];
	unsigned count = 0;

	switch (strand->at) {
	case AT_OPERATION:
	case AT_PAUSE:
		out[count++] = CHOICE_GO;
		break;
	case AT_LOCK:
		if (((const volatile struct spinlock *)strand->what)->owner == 0)
			out[count++] = CHOICE_GO;
		break;
	case AT_WAIT:
		if (interrupt_pending(hardware))
			out[count++] = CHOICE_GO;
		break;
	case AT_USER:
		count = choices_user(cpu, out);
		break;
	}
	if (timer_may_fire(cpu))
		out[count++] = CHOICE_TIMER;
	return count;
}

/* ---- Threads --------------------------------------------------------------------------------- */

/* The state of a thread is live on one CPU at most. */
void arch_switch(struct tcb *prev, struct tcb *next)
{
	struct model_cpu *self = this_hardware();

	(void)prev;
	for (unsigned i = 0; i < cpus_count && next != NULL; i++)
		if (&model_cpus[i] != self && model_cpus[i].loaded == next)
			violation("thread %lu is loaded by two CPUs", (unsigned long)next->tag);
	self->loaded = next;
}

void arch_switch_short(struct tcb *prev, struct tcb *next, const struct vspace *space)
{
	(void)space;
	arch_switch(prev, next);
}
