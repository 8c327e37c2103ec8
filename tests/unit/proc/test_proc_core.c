/* SPDX-License-Identifier: BSD-2-Clause */
/* What proc answers, and to whom: pipes, waiting, threads that end and come again, realms, memory. */
#include "clients.h"

#include <abi/object.h>
#include <criterion/criterion.h>
#include <sched/protocol.h>

#include "register.h"
#include "state.h"
#include "untyped.h"

#define MIB (1ull << 20)

static uint32_t a; /* the first program's thread */

static void setup(void)
{
	clients_start();
	a = client_newest;
}

TestSuite(proc, .init = setup);

/* ---- Pipes ---- */

static word_t rd, wr; /* descriptors */

/* One with a second thread of the same process. */
static uint32_t pipe_make(void)
{
	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	rd = client_word(a, 0);
	wr = client_word(a, 1);
	cr_assert_eq(client_thread(a), ERR_OK);
	return client_newest;
}

static int put(uint32_t tid, word_t bytes, word_t pattern)
{
	return ask(tid, PROC_REQ_WRITE, wr, bytes, pattern, pattern + 1, pattern + 2, pattern + 3);
}

static void fill(uint32_t tid)
{
	for (unsigned left = PROC_PIPE_BYTES; left != 0; left -= 32)
		cr_assert_eq(put(tid, 32, left), ERR_OK);
}

Test(proc, pipe_reader_waits_for_bytes_or_the_last_writer)
{
	uint32_t b = pipe_make();

	cr_assert_eq(ask(a, PROC_REQ_DUP, wr, PROC_FD_NONE), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_READ, rd, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, client_word(a, 0)), ERR_OK);
	cr_assert_eq(client_answer(b), WAITS, "one writer is left");
	cr_assert_eq(put(a, 16, 5), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(client_word(b, 0), 16);
	cr_assert_eq(client_word(b, 2), 6);
	cr_assert_eq(ask(b, PROC_REQ_READ, rd, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, wr), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(client_word(b, 0), 0, "the end");
}

Test(proc, pipe_writer_waits_for_room)
{
	uint32_t b = pipe_make();

	fill(a);
	cr_assert_eq(put(b, 8, 1), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_READ, rd, 8), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(client_word(b, 0), 0, "it is to send again");
	cr_assert_eq(put(b, 32, 1), ERR_OK);
	cr_assert_eq(client_word(b, 0), 8, "as much as there is room for");
	cr_assert_eq(put(b, 8, 1), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_DUP, rd, PROC_FD_NONE), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, rd), ERR_OK);
	cr_assert_eq(client_answer(b), WAITS, "one reader is left");
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, client_word(a, 0)), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_BROKEN_PIPE);
}

Test(proc, pipe_writer_is_told_that_the_last_reader_left)
{
	uint32_t b = pipe_make();

	fill(a);
	cr_assert_eq(put(b, 8, 1), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, rd), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_BROKEN_PIPE);
	cr_assert_eq(put(b, 8, 1), ERR_BROKEN_PIPE);
}

Test(proc, pipe_keeps_order_all_the_way_round)
{
	word_t next = 1;

	(void)pipe_make();
	for (unsigned round = 0; round < 3 * PROC_PIPE_BYTES / 32; round++) {
		cr_assert_eq(put(a, 32, 1000 * round), ERR_OK);
		cr_assert_eq(put(a, 24, 1000 * round + 4), ERR_OK);
		cr_assert_eq(ask(a, PROC_REQ_READ, rd, 56), ERR_OK);
		cr_assert_eq(client_word(a, 0), 56);
		for (next = 0; next < 7; next++)
			cr_assert_eq(client_word(a, 1 + (unsigned)next), 1000 * round + next);
	}
}

/* What is written next is for who can still read it. */
Test(proc, pipe_reader_that_was_killed_takes_nothing)
{
	uint32_t tid, pid;

	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_OK);
	rd = client_word(a, 0);
	wr = client_word(a, 1);
	cr_assert_eq(ask(a, PROC_REQ_SPAWN, 0x10000, 40, 2, 1, 0, rd, PROC_FD_INHERIT,
			 PROC_FD_INHERIT, 0, PROC_NICE_INHERIT),
		     ERR_OK);
	tid = client_newest;
	pid = (uint32_t)client_word(a, 0);
	cr_assert_eq(ask(tid, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	cr_assert_eq(put(a, 16, 5), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_READ, rd, 100), ERR_OK);
	cr_assert_eq(client_word(a, 0), 16);
}

/* A descriptor that is replaced is closed. */
Test(proc, dup_over_the_last_writer_ends_the_pipe)
{
	uint32_t b = pipe_make();

	cr_assert_eq(ask(b, PROC_REQ_READ, rd, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_DUP, 0, wr), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(client_word(b, 0), 0);
}

/* ---- Waiting for children ---- */

static uint32_t child(word_t flags, uint32_t *tid)
{
	cr_assert_eq(client_spawn(a, flags, 0), ERR_OK);
	*tid = client_newest;
	return (uint32_t)client_word(a, 0);
}

Test(proc, wait_finds_a_child_before_and_after_its_end)
{
	uint32_t tid, pid = child(0, &tid);

	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_WOULD_BLOCK);
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid + 1, 0), ERR_NOT_FOUND);
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), WAITS);
	cr_assert_eq(ask(tid, PROC_REQ_EXIT, 3), WAITS);
	cr_assert_eq(client_answer(a), WAITS, "its threads are to be ended first");
	reap();
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_word(a, 0), pid);
	cr_assert_eq(client_word(a, 1), 3);
	cr_assert_eq(client_word(a, 2), 0);
	cr_assert_eq(ask(a, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_NOT_FOUND);
	pid = child(0, &tid);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGTERM), ERR_OK);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), pid);
	cr_assert_eq(client_word(a, 2), PROC_SIGTERM);
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), ERR_NOT_FOUND, "told once");
}

Test(proc, two_wait_for_one_child_and_neither_for_ever)
{
	uint32_t tid, b, pid;

	cr_assert_eq(client_thread(a), ERR_OK);
	b = client_newest;
	pid = child(0, &tid);
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), WAITS);
	cr_assert_eq(ask(b, PROC_REQ_WAIT, PROC_WAIT_ANY, 0), WAITS);
	cr_assert_eq(ask(tid, PROC_REQ_EXIT, 0), WAITS);
	reap();
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_answer(b), ERR_NOT_FOUND);
}

/* Nobody waits for zombies of a process that ended. */
Test(proc, zombies_go_with_their_parent)
{
	uint32_t tid, grandchild, pid = child(0, &tid);

	cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK);
	grandchild = (uint32_t)client_word(tid, 0);
	cr_assert_eq(ask(a, PROC_REQ_KILL, grandchild, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(process_get(grandchild)->state, PROC_STATE_ZOMBIE);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_null(process_get(grandchild));
}

/* Nobody of a process that ends is answered, and its waiters come back: there are so many of them. */
Test(proc, who_waited_when_its_process_ended_is_forgotten)
{
	for (unsigned round = 0; round < 700; round++) {
		uint32_t tid, pid = child(0, &tid), last = tid;

		for (unsigned i = 0; i < 8; i++) {
			cr_assert_eq(client_thread(tid), ERR_OK);
			cr_assert_eq(ask(client_newest, PROC_REQ_THREAD_JOIN,
					 thread_get(last)->index, last, 0),
				     WAITS);
			last = client_newest;
		}
		cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
		reap();
		cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), ERR_OK);
	}
}

/* ---- Memory ---- */

Test(proc, all_memory_of_a_process_comes_back)
{
	uint32_t tid, pid = child(0, &tid);
	uint64_t bytes;

	cr_assert_eq(ask(tid, PROC_REQ_EXIT, 0), WAITS);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), ERR_OK);
	bytes = untyped_bytes_free();
	for (unsigned i = 0; i < 4; i++) {
		pid = child(0, &tid);
		cr_assert_eq(ask(tid, PROC_REQ_OBJECT_NEW, OBJ_ENDPOINT), ERR_OK);
		cr_assert_eq(ask(tid, PROC_REQ_EXIT, 0), WAITS);
		reap();
		cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), ERR_OK);
		/* A tid's objects are kept for whoever has it next. */
		bytes -= 1ull << THREAD_UNTYPED_BITS;
		cr_assert_eq(untyped_bytes_free(), bytes, "round %u", i);
	}
}

/* ---- Threads ---- */

static uint32_t thread_of(uint32_t tid)
{
	cr_assert_eq(client_thread(tid), ERR_OK);
	return client_newest;
}

Test(proc, an_index_is_used_again_and_a_tid_is_not_soon)
{
	uint32_t last = a;

	for (unsigned i = 0; i < 2 * PROC_PROCESS_THREADS_MAX; i++) {
		cr_assert_eq(client_thread(a), ERR_OK, "thread %u", i);
		cr_assert_eq(client_word(a, 0), 1, "the lowest free");
		cr_assert_eq(client_word(a, 1), client_newest);
		if (i < 200)
			cr_assert_eq(client_newest, last + 1);
		last = client_newest;
		cr_assert_not(reaper_woken);
		client_exit(last, i);
		cr_assert(reaper_woken);
		reap();
		cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, last, 0), ERR_OK);
		cr_assert_eq(client_word(a, 0), i);
	}
	cr_assert_lt(last, a + PROC_PROCESS_THREADS_MAX, "tids come again");
	/* But not before so many others have ended. */
	last = thread_of(a);
	cr_assert_gt(thread_of(a), last + 1);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 2, client_newest, 1), WAITS, "its first life");
}

Test(proc, a_thread_that_cannot_be_made_leaves_nothing)
{
	sched_refuses = true;
	cr_assert_eq(client_thread(a), ERR_LIMIT);
	sched_refuses = false;
	(void)thread_of(a);
	cr_assert_eq(client_word(a, 0), 1, "the lowest index");
	cr_assert_eq(process_get(thread_get(a)->pid)->thread_count, 2);
}

Test(proc, one_thread_joins_another)
{
	uint32_t b = thread_of(a), c;
	word_t generation = client_word(a, 2);

	c = thread_of(a);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 1, b, generation + 1), ERR_NOT_FOUND);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 2, b, generation), ERR_NOT_FOUND);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 1, b, generation), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, generation), ERR_BUSY);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 44), WAITS);
	cr_assert_eq(client_answer(c), ERR_OK);
	cr_assert_eq(client_word(c, 0), 44);
	cr_assert_eq(thread_of(a), c, "b goes on instead of a new one");
	cr_assert_eq(client_answer(b), ERR_OK);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 1, b, generation + 1), WAITS, "nobody else does");
}

/* More often than there are places to wait. */
Test(proc, a_joiner_and_who_it_waits_for_are_one_event)
{
	uint32_t b = thread_of(a), c, d;

	for (unsigned i = 0; i < PROC_THREADS_MAX + 100; i++) {
		cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, 0), WAITS);
		cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, i), WAITS);
		cr_assert_eq(client_answer(a), ERR_OK);
		cr_assert_eq(client_word(a, 0), i);
		cr_assert_eq(client_thread(a), ERR_OK);
	}
	c = thread_of(a);
	d = thread_of(a);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_JOIN, 1, b, 0), WAITS);
	cr_assert_eq(ask(d, PROC_REQ_THREAD_JOIN, 2, c, 0), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 3, d, 0), WAITS);
}

Test(proc, a_parked_thread_is_the_next_one)
{
	uint32_t b = thread_of(a);
	word_t generation = client_word(a, 2);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 44), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, generation), ERR_OK);
	cr_assert_eq(client_word(a, 0), 44);
	cr_assert_eq(client_thread(a), ERR_OK);
	cr_assert_eq(client_word(a, 1), b);
	cr_assert_eq(client_word(a, 2), generation + 1);
	cr_assert_eq(client_answer(b), ERR_OK, "goes on there");
	cr_assert_eq(client_word(b, 0), 0x401000);
	cr_assert_eq(client_word(b, 1), 0x8000);
	cr_assert_eq(client_word(b, 2), 7);
	cr_assert_eq(client_word(b, 3), 0x9000);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, generation), ERR_NOT_FOUND);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_JOIN, 1, b, generation + 1), WAITS);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 45), WAITS);
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_word(a, 0), 45);
}

Test(proc, the_last_thread_is_not_parked_nor_are_too_many)
{
	uint32_t tids[PROC_THREADS_PARKED_MAX + 1];

	cr_assert_eq(ask(a, PROC_REQ_THREAD_PARK, a, 0), ERR_BUSY);
	for (unsigned i = 0; i <= PROC_THREADS_PARKED_MAX; i++)
		tids[i] = thread_of(a);
	for (unsigned i = 0; i < PROC_THREADS_PARKED_MAX; i++)
		cr_assert_eq(ask(tids[i], PROC_REQ_THREAD_PARK, tids[i], 0), WAITS);
	cr_assert_eq(ask(tids[PROC_THREADS_PARKED_MAX], PROC_REQ_THREAD_PARK,
			 tids[PROC_THREADS_PARKED_MAX], 0),
		     ERR_BUSY);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_PARK, tids[0], 0), ERR_NOT_FOUND, "it has ended");
}

/* What a thread ran is counted once, however often it was parked (here: 1,000 ns altogether). */
Test(proc, time_of_a_thread_that_is_parked_twice)
{
	const struct process *process = process_get(thread_get(a)->pid);
	uint32_t b = thread_of(a);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(process->cpu_ns, 1000);
	cr_assert_eq(client_thread(a), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(process->cpu_ns, 1000);
	cr_assert_eq(client_thread(a), ERR_OK);
	client_exit(b, 0);
	reap();
	cr_assert_eq(process->cpu_ns, 1000);
}

Test(proc, a_parked_thread_that_was_stopped_is_of_no_use)
{
	uint32_t b = thread_of(a), c[3];

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	client_stop(b);
	cr_assert_eq(client_thread(a), ERR_OK);
	cr_assert_neq(client_newest, b);
	cr_assert_eq(client_word(a, 1), client_newest);
	for (unsigned i = 0; i < 3; i++)
		c[i] = thread_of(a);
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(ask(c[i], PROC_REQ_THREAD_JOIN, 0, a, 0), i == 0 ? WAITS : ERR_BUSY);
	for (unsigned i = 1; i < 3; i++)
		cr_assert_eq(
			ask(c[i], PROC_REQ_THREAD_JOIN, thread_get(c[i - 1])->index, c[i - 1], 0),
			WAITS);
	reap();
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(client_answer(c[i]), WAITS, "its place to wait is another's now");
	cr_assert_eq(process_get(thread_get(a)->pid)->thread_count, 5);
}

Test(proc, parked_threads_end_with_their_process)
{
	uint32_t tid, pid = child(0, &tid);
	uint32_t b = thread_of(tid);

	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_not(client_lives(tid));
	cr_assert_not(client_lives(b));
}

/* A thread that leaves when its process is killed is reaped with it, not once more. */
Test(proc, killed_while_a_thread_leaves)
{
	uint32_t tid, pid = child(0, &tid);
	uint32_t b = thread_of(tid);

	client_exit(b, 0);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, 0), ERR_OK);
	cr_assert_eq(client_thread(a), ERR_OK);
}

/* ---- Realms ---- */

Test(proc, a_realm_has_so_much_memory)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 16 * MIB), ERR_OK);
	tid = client_newest;
	cr_assert_eq(client_spawn(tid, 0, 8 * MIB + 4096), ERR_LIMIT);
	cr_assert_eq(client_spawn(tid, 0, 6 * MIB), ERR_OK);
	cr_assert_eq(client_spawn(tid, 0, 2 * MIB + 4096), ERR_LIMIT);
	cr_assert_eq(client_spawn(tid, 0, 2 * MIB), ERR_OK);
	cr_assert_eq(client_spawn(tid, 0, 4096), ERR_LIMIT);
}

Test(proc, a_realm_has_so_many_processes)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	tid = client_newest;
	for (unsigned i = 1; i < PROC_REALM_PROCESSES_MAX; i++)
		cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK, "process %u", i);
	cr_assert_eq(client_spawn(tid, 0, 4096), ERR_LIMIT);
	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK, "others go on");
}

Test(proc, a_realm_has_the_weight_that_it_started_with)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	tid = client_newest;
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_WEIGHT, 1024), ERR_OK);
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_WEIGHT, 1025), ERR_LIMIT);
	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_WEIGHT, 1025), ERR_OK);
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 1, 0, SCHED_PARAM_WEIGHT, 1), ERR_PERMISSION);
}

static enum error thread_with(uint32_t tid, word_t nice, word_t slice_ns)
{
	return ask(tid, PROC_REQ_THREAD_CREATE, 0x401000, 0x8000, 7, 0x9000, 0, nice, 0, 0,
		   slice_ns);
}

/* Also at the start of a thread: what has more than 32 bits is no nice value of those that are left. */
Test(proc, a_realm_makes_no_thread_that_is_more_than_it)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	tid = client_newest;
	cr_assert_eq(thread_with(tid, (word_t)-1, 0), ERR_LIMIT);
	cr_assert_eq(thread_with(tid, (uint32_t)-1, 0), ERR_RANGE);
	cr_assert_eq(thread_with(tid, (uint32_t)INT32_MIN, 0), ERR_RANGE);
	cr_assert_eq(thread_with(tid, 20, 0), ERR_RANGE);
	cr_assert_eq(thread_with(tid, 0, SCHED_SLICE_NS_STANDARD + 1), ERR_LIMIT);
	cr_assert_eq(thread_with(tid, 19, SCHED_SLICE_NS_STANDARD), ERR_OK);
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_SLICE_NS, 3000001), ERR_LIMIT);
	cr_assert_eq(thread_with(a, (word_t)-20, 2 * SCHED_SLICE_NS_STANDARD), ERR_OK,
		     "others may");
	cr_assert_eq(thread_with(a, (word_t)-21, 0), ERR_RANGE);
}

/* ---- Who pays for what ends ---- */

static uint32_t heir_of(uint32_t tid)
{
	const struct sched_thread_params *record = &register_shared()->params[tid];

	cr_assert(record->heir == 0 || record->heir_pid == thread_get(record->heir)->pid);
	return record->heir;
}

static uint32_t made_by(uint32_t tid)
{
	cr_assert_eq(client_spawn(tid, 0, 0), ERR_OK);
	return client_newest;
}

static void end(uint32_t tid)
{
	cr_assert_eq(ask(tid, PROC_REQ_EXIT, 0), WAITS);
	reap();
}

Test(proc, heir_of_a_link_of_a_chain_is_the_next_one)
{
	uint32_t b = made_by(a);

	for (unsigned i = 0; i < 3; i++) {
		const uint32_t next = made_by(b);

		cr_assert_eq(heir_of(next), b, "who made it");
		end(b);
		cr_assert_eq(heir_of(b), next);
		b = next;
	}
	end(b);
	cr_assert_eq(heir_of(b), a, "nobody is left below");
}

Test(proc, heir_is_found_below_one_that_ended_before)
{
	const uint32_t b = made_by(a);
	const uint32_t c = made_by(b);
	const uint32_t d = made_by(c);
	const uint32_t e = made_by(b);

	end(c);
	cr_assert_eq(heir_of(c), d);
	end(e);
	cr_assert_eq(heir_of(e), b, "it made nobody");
	cr_assert_eq(ask(b, PROC_REQ_EXIT, 0), WAITS);
	cr_assert_eq(heir_of(b), d, "before the reaper comes");
	reap();
	end(d);
	cr_assert_eq(heir_of(d), a);
}

/* Of two the one that came last; and not one that is ending itself. */
Test(proc, heir_is_who_goes_on)
{
	const uint32_t b = made_by(a);
	const uint32_t c = made_by(b);
	const uint32_t d = made_by(b);

	cr_assert_eq(ask(d, PROC_REQ_EXIT, 0), WAITS);
	cr_assert_eq(ask(b, PROC_REQ_EXIT, 0), WAITS);
	cr_assert_eq(heir_of(b), c);
	reap();
}

Test(proc, heir_of_a_thread_is_another_of_its_process)
{
	cr_assert_eq(client_thread(a), ERR_OK);

	const uint32_t b = client_newest;

	cr_assert_eq(client_thread(a), ERR_OK);

	const uint32_t c = client_newest;

	client_exit(a, 0);
	cr_assert_eq(heir_of(a), b);
	reap();
	cr_assert_eq(heir_of(b), a, "as it was made");
	cr_assert_eq(ask(b, PROC_REQ_THREAD_PARK, b, 0), WAITS);
	cr_assert_eq(heir_of(b), c);
}

Test(proc, heir_of_a_thread_is_none_that_ends_itself)
{
	cr_assert_eq(client_thread(a), ERR_OK);

	const uint32_t b = client_newest;

	cr_assert_eq(client_thread(a), ERR_OK);

	const uint32_t c = client_newest;

	client_exit(a, 0);
	client_exit(b, 0);
	cr_assert_eq(heir_of(b), c);
}
