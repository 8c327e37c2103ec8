/* SPDX-License-Identifier: BSD-2-Clause */
#include "service.h"

#include <abi/bootinfo.h>
#include <libsys/objects.h>

#include "bytes_msg.h"
#include "console.h"
#include "device.h"
#include "exception.h"
#include "file.h"
#include "info.h"
#include "log.h"
#include "object.h"
#include "realm.h"
#include "register.h"
#include "spawn.h"
#include "state.h"
#include "supervisor.h"

uint32_t machine_cpus(void)
{
	return ((const struct bootinfo *)(uintptr_t)BOOTINFO_VADDR)->cpus_online;
}

static void request_thread_create(struct process *process, struct msg *m)
{
	const struct thread_args args = {.pc = m->w[0],
					 .sp = m->w[1],
					 .x0 = m->w[2],
					 .tls = m->w[3],
					 .flags = msg_word(m, 4),
					 .nice = msg_word(m, 5),
					 .affinity = {{msg_word(m, 6), msg_word(m, 7)}},
					 .slice_ns = msg_word(m, 8)};
	uint32_t tid = 0;
	const enum error error = thread_new(process, &args, &tid);

	if (error == ERR_OK) {
		m->w[0] = thread_get(tid)->index;
		m->w[1] = tid;
		m->w[2] = thread_get(tid)->generation;
	}
	msg_answer(m, error, 3);
}

/* The live thread of the process with that index, or NULL. */
static struct thread *thread_of_index(const struct process *process, word_t index)
{
	list_for_each (node, &process->threads) {
		struct thread *thread = container_of(node, struct thread, link);

		if (thread->index == index)
			return thread;
	}
	return NULL;
}

static bool request_thread_exit(struct process *process, const struct msg *m)
{
	struct thread *thread = thread_of_index(process, m->w[0]);
	struct waiter *waiter = waiter_defer(process);

	if (thread == NULL || thread->life != THREAD_LIVE)
		return false;
	thread->value = m->w[1];
	thread->stack_vaddr = m->w[2];
	thread->stack_bytes = m->w[3];
	waiter_hold(&thread->leaver, waiter);
	reap_thread(thread);
	return false;
}

static bool request_thread_join(struct process *process, struct msg *m)
{
	struct thread *thread = thread_get(m->w[1]);

	if (thread == NULL || thread->pid != process->pid || thread->index != m->w[0] ||
	    (m->w[2] != 0 && thread->generation != m->w[2])) {
		msg_answer(m, ERR_NOT_FOUND, 0);
		return true;
	}
	if (thread->life == THREAD_FREE || thread->life == THREAD_KEPT) {
		m->w[0] = thread->value;
		msg_answer(m, ERR_OK, 1);
		return true;
	}
	waiter_look(thread->joiner);
	if (thread->joiner != NULL) {
		msg_answer(m, ERR_BUSY, 0);
		return true;
	}
	waiter_hold(&thread->joiner, waiter_defer(process));
	return false;
}

static void request_kill(const struct process *caller, struct msg *m)
{
	const uint32_t signal = (uint32_t)m->w[1];
	struct process *target = process_get(m->w[0]);

	if (target == NULL || m->w[1] == 0 || m->w[1] > PROC_SIGNAL_MAX) {
		msg_answer(m, target == NULL ? ERR_NOT_FOUND : ERR_RANGE, 0);
		return;
	}
	if (realm_reaches(caller, target) != ERR_OK) {
		msg_answer(m, ERR_PERMISSION, 0);
		return;
	}
	if (m->w[2] != 1) {
		process_end(target, 0, signal);
		msg_answer(m, ERR_OK, 0);
		return;
	}

	const uint32_t group = target->group;

	for (target = process_next(1); target != NULL;
	     target = process_next((word_t)target->pid + 1))
		if (target->group == group && realm_reaches(caller, target) == ERR_OK)
			process_end(target, 0, signal);
	msg_answer(m, ERR_OK, 0);
}

static void request_group_set(struct process *process, struct msg *m)
{
	struct process *target = m->w[0] == 0 ? process : process_get(m->w[0]);

	if (target == NULL) {
		msg_answer(m, ERR_NOT_FOUND, 0);
		return;
	}
	if ((target != process && target->parent != process->pid) ||
	    realm_group(process, target, m->w[1]) != ERR_OK) {
		msg_answer(m, ERR_PERMISSION, 0);
		return;
	}
	target->group = m->w[1] != 0 ? (uint32_t)m->w[1] : target->pid;
	console_check();
	msg_answer(m, ERR_OK, 0);
}

/* New threads of the process get it, too. */
static void process_param(struct process *process, enum sched_param param, word_t value,
			  word_t value2)
{
	if (param == SCHED_PARAM_NICE)
		process->nice = (int32_t)value;
	else if (param == SCHED_PARAM_AFFINITY)
		process->affinity = (struct cpumask){{value, value2}};
	else if (param == SCHED_PARAM_GROUP)
		process->sched_group = value;
}

static void request_sched_set(struct process *caller, struct msg *m)
{
	struct process *process = m->w[0] == 0 ? caller : process_get(m->w[0]);
	const word_t tid = m->w[1];
	const enum sched_param param = (enum sched_param)m->w[2];
	const word_t value = m->w[3];
	/* Below which group: the caller does not choose. */
	const word_t value2 = param == SCHED_PARAM_GROUP ? caller->realm_group : msg_word(m, 4);
	enum error error = process == NULL ? ERR_NOT_FOUND : realm_reaches(caller, process);
	word_t changed = 0;

	if (error == ERR_OK)
		error = realm_param(caller, param, value);
	if (error == ERR_OK)
		list_for_each (node, &process->threads) {
			const struct thread *thread = container_of(node, struct thread, link);

			if (tid != 0 && thread_tid(thread) != tid)
				continue;
			error = register_param_set(thread_tid(thread), param, value, value2);
			if (error != ERR_OK)
				break;
			changed++;
		}
	if (error == ERR_OK && tid == 0)
		process_param(process, param, value, value2);
	if (param == SCHED_PARAM_PRIORITY && changed != 0)
		mutex_priorities_changed(process);
	m->w[0] = changed;
	msg_answer(m, error == ERR_OK && changed == 0 ? ERR_NOT_FOUND : error, 1);
}

static void request_power_off(const struct process *caller, struct msg *m)
{
	enum error error = realm_machine(caller);

	if (error == ERR_OK)
		error = system_power_off(BOOT_SLOT_SYSTEM, m->w[0]);

	msg_answer(m, error, 0);
}

/* Requests that are answered at once. */
static void request_simple(enum proc_request request, struct process *process, struct msg *m)
{
	switch (request) {
	case PROC_REQ_THREAD_CREATE:
		request_thread_create(process, m);
		return;
	case PROC_REQ_SPAWN:
		spawn_request(process, m);
		return;
	case PROC_REQ_KILL:
		request_kill(process, m);
		return;
	case PROC_REQ_GROUP_SET:
		request_group_set(process, m);
		return;
	case PROC_REQ_OPEN:
		file_open(process, m);
		return;
	case PROC_REQ_CLOSE:
		file_close_request(process, m);
		return;
	case PROC_REQ_PIPE:
		file_pipe(process, m);
		return;
	case PROC_REQ_DUP:
		file_dup(process, m);
		return;
	case PROC_REQ_FILE_STAT:
		file_stat(process, m);
		return;
	case PROC_REQ_FILE_LIST:
		file_list(m);
		return;
	case PROC_REQ_SEEK:
		file_seek(process, m);
		return;
	case PROC_REQ_SCHED_SET:
		request_sched_set(process, m);
		return;
	case PROC_REQ_POWER_OFF:
		request_power_off(process, m);
		return;
	case PROC_REQ_OBJECT_NEW:
		object_request(process, m);
		return;
	case PROC_REQ_DEVICE_OPEN:
		device_request(process, m);
		return;
	case PROC_REQ_MUTEX_WAIT:
	case PROC_REQ_MUTEX_TAKE:
	case PROC_REQ_MUTEX_PASS:
		mutex_request(request, process, m);
		return;
	default:
		msg_answer(m, ERR_METHOD, 0);
	}
}

/* Requests that only look.  False: not one of these. */
static bool request_look(enum proc_request request, const struct process *process, struct msg *m)
{
	switch (request) {
	case PROC_REQ_INFO:
		info_self(process, m);
		return true;
	case PROC_REQ_PROCESS_LIST:
		info_process(m);
		return true;
	case PROC_REQ_THREAD_LIST:
		info_thread(m);
		return true;
	case PROC_REQ_THREAD_STATS:
		info_thread_stats(m);
		return true;
	case PROC_REQ_THREAD_WAKES:
		info_thread_wakes(m);
		return true;
	case PROC_REQ_CPU_STATS:
		info_cpu(m);
		return true;
	case PROC_REQ_MACHINE:
		info_machine(m);
		return true;
	case PROC_REQ_MEMORY:
		info_memory(m);
		return true;
	default:
		return false;
	}
}

/* Requests that concern the whole machine.  False: not one of these. */
static bool request_machine(enum proc_request request, const struct process *process, struct msg *m)
{
	const enum error error = realm_machine(process);

	switch (request) {
	case PROC_REQ_SCHED_GROUPS:
		msg_answer(m, error == ERR_OK ? supervisor_groups_want() : error, 0);
		return true;
	case PROC_REQ_SCHED_KILL:
		if (error == ERR_OK)
			supervisor_kill_server();
		break;
	case PROC_REQ_FOREGROUND:
		msg_answer(m, console_foreground(process, (uint32_t)m->w[0]), 0);
		return true;
	case PROC_REQ_KEYS:
		if (error == ERR_OK) {
			console_keys(m);
			return true;
		}
		break;
	default:
		return false;
	}
	msg_answer(m, error, 0);
	return true;
}

/* True: *m is the answer. */
static bool request_handle(struct process *process, struct msg *m)
{
	const enum proc_request request = (enum proc_request)msg_label(m->info);

	switch (request) {
	case PROC_REQ_EXIT:
		waiter_defer(process);
		process_end(process, (uint32_t)m->w[0] & 255u, 0);
		return false;
	case PROC_REQ_THREAD_EXIT:
		return request_thread_exit(process, m);
	case PROC_REQ_THREAD_PARK:
		return thread_park(process, m);
	case PROC_REQ_THREAD_JOIN:
		return request_thread_join(process, m);
	case PROC_REQ_WAIT:
		return process_wait(process, m);
	case PROC_REQ_READ:
		return file_read(process, m);
	case PROC_REQ_WRITE:
		return file_write(process, m);
	default:
		if (!request_look(request, process, m) && !request_machine(request, process, m))
			request_simple(request, process, m);
		return true;
	}
}

static bool own_handle(struct msg *m)
{
	switch ((enum own_request)msg_label(m->info)) {
	case OWN_REQ_FIRST:
		m->w[0] = (word_t)spawn_first();
		msg_answer(m, ERR_OK, 1);
		return true;
	case OWN_REQ_INPUT:
		console_input(m);
		return true;
	case OWN_REQ_REAP:
		reap_request(m);
		return true;
	default:
		msg_answer(m, ERR_METHOD, 0);
		return true;
	}
}

static bool message_handle(struct msg *m)
{
	struct process *process;

	if ((m->info & MSG_FAULTED) != 0)
		return exception_handle(m);
	if (m->badge == OWN_BADGE)
		return own_handle(m);
	process = process_get(m->badge);
	if (process == NULL || process->state != PROC_STATE_RUNNING) {
		/* It is being ended: silence until then. */
		waiter_defer(process != NULL && process->state == PROC_STATE_DYING ? process
										   : NULL);
		return false;
	}
	return request_handle(process, m);
}

void service_thread(word_t a0, word_t a1, word_t a2, word_t a3)
{
	bool answered = false;
	struct msg m;

	(void)a0, (void)a1, (void)a2, (void)a3;
	for (;;) {
		enum error error;

		if (answered)
			error = sys_reply_recv(OWN_ENDPOINT, waiter_current_slot(), &m);
		else
			error = sys_recv(OWN_ENDPOINT, waiter_current_slot(), &m);
		/* NO_REPLY: the caller was ended meanwhile; nothing was received. */
		answered = error == ERR_OK && message_handle(&m);
	}
}
