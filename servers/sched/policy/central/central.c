/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One order for the whole machine: one CPU's dispatcher decides for all others, the classic structure beside
 * a queue for each CPU.  Who has received least service per weight runs next, for its slice, on whichever
 * CPU is free.
 *
 *   pass_i   service received / w_i, in 1/1024 ns of service per weight; it travels with the thread, so
 *            passes of different CPUs compare
 *   floor    of a CPU: the pass of whom it chose or handed out last; it never goes back
 *
 * This file is the order on one CPU.  What makes it one for all is the placement that goes with it
 * (place/central.c): everybody waits on CPU 0, a CPU that is free is given the first of the line, and gives
 * it back when its turn is over and somebody waits.  Why so: docs/design/central.md.
 *
 * Who joins starts within one slice of the floor: nobody saves up credit by sleeping or by being heavier
 * than a whole CPU, and nobody pays for what it ran while no one else wanted the CPU.  Who is new starts at
 * the floor, less what it is to pay for those in whose place it comes (core/debt.c): its key is no pass but
 * `told`, how far from the floor.  So is that of who has ended: its debt waits for an heir, which may come
 * when the floor is far beyond.  A bill counts whole, for it may be the sum of many turns.
 *
 * Invariants: as of a line (line.h), pass_rem < w: a charge is exact however it is split; and the queue's
 * off_centre is the sum of its threads'.
 *
 * Who may not run on CPU 0 waits there, too: it is handed out, and passed over when CPU 0 chooses for itself.
 * So is the entity of a group (policy/group) of which that is true of everybody in its queue.
 *
 * Bad at: latency (a waker waits for the end of some turn), cache warmth, and many CPUs: CPU 0's dispatcher
 * works for all.  A choice for CPU 0 looks at everybody before it who may not run there.
 */
#include "../line/line.h"

#define CENTRAL_ID        8u
#define CENTRAL_VERSION   2u
#define CENTRAL_FRAC_BITS 10u

struct central_thread {
	struct line_thread line; /* key: the pass */
	uint32_t pass_rem;
	uint32_t off_centre; /* may not run on CPU 0 */
	bool told;           /* OUT, and the key says how far ahead of the floor it is to join */
};

struct central_cpu {
	struct line_cpu line;
	uint64_t floor;
	uint32_t off_centre; /* threads in the line that may not run on CPU 0 */
};

LINE_VIEWS(central);

static bool passed_over(const struct line_cpu *cpu, const struct line_thread *thread)
{
	return cpu->index == 0 && central_thread_const(thread)->off_centre != 0;
}

static void floor_raise(struct line_cpu *cpu, uint64_t pass)
{
	if ((int64_t)(pass - central_cpu(cpu)->floor) > 0)
		central_cpu(cpu)->floor = pass;
}

/* pass += units / w, with its remainder. */
static uint64_t pass_after(struct line_thread *thread, uint128_t units)
{
	uint32_t *pass_rem = &central_thread(thread)->pass_rem;
	uint64_t rem;
	const uint64_t grown = (uint64_t)uint128_divide(units + *pass_rem, thread->weight, &rem);
	*pass_rem = (uint32_t)rem;
	return thread->key + grown;
}

/* Where an OUT thread would join now, against the floor. */
static int64_t ahead_of_floor(const struct line_cpu *cpu, const struct line_thread *thread)
{
	const int64_t most = (int64_t)((thread->slice_ns << CENTRAL_FRAC_BITS) / thread->weight);
	const bool told = central_thread_const(thread)->told;
	const int64_t ahead = (int64_t)(told ? thread->key
					     : thread->key - central_cpu_const(cpu)->floor);
	if (ahead < -most)
		return -most;
	return told || ahead < most ? ahead : most;
}

static void central_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
			 uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	central_cpu(cpu)->off_centre += central_thread(thread)->off_centre;
	thread->key = central_cpu(cpu)->floor + (uint64_t)ahead_of_floor(cpu, thread);
	central_thread(thread)->told = false;
}

static void central_forget(struct line_cpu *cpu, struct line_thread *thread)
{
	thread->key = (uint64_t)ahead_of_floor(cpu, thread);
	central_thread(thread)->told = true;
}

static void central_set_lag(struct line_thread *thread, struct policy_number lag_ns)
{
	const int128_t lag = (int128_t)lag_ns.whole * (INT64_C(1) << 32) + lag_ns.frac;
	uint64_t rem;
	const int128_t ahead = int128_divide_floor(-(lag >> (32 - CENTRAL_FRAC_BITS)),
						   thread->weight, &rem);
	thread->key = (uint64_t)int128_to_i64(ahead);
	central_thread(thread)->pass_rem = (uint32_t)rem;
	central_thread(thread)->told = true;
}

/* The first of those who wait, or NULL. */
static struct line_thread *first_waiting(const struct line_cpu *cpu)
{
	struct rb_node *node = rb_first(&cpu->tree);
	if (node != NULL && line_of(node) == cpu->running)
		node = rb_next(node);
	return line_of(node);
}

static void central_leave(struct line_cpu *cpu, struct line_thread *thread)
{
	const struct line_thread *first = first_waiting(cpu);
	if (first != NULL && first == thread) /* handed out */
		floor_raise(cpu, first->key);
	central_cpu(cpu)->off_centre -= central_thread(thread)->off_centre;
}

static enum error central_params(struct line_cpu *cpu, struct line_thread *thread,
				 const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	if (params->weight != thread->weight)
		central_thread(thread)->pass_rem = 0;
	line_params_take(cpu, thread, params);
	if (thread->state != POLICY_OUT)
		central_cpu(cpu)->off_centre += params->off_centre -
						central_thread(thread)->off_centre;
	central_thread(thread)->off_centre = params->off_centre;
	if (cpu->running == thread && passed_over(cpu, thread))
		cpu->turn_over = true;
	return ERR_OK;
}

static void central_thread_init(struct line_thread *thread, const struct policy_params *params)
{
	central_thread(thread)->off_centre = params->off_centre;
	central_thread(thread)->told = true; /* and at the floor */
}

static struct line_thread *central_next(const struct line_cpu *cpu)
{
	struct line_thread *yielded = NULL;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node)) {
		struct line_thread *thread = line_of(node);
		if (passed_over(cpu, thread))
			continue;
		if (thread != cpu->yielded)
			return thread;
		yielded = thread;
	}
	return yielded;
}

static void central_picked(struct line_cpu *cpu, bool again, uint64_t now_ns,
			   struct policy_pick *out)
{
	(void)now_ns;
	(void)out;
	if (!again && cpu->running != NULL)
		floor_raise(cpu, cpu->running->key);
}

static bool central_charge(struct line_cpu *cpu, struct line_thread *thread, uint64_t ran_ns)
{
	const uint64_t pass = pass_after(thread, (uint128_t)ran_ns << CENTRAL_FRAC_BITS);
	if (thread->state == POLICY_OUT) {
		thread->key = pass;
		return false;
	}
	if (ran_ns != 0)
		line_move(cpu, thread, pass);
	return line_charge_turn(cpu, thread, ran_ns);
}

static void central_carry(struct line_cpu *cpu, struct line_thread *thread,
			  struct policy_migration *out, uint64_t now_ns)
{
	(void)now_ns;
	out->lag_whole = (int64_t)(central_thread(thread)->told
					   ? thread->key + central_cpu(cpu)->floor
					   : thread->key);
	out->lag_low = central_thread(thread)->pass_rem;
}

/* Elsewhere than at the centre the one that comes was chosen: its pass is what the machine has reached. */
static void central_arrive(struct line_cpu *cpu, struct line_thread *thread,
			   const struct policy_migration *in, uint64_t now_ns)
{
	(void)now_ns;
	thread->key = in != NULL ? (uint64_t)in->lag_whole : central_cpu(cpu)->floor;
	central_thread(thread)->told = false;
	central_thread(thread)->pass_rem = 0;
	if (in != NULL && in->lag_low < thread->weight)
		central_thread(thread)->pass_rem = (uint32_t)in->lag_low;
	if (cpu->index != 0)
		floor_raise(cpu, thread->key);
}

enum { WORD_REM, WORD_TOLD };
#define WORD_FLOOR 0 /* of the queue's record */

static void central_save(const struct line_cpu *cpu, const struct line_thread *thread,
			 uint64_t words[LINE_WORDS_OWN])
{
	if (thread == NULL) {
		words[WORD_FLOOR] = central_cpu_const(cpu)->floor;
		return;
	}
	words[WORD_REM] = central_thread_const(thread)->pass_rem;
	words[WORD_TOLD] = central_thread_const(thread)->told;
}

static bool central_load(struct line_cpu *cpu, struct line_thread *thread,
			 const uint64_t words[LINE_WORDS_OWN])
{
	if (thread == NULL) {
		central_cpu(cpu)->floor = words[WORD_FLOOR];
		return true;
	}
	if (words[WORD_REM] >= thread->weight ||
	    words[WORD_TOLD] > (thread->state == POLICY_OUT ? 1u : 0u))
		return false;
	central_thread(thread)->pass_rem = (uint32_t)words[WORD_REM];
	central_thread(thread)->told = words[WORD_TOLD] != 0;
	if (thread->state != POLICY_OUT)
		central_cpu(cpu)->off_centre += central_thread(thread)->off_centre;
	return true;
}

static void central_tell(const struct line_cpu *cpu, const struct line_thread *thread,
			 struct policy_info *out)
{
	const uint64_t floor = central_cpu_const(cpu)->floor;
	out->v = policy_number_of((int128_t)floor, CENTRAL_FRAC_BITS);
	out->off_centre = central_cpu_const(cpu)->off_centre;
	if (thread == NULL)
		return;
	const int64_t ahead = thread->state == POLICY_OUT ? ahead_of_floor(cpu, thread)
							  : (int64_t)(thread->key - floor);
	out->lag_ns = policy_number_of(-(int128_t)ahead * thread->weight, CENTRAL_FRAC_BITS);
	if (thread->state != POLICY_OUT)
		out->thread_v = policy_number_of((int128_t)thread->key, CENTRAL_FRAC_BITS);
}

static bool central_right(const struct line_cpu *cpu, const struct line_thread *thread)
{
	if (thread != NULL)
		return central_thread_const(thread)->pass_rem < thread->weight;
	uint32_t off_centre = 0;
	for (struct rb_node *node = rb_first(&cpu->tree); node != NULL; node = rb_next(node))
		off_centre += central_thread_const(line_of(node))->off_centre;
	return off_centre == central_cpu_const(cpu)->off_centre;
}

static const struct line_kind central_kind = {
	LINE_KIND(central, CENTRAL_ID, CENTRAL_VERSION),
	.alone_too = true, /* nobody waits beside it, but perhaps at the centre */
	.spares_first = true,
	.thread_init = central_thread_init,
	.join = central_join,
	.leave = central_leave,
	.forget = central_forget,
	.params = central_params,
	.charge = central_charge,
	.next = central_next,
	.picked = central_picked,
	.carry = central_carry,
	.arrive = central_arrive,
	.save = central_save,
	.load = central_load,
	.set_lag = central_set_lag,
	.tell = central_tell,
	.right = central_right,
};

LINE_POLICY(central, CENTRAL_ID, CENTRAL_VERSION,
	    "one order for all CPUs, decided on CPU 0: the least service per weight runs next");
