/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mutexes whose holders inherit (docs/design/inheritance.md): who waits for whom says pure/lending.h,
 * this tells the scheduler server and wakes who has got a mutex.
 *
 * The mutex itself is a word in the process's memory, which proc never sees: to it a mutex is a number,
 * and what a program says of its own threads is taken as said.  Whoever lies lends among its own threads
 * what they have, and a confined process no more than it may ask for.
 *
 * Bad at: a scheduler server that is being replaced; what could not be told is told with the next change.
 */
#include <abi/object.h>
#include <libsys/objects.h>

#include "bytes_msg.h"
#include "log.h"
#include "realm.h"
#include "register.h"
#include "state.h"

static struct thread *thread_of(struct lending_thread *lending)
{
	return container_of(lending, struct thread, lending);
}

static struct lending_thread *lending_of(struct list_node *node)
{
	return container_of(node, struct lending_thread, link);
}

/* ---- What is lent ----------------------------------------------------------------------------- */

/* What the scheduler server must know; less than its own is as good as nothing. */
static uint32_t lent_wanted(const struct lending_thread *lending)
{
	return lending->lent > lending->base ? lending->lent : 0;
}

static const struct sched_thread_params *params_of(struct lending_thread *lending)
{
	return &register_shared()->params[thread_tid(thread_of(lending))];
}

static uint32_t lent_told(struct lending_thread *lending)
{
	return __atomic_load_n(&params_of(lending)->lent, __ATOMIC_RELAXED);
}

/* Own priorities may have changed since. */
static void count(struct process *process)
{
	list_for_each (node, &process->lending.threads) {
		struct lending_thread *lending = lending_of(node);

		lending->base = __atomic_load_n(&params_of(lending)->priority, __ATOMIC_RELAXED);
	}
	process->lending.lent_max = realm_priority_max(process);
	lending_count(&process->lending);
}

/* Changes upwards or downwards.  Without a server there are no priorities, and the first try says so:
 * each takes long. */
static void tell(struct process *process, bool upwards)
{
	list_for_each (node, &process->lending.threads) {
		struct lending_thread *lending = lending_of(node);
		const uint32_t wanted = lent_wanted(lending);
		const uint32_t told = lent_told(lending);

		if (wanted == told || (wanted > told) != upwards)
			continue;
		const enum error error = register_param_set(thread_tid(thread_of(lending)),
							    SCHED_PARAM_LENT, wanted, 0);

		if (error == ERR_BUSY || error == ERR_UNSUPPORTED)
			return;
	}
}

static void forget_idle(struct process *process)
{
	list_for_each_safe (node, &process->lending.threads) {
		struct lending_thread *lending = lending_of(node);

		if (lending_idle(lending) && lent_told(lending) == 0)
			lending_remove(lending);
	}
}

/* Downwards last: it may be the calling thread's own. */
static void settle(struct process *process)
{
	count(process);
	tell(process, true);
	tell(process, false);
	forget_idle(process);
}

static void wake(struct lending_thread *lending)
{
	const uint32_t tid = thread_tid(thread_of(lending));
	const cptr_t slot = own_thread_slot(tid, THREAD_WAKE);
	const enum error error = cnode_mint(BOOT_SLOT_CNODE, slot, RIGHT_WRITE, 0,
					    own_thread_slot(tid, THREAD_PARK), 1);

	if (error != ERR_SLOT_OCCUPIED)
		must(error, "making a way to wake a thread");
	must(sys_signal(slot), "waking who waits for a mutex");
}

/* ---- Requests ---------------------------------------------------------------------------------- */

static enum error request_wait(struct process *process, word_t tid, word_t holder_tid, word_t key)
{
	struct thread *thread = thread_live(process, tid);
	struct thread *holder = thread_live(process, holder_tid);
	enum error error = ERR_NOT_FOUND;

	if (thread != NULL && holder != NULL)
		error = lending_wait(&process->lending, &thread->lending, &holder->lending, key);
	if (error == ERR_OK)
		settle(process);
	return error;
}

static enum error request_take(struct process *process, word_t tid, bool leaves, word_t key)
{
	struct thread *thread = thread_live(process, tid);
	enum error error = ERR_STATE;

	if (thread != NULL)
		error = lending_take(&thread->lending, key, leaves);
	if (error == ERR_NOT_FOUND || (error == ERR_WOULD_BLOCK && leaves))
		settle(process);
	return error;
}

static enum error request_pass(struct process *process, word_t tid, word_t key)
{
	struct thread *thread = thread_live(process, tid);
	struct lending_thread *next;
	enum error error;

	if (thread == NULL)
		return ERR_NOT_FOUND;
	count(process);
	error = lending_pass(&process->lending, &thread->lending, key, &next);
	if (next != NULL)
		wake(next);
	settle(process);
	return error;
}

void mutex_request(enum proc_request request, struct process *process, struct msg *m)
{
	enum error error;

	if (request == PROC_REQ_MUTEX_WAIT)
		error = request_wait(process, m->w[0], m->w[1], m->w[2]);
	else if (request == PROC_REQ_MUTEX_TAKE)
		error = request_take(process, m->w[0], m->w[1] != 0, m->w[2]);
	else
		error = request_pass(process, m->w[1], m->w[0]);
	msg_answer(m, error, 0);
}

/* ---- What else happens ------------------------------------------------------------------------ */

void mutex_thread_ends(struct thread *thread)
{
	struct process *process;
	struct lending_thread *waiter;

	if (!list_linked(&thread->lending.link))
		return;
	process = process_get(thread->pid);
	while ((waiter = lending_leave_one(&process->lending, &thread->lending)) != NULL)
		wake(waiter);
	lending_remove(&thread->lending);
	settle(process);
}

void mutex_process_ends(struct process *process)
{
	struct list_node *node;

	while ((node = list_first(&process->lending.threads)) != NULL)
		lending_remove(lending_of(node));
}

void mutex_priorities_changed(struct process *process)
{
	if (!list_empty(&process->lending.threads))
		settle(process);
}
