/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is to reap, in the service thread. */
#include <libsys/objects.h>

#include "log.h"
#include "register.h"
#include "state.h"

static struct list_node thread_jobs;
static struct list_node process_jobs;
static bool process_turn; /* a process is next, if there is one */
static bool idle;         /* the reaper was told that there is nothing to do */

void reap_init(void)
{
	list_init(&thread_jobs);
	list_init(&process_jobs);
	process_turn = false;
}

static void reaper_wake(void)
{
	if (idle)
		must(sys_signal(OWN_REAPER_WORK), "waking the reaper");
	idle = false;
}

void reap_thread(struct thread *thread)
{
	if (thread->life != THREAD_LIVE)
		return;
	thread->life = THREAD_LEAVING;
	heir_thread_ends(thread);
	mutex_thread_ends(thread);
	list_push_back(&thread_jobs, &thread->reap);
	reaper_wake();
}

void reap_process(struct process *process)
{
	list_for_each (node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, link);

		thread->life = THREAD_LEAVING;
		list_remove(&thread->reap);
	}
	list_push_back(&process_jobs, &process->reap);
	reaper_wake();
}

/* The reaper's time is no present to who makes it work. */
static void job_bill(const struct process *process, uint64_t ns)
{
	const bool runs = process != NULL && process->state == PROC_STATE_RUNNING;
	const struct heir heir = runs              ? process_payer(process)
				 : process != NULL ? process->heir
						   : (struct heir){0};

	if (heir.tid != 0)
		sched_bill(register_shared(), heir.tid, heir.pid, ns);
}

static void job_done(const struct msg *m)
{
	struct thread *thread = thread_get(m->w[1]);
	struct process *process = process_get(m->w[1]);

	if (m->w[0] == REAP_THREAD && thread != NULL)
		job_bill(process_get(thread->pid), m->w[3]);
	else if (m->w[0] == REAP_PROCESS)
		job_bill(process, m->w[3]);
	if (m->w[0] == REAP_THREAD && thread != NULL) {
		thread_gone(thread, m->w[2]);
	} else if (m->w[0] == REAP_PROCESS && process != NULL) {
		threads_gone(process, m->w[2]);
		process_gone(process);
	}
}

static void thread_job(struct msg *m, const struct thread *thread)
{
	m->w[0] = REAP_THREAD;
	m->w[1] = thread_tid(thread);
	m->w[2] = thread->pid;
	m->w[3] = thread->stack_vaddr;
	msg_word_set(m, 4, thread->stack_bytes);
}

static void process_job(struct msg *m, const struct process *process)
{
	m->w[0] = REAP_PROCESS;
	m->w[1] = process->pid;
}

/* In turns: threads that come and go without end must not keep processes from ending, nor the other way. */
void reap_request(struct msg *m)
{
	job_done(m);
	m->info = msg_info(ERR_OK, 5, 0);
	m->w[0] = REAP_NOTHING;
	process_turn = !list_empty(&process_jobs) && (process_turn || list_empty(&thread_jobs));
	if (process_turn)
		process_job(m, container_of(list_pop_front(&process_jobs), struct process, reap));
	else if (!list_empty(&thread_jobs))
		thread_job(m, container_of(list_pop_front(&thread_jobs), struct thread, reap));
	process_turn = !process_turn;
	idle = m->w[0] == REAP_NOTHING;
}
