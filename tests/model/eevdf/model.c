/* SPDX-License-Identifier: BSD-2-Clause */
/* See model.h.  Read it against the specification: one formula, one line. */
#include "model.h"

/* Times closer than this are meant to be equal; the model's own error is far below. */
static const real TIE = 3e-14Q;

static bool inside(const struct model_thread *t)
{
	return t->state != MODEL_OUT;
}

static bool waiting(const struct model_thread *t)
{
	return t->state == MODEL_QUEUED;
}

void model_init(struct model *model)
{
	*model = (struct model){.running = MODEL_NONE};
}

void model_thread_init(struct model *model, uint32_t tid, uint32_t weight, uint64_t slice_ns,
		       bool background)
{
	model->threads[tid] = (struct model_thread){
		.weight = weight, .slice_ns = slice_ns, .background = background};
}

real model_weight(const struct model *model)
{
	real sum = 0;
	for (uint32_t i = 0; i < MODEL_THREADS; i++)
		sum += inside(&model->threads[i]) ? (real)model->threads[i].weight : 0;
	return sum;
}

real model_lag(const struct model *model, uint32_t tid)
{
	const struct model_thread *t = &model->threads[tid];
	return inside(t) ? (real)t->weight * (model->V - t->v) : t->lag;
}

static bool eligible(const struct model *model, const struct model_thread *t)
{
	return t->v <= model->V + TIE;
}

static void running_forget(struct model *model, uint32_t tid)
{
	if (model->running != tid)
		return;
	model->running = MODEL_NONE;
	model->request_done = false;
	model->normal_woke = false;
	model->ran_ns = 0;
}

static real take_out(struct model *model, uint32_t tid)
{
	struct model_thread *t = &model->threads[tid];
	const real lag = (real)t->weight * (model->V - t->v);
	t->state = MODEL_OUT;
	running_forget(model, tid);
	const real W = model_weight(model);
	if (W > 0)
		model->V += lag / W;
	return lag;
}

/* The delayed sleeper with the least v. */
static struct model_thread *next_sleeper(struct model *model, uint32_t *tid)
{
	struct model_thread *first = 0;
	for (uint32_t i = 0; i < MODEL_THREADS; i++) {
		struct model_thread *t = &model->threads[i];
		if (t->state != MODEL_DELAYED || (first != 0 && t->v >= first->v))
			continue;
		first = t;
		*tid = i;
	}
	return first;
}

static void settle(struct model *model)
{
	uint32_t tid = 0;
	struct model_thread *t;
	while ((t = next_sleeper(model, &tid)) != 0 && eligible(model, t)) {
		(void)take_out(model, tid);
		t->lag = 0;
	}
}

static void admit(struct model *model, uint32_t tid)
{
	model->threads[tid].state = MODEL_QUEUED;
	if (!model->threads[tid].background && model->running != MODEL_NONE &&
	    model->threads[model->running].background)
		model->normal_woke = true;
}

static void put_in(struct model *model, struct model_thread *t)
{
	const real W = model_weight(model);
	if (W > 0)
		model->V -= t->lag / W;
	else
		t->lag = 0;
	t->v = model->V - t->lag / (real)t->weight;
	t->lag = 0;
}

void model_wake(struct model *model, uint32_t tid, bool new)
{
	struct model_thread *t = &model->threads[tid];
	if (t->state == MODEL_QUEUED || t->state == MODEL_RUNNING)
		return;
	if (t->state == MODEL_OUT)
		put_in(model, t);
	const real request = (real)t->slice_ns / (new ? 2 : 1);
	t->ve = t->v;
	t->vd = t->v + request / (real)t->weight;
	admit(model, tid);
	settle(model);
}

static real longest_slice(const struct model *model)
{
	real longest = 0;
	for (uint32_t i = 0; i < MODEL_THREADS; i++) {
		const struct model_thread *t = &model->threads[i];
		if (inside(t) && (real)t->slice_ns > longest)
			longest = (real)t->slice_ns;
	}
	return longest;
}

void model_sleep(struct model *model, uint32_t tid)
{
	struct model_thread *t = &model->threads[tid];
	if (t->state == MODEL_OUT || t->state == MODEL_DELAYED)
		return;
	if (!eligible(model, t)) {
		running_forget(model, tid);
		t->state = MODEL_DELAYED;
		return;
	}
	const real cap = longest_slice(model);
	t->lag = take_out(model, tid);
	if (t->lag > cap)
		t->lag = cap;
	settle(model);
}

void model_leave(struct model *model, uint32_t tid)
{
	if (!inside(&model->threads[tid]))
		return;
	const real lag = take_out(model, tid);
	model->threads[tid].lag = lag;
	settle(model);
}

void model_migrate(struct model *model, uint32_t tid)
{
	struct model_thread *t = &model->threads[tid];
	const bool comes_back = t->state == MODEL_QUEUED || t->state == MODEL_RUNNING;
	if (!inside(t))
		return;
	const real deadline = t->vd - t->v;
	const real used = t->v - t->ve;
	model_leave(model, tid);
	if (!comes_back)
		return;
	put_in(model, t);
	t->ve = t->v - used;
	t->vd = t->v + deadline;
	admit(model, tid);
	settle(model);
}

bool model_charge(struct model *model, uint32_t tid, uint64_t ns)
{
	struct model_thread *t = &model->threads[tid];
	real rest = (real)ns;
	uint32_t sleeper_tid = 0;
	t->v += rest / (real)t->weight;
	for (;;) {
		struct model_thread *sleeper = next_sleeper(model, &sleeper_tid);
		if (sleeper == 0)
			break;
		const real gap = (sleeper->v - model->V) * model_weight(model);
		if (gap > rest)
			break;
		model->V = sleeper->v;
		rest -= gap;
		(void)take_out(model, sleeper_tid);
		sleeper->lag = 0;
	}
	model->V += rest / model_weight(model);
	const bool done = t->v >= t->vd - TIE / 1000;
	if (done) {
		t->ve = t->v;
		t->vd = t->v + (real)t->slice_ns / (real)t->weight;
	}
	if (model->running == tid) {
		model->ran_ns += ns;
		model->request_done = model->request_done || done;
	}
	settle(model);
	return done;
}

void model_reweight(struct model *model, uint32_t tid, uint32_t weight)
{
	struct model_thread *t = &model->threads[tid];
	const real ratio = (real)t->weight / (real)weight;
	if (inside(t)) {
		t->v = model->V + (t->v - model->V) * ratio;
		t->ve = model->V + (t->ve - model->V) * ratio;
		t->vd = model->V + (t->vd - model->V) * ratio;
	}
	t->weight = weight;
	settle(model);
}

static int compare(real a, real b)
{
	return a < b - TIE ? -1 : a > b + TIE ? 1 : 0;
}

static bool before(const struct model *model, uint32_t a, uint32_t b)
{
	const struct model_thread *x = &model->threads[a];
	const struct model_thread *y = &model->threads[b];
	int order = compare(x->vd, y->vd);
	if (order == 0)
		order = compare(x->ve, y->ve);
	return order != 0 ? order < 0 : a < b;
}

/* Best of the waiting and eligible; normal ones only, if asked. */
static uint32_t best_of(const struct model *model, bool normal_only)
{
	uint32_t best = MODEL_NONE;
	for (uint32_t i = 0; i < MODEL_THREADS; i++) {
		const struct model_thread *t = &model->threads[i];
		if (!waiting(t) || !eligible(model, t) || (normal_only && t->background))
			continue;
		if (best == MODEL_NONE || before(model, i, best))
			best = i;
	}
	return best;
}

/* Whether the running thread, in the middle of its request, loses the CPU. */
static bool displaced(const struct model *model)
{
	const struct model_thread *r = &model->threads[model->running];
	uint64_t shortest = UINT64_MAX;
	bool earlier = false;
	bool cut_in = false;
	for (uint32_t i = 0; i < MODEL_THREADS; i++) {
		const struct model_thread *t = &model->threads[i];
		if (!waiting(t))
			continue;
		if (t->slice_ns < shortest)
			shortest = t->slice_ns;
		if (!eligible(model, t) || compare(t->vd, r->vd) >= 0)
			continue;
		earlier = true;
		cut_in = cut_in || (t->slice_ns < r->slice_ns && (!t->background || r->background));
	}
	return cut_in || (earlier && !eligible(model, r) && model->ran_ns >= shortest);
}

/* A request of an eighth goes first while the other one would be late by half a request at most. */
static uint32_t shorter_first(const struct model *model, uint32_t first)
{
	const struct model_thread *f = &model->threads[first];
	const real left = (f->vd - f->v) * (real)f->weight;
	const real until = (f->vd - model->V) * model_weight(model);
	uint32_t best = first;
	if (left - until > (real)(f->slice_ns / 2) + TIE * model_weight(model))
		return first;
	for (uint32_t i = 0; i < MODEL_THREADS; i++) {
		const struct model_thread *t = &model->threads[i];
		if (t->slice_ns > f->slice_ns / 8 || (t->background && !f->background) ||
		    (!waiting(t) && i != model->running) || !eligible(model, t))
			continue;
		if (best == first || before(model, i, best))
			best = i;
	}
	return best;
}

static uint32_t choose_by_deadline(const struct model *model, bool fresh)
{
	const uint32_t running = model->running;
	const uint32_t best = best_of(model, false);
	if (running == MODEL_NONE)
		return best;
	if (!fresh && model->normal_woke && best_of(model, true) != MODEL_NONE)
		return best_of(model, true);
	if (fresh || model->request_done) {
		if (best == MODEL_NONE)
			return running;
		if (!eligible(model, &model->threads[running]))
			return best;
		return before(model, best, running) ? best : running;
	}
	return displaced(model) ? best : running;
}

static uint32_t choose(const struct model *model, bool fresh)
{
	uint32_t chosen = choose_by_deadline(model, fresh);
	uint32_t first = MODEL_NONE;
	while (!fresh && !model->exact && chosen != first) {
		first = chosen;
		chosen = shorter_first(model, first);
	}
	return chosen;
}

uint32_t model_pick(struct model *model, bool fresh)
{
	const uint32_t chosen = choose(model, fresh);
	if (chosen == MODEL_NONE)
		return MODEL_NONE;
	if (chosen != model->running) {
		if (model->running != MODEL_NONE)
			model->threads[model->running].state = MODEL_QUEUED;
		model->threads[chosen].state = MODEL_RUNNING;
		model->running = chosen;
		model->normal_woke = false;
		model->ran_ns = 0;
	}
	if (model->request_done)
		model->ran_ns = 0;
	model->request_done = false;
	return chosen;
}
