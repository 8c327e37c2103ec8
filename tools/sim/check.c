/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invariants (docs/invariants.md) that can be seen from outside, between two events of the
 * simulation:
 *   - the server's view of a thread equals the kernel's, or a record for it is pending (3): home, state,
 *     sequence, and how long it has run
 *   - no CPU idles with a ready thread at home but one under a cap, none parks with a record waiting
 *     and no kick (4)
 *   - every policy's own check is 0, and no policy was misused
 *
 * What a decision says of the thread that it names is looked at each time.
 */
#include "sim.h"

static void violation(struct sim *sim, const char *what, const struct sim_thread *thread)
{
	const struct sched_thread *view = &sim->server->threads[thread->tid];

	sim_fail(sim,
		 "check: %s: task \"%s\" at %llu ns: kernel state %u home %u seq %llu, "
		 "server state %u home %u seq %llu arriving %u in_request %u",
		 what, thread->name, (unsigned long long)sim->now_ns, thread->state, thread->home,
		 (unsigned long long)thread->record.seq, view->state, view->home,
		 (unsigned long long)view->seq, view->arriving, view->in_request);
}

static void thread_check(struct sim *sim, const struct sim_thread *thread)
{
	const struct sched_thread *view = &sim->server->threads[thread->tid];
	const struct sim_cpu *home;
	bool ready = thread->state == SIM_READY || thread->state == SIM_RUNNING;

	if (thread->state == SIM_STOPPED)
		return;
	home = &sim->cpus[thread->home];
	if (list_linked(&thread->event_link)) {
		/* Of a filtered wake, or of whom the kernel switched from or to. */
		if (!home->kick && !home->filtered && !home->switched &&
		    home->mode != SIM_DISPATCHER)
			violation(sim, "parked with a record waiting", thread);
		return;
	}
	if (home->mode == SIM_DISPATCHER && home->index != sim->acting_cpu)
		return; /* its decision is still on the way */
	if (thread->state == SIM_DEAD) {
		if (view->state != SCHED_UNKNOWN)
			violation(sim, "dead, and the server does not know", thread);
		return;
	}
	if (view->home != thread->home || view->arriving)
		violation(sim, "different homes", thread);
	else if (view->seq != thread->record.seq)
		violation(sim, "different sequences", thread);
	else if ((view->state == SCHED_READY) != ready && !view->in_request)
		violation(sim, "different states", thread);
	else if (thread->state == SIM_READY && home->mode == SIM_IDLE && !sim_capped(sim, thread) &&
		 cpumask_test(&sim->shared->params[thread->tid].affinity, thread->home))
		violation(sim, "its CPU idles", thread);
	else if (thread->state != SIM_RUNNING && !thread->balancer &&
		 sim->shared->stats[thread->tid].cpu_ns != thread->cpu_ns)
		violation(sim, "different times on a CPU", thread);
}

static void cpu_check(struct sim *sim, uint32_t index)
{
	struct sched_cpu *view = &sim->server->cpu[index];
	const struct policy_cpu *queue = (const struct policy_cpu *)(void *)view->policy_blob;
	uint32_t broken = view->policy->check(queue);
	const struct sim_cpu *cpu = &sim->cpus[index];

	if (broken != 0)
		sim_fail_queue(sim, index,
			       "check: CPU %u at %llu ns: rule %u of policy %s is broken", index,
			       (unsigned long long)sim->now_ns, broken, view->policy->name);
	if (sim->shared->cpu[index].misuse != 0)
		sim_fail_queue(sim, index, "check: CPU %u at %llu ns: policy %s was misused", index,
			       (unsigned long long)sim->now_ns, view->policy->name);
	if (cpu->mode == SIM_THREAD && !cpu->current->balancer && !cpu->switched &&
	    view->running != &sim->server->threads[cpu->current->tid])
		violation(sim, "it runs, and the server thinks of another", cpu->current);
}

/* The thread that a policy picked must be one that can run here: the server knows, whatever the kernel will
 * say.  (A thread that another CPU has just stopped or moved is still ready for the server.) */
static void picked_check(struct sim *sim, uint32_t index, uint32_t tid)
{
	const struct sched_cpu *cpu = &sim->server->cpu[index];
	const struct sched_thread *view = &sim->server->threads[tid];
	const bool here = view->home == index && !view->arriving;

	if (tid == cpu->balancer_tid || (here && view->state == SCHED_READY))
		return;
	sim_fail_queue(
		sim, index,
		"policy %s picked task \"%s\" on CPU %u at %llu ns, which %s; this is a bug in it",
		cpu->policy->name, sim->threads[tid]->name, index, (unsigned long long)sim->now_ns,
		here ? "cannot run" : "is not there");
}

void sim_check_decision(struct sim *sim, uint32_t cpu, const struct sched_decision *decision)
{
	if (decision->kind != DECISION_RUN || sim->failed)
		return;
	picked_check(sim, cpu, decision->tid);
	if ((decision->flags & DECISION_SUCCESSOR) != 0 && decision->successor_tid != 0)
		picked_check(sim, cpu, decision->successor_tid);
	if (decision->slice_ns == 0 && !sim->failed)
		sim_fail_queue(sim, cpu,
			       "policy %s gave task \"%s\" on CPU %u a slice of 0 ns at %llu ns; "
			       "this is a bug in it",
			       sim->server->cpu[cpu].policy->name,
			       sim->threads[decision->tid]->name, cpu,
			       (unsigned long long)sim->now_ns);
}

/*
 * Without --check often at first, for a mistake is best seen early; then every 256 decisions, and
 * with many threads less, because a check looks at them all: it takes 1 % of the time.
 */
#define CHECK_DECISIONS 256u

bool sim_check_is_due(struct sim *sim)
{
	const uint64_t steady = CHECK_DECISIONS + 4 * (uint64_t)sim->threads_count;

	if (sim->config.check_every != 0)
		return sim->decisions % sim->config.check_every == 0;
	if (sim->decisions < sim->check_due)
		return false;
	sim->check_due = sim->decisions + (sim->decisions < steady ? sim->decisions : steady);
	return true;
}

void sim_check(struct sim *sim)
{
	for (uint32_t tid = 1; tid <= sim->threads_count && !sim->failed; tid++)
		thread_check(sim, sim->threads[tid]);
	for (uint32_t cpu = 0; cpu < sim->config.cpus && !sim->failed; cpu++)
		cpu_check(sim, cpu);
}
