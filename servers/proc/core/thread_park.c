/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads that ended and are kept, to be started again.
 *
 * Making a thread from nothing is some thirty invocations, ending one needs the reaper.  A parked
 * thread is blocked in the call that ended it; starting it is the answer to that call, and a flag that
 * has the scheduler server forget what it knew about the tid.  Nothing of it leaves its process, so
 * nothing has to be cleared.
 *
 * Invariants: a parked thread holds its index, its tid and one waiter (`leaver`), and is counted in
 * parked_count only; no limit of a process, a realm or the machine is reached because of parked
 * threads (thread_new() deletes them then).
 * Bad at: a process whose threads end and are never followed by others; it keeps
 * PROC_THREADS_PARKED_MAX of them until it ends.
 */
#include <libsys/objects.h>

#include "bytes_msg.h"
#include "register.h"
#include "state.h"

struct register_params thread_params(const struct process *process, const struct thread_args *args)
{
	return (struct register_params){
		.pid = process->pid,
		.heir = process_payer(process),
		.nice = args->nice == PROC_NICE_INHERIT ? process->nice : (int32_t)args->nice,
		.slice_ns = args->slice_ns,
		.affinity = cpumask_empty(&args->affinity) ? process->affinity : args->affinity,
		.group = process->sched_group,
		.confined = process->realm != 0,
		.group_top = process->realm_group,
	};
}

static enum error park_check(const struct process *process, const struct thread *thread,
			     struct tcb_info *info)
{
	if (thread == NULL)
		return ERR_NOT_FOUND;
	if (process->thread_count < 2 || process->parked_count >= PROC_THREADS_PARKED_MAX)
		return ERR_BUSY;
	if (tcb_info(own_thread_slot(thread_tid(thread), THREAD_TCB), info) != ERR_OK)
		return ERR_BUSY;
	/* A thread that runs or waits elsewhere did not say this itself. */
	if (info->state != THREAD_CALLING)
		return ERR_BUSY;
	return (info->flags & ~TCB_FLAG_FPU_USED) == 0 ? ERR_OK : ERR_BUSY;
}

bool thread_park(struct process *process, struct msg *m)
{
	struct thread *thread = thread_live(process, m->w[0]);
	struct tcb_info info;
	const enum error error = park_check(process, thread, &info);

	if (error != ERR_OK) {
		msg_answer(m, error, 0);
		return true;
	}
	thread->life = THREAD_KEPT;
	thread->fpu_used = (info.flags & TCB_FLAG_FPU_USED) != 0;
	thread->value = m->w[1];
	waiter_hold(&thread->leaver, waiter_defer(process));
	heir_thread_ends(thread);
	mutex_thread_ends(thread);
	register_ended(thread_tid(thread));
	process->cpu_ns += info.cpu_ns - thread->cpu_base_ns;
	thread->cpu_base_ns = info.cpu_ns;
	process->thread_count--;
	process->parked_count++;
	list_remove(&thread->link);
	list_push_back(&process->parked, &thread->link);
	if (thread->joiner == NULL)
		return false;
	waiter_answer_next(thread->joiner);
	m->w[0] = thread->value;
	msg_answer(m, ERR_OK, 1);
	return true;
}

/* One thread more, not parked any more. */
static void thread_count_again(struct process *process, struct thread *thread)
{
	list_remove(&thread->link);
	list_push_back(&process->threads, &thread->link);
	process->parked_count--;
	process->thread_count++;
	thread->life = THREAD_LIVE;
}

enum error thread_restart(struct process *process, const struct thread_args *args, uint32_t *tid)
{
	const struct register_params params = thread_params(process, args);

	while (args->flags == 0 && !list_empty(&process->parked)) {
		struct thread *thread = container_of(list_first(&process->parked), struct thread,
						     link);
		struct msg m = {.info = msg_info(ERR_OK, 4, 0),
				.w = {(args->pc & ~3ull) | (thread->fpu_used ? 1 : 0), args->sp,
				      args->x0, args->tls}};

		thread_count_again(process, thread);
		register_again(thread_tid(thread), own_thread_slot(thread_tid(thread), THREAD_TCB),
			       &params);
		if (thread->leaver == NULL || waiter_try_answer(thread->leaver, &m) != ERR_OK) {
			/* Somebody of the process stopped it in that call: it is of no use. */
			reap_thread(thread);
			continue;
		}
		thread->generation++;
		thread->value = 0;
		*tid = thread_tid(thread);
		return ERR_OK;
	}
	return ERR_NOT_FOUND;
}

bool thread_unpark(struct process *process)
{
	struct thread *thread;

	for (word_t pid = 1; process == NULL; pid++) {
		struct process *any = process_next(pid);

		if (any == NULL)
			return false;
		pid = any->pid;
		if (!list_empty(&any->parked))
			process = any;
	}
	if (list_empty(&process->parked))
		return false;
	thread = container_of(list_first(&process->parked), struct thread, link);
	thread_count_again(process, thread);
	thread_gone(thread, thread_objects_delete(thread_tid(thread)));
	return true;
}

void threads_unpark(struct process *process)
{
	while (!list_empty(&process->parked))
		thread_count_again(process,
				   container_of(list_first(&process->parked), struct thread, link));
}
