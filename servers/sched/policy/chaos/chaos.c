/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Chaos: every choice is legal and none is kind.  For tests: what works under this policy does not
 * lean on an order, on a slice, or on a thread being left alone.
 *
 *   who       each join and each end of a turn draws a place in a calendar, up to CHAOS_SPAN after
 *             the present one; the first place runs
 *   how long  a turn of CHAOS_TURN_NS_MIN .. POLICY_SLICE_NS_MIN, drawn anew each time, also for a
 *             thread that is alone; weights, priorities and the slices asked for are ignored
 *   wake-ups  every second one may take the CPU
 *   spare     offers the running thread too
 *
 * Nobody starves: a thread waits at most until the calendar has moved by one CHAOS_SPAN, which it
 * does by CHAOS_SPAN / 2 per turn and thread in the mean.  Reproducible, as the lottery: the generator
 * starts from CHAOS_SEED and the CPU's index and is part of the queue's record.
 *
 * On a line (line.h): the key is the place.
 *
 * Bad at: everything, on purpose; every turn is a dispatcher entry.
 */
#include "../line/line.h"
#include "../random.h"

#define CHAOS_ID          7u
#define CHAOS_VERSION     2u
#define CHAOS_SEED        UINT64_C(0x6368616f73)
#define CHAOS_SPAN        (UINT64_C(1) << 20)
#define CHAOS_TURN_NS_MIN 20000u

struct chaos_thread {
	struct line_thread line;
};

struct chaos_cpu {
	struct line_cpu line;
	uint64_t random;
	uint64_t present; /* place of the last one picked */
};

LINE_VIEWS(chaos);

/* In [0, below). */
static uint64_t random_below(struct line_cpu *cpu, uint64_t below)
{
	return random_next(&chaos_cpu(cpu)->random) % below;
}

static void chaos_cpu_init(struct line_cpu *cpu)
{
	chaos_cpu(cpu)->random = CHAOS_SEED + cpu->index;
}

/* Another place, somewhere after `from`. */
static void place_draw(struct line_cpu *cpu, struct line_thread *thread, uint64_t from)
{
	thread->key = from + 1 + random_below(cpu, CHAOS_SPAN);
}

static void chaos_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
		       uint64_t now_ns)
{
	(void)reason;
	(void)now_ns;
	place_draw(cpu, thread, chaos_cpu(cpu)->present);
	if (cpu->running != NULL && random_below(cpu, 2) == 0)
		line_turn_end(cpu, cpu->running, false);
}

/* Who yields goes behind whoever is first, so that somebody else runs if there is anybody. */
static void chaos_behind(struct line_cpu *cpu, struct line_thread *thread, bool yields)
{
	const struct line_thread *first = yields ? line_first(cpu) : NULL;
	place_draw(cpu, thread, first != NULL ? first->key : chaos_cpu(cpu)->present);
}

static uint64_t chaos_length_ns(struct line_cpu *cpu, const struct line_thread *thread)
{
	(void)thread;
	return CHAOS_TURN_NS_MIN + random_below(cpu, POLICY_SLICE_NS_MIN - CHAOS_TURN_NS_MIN + 1);
}

static void chaos_picked(struct line_cpu *cpu, bool again, uint64_t now_ns, struct policy_pick *out)
{
	(void)again;
	(void)now_ns;
	(void)out;
	if (cpu->running != NULL)
		chaos_cpu(cpu)->present = max_u64(chaos_cpu(cpu)->present, cpu->running->key);
}

static void chaos_save(const struct line_cpu *cpu, const struct line_thread *thread,
		       uint64_t words[LINE_WORDS_OWN])
{
	if (thread != NULL)
		return;
	words[0] = chaos_cpu_const(cpu)->random;
	words[1] = chaos_cpu_const(cpu)->present;
}

static bool chaos_load(struct line_cpu *cpu, struct line_thread *thread,
		       const uint64_t words[LINE_WORDS_OWN])
{
	if (thread != NULL)
		return true;
	chaos_cpu(cpu)->random = words[0];
	chaos_cpu(cpu)->present = words[1];
	return true;
}

static const struct line_kind chaos_kind = {
	LINE_KIND(chaos, CHAOS_ID, CHAOS_VERSION),
	.alone_too = true,
	.running_spare = true,
	.cpu_init = chaos_cpu_init,
	.join = chaos_join,
	.behind = chaos_behind,
	.length_ns = chaos_length_ns,
	.picked = chaos_picked,
	.save = chaos_save,
	.load = chaos_load,
};

LINE_POLICY(chaos, CHAOS_ID, CHAOS_VERSION,
	    "for tests: random order, random tiny slices; legal but hostile");
