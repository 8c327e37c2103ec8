/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * EEVDF: who is ahead of a fair share of the whole machine: lag compares a thread with the others of its CPU
 * only.  docs/design/eevdf.md.
 *
 *   fair      virtual time of a CPU with the average load A: it grows by dt / A; while A is not known because
 *             nobody waits, with the load that is here: who is served then gets its due, whatever it is
 *   ahead_i   sum over the stays of i in queues of (growth of v_i - growth of fair); inside a queue
 *             that is account_i + v_i - fair, so a charge touches nothing
 */
#include "eevdf.h"

#define RATE_SHIFT   (64u - EEVDF_FRAC_BITS)
#define AHEAD_MAX_NS 1000000000u

void eevdf_account_clock(struct eevdf_cpu *cpu, uint64_t now_ns)
{
	if (cpu->average == 0 || now_ns <= cpu->fair_ns)
		return;
	uint64_t rate = cpu->fair_rate;
	if (rate == 0 && cpu->weight != 0)
		rate = UINT64_MAX / cpu->weight;
	const uint128_t grown = (uint128_t)(now_ns - cpu->fair_ns) * rate;
	cpu->fair += (int128_t)(grown >> RATE_SHIFT);
	cpu->fair_ns = now_ns;
}

void eevdf_account_enter(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	thread->account += cpu->fair - thread->v;
	cpu->account_sum += thread->account * (int128_t)thread->weight;
}

void eevdf_account_leave(struct eevdf_cpu *cpu, struct eevdf_thread *thread)
{
	const int128_t max = eevdf_units(AHEAD_MAX_NS);
	cpu->account_sum -= thread->account * (int128_t)thread->weight;
	thread->account += thread->v - cpu->fair;
	const int128_t ahead = thread->account * (int128_t)cpu->average;
	if (ahead > max || ahead < -max || cpu->average == 0)
		thread->account = 0; /* whatever this was, it is over */
}

/*
 * The average is as old as the last look, and a sleeper's stays are short: its account is mostly error, which
 * would be paid back for seconds by a thread that stops sleeping.
 */
void eevdf_account_sleep(struct eevdf_thread *thread)
{
	thread->account /= 2;
}

int64_t eevdf_account_owed(const struct eevdf_cpu *cpu, const struct eevdf_thread *thread)
{
	if (cpu->average == 0)
		return eevdf_number(eevdf_lag(cpu, thread)).whole;
	const int128_t ahead = thread->account + thread->v - cpu->fair;
	return eevdf_number(-ahead * (int128_t)cpu->average).whole;
}

int64_t eevdf_account_ahead(const struct eevdf_cpu *cpu)
{
	uint64_t rest;
	if (cpu->average == 0 || cpu->weight == 0)
		return 0;
	const int128_t mean = cpu->vq - cpu->fair +
			      int128_divide_floor(cpu->account_sum, cpu->weight, &rest);
	return eevdf_number(mean * (int128_t)cpu->average).whole;
}

void eevdf_set_average(struct policy_cpu *policy_cpu, uint64_t average_weight, uint64_t now_ns)
{
	struct eevdf_cpu *cpu = eevdf_cpu(policy_cpu);
	uint64_t rest;
	eevdf_account_clock(cpu, now_ns);
	if (average_weight == 1)
		return;
	if (cpu->average == 0) { /* the account begins: the mean of those that are here is 0 */
		cpu->fair_ns = now_ns;
		if (cpu->weight != 0)
			cpu->fair = cpu->vq +
				    int128_divide_floor(cpu->account_sum, cpu->weight, &rest);
	}
	if (average_weight != 0)
		cpu->average = average_weight;
	else if (cpu->average == 0)
		cpu->average = POLICY_WEIGHT_NICE_0;
	cpu->fair_rate = average_weight != 0 ? UINT64_MAX / average_weight : 0;
}
