/* SPDX-License-Identifier: BSD-2-Clause */
/* See check.h. */
#include "check.h"

#include "../fuzz.h"

#include <proc/protocol.h>

#include "file.h"
#include "state.h"

static bool has_child(uint32_t pid, word_t want)
{
	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1))
		if (at->parent == pid && !at->failed && (want == PROC_WAIT_ANY || at->pid == want))
			return true;
	return false;
}

static unsigned pipe_ends(enum proc_file_kind kind, uint32_t number)
{
	unsigned ends = 0;

	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1))
		for (uint32_t fd = 0; fd < PROC_FDS_MAX; fd++)
			ends += at->files[fd].kind == kind && at->files[fd].pipe == number;
	return ends;
}

/* Who waits at one end of a pipe has somebody at the other. */
static void check_pipe_wait(word_t label, const struct file *file)
{
	if (label == PROC_REQ_READ && file->kind == PROC_FILE_PIPE_READ)
		fuzz_check(pipe_ends(PROC_FILE_PIPE_WRITE, file->pipe) != 0);
	if (label == PROC_REQ_WRITE && file->kind == PROC_FILE_PIPE_WRITE)
		fuzz_check(pipe_ends(PROC_FILE_PIPE_READ, file->pipe) != 0);
}

void check_wait(uint32_t pid, word_t label, const word_t w[2], const struct file *file)
{
	const struct process *process = process_get(pid);

	if (process == NULL || process->state != PROC_STATE_RUNNING)
		return;
	check_pipe_wait(label, file);
	if (label == PROC_REQ_WAIT)
		fuzz_check(has_child(pid, w[0]));
	if (label == PROC_REQ_THREAD_JOIN)
		fuzz_check(thread_get(w[1])->life == THREAD_LIVE ||
			   thread_get(w[1])->life == THREAD_LEAVING);
}

bool check_inside(const struct process *process, uint32_t realm)
{
	for (uint32_t i = 0; i < process->realm_depth; i++)
		if (process->realms[i].id == realm)
			return true;
	return false;
}

static void check_lending(uint32_t pid, struct lending_thread *lending)
{
	const struct thread *thread = container_of(lending, struct thread, lending);

	fuzz_check(thread->pid == pid && thread->life == THREAD_LIVE);
	if (lending->state == LENDING_WAITS)
		fuzz_check(lending->holder != lending && list_linked(&lending->holder->link));
}

void check_mutexes(void)
{
	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1))
		list_for_each (node, &at->lending.threads)
			check_lending(at->pid, container_of(node, struct lending_thread, link));
}

void check_realms(void)
{
	for (struct process *realm = process_next(1); realm != NULL;
	     realm = process_next((word_t)realm->pid + 1)) {
		unsigned processes = 0, threads = 0;

		if (realm->realm != realm->pid)
			continue;
		for (struct process *at = process_next(1); at != NULL;
		     at = process_next((word_t)at->pid + 1)) {
			processes += check_inside(at, realm->pid);
			threads += check_inside(at, realm->pid) ? at->thread_count : 0;
		}
		fuzz_check(processes <= PROC_REALM_PROCESSES_MAX &&
			   threads <= PROC_REALM_THREADS_MAX);
	}
}

void check_no_pipe(void)
{
	uint32_t number;

	for (unsigned i = 0; i < PROC_PIPES_MAX; i++)
		fuzz_check(pipe_new(&number) == ERR_OK && number == i);
	for (number = 0; number < PROC_PIPES_MAX; number++) {
		pipe_unref(number, false);
		pipe_unref(number, true);
	}
}
