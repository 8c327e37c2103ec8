/* SPDX-License-Identifier: BSD-2-Clause */
/* See fastpath_world.h. */
#include "fastpath_world.h"

#include <criterion/criterion.h>

#include <string.h>

static bool fast;
unsigned taken, taken_waits, taken_signals, taken_decisions, taken_preempts;
bool signals_go_slowly;

struct tcb *thread[THREADS], *dispatcher[CPUS];
struct endpoint *ep[ENDPOINTS];
struct reply *reply[REPLIES];
struct notification *notice[NOTICES];
cptr_t ep_cap[ENDPOINTS], ep_read[ENDPOINTS], ep_write[ENDPOINTS], ep_call[ENDPOINTS];
cptr_t reply_cap[REPLIES];
cptr_t notice_cap[NOTICES], notice_write[NOTICES];

struct tcb *__wrap_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_signal(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_irq(uint32_t irq, struct cpu *cpu);
struct tcb *__wrap_fastpath_decide(cptr_t cptr, word_t decision, struct tcb *tcb, struct cpu *cpu);
struct tcb *__wrap_fastpath_preempt(struct cpu *cpu);

/* Its path back to user mode is its own: the CPU must be where kernel_exit() leaves it. */
static struct tcb *taken_by(struct tcb *next, const struct cpu *cpu, unsigned *count)
{
	if (next != NULL) {
		(*count)++;
		cr_assert(next == cpu->core.current && next == cpu->core.loaded &&
			  next == cpu->core.held);
	}
	return next;
}

struct tcb *__wrap_fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_call(cptr, info, tcb, cpu), cpu, &taken) : NULL;
}

struct tcb *__wrap_fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_reply_recv(cptr, info, tcb, cpu), cpu, &taken)
		    : NULL;
}

struct tcb *__wrap_fastpath_decide(cptr_t cptr, word_t decision, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_decide(cptr, decision, tcb, cpu), cpu,
			       &taken_decisions)
		    : NULL;
}

struct tcb *__wrap_fastpath_preempt(struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_preempt(cpu), cpu, &taken_preempts) : NULL;
}

struct tcb *__wrap_fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_wait(cptr, info, tcb, cpu), cpu, &taken_waits)
		    : NULL;
}

struct tcb *__wrap_fastpath_signal(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	return fast && !signals_go_slowly
		       ? taken_by(__real_fastpath_signal(cptr, info, tcb, cpu), cpu, &taken_signals)
		       : NULL;
}

struct tcb *__wrap_fastpath_irq(uint32_t irq, struct cpu *cpu)
{
	return fast ? taken_by(__real_fastpath_irq(irq, cpu), cpu, &taken_signals) : NULL;
}

void machine_start(bool with_fast)
{
	fast = with_fast;
	taken = 0;
	taken_waits = 0;
	taken_signals = 0;
	signals_go_slowly = false;
	taken_decisions = 0;
	taken_preempts = 0;
	sim_start(CPUS);
	for (unsigned i = 0; i < CPUS; i++)
		dispatcher[i] = sim_bind(i, 1000000, 0, NULL);
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		ep[i] = sim_endpoint();
		ep_cap[i] = sim_cap(OBJ_ENDPOINT, ep[i], 70 + i);
		ep_read[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 80 + i, RIGHT_READ);
		ep_write[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 90 + i, RIGHT_WRITE);
		ep_call[i] = sim_cap_rights(OBJ_ENDPOINT, ep[i], 95 + i,
					    RIGHT_WRITE | RIGHT_GRANT_REPLY);
	}
	for (unsigned i = 0; i < REPLIES; i++) {
		reply[i] = sim_reply();
		reply_cap[i] = sim_cap(OBJ_REPLY, reply[i], 0);
	}
	for (unsigned i = 0; i < NOTICES; i++) {
		notice[i] = sim_notification();
		notice_cap[i] = sim_cap(OBJ_NOTIFICATION, notice[i], 1u << i);
		notice_write[i] = sim_cap_rights(OBJ_NOTIFICATION, notice[i], 4u << i, RIGHT_WRITE);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		thread[i] = sim_thread_running(10 + i, i % CPUS);
		if (i < REPLIES)
			thread[i]->flags |= TCB_FLAG_PASSIVE | (i % 2 == 0 ? TCB_FLAG_SERVER : 0);
		/* The pager of everybody: faults meet the fast answer. */
		thread[i]->pager = (struct cap_slot){.type = OBJ_ENDPOINT,
						     .rights = RIGHT_ALL,
						     .badge = 60 + i,
						     .object = (uintptr_t)ep[0]};
		thread[i]->exception = thread[i]->pager;
	}
	sim_auto_all();
}

void until_runs(const struct tcb *tcb)
{
	while (sim_current(0) != tcb) {
		sim_advance(2000000);
		sim_step(0);
		sim_auto_all();
	}
}

/* ---- Its state ------------------------------------------------------------------------------- */

static uint64_t hash(uint64_t sum, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ at[i]) * 0x100000001b3u;
	return sum;
}

/* Locks are free; what else they remember may differ. */
static void lock_forget(struct spinlock *lock)
{
	cr_assert(!spin_held(lock));
	memset(lock, 0, sizeof(*lock));
}

/* How a thread sends is said only while it does (<kern/tcb.h>). */
static uint64_t hash_thread(const struct tcb *tcb)
{
	struct tcb copy;

	memcpy(&copy, tcb, sizeof(copy));
	if (copy.state != THREAD_SENDING) {
		copy.send_badge = 0;
		copy.send_is_call = false;
		copy.send_can_grant = false;
	}
	return hash(hash(1, &copy, sizeof(copy)), tcb->ipc_buffer,
		    tcb->ipc_buffer != NULL ? 4096 : 0);
}

void state_take(uint64_t part[PARTS])
{
	static struct cpu cpu;

	for (unsigned i = 0; i < THREADS; i++)
		*part++ = hash_thread(thread[i]);
	for (unsigned i = 0; i < CPUS; i++)
		*part++ = hash_thread(dispatcher[i]);
	for (unsigned i = 0; i < ENDPOINTS; i++) {
		struct endpoint copy;

		memcpy(&copy, ep[i], sizeof(copy));
		lock_forget(&copy.wait.lock);
		*part++ = hash(2, &copy, sizeof(copy));
	}
	for (unsigned i = 0; i < REPLIES; i++) {
		struct reply copy;

		memcpy(&copy, reply[i], sizeof(copy));
		lock_forget(&copy.lock);
		*part++ = hash(3, &copy, sizeof(copy));
	}
	for (unsigned i = 0; i < NOTICES; i++) {
		struct notification copy;

		memcpy(&copy, notice[i], sizeof(copy));
		lock_forget(&copy.wait.lock);
		*part++ = hash(5, &copy, sizeof(copy));
	}
	for (unsigned i = 0; i < CPUS; i++) {
		memcpy(&cpu, &cpus[i], sizeof(cpu));
		lock_forget(&cpu.core.lock);
		/* Only the fast path asks what it remembers. */
		cpu.core.named_version = 0;
		*part++ = hash(4, &cpu, sizeof(cpu));
	}
}
