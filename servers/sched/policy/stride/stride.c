/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stride scheduling (C. Waldspurger, W. Weihl, 1995): proportional shares without chance.  The
 * thread that has the least pass runs for its slice; its pass then advances by what it ran over its
 * weight.
 *
 *   w_i, W   weight of thread i; sum over the QUEUED and RUNNING
 *   pass_i   service received / w_i, from where it joined, in 1/1024 ns of service per weight
 *   G        global pass: service of the whole queue / W
 *   debt_i   (pass_i - G) w_i: service that i is ahead of its share; lag = -debt
 *
 * Remainder-exact: pass and G carry the remainder of their division (pass_rem < w, global_rem < W),
 * so w pass + pass_rem grows by exactly what was charged, however it is split; nothing drifts.
 * Rounding, of less than 1/1024 ns, happens only where W or a weight changes.
 *
 * Who joins starts at G plus the debt that it left with: it can neither save up credit by sleeping nor
 * lose a debt by a nap.  Credit counts up to one slice, for the same reason.
 *
 * On a line (line.h): the key is the pass (of an OUT thread: pass - G); passes are compared by the sign of
 * their difference, so they may wrap: a single charge moves a pass by at most 2^60.  Among equal passes
 * the one that waits longest goes first.
 *
 * Bad at: latency (a waker waits for the end of the running slice, whatever its slice is), and the
 * error of a share, which grows with the number of threads (EEVDF's does not).
 */
#include "../line/line.h"

#define STRIDE_ID        4u
#define STRIDE_VERSION   2u
#define STRIDE_FRAC_BITS 10u

struct stride_thread {
	struct line_thread line;
	uint32_t pass_rem;
	uint32_t pad;
};

struct stride_cpu {
	struct line_cpu line;
	struct line_thread *yielded; /* not to be picked next, unless it is alone */
	uint64_t global;
	uint64_t global_rem;
};

LINE_VIEWS(stride);

/* (pass - G) w, exactly, in 2^-10 ns. */
static int128_t debt(const struct line_cpu *cpu, const struct line_thread *thread)
{
	const uint64_t base = thread->state == POLICY_OUT ? 0 : stride_cpu_const(cpu)->global;
	return (int128_t)(int64_t)(thread->key - base) * thread->weight +
	       stride_thread_const(thread)->pass_rem;
}

/* Set the pass, from `base` on, so that the thread owes this much. */
static void debt_set(struct line_thread *thread, uint64_t base, int128_t owes)
{
	uint64_t rem;
	thread->key = base +
		      (uint64_t)int128_to_i64(int128_divide_floor(owes, thread->weight, &rem));
	stride_thread(thread)->pass_rem = (uint32_t)rem;
}

/* W is about to change; what the remainder stands for stays, rounded down to the unit. */
static void global_rescale(struct line_cpu *line, uint64_t weight)
{
	struct stride_cpu *cpu = stride_cpu(line);
	if (line->weight != 0)
		cpu->global_rem = (uint64_t)((uint128_t)cpu->global_rem * weight / line->weight);
	if (weight == 0)
		cpu->global_rem = 0;
}

static void stride_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
			uint64_t now_ns)
{
	(void)now_ns;
	int128_t owes = debt(cpu, thread);
	const int128_t credit_max = (int128_t)thread->slice_ns << STRIDE_FRAC_BITS;
	if (reason != POLICY_JOIN_EXACT && owes < -credit_max)
		owes = -credit_max;
	global_rescale(cpu, cpu->weight + thread->weight);
	debt_set(thread, stride_cpu(cpu)->global, owes);
}

static void stride_leave(struct line_cpu *cpu, struct line_thread *thread)
{
	debt_set(thread, 0, debt(cpu, thread));
	global_rescale(cpu, cpu->weight - thread->weight);
	if (stride_cpu(cpu)->yielded == thread)
		stride_cpu(cpu)->yielded = NULL;
}

static enum error stride_params(struct line_cpu *cpu, struct line_thread *thread,
				const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	const bool inside = thread->state != POLICY_OUT;
	const int128_t owes = debt(cpu, thread);
	if (params->weight == thread->weight) {
		line_params_take(cpu, thread, params);
		return ERR_OK;
	}
	if (inside)
		global_rescale(cpu, cpu->weight - thread->weight + params->weight);
	line_params_take(cpu, thread, params);
	debt_set(thread, inside ? stride_cpu(cpu)->global : 0, owes);
	return ERR_OK;
}

static void stride_behind(struct line_cpu *cpu, struct line_thread *thread, bool yields)
{
	if (yields)
		stride_cpu(cpu)->yielded = thread;
}

static struct line_thread *stride_next(const struct line_cpu *cpu)
{
	struct rb_node *first = rb_first(&cpu->tree);
	if (first != NULL && line_of(first) == stride_cpu_const(cpu)->yielded &&
	    rb_next(first) != NULL)
		first = rb_next(first);
	return line_of(first);
}

static void stride_picked(struct line_cpu *cpu, bool again, uint64_t now_ns,
			  struct policy_pick *out)
{
	(void)again;
	(void)now_ns;
	(void)out;
	stride_cpu(cpu)->yielded = NULL;
}

/* pass += ran / w, G += ran / W, with their remainders. */
static bool stride_charge(struct line_cpu *line, struct line_thread *thread, uint64_t ran_ns)
{
	struct stride_cpu *cpu = stride_cpu(line);
	const uint128_t units = (uint128_t)ran_ns << STRIDE_FRAC_BITS;
	uint32_t *pass_rem = &stride_thread(thread)->pass_rem;
	uint64_t rem;
	const uint64_t pass = thread->key +
			      (uint64_t)uint128_divide(units + *pass_rem, thread->weight, &rem);
	*pass_rem = (uint32_t)rem;
	if (thread->state == POLICY_OUT) {
		thread->key = pass;
		return false;
	}
	if (ran_ns != 0)
		line_move(line, thread, pass);
	cpu->global += (uint64_t)uint128_divide(units + cpu->global_rem, line->weight,
						&cpu->global_rem);
	return line_charge_turn(line, thread, ran_ns);
}

static void stride_carry(struct line_cpu *cpu, struct line_thread *thread,
			 struct policy_migration *out, uint64_t now_ns)
{
	(void)now_ns;
	const int128_t owes = debt(cpu, thread);
	out->lag_whole = (int64_t)(owes >> 64);
	out->lag_low = (uint64_t)owes;
}

static void stride_arrive(struct line_cpu *cpu, struct line_thread *thread,
			  const struct policy_migration *in, uint64_t now_ns)
{
	(void)now_ns;
	int128_t owes = 0;
	/* Where nobody waits there is nobody to owe to. */
	if (in != NULL && (in->state == POLICY_OUT || cpu->runnable != 0))
		owes = int128_of_words((uint64_t)in->lag_whole, in->lag_low);
	debt_set(thread, 0, owes);
}

static void stride_save(const struct line_cpu *cpu, const struct line_thread *thread,
			uint64_t words[LINE_WORDS_OWN])
{
	words[0] = stride_cpu_const(cpu)->global;
	words[1] = thread != NULL ? stride_thread_const(thread)->pass_rem
				  : stride_cpu_const(cpu)->global_rem;
}

static bool stride_load(struct line_cpu *line, struct line_thread *thread,
			const uint64_t words[LINE_WORDS_OWN])
{
	struct stride_cpu *cpu = stride_cpu(line);
	if (thread == NULL) {
		cpu->global = words[0];
		cpu->global_rem = words[1] < line->weight ? words[1] : 0;
	} else if (words[1] < thread->weight) {
		stride_thread(thread)->pass_rem = (uint32_t)words[1];
	} else {
		return false;
	}
	return true;
}

static struct policy_number number(int128_t units)
{
	return policy_number_of(units, STRIDE_FRAC_BITS);
}

static void stride_tell(const struct line_cpu *cpu, const struct line_thread *thread,
			struct policy_info *out)
{
	out->v = number(stride_cpu_const(cpu)->global);
	if (thread == NULL)
		return;
	out->lag_ns = number(-debt(cpu, thread));
	if (thread->state != POLICY_OUT)
		out->thread_v = number(thread->key);
}

static void stride_set_lag(struct line_thread *thread, struct policy_number lag_ns)
{
	const int128_t units = (int128_t)lag_ns.whole * (1 << STRIDE_FRAC_BITS) +
			       (int128_t)(lag_ns.frac >> (32 - STRIDE_FRAC_BITS));
	debt_set(thread, 0, -units);
}

static bool stride_right(const struct line_cpu *cpu, const struct line_thread *thread)
{
	if (thread != NULL)
		return stride_thread_const(thread)->pass_rem < thread->weight;
	const uint64_t rem = stride_cpu_const(cpu)->global_rem;
	return rem == 0 || rem < cpu->weight;
}

static const struct line_kind stride_kind = {
	LINE_KIND(stride, STRIDE_ID, STRIDE_VERSION),
	.join = stride_join,
	.leave = stride_leave,
	.behind = stride_behind,
	.params = stride_params,
	.charge = stride_charge,
	.next = stride_next,
	.picked = stride_picked,
	.carry = stride_carry,
	.arrive = stride_arrive,
	.save = stride_save,
	.load = stride_load,
	.set_lag = stride_set_lag,
	.tell = stride_tell,
	.right = stride_right,
};

LINE_POLICY(stride, STRIDE_ID, STRIDE_VERSION,
	    "stride scheduling: the least service per weight runs next, for its slice");
