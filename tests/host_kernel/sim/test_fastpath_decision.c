/* SPDX-License-Identifier: BSD-2-Clause */
/* Decisions of all kinds, under all circumstances, through both paths. */
#include "fastpath_world.h"

#include <criterion/criterion.h>
#include <kern/cnode.h>
#include <kern/donation.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <kern/waitable.h>

#include <string.h>

#define STEPS    500u
#define SEEDS    60u
#define LIMIT_NS 3000000u

static cptr_t sched_cap, thread_cap[THREADS], thread_weak[THREADS];
static cptr_t core_cap[CPUS], core_weak;
static time_ns_t limit_ns; /* of starvation; 0: none */

/* More happens to these threads than calls: they wait for notices and ask their dispatchers. */
static void scene_start(bool with_fast)
{
	machine_start(with_fast);
	sched_cap = sim_cap(OBJ_SCHED, NULL, 7);
	for (unsigned i = 0; i < CPUS; i++)
		core_cap[i] = sim_cap(OBJ_CORE, &cpus[i].core, 0);
	core_weak = sim_cap_rights(OBJ_CORE, &cpus[0].core, 0, RIGHT_READ);
	for (unsigned i = 0; i < THREADS; i++) {
		thread_cap[i] = sim_cap(OBJ_TCB, thread[i], 0);
		thread_weak[i] = sim_cap_rights(OBJ_TCB, thread[i], 0, RIGHT_READ | RIGHT_WRITE);
	}
}

/* ---- What may be decided --------------------------------------------------------------------- */

static unsigned index_of(const struct tcb *tcb)
{
	return (unsigned)(tcb->tag - 10);
}

/* A ready thread of this CPU, if there is one and the dice are kind. */
static struct tcb *candidate(unsigned cpu)
{
	unsigned skip = dice(3);
	struct tcb *found = NULL;

	if (dice(12) == 0)
		return thread[dice(THREADS)];
	list_for_each (node, &cpus[cpu].core.ready) {
		found = container_of(node, struct tcb, ready_link);
		if (skip-- == 0)
			break;
	}
	return found != NULL ? found : thread[dice(THREADS)];
}

static cptr_t cap_of(const struct tcb *tcb)
{
	switch (dice(48)) {
	case 0:
		return thread_weak[index_of(tcb)];
	case 1:
		return (cptr_t[]){CPTR_NULL, 200, 1u << 8, 1u << 20, ep_cap[0]}[dice(5)];
	default:
		return thread_cap[index_of(tcb)];
	}
}

static time_ns_t any_time(void)
{
	time_ns_t now = arch_now();

	return (time_ns_t[]){0,
			     now + 1000,
			     now + 100000,
			     now + 500000,
			     now + LIMIT_NS,
			     now + 10 * LIMIT_NS,
			     TIME_NEVER,
			     TIME_NEVER - 1}[dice(8)];
}

static time_ns_t any_slice(void)
{
	return (time_ns_t[]){
		0, SLICE_MIN_NS - 1, 500000, LIMIT_NS, TIME_NEVER, TIME_NEVER - 5}[dice(6)];
}

static word_t any_decision(void)
{
	static const word_t rare[] = {DECISION_NONE,
				      DECISION_IDLE,
				      DECISION_IDLE,
				      DECISION_IDLE | DECISION_FIRST,
				      DECISION_RUN | DECISION_FIRST,
				      DECISION_RUN | 1u << 11,
				      DECISION_IDLE | DECISION_FILTER,
				      3};

	if (dice(6) == 0)
		return rare[dice(8)];
	return DECISION_RUN | (dice(2) == 0 ? DECISION_FILTER : 0) |
	       (dice(2) == 0 ? DECISION_SUCCESSOR : 0);
}

static cptr_t any_core(unsigned cpu)
{
	if (dice(24) != 0)
		return core_cap[cpu];
	return (cptr_t[]){core_cap[1 - cpu], core_weak, CPTR_NULL, 1u << 8, ep_cap[0]}[dice(5)];
}

/* What stands in the way for the time of one decision. */
static void decide_spoilt(unsigned cpu, struct tcb *chosen, struct sim_regs regs)
{
	struct tcb *tail = chosen->tail;
	struct vspace *space = tail->vspace;
	unsigned kind = dice(40);

	if (kind == 0)
		chosen->object.dying = 1;
	else if (kind == 1)
		cpus[cpu].core.fpu_live = true;
	else if (kind == 2 && chosen->sched == SCHED_READY)
		tail->exit_work |= EXIT_STOP;
	else if (kind == 3)
		tail->vspace = NULL;
	sim_syscall(cpu, dispatcher[cpu], SYS_CORE_REPLY_WAIT, regs);
	chosen->object.dying = 0;
	tail->vspace = space;
}

static void random_decision(unsigned cpu)
{
	struct tcb *chosen = candidate(cpu), *successor = candidate(cpu);
	struct sim_regs regs = {.x = {any_core(cpu), any_decision(), cap_of(chosen), chosen->seq,
				      any_slice(), any_time(), any_time(), dice(4), 0,
				      dice(4) == 0 ? CPTR_NULL : cap_of(successor), successor->seq,
				      any_slice(), any_time(), any_time(), dice(4)}};

	if (dice(16) == 0)
		regs.x[3] += 1;
	if (dice(16) == 0)
		regs.x[10] -= 1;
	decide_spoilt(cpu, chosen, regs);
}

/* ---- What else happens ----------------------------------------------------------------------- */

/* The dispatcher of this CPU acts on threads. */
static void dispatcher_acts(unsigned cpu)
{
	struct tcb *tcb = thread[dice(THREADS)];
	const word_t results[3] = {1, 2, 3};

	sim_as(cpu);
	switch (dice(3)) {
	case 0:
		(void)!tcb_answer(tcb, ERR_OK, results);
		break;
	case 1:
		(void)!tcb_set_home(tcb, &cpus[1 - cpu].core);
		break;
	default:
		tcb_set_key(tcb, dice(4));
	}
}

/* Another CPU does something that this one has not heard of yet. */
static void disturb(unsigned cpu)
{
	struct tcb *tcb = thread[dice(THREADS)];

	sim_as(1 - cpu);
	switch (dice(12)) {
	case 0:
		(void)!thread_suspend(tcb);
		break;
	case 1:
	case 2:
		(void)!thread_resume(tcb);
		break;
	case 3:
		if (dice(3) == 0)
			core_unbind(&cpus[cpu].core);
		break;
	case 4:
		core_post(&cpus[cpu].core, CORE_REQUEST_KICK);
		break;
	default:
		notification_signal(notice[dice(NOTICES)], 1);
	}
}

/* Without a buffer it gets one event at a time, and no request at all. */
static void buffer_toggle(unsigned cpu)
{
	static struct ipc_buffer *buffers[CPUS];
	struct ipc_buffer *buffer = dispatcher[cpu]->ipc_buffer;

	dispatcher[cpu]->ipc_buffer = buffer != NULL ? NULL : buffers[cpu];
	buffers[cpu] = buffer;
}

static void bind_again(unsigned cpu)
{
	sim_as(cpu);
	if (dispatcher[cpu]->ipc_buffer == NULL)
		buffer_toggle(cpu);
	if (core_bind(&cpus[cpu].core, dispatcher[cpu], limit_ns != 0 ? 2 * limit_ns : LIMIT_NS,
		      limit_ns, NULL) != ERR_OK)
		return;
	if (dice(2) == 0)
		buffer_toggle(cpu);
	sim_settle();
}

static void thread_acts(unsigned cpu, struct tcb *tcb)
{
	switch (dice(8)) {
	case 0:
		sim_syscall(cpu, tcb, SYS_CALL,
			    (struct sim_regs){
				    {sched_cap,
				     msg_info(5 | (dice(2) == 0 ? SCHED_REQUEST_YIELD : 0), 2, 0),
				     1, 2}});
		break;
	case 1:
		sim_syscall(cpu, tcb, SYS_SIGNAL, (struct sim_regs){{notice_cap[dice(NOTICES)]}});
		break;
	case 2:
	case 3:
		sim_syscall(cpu, tcb, SYS_WAIT, (struct sim_regs){{notice_cap[dice(NOTICES)]}});
		break;
	default:
		random_syscall(cpu, tcb);
	}
}

static void step(void)
{
	unsigned cpu = dice(CPUS);
	struct tcb *tcb;

	sim_settle();
	for (unsigned i = 0; i < CPUS; i++)
		if (dispatcher[i]->dispatcher_core == NULL)
			bind_again(i);
	if (sim_current(cpu) == NULL)
		cpu = 1 - cpu;
	tcb = sim_current(cpu);
	if (tcb == NULL || dice(10) == 0) {
		disturb(cpu);
		cancel_one();
		return;
	}
	if (dice(6) == 0)
		sim_advance((time_ns_t[]){1000, 100000, 600000, 3 * LIMIT_NS}[dice(4)]);
	if (sim_deciding(cpu) && dice(16) == 0) {
		sim_advance(LIMIT_NS);
		return;
	}
	if (!sim_deciding(cpu)) {
		thread_acts(cpu, tcb);
		return;
	}
	if (dice(16) == 0)
		buffer_toggle(cpu);
	if (dice(4) == 0)
		dispatcher_acts(cpu);
	if (dice(5) == 0)
		disturb(cpu);
	random_decision(cpu);
}

static uint64_t general[STEPS][PARTS];

static unsigned compare(unsigned seed)
{
	const uint32_t mask = trace_mask;
	unsigned fast = 0;

	trace_mask = seed % 4 < 2 ? mask : 0;
	for (unsigned run = 0; run < 2; run++) {
		scene_start(run == 1);
		dice_state = seed * 7919u + 5;
		limit_ns = seed % 2 == 0 ? 0 : 20 * LIMIT_NS;
		for (unsigned i = 0; i < CPUS; i++) {
			sim_as(i);
			core_unbind(&cpus[i].core);
		}
		taken_decisions = 0;
		for (unsigned i = 0; i < STEPS; i++) {
			uint64_t part[PARTS];

			step();
			sim_check();
			state_take(run == 0 ? general[i] : part);
			for (unsigned k = 0; run == 1 && k < PARTS; k++)
				cr_assert_eq(part[k], general[i][k], "seed %u, step %u, part %u",
					     seed, i, k);
		}
		fast += taken_decisions;
		sim_end();
	}
	trace_mask = mask;
	return fast;
}

Test(fastpath, K_decisions_leave_the_state_of_the_general_path)
{
	unsigned all = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++)
		all += compare(seed);
	cr_assert_gt(all, SEEDS * STEPS / 20, "%u of %u steps were fast", all, SEEDS * STEPS);
}

/* What the slot holds is remembered by its version, so that the next change of it is noticed. */
Test(fastpath, K_a_core_that_was_named_is_looked_up_again_after_a_change)
{
	struct cap_slot *slot;
	struct sim_regs regs = {{0}};

	scene_start(true);
	while (!sim_deciding(0)) {
		sim_advance(2 * LIMIT_NS);
		sim_step(0);
	}
	regs.x[0] = core_cap[0];
	regs.x[1] = DECISION_RUN;
	regs.x[2] = thread_cap[4];
	regs.x[3] = thread[4]->seq;
	regs.x[5] = TIME_NEVER;
	taken_decisions = 0;
	sim_syscall(0, dispatcher[0], SYS_CORE_REPLY_WAIT, regs);
	cr_assert_eq(taken_decisions, 1);
	sim_advance(2 * LIMIT_NS);
	sim_step(0);
	cr_assert(sim_deciding(0));
	regs.x[3] = thread[4]->seq;
	slot = &((struct cnode *)(uintptr_t)dispatcher[0]->cspace.object)->slots[core_cap[0]];
	slot->version += 1000;
	slot->object = (uintptr_t)&cpus[1].core;
	sim_syscall(0, dispatcher[0], SYS_CORE_REPLY_WAIT, regs);
	cr_assert(sim_deciding(0) && taken_decisions == 1);
	slot->version += 1000;
	slot->object = (uintptr_t)&cpus[0].core;
	sim_syscall(0, dispatcher[0], SYS_CORE_REPLY_WAIT, regs);
	cr_assert(!sim_deciding(0) && taken_decisions == 2);
	sim_end();
}
