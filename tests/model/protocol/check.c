/* SPDX-License-Identifier: BSD-2-Clause */
/* Properties: I1, I2, I4, I9 as far as they are about states. */
#include "model.h"

#include <abi/ipc.h>
#include <kern/event.h>
#include <kern/ready.h>

static bool somebody_dies(void)
{
	for (unsigned i = 0; i < world_threads_count; i++)
		if (world_threads[i]->object.dying != 0)
			return true;
	return false;
}

/* Where the lock is free: what it guards is whole (I1, I2). */
static void check_core(const struct core *core)
{
	unsigned ready = 0;
	unsigned linked = 0;

	list_for_each (node, &core->homed) {
		const struct tcb *tcb = container_of_const(node, struct tcb, home_link);

		must(tcb->home == core);
		must(tcb->sched != SCHED_NONE);
		must((tcb->sched == SCHED_READY) == list_linked(&tcb->ready_link));
		must((tcb->sched == SCHED_RUNNING) == (core->payer == tcb));
		ready += tcb->sched == SCHED_READY;
	}
	for (unsigned i = 0; i < world_threads_count; i++)
		linked += world_threads[i]->home == core &&
			  list_linked(&world_threads[i]->event_link);
	list_for_each (node, &core->ready) {
		must(ready-- > 0);
	}
	list_for_each (node, &core->events) {
		must(linked-- > 0);
	}
	must(ready == 0 && linked == 0);
	must(core->payer == NULL || core->payer->home == core);
	/* A dispatcher that believes what it is told is not refused again and again (I3). */
	if (core->fallback == FALLBACK_REFUSED)
		must(somebody_dies());
	/* I2: what the dispatcher has chosen it had seen; else there would be a record. */
	if (core->payer != NULL && core->dispatcher != NULL && core->fallback == FALLBACK_NONE &&
	    !core->switched)
		must(!list_linked(&core->payer->event_link));
	/* Whoever finds nothing noted finds nothing linked either. */
	must(core->untold != 0 || (list_empty(&core->events) && !core->switched));
	must(core->untold_more != 0 ||
	     (core->rebind_next == NULL && list_empty(&core->requests_waiting)));
	/* What may be run next without the dispatcher is what it believes it to be. */
	if (core->next.armed && core->next.tcb != NULL)
		must(core->next.tcb->home == core && core->next.tcb->sched == SCHED_READY &&
		     core->next.tcb->seq == core->next.seq);
	if (core->dispatcher_running || core->fallback != FALLBACK_NONE)
		must(!core->next.armed && core->filter_until_ns == 0 && core->first_slice_ns == 0 &&
		     core->again_until_ns == 0);
}

/* In user mode: nobody else runs the thread, no IPI is owed. */
static void check_user(unsigned cpu, unsigned count)
{
	const struct tcb *tcb = cpus[cpu].core.current;

	must(tcb != NULL && tcb->on_cpu == 1);
	for (unsigned i = 0; i < count; i++) {
		must(i == cpu || cpus[i].core.held != tcb);
		must(!strand_of(cpu)->ipi_owed[i]);
	}
}

void check_state(const struct scenario *scenario, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct core *core = &cpus[i].core;

		if (core->lock.owner == 0)
			check_core(core);
		if (strand_of(i)->at == AT_USER)
			check_user(i, count);
		if (strand_of(i)->at == AT_WAIT)
			for (unsigned n = 0; n < count; n++)
				must(!strand_of(i)->ipi_owed[n]);
	}
	if (scenario->always != NULL)
		scenario->always();
}

static void check_chain(const struct tcb *payer)
{
	if (payer->sched != SCHED_BLOCKED)
		must(payer->tail->state == THREAD_READY);
	for (const struct tcb *m = payer; m != NULL; m = m->chain_next) {
		must(m->payer == payer);
		must(m->chain_next != NULL || m == payer->tail);
		must(m->chain_next == NULL || m->chain_next->chain_prev == m);
		must(m->chain_next == NULL || m->state == THREAD_CALLING);
	}
}

/* Nobody is in the kernel: what the dispatcher believes is so (I3). */
static void check_view(const struct core *core, const struct tcb *tcb)
{
	const struct view *view = world_view(core->index, tcb);

	if (core->dispatcher == NULL || core->fallback != FALLBACK_NONE ||
	    list_linked(&tcb->event_link))
		return;
	if (tcb->sched == SCHED_BLOCKED && tcb->arrived)
		return; /* moved while it was stopped: reported when it starts */
	must(tcb->seq == 0 || (view->known && view->seq == tcb->seq));
	must(tcb->seq == 0 || (view->state == EVENT_READY) == (tcb->sched != SCHED_BLOCKED));
}

/* I1: where a thread is blocked, it is found. */
static void check_thread(const struct tcb *tcb)
{
	switch ((enum thread_state)tcb->state) {
	case THREAD_SENDING:
	case THREAD_RECEIVING:
	case THREAD_WAITING:
		must(tcb->blocked_on != NULL && list_linked(&tcb->wait_link));
		break;
	case THREAD_CALLING:
		must(tcb->caller_reply != NULL && !list_linked(&tcb->wait_link));
		break;
	case THREAD_REQUESTING:
		must(tcb->request_core != NULL && list_linked(&tcb->request_link));
		break;
	case THREAD_READY:
		must(tcb->payer != NULL && tcb->payer->sched != SCHED_BLOCKED);
		/* fall through */
	default:
		must(tcb->blocked_on == NULL && !list_linked(&tcb->wait_link));
		must(tcb->request_core == NULL && !list_linked(&tcb->request_link));
		break;
	}
}

/* The one record that a switch without the dispatcher leaves, what a filter holds back, or what ran on a
 * CPU that may idle again and again. */
static bool record_is_left(const struct core *core)
{
	return list_empty(&core->requests_waiting) && core->rebind_next == NULL &&
	       (core->filtered ||
		(core->switched &&
		 (list_first(&core->events)->next == &core->events || core->again_until_ns != 0)));
}

/* Nobody waits for ever to be told what ran first on a CPU that idles again. */
static void check_told(unsigned cpu)
{
	const struct core *core = &cpus[cpu].core;

	list_for_each (node, &core->events) {
		const struct tcb *tcb = container_of_const(node, struct tcb, event_link);

		if (core->payer == NULL && EVENT_FIRSTS(tcb->event_info) != 0)
			must(model_cpus[cpu].deadline <= core->again_until_ns);
	}
}

/* I4, and nothing is left that a CPU should have done. */
static void check_quiet(unsigned cpu)
{
	const struct core *core = &cpus[cpu].core;
	enum strand_at at = strand_of(cpu)->at;

	if (at != AT_USER && at != AT_WAIT)
		violation("CPU %u waits for ever: %s", cpu, strand_of(cpu)->where);
	must(core->lock.owner == 0);
	must(core->requests == 0);
	must(core->reasons == 0);
	must(!core->dispatcher_running);
	must(at == AT_USER || list_empty(&core->ready));
	must(core->dispatcher == NULL || !event_pending(core) || record_is_left(core));
	if (core->filtered)
		must(model_cpus[cpu].deadline <= core->filter_until_ns);
	check_told(cpu);
	list_for_each (node, &core->homed) {
		const struct tcb *tcb = container_of_const(node, struct tcb, home_link);

		check_chain(tcb);
		check_view(core, tcb);
	}
}

void check_final(const struct scenario *scenario, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		check_quiet(i);
	for (unsigned i = 0; i < world_threads_count; i++)
		check_thread(world_threads[i]);
	scenario->final();
}
