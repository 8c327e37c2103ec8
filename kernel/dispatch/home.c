/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving a thread to another home, its tag and its key.
 *
 * Who may: the dispatcher of its home, on that CPU; anybody with the rights while the home is in
 * fallback, or while the thread has none.  A moved thread's record starts anew at the other Core
 * with cause ARRIVED; what the old dispatcher had not seen is folded into it.
 */
#include <kern/donation.h>
#include <kern/event.h>
#include <kern/ready.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/waitable.h>

/* Lock of home held. */
static bool home_permits(const struct core *home) LOCK_REQUIRES(home->lock)
{
	if (home->dispatcher == NULL || home->fallback != FALLBACK_NONE)
		return true;
	return home == this_core() && home->dispatcher_running;
}

/*
 * While it has no home it has no lock of its own: by that of the derivation nobody else gives it one, binds
 * it, or begins to destroy it.  Release: who reads the home and locks it finds the thread there.
 */
enum error tcb_first_home(struct tcb *tcb, struct core *core)
{
	if (tcb_home(tcb) != NULL || cap_is_anchor(&tcb->anchor) ||
	    __atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE) != NULL)
		return ERR_STATE;
	spin_lock(&core->lock);
	home_insert(core, tcb);
	sched_set(tcb, SCHED_BLOCKED);
	tcb->arrived = true;
	__atomic_store_n(&tcb->home, core, __ATOMIC_RELEASE);
	spin_unlock(&core->lock);
	return ERR_OK;
}

/* Both locks held. */
static void home_move(struct tcb *tcb, struct core *home, struct core *core)
	LOCK_REQUIRES(home->lock, core->lock)
{
	bool ready = tcb->sched == SCHED_READY;

	list_remove(&tcb->event_link);
	list_remove(&tcb->ready_link);
	home_remove(home, tcb);
	sched_set(tcb, SCHED_BLOCKED);
	home_insert(core, tcb);
	/* Release: who reads the new home and locks it finds the thread there. */
	__atomic_store_n(&tcb->home, core, __ATOMIC_RELEASE);
	if (ready)
		sched_ready(core, tcb, CAUSE_ARRIVED);
	else if (tcb_state(tcb) == THREAD_STOPPED)
		tcb->arrived = true;
	else
		sched_blocked(core, tcb, CAUSE_ARRIVED);
}

static enum error home_check(const struct tcb *tcb, const struct core *home)
	LOCK_REQUIRES(home->lock)
{
	if (!home_permits(home))
		return ERR_PERMISSION;
	if (byte_hint(&tcb->object.dying) != 0)
		return ERR_DEAD;
	if (tcb_payer(tcb) != tcb)
		return ERR_PASSIVE;
	return tcb->sched == SCHED_RUNNING ? ERR_STATE : ERR_OK;
}

enum error tcb_set_home(struct tcb *tcb, struct core *core)
{
	if (__atomic_load_n(&core->online, __ATOMIC_ACQUIRE) == 0)
		return ERR_STATE;
	for (;;) {
		struct core *home = tcb_home(tcb);
		enum error error;

		if (home == NULL) {
			derivation_lock();
			error = tcb_first_home(tcb, core);
			derivation_unlock();
			return error;
		}
		if (home == core)
			return ERR_OK;
		core_lock_two(home, core);
		if (tcb_home(tcb) != home) {
			core_unlock_two(home, core);
			continue;
		}
		error = home_check(tcb, home);
		if (error == ERR_OK)
			home_move(tcb, home, core);
		core_unlock_two(home, core);
		return error;
	}
}

/* Relaxed: a record that is being taken carries the old or the new tag, as if a moment earlier or
 * later. */
void tcb_set_tag(struct tcb *tcb, word_t tag)
{
	__atomic_store_n(&tcb->tag, tag, __ATOMIC_RELAXED);
}

/* Relaxed: a wake at the same time compares the old or the new key. */
void tcb_set_key(struct tcb *tcb, word_t key)
{
	__atomic_store_n(&tcb->key, key, __ATOMIC_RELAXED);
}
