/* SPDX-License-Identifier: BSD-2-Clause */
/* How threads enter and leave a line, take turns in it, and are changed.  Overview: line.h. */
#include "line.h"

static bool update_none(struct rb_node *node)
{
	return rb_update_none(node);
}

static rb_update_fn *update_of(const struct line_cpu *cpu)
{
	return cpu->kind->update != NULL ? cpu->kind->update : update_none;
}

void line_cpu_init(struct policy_cpu *policy_cpu, const struct line_kind *kind, uint32_t cpu_index)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	__builtin_memset(cpu, 0, kind->cpu_bytes);
	cpu->kind = kind;
	cpu->index = cpu_index;
	if (kind->cpu_init != NULL)
		kind->cpu_init(cpu);
}

enum error line_thread_init(struct policy_thread *policy_thread, const struct line_kind *kind,
			    const struct policy_params *params)
{
	struct line_thread *thread = line_thread(policy_thread);
	if (!policy_params_valid(params))
		return ERR_RANGE;
	__builtin_memset(thread, 0, kind->thread_bytes);
	thread->tid = params->tid;
	thread->slice_ns = params->slice_ns;
	thread->weight = params->weight;
	thread->priority = params->priority;
	thread->state = POLICY_OUT;
	if (kind->thread_init != NULL)
		kind->thread_init(thread, params);
	return ERR_OK;
}

void line_set_lag(struct policy_thread *policy_thread, const struct line_kind *kind,
		  struct policy_number lag_ns)
{
	if (kind->set_lag != NULL && line_thread(policy_thread)->state == POLICY_OUT)
		kind->set_lag(line_thread(policy_thread), lag_ns);
}

void line_set_average(struct policy_cpu *policy_cpu, uint64_t average_weight, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	if (cpu->kind->set_average != NULL)
		cpu->kind->set_average(cpu, average_weight, now_ns);
}

/* ---- The tree ---- */

void line_link(struct line_cpu *cpu, struct line_thread *thread)
{
	struct rb_node **link = &cpu->tree.root;
	struct rb_node *parent = NULL;
	while (*link != NULL) {
		parent = *link;
		link = line_before(thread, line_of(parent)) ? &parent->left : &parent->right;
	}
	rb_insert(&cpu->tree, &thread->node, parent, link, update_of(cpu));
}

static void line_unlink(struct line_cpu *cpu, struct line_thread *thread)
{
	rb_erase(&cpu->tree, &thread->node, update_of(cpu));
}

static void link_last(struct line_cpu *cpu, struct line_thread *thread)
{
	thread->number = ++cpu->numbers;
	line_link(cpu, thread);
}

void line_move(struct line_cpu *cpu, struct line_thread *thread, uint64_t key)
{
	line_unlink(cpu, thread);
	thread->key = key;
	link_last(cpu, thread);
}

uint64_t line_key_front(const struct line_cpu *cpu)
{
	const struct line_thread *first = line_first(cpu);
	return first == NULL ? 0 : first->key - 1;
}

uint64_t line_key_back(const struct line_cpu *cpu)
{
	const struct line_thread *last = line_of(rb_last(&cpu->tree));
	return last == NULL ? 0 : last->key;
}

/* ---- In and out ---- */

void line_join(struct line_cpu *cpu, struct line_thread *thread, enum policy_join reason,
	       uint64_t now_ns)
{
	thread->used_ns = 0;
	thread->turn_ns = 0;
	if (cpu->kind->join != NULL)
		cpu->kind->join(cpu, thread, reason, now_ns);
	thread->state = POLICY_QUEUED;
	cpu->weight += thread->weight;
	cpu->runnable++;
	link_last(cpu, thread);
}

void line_part(struct line_cpu *cpu, struct line_thread *thread)
{
	if (cpu->kind->leave != NULL)
		cpu->kind->leave(cpu, thread);
	line_unlink(cpu, thread);
	if (cpu->running == thread) {
		cpu->running = NULL;
		cpu->turn_over = false;
	}
	if (cpu->yielded == thread)
		cpu->yielded = NULL;
	thread->state = POLICY_OUT;
	cpu->weight -= thread->weight;
	cpu->runnable--;
}

void line_enqueue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		  enum policy_join reason, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	line_clock(cpu, now_ns);
	if (reason == POLICY_JOIN_PREEMPTED || reason == POLICY_JOIN_YIELD) {
		if (thread->state == POLICY_OUT)
			cpu->misuse++;
		else if (reason == POLICY_JOIN_YIELD)
			line_turn_end(cpu, thread, true);
	} else if (thread->state == POLICY_OUT) {
		line_join(cpu, thread, reason, now_ns);
	}
}

void line_dequeue(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		  enum policy_leave reason, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	line_clock(cpu, now_ns);
	if (thread->state != POLICY_OUT)
		line_part(cpu, thread);
	if (reason == POLICY_LEAVE_EXIT && cpu->kind->forget != NULL)
		cpu->kind->forget(cpu, thread);
}

void line_params_take(struct line_cpu *cpu, struct line_thread *thread,
		      const struct policy_params *params)
{
	if (thread->state != POLICY_OUT)
		cpu->weight = cpu->weight - thread->weight + params->weight;
	thread->weight = params->weight;
	thread->slice_ns = params->slice_ns;
	thread->priority = params->priority;
}

enum error line_set_params(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
			   const struct policy_params *params, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	enum error error = ERR_OK;
	line_clock(cpu, now_ns);
	if (!policy_params_valid(params) || params->tid != thread->tid)
		return ERR_RANGE;
	if (cpu->kind->params == NULL) {
		line_params_take(cpu, thread, params);
		return ERR_OK;
	}
	if (thread->state != POLICY_OUT)
		line_unlink(cpu, thread);
	error = cpu->kind->params(cpu, thread, params, now_ns);
	if (thread->state != POLICY_OUT)
		line_link(cpu, thread);
	return error;
}

/* ---- Turns ---- */

void line_turn_end(struct line_cpu *cpu, struct line_thread *thread, bool yields)
{
	const struct line_kind *kind = cpu->kind;
	thread->used_ns = 0;
	thread->turn_ns = 0;
	cpu->turn_over = cpu->turn_over || cpu->running == thread;
	if (yields)
		cpu->yielded = thread;
	if (!kind->stays)
		line_unlink(cpu, thread);
	if (kind->behind != NULL)
		kind->behind(cpu, thread, yields);
	if (!kind->stays)
		link_last(cpu, thread);
}

static void turn_begin(struct line_cpu *cpu, struct line_thread *thread)
{
	if (thread->turn_ns == 0)
		thread->turn_ns = cpu->kind->length_ns != NULL ? cpu->kind->length_ns(cpu, thread)
							       : thread->slice_ns;
}

bool line_charge_turn(struct line_cpu *cpu, struct line_thread *thread, uint64_t ran_ns)
{
	if (thread->state == POLICY_OUT || ran_ns == 0)
		return false;
	turn_begin(cpu, thread);
	thread->used_ns = add_saturate_u64(thread->used_ns, ran_ns);
	if (thread->used_ns < thread->turn_ns || thread->turn_ns == TIME_NEVER)
		return false;
	line_turn_end(cpu, thread, false);
	return true;
}

bool line_charge(struct policy_cpu *policy_cpu, struct policy_thread *policy_thread,
		 uint64_t ran_ns, uint64_t now_ns)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	struct line_thread *thread = line_thread(policy_thread);
	line_clock(cpu, now_ns);
	if (cpu->kind->charge != NULL)
		return cpu->kind->charge(cpu, thread, ran_ns);
	return line_charge_turn(cpu, thread, ran_ns);
}

/* Does the running thread go on with its turn? */
static bool goes_on(const struct line_cpu *cpu, uint32_t flags)
{
	return cpu->running != NULL && !cpu->turn_over && !cpu->kind->preemptive &&
	       (flags & POLICY_PICK_FRESH) == 0;
}

static struct line_thread *choice(const struct line_cpu *cpu, uint32_t flags)
{
	if (goes_on(cpu, flags))
		return cpu->running;
	return cpu->kind->next != NULL ? cpu->kind->next(cpu) : line_first(cpu);
}

void line_pick(struct policy_cpu *policy_cpu, uint64_t now_ns, uint32_t flags,
	       struct policy_pick *out)
{
	struct line_cpu *cpu = line_cpu(policy_cpu);
	const struct line_kind *kind = cpu->kind;
	policy_pick_clear(out);
	if (kind->prepare != NULL)
		kind->prepare(cpu, now_ns);
	const bool again = goes_on(cpu, flags);
	struct line_thread *thread = choice(cpu, flags);
	if (cpu->running != NULL)
		cpu->running->state = POLICY_QUEUED;
	cpu->running = thread;
	cpu->turn_over = false;
	cpu->yielded = NULL;
	if (thread != NULL) {
		thread->state = POLICY_RUNNING;
		turn_begin(cpu, thread);
		out->thread = line_handle(thread);
		out->load = cpu->weight;
		out->runnable = cpu->misuse == 0 ? cpu->runnable : 0;
		if (thread->turn_ns != TIME_NEVER)
			out->request_ns = thread->turn_ns - thread->used_ns;
		if (cpu->runnable > 1 || kind->alone_too)
			out->slice_ns = out->request_ns;
	}
	if (kind->picked != NULL)
		kind->picked(cpu, again, now_ns, out);
}

bool line_preempts(const struct policy_cpu *policy_cpu, const struct policy_thread *running,
		   const struct policy_thread *woken, uint64_t now_ns)
{
	const struct line_cpu *cpu = line_cpu_const(policy_cpu);
	if (running == NULL || cpu->running == NULL)
		return true;
	if (cpu->kind->preempts != NULL)
		return cpu->kind->preempts(cpu, line_thread_const(woken), now_ns);
	return choice(cpu, 0) == line_thread_const(woken);
}
