/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding a dispatcher.  See <kern/bind.h>. */
#include <kern/bind.h>
#include <kern/donation.h>
#include <kern/fallback.h>
#include <kern/ipi.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/thread.h>
#include <kern/waitable.h>

/* A dispatcher has no home: it is not scheduled. */
static void bind_take_home(struct tcb *tcb)
{
	struct core *home = guard_lock(tcb);

	if (home == NULL)
		return;
	spin_assume(&home->lock);
	list_remove(&tcb->event_link);
	home_remove(home, tcb);
	sched_set(tcb, SCHED_NONE);
	__atomic_store_n(&tcb->home, NULL, __ATOMIC_RELEASE);
	spin_unlock(&home->lock);
}

/* What is to be done at the Core's next kernel exit; replaces what was noted and not done. */
static void bind_note(struct core *core, struct tcb *tcb, time_ns_t decision_limit_ns,
		      time_ns_t starvation_limit_ns)
{
	spin_lock(&core->lock);
	if (core->bind_next != NULL)
		__atomic_store_n(&core->bind_next->dispatcher_core, NULL, __ATOMIC_RELEASE);
	core->bind_noted = true;
	core->bind_next = tcb;
	core->bind_decision_limit_ns = decision_limit_ns;
	core->bind_starvation_limit_ns = starvation_limit_ns;
	core_post(core, CORE_REQUEST_BIND);
	spin_unlock(&core->lock);
}

enum error core_bind_check(const struct core *core, const struct tcb *tcb,
			   time_ns_t decision_limit_ns)
{
	if (decision_limit_ns == 0)
		return ERR_ARG;
	if (__atomic_load_n(&core->online, __ATOMIC_ACQUIRE) == 0 ||
	    byte_hint(&tcb->object.dying) != 0 || tcb_state(tcb) != THREAD_STOPPED ||
	    tcb_payer(tcb) != tcb || __atomic_load_n(&tcb->vspace, __ATOMIC_RELAXED) == NULL ||
	    __atomic_load_n(&tcb->ipc_buffer, __ATOMIC_RELAXED) == NULL ||
	    __atomic_load_n(&tcb->dispatcher_core, __ATOMIC_ACQUIRE) != NULL)
		return ERR_STATE; /* without a buffer it could never be handed a request */
	return ERR_OK;
}

enum error core_bind(struct core *core, struct tcb *tcb, time_ns_t decision_limit_ns,
		     time_ns_t starvation_limit_ns, struct notification *supervisor)
{
	struct core *unbound = NULL;
	enum error error = core_bind_check(core, tcb, decision_limit_ns);

	if (error != ERR_OK)
		return error;
	/* Acq_rel: one of two binds of the same thread wins; the other sees it bound. */
	if (!__atomic_compare_exchange_n(&tcb->dispatcher_core, &unbound, core, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return ERR_STATE;
	bind_take_home(tcb);
	core_set_supervisor(core, supervisor);
	bind_note(core, tcb, decision_limit_ns, starvation_limit_ns);
	return ERR_OK;
}

void core_unbind(struct core *core)
{
	if (__atomic_load_n(&core->online, __ATOMIC_ACQUIRE) != 0)
		bind_note(core, NULL, 0, 0);
}

void core_set_supervisor(struct core *core, struct notification *notification)
{
	spin_lock(&core->lock);
	core->supervisor = notification;
	spin_unlock(&core->lock);
}

/* False: it was posted twice, and what was noted the second time is done already. */
static bool bind_is_noted(struct core *core)
{
	bool noted;

	spin_lock(&core->lock);
	noted = core->bind_noted;
	spin_unlock(&core->lock);
	return noted;
}

void bind_serve(struct core *core)
{
	struct tcb *next;

	if (!bind_is_noted(core))
		return;
	if (core->dispatcher != NULL)
		fallback_enter(core, FALLBACK_UNBOUND);
	spin_lock(&core->lock);
	next = core->bind_next;
	core->bind_next = NULL;
	core->bind_noted = false;
	core->decision_limit_ns = core->bind_decision_limit_ns;
	core->starvation_limit_ns = core->bind_starvation_limit_ns;
	if (next != NULL) {
		core->dispatcher = next;
		core->dispatcher_started = false;
		core->rebind_next = list_first(&core->homed);
		core->untold_more = 1;
		core->reasons |= 1u << REASON_BIND;
	}
	spin_unlock(&core->lock);
	/* Some may have been made for a dispatcher that was to be bound and has been stopped since. */
	if (next == NULL)
		request_restart_all(core);
}
