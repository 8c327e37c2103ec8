/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is confined: what a realm may have, reach and weigh, and realms inside realms. */
#include "clients.h"

#include <criterion/criterion.h>

#include "realm.h"
#include "state.h"

#define MIB (1ull << 20)

static uint32_t a; /* the first program's thread */

static void setup(void)
{
	clients_start();
	a = client_newest;
}

TestSuite(realm, .init = setup);

Test(realm, a_realm_has_so_many_pipes)
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
Test(realm, less_than_a_page_is_a_page)
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
Test(realm, a_realm_inside_a_realm_counts_in_both)
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

Test(realm, a_realm_inside_a_realm_has_the_memory_of_both)
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

Test(realm, realms_beside_each_other_have_their_own)
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

Test(realm, realms_inside_each_other_have_an_end)
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
Test(realm, a_realm_has_no_higher_priority)
{
	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	cr_assert_eq(ask(client_newest, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PRIORITY, 51),
		     ERR_LIMIT);
	cr_assert_eq(ask(client_newest, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PRIORITY, 50),
		     ERR_OK);
}

/* What is typed for a shell is not for what it started, be it that it waited already. */
Test(realm, who_is_confined_reads_in_the_foreground_only)
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

/* A shell that is confined and what it starts, and nobody else that is. */
Test(realm, the_console_is_passed_on_in_a_realm)
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

/* A confined process is in its maker's group until it asks for another: the maker is none of its realm. */
Test(realm, a_group_is_killed_as_far_as_the_realm_reaches)
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

/* Each group of its own would be the top of one more realm. */
Test(realm, a_realm_inside_another_has_no_groups_of_its_own)
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

/* Also for what is started in it, and by that. */
Test(realm, a_realm_has_the_nice_value_that_it_started_with)
{
	uint32_t tid;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	process_get(thread_get(client_newest)->pid)->realm_nice = 5;
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(client_spawn(client_newest, 0, 0), ERR_OK);
	tid = client_newest;
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_NICE, 4), ERR_LIMIT);
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_NICE, 5), ERR_OK);
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PERIOD_NS, 10000000), ERR_LIMIT,
		     "nor has it a reservation");
	cr_assert_eq(ask(tid, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_PERIOD_NS, 0), ERR_OK);
}

Test(realm, who_is_not_confined_may_weigh_what_it_likes)
{
	const struct process *process = process_get(thread_get(a)->pid);

	cr_assert_eq(realm_weight_max(process, false, 19), realm_weight_max(process, false, -20));
	cr_assert_lt(realm_weight_max(process, true, 19), realm_weight_max(process, true, 0));
}

Test(realm, a_process_of_a_realm_may_begin_a_group)
{
	const struct process *confined, *inside;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	confined = process_get(thread_get(client_newest)->pid);
	cr_assert_eq(client_spawn(client_newest, 0, 0), ERR_OK);
	inside = process_get(thread_get(client_newest)->pid);
	cr_assert_eq(realm_group(confined, inside, inside->pid), ERR_OK);
	cr_assert_eq(realm_group(confined, inside, confined->pid), ERR_PERMISSION);
}
