/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stride scheduling (C. Waldspurger, W. Weihl, 1995): proportional shares without chance.  The
 * thread that has the least pass runs for its slice; its pass then advances by what it ran over its
 * weight.
 *
 * The pass of a thread is its virtual time v, that of the queue is V, and what it is owed its lag:
 * vtime/vtime.h, which keeps all of them exactly, and the account of its share of the whole machine.  The
 * paper's global pass grows by service / W alone; V does, too, but whoever leaves takes its lag along, so the
 * lags of those that stay add up to 0 and a newcomer at V owes nobody.
 *
 * Who joins starts at V less the lag that it left with: it can neither save up credit by sleeping nor lose a
 * debt by a nap.  Credit counts up to one slice, for the same reason.
 *
 * On a line (line.h): the key is the pass in 1/1024 ns of service per weight; passes are compared by the
 * sign of their difference, so they may wrap: a single charge moves a pass by at most 2^60.  Among equal
 * passes the one that waits longest goes first.
 *
 * Bad at: latency (a waker waits for the end of the running slice, whatever its slice is), and the
 * error of a share, which grows with the number of threads (EEVDF's does not).
 */
#include "../line/line.h"
#include "../vtime/vtime.h"

#define STRIDE_ID        4u
#define STRIDE_VERSION   3u
#define STRIDE_KEY_SHIFT (VTIME_FRAC_BITS - 10)

struct stride_thread {
	struct line_thread line;
	struct vtime_thread time;
};

struct stride_cpu {
	struct line_cpu line;
	struct vtime_queue time;
};

LINE_VIEWS(stride);

static void key_set(struct line_thread *thread)
{
	thread->key = (uint64_t)(stride_thread(thread)->time.v >> STRIDE_KEY_SHIFT);
}

static void stride_clock(struct line_cpu *cpu, uint64_t now_ns)
{
	vtime_clock(&stride_cpu(cpu)->time, now_ns);
}

static void stride_thread_init(struct line_thread *thread, const struct policy_params *params)
{
	stride_thread(thread)->time.weight = params->weight;
}

static void stride_join(struct line_cpu *cpu, struct line_thread *line, enum policy_join reason,
			uint64_t now_ns)
{
	(void)now_ns;
	struct vtime_thread *time = &stride_thread(line)->time;
	const int128_t lag_max = vtime_units(line->slice_ns);
	if (reason != POLICY_JOIN_EXACT && time->lag > lag_max)
		time->lag = lag_max;
	if (reason == POLICY_JOIN_WAKE)
		vtime_account_sleep(time);
	vtime_join(&stride_cpu(cpu)->time, time, time->lag);
	key_set(line);
}

static void stride_leave(struct line_cpu *cpu, struct line_thread *line)
{
	vtime_leave(&stride_cpu(cpu)->time, &stride_thread(line)->time, false);
}

static enum error stride_params(struct line_cpu *cpu, struct line_thread *line,
				const struct policy_params *params, uint64_t now_ns)
{
	(void)now_ns;
	struct vtime_thread *time = &stride_thread(line)->time;
	line_params_take(cpu, line, params);
	if (line->state == POLICY_OUT)
		time->weight = params->weight;
	if (time->weight == params->weight)
		return ERR_OK;
	vtime_reweight(&stride_cpu(cpu)->time, time, params->weight);
	key_set(line);
	return ERR_OK;
}

static struct line_thread *stride_next(const struct line_cpu *cpu)
{
	struct rb_node *first = rb_first(&cpu->tree);
	if (first != NULL && line_of(first) == cpu->yielded && rb_next(first) != NULL)
		first = rb_next(first);
	return line_of(first);
}

static bool stride_charge(struct line_cpu *cpu, struct line_thread *line, uint64_t ran_ns)
{
	struct vtime_thread *time = &stride_thread(line)->time;
	if (line->state == POLICY_OUT) {
		time->lag -= vtime_units(ran_ns);
	} else if (ran_ns != 0) {
		vtime_serve(&stride_cpu(cpu)->time, time, ran_ns, true);
		line_move(cpu, line, (uint64_t)(time->v >> STRIDE_KEY_SHIFT));
	}
	return line_charge_turn(cpu, line, ran_ns);
}

static void stride_carry(struct line_cpu *cpu, struct line_thread *thread,
			 struct policy_migration *out, uint64_t now_ns)
{
	(void)cpu;
	(void)now_ns;
	vtime_lag_give(&stride_thread(thread)->time, out);
}

static void stride_arrive(struct line_cpu *cpu, struct line_thread *thread,
			  const struct policy_migration *in, uint64_t now_ns)
{
	(void)cpu;
	(void)now_ns;
	stride_thread(thread)->time.lag = in != NULL ? vtime_lag_given(in) : 0;
}

/* What the words of a record hold. */
struct image {
	int128_t v; /* of a queue: V */
	int128_t lag;
	uint32_t v_rem;
	uint32_t weight; /* that v refers to */
};
_Static_assert(sizeof(struct image) <= LINE_WORDS_OWN * sizeof(uint64_t), "record");

static void stride_save(const struct line_cpu *cpu, const struct line_thread *thread,
			uint64_t words[LINE_WORDS_OWN])
{
	struct image image = {.v = stride_cpu_const(cpu)->time.vq};
	if (thread != NULL) {
		const struct vtime_thread *time = &stride_thread_const(thread)->time;
		image = (struct image){.v = time->v,
				       .lag = time->lag,
				       .v_rem = time->v_rem,
				       .weight = time->weight};
	}
	__builtin_memcpy(words, &image, sizeof(image));
}

static void queue_load(struct stride_cpu *cpu, const struct image *image)
{
	int128_t rel_sum = 0;
	cpu->time.vq = image->v;
	for (struct rb_node *node = rb_first(&cpu->line.tree); node != NULL; node = rb_next(node))
		vtime_restore(&cpu->time, &stride_thread(line_of(node))->time, &rel_sum);
	vtime_restore_end(&cpu->time, rel_sum);
}

static bool stride_load(struct line_cpu *cpu, struct line_thread *line,
			const uint64_t words[LINE_WORDS_OWN])
{
	struct image image;
	__builtin_memcpy(&image, words, sizeof(image));
	if (line == NULL) {
		queue_load(stride_cpu(cpu), &image);
		return true;
	}
	struct vtime_thread *time = &stride_thread(line)->time;
	if (image.weight != line->weight || image.v_rem >= line->weight)
		return false;
	time->v = image.v;
	time->v_rem = image.v_rem;
	time->lag = image.lag;
	key_set(line);
	return true;
}

static void stride_tell(const struct line_cpu *cpu, const struct line_thread *thread,
			struct policy_info *out)
{
	vtime_tell_queue(&stride_cpu_const(cpu)->time, out);
	if (thread != NULL)
		vtime_tell_thread(&stride_cpu_const(cpu)->time, &stride_thread_const(thread)->time,
				  thread->state == POLICY_OUT, out);
}

static int64_t stride_owed_ns(const struct line_cpu *cpu, const struct line_thread *thread)
{
	return vtime_owed_ns(&stride_cpu_const(cpu)->time, &stride_thread_const(thread)->time);
}

static void stride_set_average(struct line_cpu *cpu, uint64_t average_weight, uint64_t now_ns)
{
	vtime_set_average(&stride_cpu(cpu)->time, average_weight, now_ns);
}

static void stride_set_lag(struct line_thread *thread, struct policy_number lag_ns)
{
	stride_thread(thread)->time.lag = vtime_of_number(lag_ns);
}

/* The sum of the lags is exactly 0. */
static bool stride_right(const struct line_cpu *line_cpu, const struct line_thread *thread)
{
	const struct stride_cpu *cpu = stride_cpu_const(line_cpu);
	if (thread != NULL)
		return stride_thread_const(thread)->time.weight == thread->weight &&
		       stride_thread_const(thread)->time.v_rem < thread->weight;
	int128_t rel_sum = 0;
	for (struct rb_node *node = rb_first(&line_cpu->tree); node != NULL; node = rb_next(node))
		rel_sum += vtime_relative(&cpu->time, &stride_thread(line_of(node))->time);
	return cpu->time.weight == line_cpu->weight && rel_sum == (int128_t)cpu->time.vrem;
}

static const struct line_kind stride_kind = {
	LINE_KIND(stride, STRIDE_ID, STRIDE_VERSION),
	.clock = stride_clock,
	.thread_init = stride_thread_init,
	.join = stride_join,
	.leave = stride_leave,
	.params = stride_params,
	.charge = stride_charge,
	.next = stride_next,
	.carry = stride_carry,
	.arrive = stride_arrive,
	.save = stride_save,
	.load = stride_load,
	.running_spare = true,
	.owed_ns = stride_owed_ns,
	.set_average = stride_set_average,
	.set_lag = stride_set_lag,
	.tell = stride_tell,
	.right = stride_right,
};

LINE_POLICY(stride, STRIDE_ID, STRIDE_VERSION,
	    "stride scheduling: the least service per weight runs next, for its slice");
