/* SPDX-License-Identifier: BSD-2-Clause */
/* Registers, running and scheduling of threads by invocation. */
#include <kern/context.h>
#include <kern/core.h>
#include <kern/ready.h>
#include <kern/tcb.h>
#include <kern/tcb_methods.h>
#include <kern/thread.h>
#include <kern/waitable.h>

#define TCB_FLAGS_RAISED (TCB_FLAG_FALLBACK_FIRST | TCB_FLAG_SERVER)
#define TCB_FLAGS_ALL    (TCB_FLAG_PASSIVE | TCB_FLAG_NO_FPU | TCB_FLAGS_RAISED)
#define TCB_INFO_NO_HOME 0xffffffull

static struct tcb *target(const struct invocation *inv)
{
	return (struct tcb *)(uintptr_t)inv->cap.object;
}

/* Not one that stops when the call in which it is has been answered: the answer would come on top. */
enum error decode_stopped(struct invocation *inv)
{
	const struct tcb *tcb = target(inv);

	return tcb_state(tcb) == THREAD_STOPPED && thread_is_stopped(tcb) ? ERR_OK : ERR_STATE;
}

enum invoke_step invoke_start(struct invocation *inv)
{
	struct user_context *context = &target(inv)->context;

	*context = (struct user_context){
		.pc = inv->args[0], .sp = inv->args[1], .tls = inv->args[3]};
	context->x[0] = inv->args[2];
	return STEP_DONE;
}

enum invoke_step invoke_write_regs(struct invocation *inv)
{
	struct user_context *context = &target(inv)->context;
	unsigned n = 0;

	for (; n < 31; n++)
		context->x[n] = invocation_word(inv, n);
	context->sp = invocation_word(inv, n++);
	context->pc = invocation_word(inv, n++);
	context->pstate = invocation_word(inv, n++) & CONTEXT_PSTATE_USER;
	context->tls = invocation_word(inv, n);
	return STEP_DONE;
}

enum error decode_read_regs(struct invocation *inv)
{
	if (inv->buffer == NULL)
		return ERR_TRUNCATED;
	switch ((enum thread_state)__atomic_load_n(&target(inv)->state, __ATOMIC_ACQUIRE)) {
	case THREAD_STOPPED:
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_CALLING:
	case THREAD_WAITING:
	case THREAD_REQUESTING:
	case THREAD_PARKED:
		return ERR_OK;
	default:
		return ERR_STATE;
	}
}

/* A thread that was blocked may be woken, and its result written, halfway through the reading: each
 * word is some value that the register had, as the writers store whole words.  Only a stopped thread is
 * read as it stands.  The race detector need not tell. */
__attribute__((no_sanitize("thread"))) enum invoke_step invoke_read_regs(struct invocation *inv)
{
	const struct user_context *context = &target(inv)->context;
	unsigned n = 0;

	for (; n < 31; n++)
		inv->results[n] = context->x[n];
	inv->results[n++] = context->sp;
	inv->results[n++] = context->pc;
	inv->results[n++] = context->pstate & CONTEXT_PSTATE_USER;
	inv->results[n++] = context->tls;
	inv->result_words = n;
	return STEP_DONE;
}

enum invoke_step invoke_resume(struct invocation *inv)
{
	inv->error = thread_resume(target(inv));
	return STEP_DONE;
}

static bool work_suspend(void *object)
{
	return thread_suspend(object);
}

/* The first time the work is asked for; if it says that the thread is stopped, the second run ends. */
enum invoke_step invoke_suspend(struct invocation *inv)
{
	struct tcb *tcb = target(inv);

	if (inv->work.object == tcb && thread_is_stopped(tcb))
		return STEP_DONE;
	inv->work.run = work_suspend;
	inv->work.object = tcb;
	return STEP_WORK;
}

/* A thread may change its own flags: they count when it next receives, is queued, or traps.  Who comes
 * first in fallback is a matter of scheduling: a program that controls its own threads must not keep the
 * supervisor out. */
enum error decode_set_flags(struct invocation *inv)
{
	word_t changed = inv->args[0] | inv->args[1];

	if ((changed & ~(word_t)TCB_FLAGS_ALL) != 0)
		return ERR_ARG;
	if ((changed & TCB_FLAGS_RAISED) != 0 && (inv->cap.rights & RIGHT_SCHEDULE) == 0)
		return ERR_CAP_RIGHTS;
	return target(inv) == inv->caller ? ERR_OK : decode_stopped(inv);
}

enum invoke_step invoke_set_flags(struct invocation *inv)
{
	struct tcb *tcb = target(inv);

	tcb_flags_set(tcb, (tcb_flags(tcb) | (uint32_t)inv->args[0]) & ~(uint32_t)inv->args[1]);
	return STEP_DONE;
}

/*
 * Up to now.  A thread that nobody takes the CPU from is charged at the end of its stretch, which may be
 * never.  Who pays on a CPU, and what it was charged, change under its lock, and while it pays stretch_ns
 * does, too.  If it has moved meanwhile, what it had run elsewhere is charged already.
 */
static time_ns_t cpu_time(const struct tcb *tcb, struct core *home)
{
	time_ns_t used;

	if (home == NULL)
		return __atomic_load_n(&tcb->cpu_ns, __ATOMIC_RELAXED);
	spin_lock(&home->lock);
	used = __atomic_load_n(&tcb->cpu_ns, __ATOMIC_RELAXED);
	if (home->payer == tcb)
		used += core_stretch(home);
	spin_unlock(&home->lock);
	return used;
}

enum invoke_step invoke_tcb_info(struct invocation *inv)
{
	const struct tcb *tcb = target(inv);
	struct core *home = __atomic_load_n(&tcb->home, __ATOMIC_RELAXED);
	word_t index = home != NULL ? home->index : TCB_INFO_NO_HOME;
	word_t state = tcb_state_shown(tcb);

	inv->results[0] = state | index << 8 | (word_t)tcb_flags(tcb) << 32;
	inv->results[1] = __atomic_load_n(&tcb->tag, __ATOMIC_RELAXED);
	inv->results[2] = cpu_time(tcb, home);
	inv->results[3] = __atomic_load_n(&tcb->seq, __ATOMIC_RELAXED);
	inv->result_words = 4;
	return STEP_DONE;
}

enum invoke_step invoke_set_tag(struct invocation *inv)
{
	tcb_set_tag(target(inv), inv->args[0]);
	return STEP_DONE;
}

enum invoke_step invoke_set_key(struct invocation *inv)
{
	tcb_set_key(target(inv), inv->args[0]);
	return STEP_DONE;
}

enum error decode_set_home(struct invocation *inv)
{
	return cap_lookup_type(inv->caller, inv->args[0], OBJ_CORE, RIGHT_CONTROL, &inv->arg_cap);
}

enum invoke_step invoke_set_home(struct invocation *inv)
{
	inv->error = tcb_set_home(target(inv), (struct core *)(uintptr_t)inv->arg_cap.object);
	return STEP_DONE;
}

enum invoke_step invoke_answer(struct invocation *inv)
{
	inv->error = tcb_answer(target(inv), inv->args[0], &inv->args[1]);
	return STEP_DONE;
}
