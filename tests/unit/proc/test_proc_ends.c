/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes with threads that end, what makes room for others, what a program needs before it runs. */
#include "clients.h"

#include <criterion/criterion.h>

#include "state.h"

#define MIB (1ull << 20)

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

Test(ends, a_realm_has_so_many_pipes)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	tid = client_newest;
	for (unsigned i = 0; i < PROC_REALM_PIPES_MAX; i++) {
		if (i == PROC_REALM_PIPES_MAX / 2) {
			cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK);
			tid = client_newest;
		}
		cr_assert_eq(ask(tid, PROC_REQ_PIPE, 0), ERR_OK, "pipe %u", i);
	}
	cr_assert_eq(ask(tid, PROC_REQ_PIPE, 0), ERR_LIMIT);
	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK, "others go on");
}

/* A limit that rounds to no page would be no limit. */
Test(ends, less_than_a_page_is_a_page)
{
	uint32_t tid;

	for (word_t bytes = 1; bytes <= PAGE_SIZE; bytes += PAGE_SIZE - 1) {
		cr_assert_eq(client_spawn(a, 0, bytes), ERR_OK);
		cr_assert_eq(mm_pages_max, 1);
		cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, bytes), ERR_OK);
		cr_assert_eq(mm_pages_max, 1);
		tid = client_newest;
		cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK);
		cr_assert_eq(mm_pages_max, 1, "its share of two pages");
		cr_assert_eq(client_spawn(tid, 0, 1), ERR_LIMIT, "both are taken");
	}
	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, MIB), ERR_OK);
	tid = client_newest;
	cr_assert_eq(client_spawn(tid, 0, 1), ERR_OK);
	cr_assert_eq(mm_pages_max, 1);
	cr_assert_eq(client_spawn(tid, PROC_SPAWN_CONFINED, 1), ERR_OK);
	cr_assert_eq(mm_pages_max, 1);
}

/* What it may not take alone it may not take through realms of its own either. */
Test(ends, a_realm_inside_a_realm_counts_in_both)
{
	uint32_t outer, inner;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	outer = client_newest;
	for (unsigned i = 1; i < PROC_REALM_PROCESSES_MAX; i++)
		cr_assert_eq(client_spawn(outer, PROC_SPAWN_CONFINED, MIB), ERR_OK, "realm %u", i);
	inner = client_newest;
	cr_assert_eq(client_spawn(outer, PROC_SPAWN_CONFINED, MIB), ERR_LIMIT);
	cr_assert_eq(client_spawn(inner, 0, MIB / 4), ERR_LIMIT);
	for (unsigned i = 0; i < PROC_REALM_PIPES_MAX; i++)
		cr_assert_eq(ask(i % 2 == 0 ? inner : outer, PROC_REQ_PIPE, 0), ERR_OK);
	cr_assert_eq(ask(inner, PROC_REQ_PIPE, 0), ERR_LIMIT);
	for (unsigned i = PROC_REALM_PROCESSES_MAX; i < PROC_REALM_THREADS_MAX; i++)
		cr_assert_eq(client_thread(inner), ERR_OK);
	cr_assert_eq(client_thread(inner), ERR_LIMIT);
	cr_assert_eq(client_thread(outer), ERR_LIMIT);
	cr_assert_eq(ask(outer, PROC_REQ_KILL, thread_get(inner)->pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(client_thread(outer), ERR_OK, "given back");
}

Test(ends, a_realm_inside_a_realm_has_the_memory_of_both)
{
	uint32_t outer, inner, child;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 16 * MIB), ERR_OK);
	outer = client_newest;
	cr_assert_eq(client_spawn(outer, PROC_SPAWN_CONFINED, 8 * MIB), ERR_OK);
	inner = client_newest;
	cr_assert_eq(client_spawn(inner, 0, 4 * MIB + 4096), ERR_LIMIT);
	cr_assert_eq(client_spawn(inner, 0, 2 * MIB), ERR_OK);
	child = client_newest;
	cr_assert_eq(client_spawn(outer, 0, 2 * MIB), ERR_OK);
	cr_assert_eq(client_spawn(inner, 0, MIB), ERR_LIMIT, "the outer one has none left");
	cr_assert_eq(ask(outer, PROC_REQ_KILL, thread_get(inner)->pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(client_spawn(outer, 0, 4 * MIB + 4096), ERR_LIMIT);
	/* Its maker is gone; who is around it reaches it all the same. */
	cr_assert_eq(ask(outer, PROC_REQ_KILL, thread_get(child)->pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(ask(outer, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_OK);
	cr_assert_eq(client_spawn(outer, 0, 4 * MIB + 4096), ERR_OK);
}

Test(ends, realms_beside_each_other_have_their_own)
{
	uint32_t outer;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 16 * MIB), ERR_OK);
	outer = client_newest;
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(client_spawn(outer, PROC_SPAWN_CONFINED, 4 * MIB), ERR_OK);
	cr_assert_eq(client_spawn(client_newest, 0, 2 * MIB), ERR_OK);
	cr_assert_eq(client_spawn(outer, 0, 2 * MIB + 4096), ERR_LIMIT);
	cr_assert_eq(client_spawn(outer, 0, 2 * MIB), ERR_OK);
}

Test(ends, realms_inside_each_other_have_an_end)
{
	uint32_t tid = a;

	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(client_spawn(tid, PROC_SPAWN_CONFINED, 0), ERR_OK, "realm %u", i);
		tid = client_newest;
	}
	cr_assert_eq(client_spawn(tid, PROC_SPAWN_CONFINED, 0), ERR_LIMIT);
	cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK);
	cr_assert_eq(ask(tid, PROC_REQ_KILL, thread_get(a)->pid, PROC_SIGKILL), ERR_PERMISSION);
}

/* Up to where threads are without asking. */
Test(ends, a_realm_has_no_higher_priority)
{
	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	cr_assert_eq(ask(client_newest, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PRIORITY, 51),
		     ERR_LIMIT);
	cr_assert_eq(ask(client_newest, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PRIORITY, 50),
		     ERR_OK);
}

/* What is typed for a shell is not for what it started, be it that it waited already. */
Test(ends, who_is_confined_reads_in_the_foreground_only)
{
	uint32_t b, c;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED | PROC_SPAWN_NEW_GROUP, 0), ERR_OK);
	b = client_newest;
	cr_assert_eq(client_spawn(a, PROC_SPAWN_NEW_GROUP, 0), ERR_OK);
	c = client_newest;
	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), ERR_PERMISSION);
	cr_assert_eq(ask(a, PROC_REQ_FOREGROUND, thread_get(b)->pid), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_FOREGROUND, 0), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_PERMISSION);
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), WAITS);
	console_type("for the shell\r");
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_word(a, 0), 14);
	cr_assert_eq(ask(c, PROC_REQ_READ, 0, 100), WAITS, "others may");
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

/* A shell that is confined and what it starts, and nobody else that is. */
Test(ends, the_console_is_passed_on_in_a_realm)
{
	const word_t flags = PROC_SPAWN_NEW_GROUP | PROC_SPAWN_FOREGROUND;
	uint32_t shell, other, child;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED | PROC_SPAWN_NEW_GROUP, 0), ERR_OK);
	other = client_newest;
	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED | flags, 0), ERR_OK);
	shell = client_newest;
	cr_assert_eq(client_spawn(shell, flags, 0), ERR_OK);
	child = client_newest;
	cr_assert_eq(ask(shell, PROC_REQ_READ, 0, 100), ERR_PERMISSION);
	cr_assert_eq(ask(child, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(client_spawn(shell, flags, 0), ERR_OK);
	cr_assert_eq(client_answer(child), WAITS, "who may not read now cannot give it");
	cr_assert_eq(ask(other, PROC_REQ_FOREGROUND, 0), ERR_PERMISSION);
	cr_assert_eq(ask(shell, PROC_REQ_FOREGROUND, thread_get(a)->pid), ERR_PERMISSION);
	cr_assert_eq(ask(shell, PROC_REQ_FOREGROUND, thread_get(other)->pid), ERR_PERMISSION);
	cr_assert_eq(ask(shell, PROC_REQ_FOREGROUND, 0), ERR_OK);
	cr_assert_eq(client_answer(child), ERR_PERMISSION);
	cr_assert_eq(ask(shell, PROC_REQ_FOREGROUND, thread_get(child)->pid), ERR_OK);
	cr_assert_eq(ask(child, PROC_REQ_READ, 0, 100), WAITS);
	/* Also by a change of group. */
	cr_assert_eq(ask(shell, PROC_REQ_GROUP_SET, thread_get(child)->pid, thread_get(shell)->pid),
		     ERR_OK);
	cr_assert_eq(client_answer(child), ERR_PERMISSION);
	cr_assert_eq(ask(a, PROC_REQ_FOREGROUND, 0), ERR_OK);
	cr_assert_eq(ask(shell, PROC_REQ_FOREGROUND, 0), ERR_PERMISSION);
	cr_assert_eq(ask(shell, PROC_REQ_READ, 0, 100), ERR_PERMISSION);
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

/* A confined process is in its maker's group until it asks for another: the maker is none of its realm. */
Test(ends, a_group_is_killed_as_far_as_the_realm_reaches)
{
	uint32_t confined, inside, outside;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	confined = thread_get(client_newest)->pid;
	outside = thread_get(a)->pid;
	cr_assert_eq(client_spawn(client_newest, 0, 0), ERR_OK);
	inside = thread_get(client_newest)->pid;
	cr_assert_eq(process_get(inside)->group, outside);
	cr_assert_eq(ask(client_newest, PROC_REQ_KILL, confined, PROC_SIGNAL_MAX, 1), ERR_OK);
	cr_assert_neq(process_get(confined)->state, PROC_STATE_RUNNING);
	cr_assert_neq(process_get(inside)->state, PROC_STATE_RUNNING);
	cr_assert_eq(process_get(outside)->state, PROC_STATE_RUNNING);
	reap();
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

/* Each group of its own would be the top of one more realm. */
Test(ends, a_realm_inside_another_has_no_groups_of_its_own)
{
	const struct sched_thread_params *params = register_shared()->params;
	uint32_t b;

	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_GROUP, 77), ERR_OK);
	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	b = client_newest;
	cr_assert_eq(params[b].group_top, 77);
	cr_assert_eq(client_spawn(b, 0, 0), ERR_OK);
	cr_assert_eq(params[client_newest].group_top, 77);
	cr_assert_eq(client_spawn(b, PROC_SPAWN_CONFINED, 0), ERR_OK);
	cr_assert_eq(params[client_newest].group_top, 0);
	cr_assert_eq(params[client_newest].group, 77);
}
