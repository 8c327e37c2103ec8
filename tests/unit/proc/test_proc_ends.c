/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes with threads that end, what makes room for others, what a program needs before it runs. */
#include "../../fuzz/proc/kernel.h"
#include "clients.h"

#include <criterion/criterion.h>

#include "state.h"

static uint32_t a; /* the first program's thread */

static void setup(void)
{
	clients_start();
	a = client_newest;
}

TestSuite(ends, .init = setup);

static uint32_t thread_of(uint32_t tid)
{
	cr_assert_eq(client_thread(tid), ERR_OK);
	return client_newest;
}

/* It says where its stack is, which only the reaper may take away: it runs on it until then. */
Test(ends, the_stack_of_a_thread_goes_with_it)
{
	uint32_t b = thread_of(a), c = thread_of(a);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_EXIT, 1, 0, 0x70000000, 0x4000), WAITS);
	cr_assert_eq(mm_unmapped[1], 0);
	reap();
	cr_assert_eq(mm_unmapped[0], 0x70000000);
	cr_assert_eq(mm_unmapped[1], 0x4000);
	mm_unmapped[1] = 0;
	client_exit(c, 0);
	reap();
	cr_assert_eq(mm_unmapped[1], 0, "it has none of its own");
}

/* An index of nobody: who asks for that has no stack to come back to. */
Test(ends, nobody_leaves_for_another)
{
	uint32_t b = thread_of(a);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_EXIT, 5, 0), WAITS);
	cr_assert_eq(process_get(thread_get(a)->pid)->thread_count, 2);
	reap();
	cr_assert(client_lives(b));
}

/* Nor does anybody for one that is leaving: what it said is what counts. */
Test(ends, a_thread_that_leaves_has_had_its_say)
{
	uint32_t b = thread_of(a), c = thread_of(a);

	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, 0), WAITS);
	client_exit(b, 7);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_EXIT, 1, 8, 0x70000000, 0x4000), WAITS);
	reap();
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_word(a, 0), 7);
	cr_assert_eq(mm_unmapped[1], 0);
	cr_assert(client_lives(c));
}

/* Once when it was parked, and what it ran since when its process is freed (here: 0 of 1,000 ns). */
Test(ends, time_of_a_thread_that_was_parked_is_of_its_process_once)
{
	uint32_t tid, pid, b;

	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	tid = client_newest;
	pid = thread_get(tid)->pid;
	b = thread_of(tid);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(thread_of(tid), b);
	cr_assert_eq(process_get(pid)->cpu_ns, 1000);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(process_get(pid)->cpu_ns, 2000, "with the first thread's");
}

/* All indexes are taken, one by a thread that is parked, and what is wanted is not what that one can be. */
Test(ends, a_parked_thread_makes_room)
{
	const struct process *process = process_get(thread_get(a)->pid);
	uint32_t b = thread_of(a);

	for (unsigned i = 2; i < PROC_PROCESS_THREADS_MAX; i++)
		(void)thread_of(a);
	cr_assert_eq(client_thread(a), ERR_LIMIT);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_CREATE, 0x401000, 0x8000, 7, 0x9000, PROC_THREAD_NO_FPU,
			 PROC_NICE_INHERIT),
		     ERR_OK);
	cr_assert_eq(client_word(a, 0), 1, "its index");
	cr_assert_eq(process->thread_count, PROC_PROCESS_THREADS_MAX);
	cr_assert_eq(process->parked_count, 0);
	cr_assert(list_empty(&process->parked));
}

/* Its control and status are not for the next one, which clears them if they were ever touched. */
Test(ends, who_used_the_fpu_leaves_none_of_it)
{
	const word_t pc = 0x401000;

	for (unsigned used = 0; used < 2; used++) {
		uint32_t b = thread_of(a);

		paper_fpu_used = used != 0;
		cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
		cr_assert_eq(
			ask(a, PROC_REQ_THREAD_CREATE, pc, 0x8000, 7, 0x9000, 0, PROC_NICE_INHERIT),
			ERR_OK);
		cr_assert_eq(client_answer(b), ERR_OK);
		cr_assert_eq(client_word(b, 0), pc | used);
	}
}

/* What nobody read was for somebody else. */
Test(ends, a_new_pipe_is_empty)
{
	uint32_t b = thread_of(a);

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
		cr_assert_eq(ask(b, PROC_REQ_READ, 3, 8), WAITS);
		cr_assert_eq(ask(a, PROC_REQ_WRITE, 4, 16, 77, 78), ERR_OK);
		cr_assert_eq(client_answer(b), ERR_OK);
		cr_assert_eq(ask(a, PROC_REQ_CLOSE, 3), ERR_OK);
		cr_assert_eq(ask(a, PROC_REQ_CLOSE, 4), ERR_OK);
	}
}

/* By another thread of its process: it waits on, so there is somebody to write to. */
Test(ends, a_reader_whose_descriptor_was_closed_gets_what_comes)
{
	uint32_t b = thread_of(a);

	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_READ, 3, 8), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, 3), ERR_OK);
	cr_assert_eq(client_answer(b), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_WRITE, 4, 16, 77, 78), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(client_word(b, 0), 8);
	cr_assert_eq(client_word(b, 1), 77);
	cr_assert_eq(ask(a, PROC_REQ_WRITE, 4, 16, 77, 78), ERR_BROKEN_PIPE, "nobody is left");
}

/* ---- Callers that another thread of their process stopped or ended ---- */

/* More often than there are places to wait; proc notices when there are more of them than threads. */
Test(ends, who_is_stopped_in_a_call_holds_no_place)
{
	uint32_t b, c;

	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	b = thread_of(a);
	c = thread_of(a);
	for (unsigned i = 0; i < PROC_THREADS_MAX + 100; i++) {
		cr_assert_eq(ask(b, PROC_REQ_READ, 3, 1), WAITS);
		client_stop(b);
		cr_assert_eq(ask(b, PROC_REQ_THREAD_JOIN, thread_get(c)->index, c, 0), WAITS);
		client_stop(b);
	}
	/* Nor is a place in which nobody waits any more who joins, whoever has it next. */
	cr_assert_eq(ask(b, PROC_REQ_READ, 3, 1), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_READ, 3, 1), WAITS);
	client_exit(c, 5);
	reap();
	cr_assert_eq(client_answer(a), WAITS);
	cr_assert_eq(client_answer(b), WAITS);
}

Test(ends, a_parked_thread_that_was_stopped_holds_no_place)
{
	uint32_t b = thread_of(a), c = thread_of(a);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	client_stop(b);
	for (unsigned i = 0; i < 8; i++) {
		cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 0, a, 0), WAITS);
		client_stop(c);
		cr_assert_eq(ask(c, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_NOT_FOUND);
	}
	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	for (unsigned i = 0; i < 8; i++) {
		cr_assert_eq(ask(c, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), WAITS);
		client_stop(c);
	}
	cr_assert_null(thread_get(b)->leaver);
	cr_assert_neq(thread_of(a), b, "of no use");
	reap();
	cr_assert_not(client_lives(b));
}

/* What would have been for them is for the next one. */
Test(ends, who_is_stopped_takes_nothing_along)
{
	uint32_t b = thread_of(a), c = thread_of(a), child;

	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_READ, 3, 100), WAITS);
	cr_assert_eq(ask(c, PROC_REQ_READ, 3, 100), WAITS);
	client_stop(b);
	cr_assert_eq(ask(a, PROC_REQ_WRITE, 4, 8, 77), ERR_OK);
	cr_assert_eq(client_answer(c), ERR_OK);
	cr_assert_eq(client_word(c, 0), 8);
	cr_assert_eq(client_word(c, 1), 77);

	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(ask(c, PROC_REQ_READ, 0, 100), WAITS);
	client_stop(b);
	console_type("ab\r");
	cr_assert_eq(client_answer(c), ERR_OK);
	cr_assert_eq(client_word(c, 0), 3);

	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	child = client_newest;
	cr_assert_eq(ask(b, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), WAITS);
	cr_assert_eq(ask(c, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), WAITS);
	client_stop(b);
	cr_assert_eq(ask(child, PROC_REQ_EXIT, 4), WAITS);
	reap();
	cr_assert_eq(client_answer(c), ERR_OK);
	cr_assert_eq(client_word(c, 1), 4);
}

/* ---- Ending without end ---- */

static unsigned rounds;
static uint32_t dying;

/* One thread more that ends, until the process has: at least one is always there to be ended. */
static void thread_ends(void)
{
	if (process_get(dying)->state != PROC_STATE_DYING)
		return;
	rounds++;
	cr_assert_lt(rounds, 10, "a process may end, too");
	client_exit(thread_of(a), 0);
}

Test(ends, threads_that_end_keep_no_process_from_it)
{
	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
		dying = thread_get(client_newest)->pid;
		client_exit(thread_of(a), 0);
		client_exit(thread_of(a), 0);
		cr_assert_eq(ask(a, PROC_REQ_KILL, dying, PROC_SIGKILL), ERR_OK);
		rounds = 0;
		reap_between = thread_ends;
		reap();
		reap_between = NULL;
		cr_assert_gt(rounds, 0);
	}
}

static uint32_t leaving;

static void process_ends(void)
{
	if (!client_lives(leaving))
		return;
	rounds++;
	cr_assert_lt(rounds, 10, "a thread may end, too");
	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_KILL, thread_get(client_newest)->pid, PROC_SIGKILL), ERR_OK);
}

Test(ends, processes_that_end_keep_no_thread_from_it)
{
	leaving = thread_of(a);
	reap_between = process_ends;
	process_ends();
	process_ends();
	client_exit(leaving, 0);
	reap();
	reap_between = NULL;
	cr_assert_not(client_lives(leaving));
}

/* ---- Programs ---- */

/* The parent was told at once; what is left of it until the reaper comes is no child. */
Test(ends, nobody_waits_for_a_program_that_never_ran)
{
	sched_refuses = true;
	cr_assert_neq(client_spawn(a, 0, 0), ERR_OK);
	sched_refuses = false;
	cr_assert_eq(ask(a, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_NOT_FOUND);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_NOT_FOUND);
}

/* One that has no parent any more says so. */
Test(ends, an_orphan_has_no_parent)
{
	uint32_t parent, child;

	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	parent = thread_get(client_newest)->pid;
	cr_assert_eq(client_spawn(client_newest, 0, 0), ERR_OK);
	child = thread_get(client_newest)->pid;
	cr_assert_eq(process_get(child)->parent, parent);
	cr_assert_eq(ask(a, PROC_REQ_KILL, parent, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(process_get(child)->state, PROC_STATE_RUNNING);
	cr_assert_eq(process_get(child)->parent, 0);
}

/* Each segment of the program's file, and a stack. */
Test(ends, a_program_is_mapped_before_it_runs)
{
	mm_mapped = 0;
	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	cr_assert_eq(mm_mapped, 2);
}

/* It may read before its maker goes on. */
Test(ends, the_console_is_given_with_the_start)
{
	const word_t flags = PROC_SPAWN_CONFINED | PROC_SPAWN_NEW_GROUP | PROC_SPAWN_FOREGROUND;
	uint32_t b, c;

	cr_assert_eq(client_spawn(a, flags, 0), ERR_OK);
	b = client_newest;
	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(client_spawn(a, flags, 0), ERR_OK);
	c = client_newest;
	cr_assert_eq(client_answer(b), ERR_PERMISSION);
	cr_assert_eq(client_spawn(b, PROC_SPAWN_NEW_GROUP | PROC_SPAWN_FOREGROUND, 0), ERR_OK);
	cr_assert_eq(ask(client_newest, PROC_REQ_READ, 0, 100), ERR_PERMISSION,
		     "who may not read cannot give it");
	cr_assert_eq(ask(c, PROC_REQ_READ, 0, 100), WAITS);
}

/* Nothing needs no room. */
Test(ends, a_full_pipe_takes_nothing_at_once)
{
	word_t writer, bytes = 0;

	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	writer = client_word(a, 1);
	while (bytes < PROC_PIPE_BYTES) {
		cr_assert_eq(ask(a, PROC_REQ_WRITE, writer, 64, 1, 2, 3, 4, 5, 6, 7, 8), ERR_OK);
		bytes += client_word(a, 0);
	}
	cr_assert_eq(ask(a, PROC_REQ_WRITE, writer, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0);
}

/* What there is room for is kept, as in a UART. */
Test(ends, typed_too_far_ahead)
{
	char text[65] = {0};

	for (unsigned i = 0; i < 64; i++)
		text[i] = 'a';
	for (unsigned i = 0; i < 9; i++)
		console_type(text);
	cr_assert_eq(ask(a, PROC_REQ_KEYS, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), 512);
	cr_assert_eq(ask(a, PROC_REQ_KEYS, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0);
}

/* It comes with the pid then, which is the number of somebody else's thread. */
Test(ends, a_fault_that_a_process_sends_itself_is_its_own)
{
	uint32_t pid = 0, b = 0;

	while (pid < a) {
		if (pid != 0) {
			cr_assert_eq(ask(b, PROC_REQ_EXIT, 0), WAITS);
			reap();
			cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_OK);
		}
		cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
		b = client_newest;
		pid = thread_get(b)->pid;
	}
	cr_assert_eq(pid, a);
	client_fault_own(b, FAULT_UNDEFINED);
	cr_assert_eq(process_get(thread_get(a)->pid)->state, PROC_STATE_RUNNING);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_OK);
	cr_assert_eq(client_word(a, 2), PROC_SIGILL);
}

/* Who ended stands in for nobody, and nobody for it. */
Test(ends, one_that_ended_is_nobodys_ward)
{
	const struct process *process = process_get(thread_get(a)->pid);

	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	cr_assert_not(list_empty(&process->wards));
	client_exit(client_newest, 0);
	reap();
	cr_assert(list_empty(&process->wards));
}

Test(ends, who_is_answered_does_not_wait)
{
	const struct process *process = process_get(thread_get(a)->pid);
	const uint32_t b = thread_of(a);

	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, 0), WAITS);
	cr_assert_eq(process->caller_count, 1);
	client_exit(b, 0);
	reap();
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(process->caller_count, 0);
}
