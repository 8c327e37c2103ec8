/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "info.h"

#include <base/bytes.h>
#include <libsys/objects.h>

#include "bytes_msg.h"
#include "mm_client.h"
#include "register.h"
#include "supervisor.h"
#include "untyped.h"

static void answer_struct(struct msg *m, const void *from, size_t bytes)
{
	msg_words_put(m, 0, from, (uint32_t)bytes);
	msg_answer(m, ERR_OK, msg_words_of(bytes));
}

static const struct bootinfo *boot(void)
{
	return (const struct bootinfo *)(uintptr_t)BOOTINFO_VADDR;
}

void info_self(const struct process *process, struct msg *m)
{
	m->w[0] = process->pid;
	m->w[1] = process->parent;
	m->w[2] = process->group;
	m->w[3] = process->thread_count;
	msg_word_set(m, 4, machine_cpus());
	msg_answer(m, ERR_OK, 5);
}

static uint64_t thread_cpu_ns(const struct thread *thread)
{
	struct tcb_info info;

	if (tcb_info(own_thread_slot(thread_tid(thread), THREAD_TCB), &info) != ERR_OK)
		return 0;
	return info.cpu_ns - thread->cpu_base_ns;
}

void info_process(struct msg *m)
{
	const struct process *process = process_next(m->w[0]);
	struct proc_process_info info;

	if (process == NULL) {
		msg_answer(m, ERR_NOT_FOUND, 0);
		return;
	}
	info = (struct proc_process_info){.pid = process->pid,
					  .parent = process->parent,
					  .group = process->group,
					  .state = process->state,
					  .threads = process->thread_count,
					  .cpu_ns = process->cpu_ns,
					  .started_ns = process->started_ns};
	bytes_copy(info.name, process->name, sizeof(info.name));
	list_for_each (node, &process->threads)
		info.cpu_ns += thread_cpu_ns(container_of(node, struct thread, link));
	answer_struct(m, &info, sizeof(info));
}

/* Threads of proc and mm have tids below those of processes. */
static const char *server_name(uint32_t tid)
{
	switch (tid) {
	case TID_MAIN:
		return "proc.console";
	case TID_SERVICE:
		return "proc.service";
	case TID_REAPER:
		return "proc.reaper";
	case TID_SUPERVISOR:
		return "proc.supervisor";
	default:
		return tid >= TID_MM_FIRST && tid < TID_USER_FIRST ? "mm" : "?";
	}
}

static cptr_t tid_tcb(uint32_t tid)
{
	return tid == TID_MAIN ? BOOT_SLOT_TCB : own_thread_slot(tid, THREAD_TCB);
}

static void thread_describe(uint32_t tid, const struct tcb_info *tcb, struct proc_thread_info *info)
{
	const struct sched_thread_params *params = &register_shared()->params[tid];
	const struct thread *thread = thread_get(tid);
	const struct process *process = thread == NULL ? NULL : process_get(thread->pid);
	const char *name = process != NULL ? process->name : server_name(tid);

	*info = (struct proc_thread_info){
		.tid = tid,
		.pid = process != NULL ? process->pid : 0,
		.index = thread != NULL ? thread->index : 0,
		.state = tcb->state,
		.home = tcb->home,
		.cpu_ns = tcb->cpu_ns - (thread != NULL ? thread->cpu_base_ns : 0),
		.weight = params->weight,
		.nice = (word_t)(int64_t)params->nice,
		.priority = params->priority,
		.slice_ns = params->slice_ns,
		.affinity = {params->affinity.bits[0], params->affinity.bits[1]},
		.passive = (tcb->flags & TCB_FLAG_PASSIVE) != 0,
		.sched_group = __atomic_load_n(&params->group, __ATOMIC_RELAXED),
		.lent = __atomic_load_n(&params->lent, __ATOMIC_RELAXED),
	};
	bytes_copy(info->name, name, str_len_max(name, sizeof(info->name) - 1));
}

void info_thread(struct msg *m)
{
	struct proc_thread_info info;
	struct tcb_info tcb;

	for (word_t tid = m->w[0]; tid < PROC_THREADS_MAX; tid++) {
		const struct thread *thread = thread_get(tid);

		if (thread == NULL ? tid >= TID_USER_FIRST : thread->life != THREAD_LIVE)
			continue;
		if (tid == 0 || tcb_info(tid_tcb((uint32_t)tid), &tcb) != ERR_OK)
			continue;
		thread_describe((uint32_t)tid, &tcb, &info);
		answer_struct(m, &info, sizeof(info));
		return;
	}
	msg_answer(m, ERR_NOT_FOUND, 0);
}

void info_thread_stats(struct msg *m)
{
	const struct sched_thread_stats *stats;

	if (m->w[0] == 0 || m->w[0] >= SCHED_THREADS_MAX) {
		msg_answer(m, ERR_RANGE, 0);
		return;
	}
	stats = &register_shared()->stats[m->w[0]];

	const struct proc_thread_stats out = {.cpu_ns = stats->cpu_ns,
					      .runs = stats->runs,
					      .preemptions = stats->preemptions,
					      .migrations = stats->migrations,
					      .wakes = stats->wakes,
					      .wake_max_ns = stats->wake_max_ns};

	answer_struct(m, &out, sizeof(out));
}

void info_thread_wakes(struct msg *m)
{
	if (m->w[0] >= SCHED_THREADS_MAX) {
		msg_answer(m, ERR_RANGE, 0);
		return;
	}
	answer_struct(m, register_shared()->stats[m->w[0]].wake_histogram,
		      sizeof(register_shared()->stats[0].wake_histogram));
}

void info_cpu(struct msg *m)
{
	const word_t cpu = m->w[0];
	struct proc_cpu_info info = {0};
	unsigned index;
	unsigned flags;
	unsigned reason;
	word_t entries;

	if (cpu >= machine_cpus()) {
		msg_answer(m, ERR_NOT_FOUND, 0);
		return;
	}

	enum error error = core_info(BOOT_SLOT_CORE_FIRST + cpu, &index, &flags, &reason, &entries);

	if (error == ERR_OK)
		error = core_stats(BOOT_SLOT_CORE_FIRST + cpu, &info.core);
	if (error != ERR_OK) {
		msg_answer(m, error, 0);
		return;
	}
	info.core_flags = flags;
	info.fallback_reason = reason;
	info.fallback_entries = entries;
	bytes_copy(info.sched, &register_shared()->cpu[cpu], sizeof(info.sched));
	answer_struct(m, &info, sizeof(info));
}

void info_machine(struct msg *m)
{
	struct sched_shared *shared = register_shared();
	struct proc_machine_info info = {
		.cpus_online = boot()->cpus_online,
		.cpus_found = boot()->cpus_found,
		.memory_bytes = untyped_bytes_total(),
		.sched_instance = __atomic_load_n(&shared->instance, __ATOMIC_RELAXED),
		.sched_restarts = supervisor_restarts(),
		.boot_ns = boot()->boot_ns_first_task,
	};

	bytes_copy(info.policy, shared->policy, sizeof(info.policy));
	bytes_copy(info.place, shared->place, sizeof(info.place));
	bytes_copy(info.machine, boot()->machine, sizeof(info.machine));
	answer_struct(m, &info, sizeof(info));
}

void info_memory(struct msg *m)
{
	unsigned words;
	const enum error error = mm_memory((uint32_t)m->w[0], m, &words);

	msg_answer(m, error, words);
}
