/* SPDX-License-Identifier: BSD-2-Clause */
/* Long random sequences through both paths. */
#include "fastpath_world.h"

#include <criterion/criterion.h>
#include <kern/donation.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/waitable.h>

#define STEPS 600u
#define SEEDS 40u

uint64_t dice_state;

unsigned dice(unsigned sides)
{
	dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice_state >> 33) % sides;
}

static cptr_t any_endpoint(void)
{
	unsigned i = dice(ENDPOINTS);

	switch (dice(16)) {
	case 0:
		return ep_read[i];
	case 1:
		return ep_write[i];
	case 2:
	case 3:
		return ep_call[i];
	case 4:
		return (cptr_t[]){CPTR_NULL, 200, 1u << 20, reply_cap[0]}[dice(4)];
	default:
		return ep_cap[i];
	}
}

static word_t any_info(void)
{
	unsigned length = dice(8) == 0 ? MSG_REGS + dice(MSG_WORDS_MAX) : dice(MSG_REGS + 1);

	return msg_info(dice(4), length, dice(16) == 0) | (dice(16) == 0 ? MSG_FAULTED : 0);
}

void random_syscall(unsigned cpu, struct tcb *tcb)
{
	unsigned self = (unsigned)(tcb->tag - 10);
	bool server = self < REPLIES;
	struct sim_regs regs = {{any_endpoint(), any_info(), dice(1000), dice(1000), dice(1000),
				 dice(1000),
				 reply_cap[dice(8) == 0 ? dice(REPLIES) : self % REPLIES]}};
	static const enum syscall rare[] = {SYS_SEND,    SYS_NB_SEND, SYS_RECV,
					    SYS_NB_RECV, SYS_REPLY,   SYS_THREAD_CLOCK};
	enum syscall number = SYS_CALL;

	if (server && dice(3) != 0) {
		number = SYS_REPLY_RECV;
		if (dice(8) != 0)
			regs.x[0] = ep_cap[self % ENDPOINTS];
	}
	if (dice(6) == 0)
		number = rare[dice(6)];
	if (number == SYS_REPLY)
		regs.x[0] = regs.x[6];
	if (server && tcb->payer == tcb && dice(2) == 0) {
		number = SYS_RECV;
		regs.x[0] = ep_cap[self % ENDPOINTS];
	}
	for (unsigned i = MSG_REGS; i < MSG_WORDS_MAX; i++)
		tcb->ipc_buffer->msg[i] = dice(1000);
	sim_syscall(cpu, tcb, number, regs);
}

/* Whoever waits is signalled more often than not. */
static void random_notice(unsigned cpu, struct tcb *tcb)
{
	unsigned i = dice(NOTICES);
	struct sim_regs regs = {{dice(8) == 0 ? notice_write[i] : notice_cap[i], dice(1000)}};

	sim_syscall(cpu, tcb, (enum syscall[]){SYS_WAIT, SYS_WAIT, SYS_SIGNAL, SYS_POLL}[dice(4)],
		    regs);
}

/* As another CPU, so that the home is kicked or not, as its filter says. */
static void signal_one(unsigned cpu)
{
	sim_as(cpu);
	notification_signal(notice[dice(NOTICES)], 16);
}

void cancel_one(void)
{
	unsigned first = dice(THREADS);

	sim_as(0);
	for (unsigned i = 0; i < THREADS; i++) {
		struct tcb *tcb = thread[(first + i) % THREADS];
		bool owned = tcb_state(tcb) == THREAD_CALLING ? reply_cancel(tcb)
							      : wait_cancel(tcb, false);

		if (owned) {
			ipc_fail(tcb, ERR_CANCELLED);
			thread_wake(tcb);
			return;
		}
	}
}

static struct tcb *any_ready(unsigned cpu, const struct tcb *other)
{
	list_for_each (node, &cpus[cpu].core.ready) {
		struct tcb *tcb = container_of(node, struct tcb, ready_link);

		if (tcb != other)
			return tcb;
	}
	return NULL;
}

/* Now and then a decision that says what follows it. */
static void decide_terms(unsigned cpu)
{
	const struct tcb *tcb = any_ready(cpu, NULL);
	word_t decision = DECISION_RUN | (dice(2) == 0 ? DECISION_FILTER : 0);
	struct sim_regs terms = {{0}};

	if (tcb == NULL)
		return;
	if (dice(2) == 0)
		decision |= DECISION_SUCCESSOR;
	if (dice(3) == 0)
		decision |= DECISION_ANSWER;
	terms.x[4] = 1000000;
	terms.x[6] = arch_now() + 500000;
	terms.x[11] = 1000000;
	terms.x[12] = arch_now() + 500000;
	sim_decide_terms(cpu, decision, tcb,
			 (decision & DECISION_SUCCESSOR) != 0 ? any_ready(cpu, tcb) : NULL, terms);
}

static void step(void)
{
	unsigned cpu = dice(CPUS);
	struct tcb *tcb;

	for (unsigned i = 0; i < CPUS; i++) {
		sim_settle();
		if (sim_deciding(i) && dice(3) == 0)
			decide_terms(i);
	}
	sim_auto_all();
	tcb = sim_current(cpu);
	if (tcb == NULL || sim_deciding(cpu)) {
		cpu = 1 - cpu;
		tcb = sim_current(cpu);
	}
	if (tcb == NULL || sim_deciding(cpu)) {
		cancel_one();
		return;
	}
	sim_advance(100 * dice(3));
	switch (dice(24)) {
	case 20:
	case 21:
	case 22:
		random_notice(cpu, tcb);
		break;
	case 23:
		signal_one(1 - cpu);
		break;
	case 0:
		sim_advance(2000000);
		break;
	case 1:
		cancel_one();
		break;
	case 2:
		sim_fault(cpu, tcb, FAULT_PAGE, 0x1000u * (1 + dice(100)));
		break;
	default:
		random_syscall(cpu, tcb);
	}
}

static uint64_t general[STEPS][PARTS];

Test(fastpath, K_fastpath_random_sequences_leave_the_state_of_the_general_path)
{
	unsigned all = 0, waits = 0, signals = 0, preempts = 0;

	for (unsigned seed = 0; seed < SEEDS; seed++) {
		for (unsigned run = 0; run < 2; run++) {
			machine_start(run == 1);
			dice_state = seed * 7919u + 1;
			for (unsigned i = 0; i < STEPS; i++) {
				uint64_t part[PARTS];

				step();
				sim_check();
				state_take(run == 0 ? general[i] : part);
				for (unsigned k = 0; run == 1 && k < PARTS; k++)
					cr_assert_eq(part[k], general[i][k],
						     "seed %u, step %u, part %u", seed, i, k);
			}
			all += taken;
			waits += taken_waits;
			signals += taken_signals;
			preempts += taken_preempts;
			sim_end();
		}
	}
	cr_assert_gt(all, SEEDS * STEPS / 20, "%u of %u steps were fast", all, SEEDS * STEPS);
	cr_assert_gt(waits, SEEDS * STEPS / 100, "%u of %u steps were fast waits", waits,
		     SEEDS * STEPS);
	cr_assert_gt(signals, SEEDS * STEPS / 100, "%u of %u steps were fast signals", signals,
		     SEEDS * STEPS);
	cr_assert_gt(preempts, SEEDS * STEPS / 100, "%u of %u steps entered fast", preempts,
		     SEEDS * STEPS);
}
