/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Stop, resume, destroy.  See <kern/stop.h> and <kern/thread.h>.
 *
 * Stop against block, of a thread that runs elsewhere:
 *
 *   stopping CPU                                CPU that runs the thread
 *   S1 exit_work |= STOP        (release)       R1 blocks it: state, lock of home; or leaves the
 *   S2 lock of home: RUNNING?                      kernel: reads exit_work (acquire)
 *   S3 yes: post STOP, again later              R2 takes STOP: leaves the kernel anew
 *
 * Each round either finds it off the CPU under the lock (and stops it there), or posts STOP, after
 * which R2 reads the mark and stops it before one more instruction runs.
 */
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fallback.h>
#include <kern/ipc.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/request.h>
#include <kern/stop.h>
#include <kern/thread.h>
#include <kern/waitable.h>

/*
 * Guard lock held, or nobody else can reach the thread.  A fault that was to be forwarded is forgotten:
 * where it goes on the thread repeats it, and where it is started anew that is none of its own.
 */
static void stopped_set(struct tcb *tcb)
{
	tcb->send_fault = FAULT_NONE;
	tcb_state_set(tcb, THREAD_STOPPED);
	__atomic_fetch_and(&tcb->exit_work, ~(EXIT_STOP | EXIT_FORWARD), __ATOMIC_RELAXED);
}

static void stop_locked(struct core *core, struct tcb *tcb) LOCK_REQUIRES(core->lock)
{
	stopped_set(tcb);
	core_block(core, CAUSE_STOPPED);
}

void stop_current(struct core *core, struct tcb *tcb)
{
	spin_lock(&core->lock);
	stop_locked(core, tcb);
	spin_unlock(&core->lock);
}

/* An owned thread, taken off what it was blocked on: its operation ends here. */
static bool stop_owned(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);
	struct tcb *payer = tcb_payer(tcb);

	spin_assume(&home->lock);
	ipc_fail(tcb, ERR_CANCELLED);
	stopped_set(tcb);
	if (payer != NULL)
		sched_blocked(home, payer, CAUSE_STOPPED);
	spin_unlock(&home->lock);
	return true;
}

/* It can run: the tail of a chain that is READY or RUNNING (or is just changing hands). */
static bool stop_runnable(struct tcb *tcb)
{
	struct tcb *payer;
	struct core *home = guard_lock_payer(tcb, &payer);
	bool done = false;

	if (home == NULL)
		return false;
	spin_assume(&home->lock);
	if (payer != NULL && payer->sched == SCHED_RUNNING && home != this_core()) {
		core_post(home, CORE_REQUEST_STOP);
	} else if (payer != NULL && payer->sched == SCHED_READY && payer->tail == tcb &&
		   tcb_state(tcb) == THREAD_READY) {
		stopped_set(tcb);
		sched_blocked(home, payer, CAUSE_STOPPED);
		done = true;
	}
	spin_unlock(&home->lock);
	return done;
}

static bool stop_calling(struct tcb *tcb)
{
	if (__atomic_load_n(&tcb->chain_next, __ATOMIC_ACQUIRE) != NULL)
		return true; /* takes effect when the chain has unwound to it */
	return reply_cancel(tcb) && stop_owned(tcb);
}

/* One attempt, on whatever the thread does now.  False: it is changing, or runs elsewhere. */
static bool stop_try(struct tcb *tcb)
{
	switch ((enum thread_state)__atomic_load_n(&tcb->state, __ATOMIC_SEQ_CST)) {
	case THREAD_STOPPED:
		__atomic_fetch_and(&tcb->exit_work, ~EXIT_STOP, __ATOMIC_RELAXED);
		return true;
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_WAITING:
		return wait_cancel(tcb, false) && stop_owned(tcb);
	case THREAD_CALLING:
		return stop_calling(tcb);
	case THREAD_REQUESTING:
		return request_stop(tcb);
	case THREAD_READY:
		return stop_runnable(tcb);
	default:
		return false;
	}
}

/* A thread that is, or is about to be, a dispatcher.  True: its binding has ended. */
static bool stop_dispatcher(struct tcb *tcb, struct core *core)
{
	bool noted = false;

	spin_lock(&core->lock);
	if (core->bind_next == tcb) {
		core->bind_next = NULL;
		__atomic_store_n(&tcb->dispatcher_core, NULL, __ATOMIC_RELEASE);
		noted = true;
	}
	spin_unlock(&core->lock);
	if (noted)
		return true;
	if (core != this_core()) {
		core_post(core, CORE_REQUEST_STOP);
		return false;
	}
	if (core->dispatcher == tcb)
		fallback_enter(core, FALLBACK_STOPPED);
	return true;
}

/* Its user state is not live on another CPU. */
static bool stop_off_cpu(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->on_cpu, __ATOMIC_ACQUIRE) == 0 || this_core()->held == tcb;
}

/* Marked, and waiting for servers that run on its time: it stops before it next runs. */
static bool stop_in_chain(const struct tcb *tcb)
{
	return tcb_state(tcb) == THREAD_CALLING &&
	       __atomic_load_n(&tcb->chain_next, __ATOMIC_RELAXED) != NULL;
}

bool thread_is_stopped(const struct tcb *tcb)
{
	bool marked = (__atomic_load_n(&tcb->exit_work, __ATOMIC_ACQUIRE) & EXIT_STOP) != 0;

	if (this_core()->current == tcb)
		return marked;
	/* One that is bound and was not entered yet may be at any moment. */
	if (__atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE) != NULL)
		return false;
	if (tcb_state(tcb) != THREAD_STOPPED && !(marked && stop_in_chain(tcb)))
		return false;
	return stop_off_cpu(tcb);
}

bool thread_suspend(struct tcb *tcb)
{
	struct core *core = __atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE);

	/* Seq_cst, as the look at its state after it: see ipc/fastpath.c. */
	__atomic_fetch_or(&tcb->exit_work, EXIT_STOP, __ATOMIC_SEQ_CST);
	if (this_core()->current == tcb)
		return true; /* takes effect at kernel exit */
	if (core != NULL && !stop_dispatcher(tcb, core))
		return false;
	return stop_try(tcb) && stop_off_cpu(tcb);
}

/* Guard lock held, by this payer. */
static enum error resume_locked(struct tcb *tcb, struct tcb *payer, struct core *home)
	LOCK_REQUIRES(home->lock)
{
	enum event_cause cause = tcb->arrived ? CAUSE_ARRIVED : CAUSE_START;

	if (tcb_state(tcb) != THREAD_STOPPED) {
		uint32_t old = __atomic_fetch_and(&tcb->exit_work, ~EXIT_STOP, __ATOMIC_RELAXED);

		return (old & EXIT_STOP) != 0 ? ERR_OK : ERR_STATE;
	}
	if (tcb_payer(tcb) != payer)
		return ERR_BUSY; /* it has just been called by somebody else, and stopped there */
	if (payer == NULL)
		return ERR_OK; /* passive: it needs time of its own, see thread_resume() */
	tcb_state_set(tcb, THREAD_READY);
	if (payer->tail == tcb && payer->sched == SCHED_BLOCKED) {
		tcb->arrived = false;
		sched_ready(home, payer, cause);
	}
	return ERR_OK;
}

enum error thread_resume(struct tcb *tcb)
{
	struct tcb *payer;
	struct core *home;
	enum error error;
	bool orphan;

	if (byte_hint(&tcb->object.dying) != 0 ||
	    __atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE) != NULL ||
	    __atomic_load_n(&tcb->vspace, __ATOMIC_RELAXED) == NULL)
		return ERR_STATE;
	home = guard_lock_payer(tcb, &payer);
	if (home == NULL)
		return ERR_STATE;
	spin_assume(&home->lock);
	if (fault_first_space == NULL)
		fault_first_space = tcb->vspace; /* the first thread ever, at boot */
	error = resume_locked(tcb, payer, home);
	orphan = error == ERR_OK && payer == NULL && tcb_state(tcb) == THREAD_STOPPED;
	spin_unlock(&home->lock);
	/* Nobody else resumes it in between: the caller holds the derivation lock. */
	if (orphan)
		chain_orphan(tcb);
	return error;
}

/* ---- Destroy --------------------------------------------------------------------------------- */

/* The caller called this server when it was seen; what it calls now may be another one. */
static bool stop_cut(struct tcb *caller, struct tcb *server)
{
	struct reply *reply = __atomic_load_n(&caller->caller_reply, __ATOMIC_ACQUIRE);

	return reply != NULL && chain_cut(caller, server, reply);
}

static bool stop_cut_below(struct tcb *tcb)
{
	struct tcb *server = __atomic_load_n(&tcb->chain_next, __ATOMIC_RELAXED);

	return server == NULL || stop_cut(tcb, server);
}

/* Leave the chain: the caller above gets ERR_DELETED, the servers below time of their own. */
static bool destroy_unchain(struct tcb *tcb)
{
	struct tcb *caller = __atomic_load_n(&tcb->chain_prev, __ATOMIC_RELAXED);

	if (caller != NULL && !stop_cut(caller, tcb))
		return false;
	return stop_cut_below(tcb) && __atomic_load_n(&tcb->chain_prev, __ATOMIC_RELAXED) == NULL;
}

/*
 * Stopped, so not ready: off its home's lists; the last record.  True: the dispatcher has dealt with it
 * (it came back for the next batch or parked, so the tag may be used again), or nobody is bound to take
 * it.
 */
static bool destroy_report(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);
	bool done;

	if (home == NULL)
		return true;
	spin_assume(&home->lock);
	if (!tcb->dead_posted) {
		tcb->dead_posted = true;
		home_remove(home, tcb);
		sched_set(tcb, SCHED_NONE);
		event_post(home, tcb, EVENT_DEAD, CAUSE_EXIT);
		core_kick(home, REASON_KICK);
	}
	if (home->dispatcher == NULL)
		list_remove(&tcb->event_link);
	done = !list_linked(&tcb->event_link) &&
	       (home->dispatcher == NULL || home->batch != tcb->dead_batch);
	spin_unlock(&home->lock);
	return done;
}

static bool destroy_in_chain(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->chain_prev, __ATOMIC_RELAXED) != NULL ||
	       __atomic_load_n(&tcb->chain_next, __ATOMIC_RELAXED) != NULL;
}

bool thread_destroy(struct tcb *tcb)
{
	struct core *core = __atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE);

	__atomic_store_n(&tcb->object.dying, 1, __ATOMIC_RELAXED);
	__atomic_fetch_or(&tcb->exit_work, EXIT_STOP | EXIT_DESTROY, __ATOMIC_SEQ_CST);
	if (this_core()->current == tcb)
		return false;
	if (core != NULL && !stop_dispatcher(tcb, core))
		return false;
	if (!destroy_unchain(tcb) || !stop_try(tcb) || tcb_state(tcb) != THREAD_STOPPED)
		return false;
	/* A passive thread may have been called since it was found outside all chains, and stopped
	 * there.  Now that it is stopped nobody calls it. */
	if (destroy_in_chain(tcb))
		return false;
	if (!destroy_report(tcb))
		return false;
	return __atomic_load_n(&tcb->on_cpu, __ATOMIC_ACQUIRE) == 0;
}

/* ---- On the CPU that runs it ------------------------------------------------------------------ */

/* The marks of one member of the running chain that its own CPU must see to.  A plain stop of the
 * tail is seen at kernel exit. */
static bool stop_serve_member(struct tcb *tcb)
{
	uint32_t work = __atomic_load_n(&tcb->exit_work, __ATOMIC_ACQUIRE);

	if ((work & EXIT_DESTROY) != 0)
		return destroy_unchain(tcb);
	return (work & EXIT_CUT) == 0 || stop_cut_below(tcb);
}

void stop_serve(struct core *core)
{
	struct tcb *dispatcher = core->dispatcher;
	struct tcb *tcb;

	if (dispatcher != NULL &&
	    (__atomic_load_n(&dispatcher->exit_work, __ATOMIC_ACQUIRE) & EXIT_STOP) != 0)
		fallback_enter(core, FALLBACK_STOPPED);
	/* Each step may cut the chain, after which it does not run here any more. */
	tcb = core->payer != NULL ? core->payer->tail : NULL;
	while (tcb != NULL && core->payer != NULL) {
		struct tcb *prev = tcb->chain_prev;

		if (!stop_serve_member(tcb))
			break; /* it is being answered elsewhere; who asked asks again */
		tcb = prev;
	}
}

/* RESUME takes the mark back under the lock, and then it has said that the thread goes on. */
static bool stop_if_marked(struct core *core, struct tcb *tcb)
{
	bool marked;

	spin_lock(&core->lock);
	marked = (__atomic_load_n(&tcb->exit_work, __ATOMIC_RELAXED) & EXIT_STOP) != 0;
	if (marked)
		stop_locked(core, tcb);
	spin_unlock(&core->lock);
	return marked;
}

void stop_exit_work(struct core *core, struct tcb *tcb)
{
	uint32_t work = __atomic_load_n(&tcb->exit_work, __ATOMIC_ACQUIRE);

	if ((work & EXIT_STOP) != 0) {
		if (core->dispatcher == tcb) {
			fallback_enter(core, FALLBACK_STOPPED);
			return;
		}
		if (stop_if_marked(core, tcb))
			return;
	}
	__atomic_fetch_and(&tcb->exit_work, ~(EXIT_CUT | EXIT_FORWARD | EXIT_ANSWERED),
			   __ATOMIC_RELAXED);
	if ((work & EXIT_ANSWERED) != 0)
		core->reasons |= 1u << REASON_KICK;
	if ((work & EXIT_FORWARD) != 0)
		fault_forward(tcb);
}
