/* SPDX-License-Identifier: BSD-2-Clause */
/* Mutexes whose holders inherit: what proc answers, whom it wakes, what it tells the scheduler server. */
#include "clients.h"

#include <criterion/criterion.h>
#include <sched/protocol.h>

#include "register.h"
#include "state.h"

#define KEY 0x1000u

static uint32_t a, b, c, d; /* threads of the first program */

static uint32_t thread_of(uint32_t tid)
{
	cr_assert_eq(client_thread(tid), ERR_OK);
	return client_newest;
}

static uint32_t lent(uint32_t tid)
{
	return register_shared()->params[tid].lent;
}

static void priority(uint32_t tid, word_t value)
{
	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, 0, tid, SCHED_PARAM_PRIORITY, value), ERR_OK);
}

static void setup(void)
{
	clients_start();
	register_served = true;
	a = client_newest;
	b = thread_of(a);
	c = thread_of(a);
	d = thread_of(a);
	priority(a, 10);
	priority(b, 20);
	priority(c, 30);
	priority(d, 40);
	priorities_told = 0;
	woken = 0;
}

TestSuite(mutex, .init = setup);

static void waits(uint32_t tid, uint32_t holder, word_t key)
{
	cr_assert_eq(ask(tid, PROC_REQ_MUTEX_WAIT, tid, holder, key), ERR_OK);
}

/* a holds; c and b wait; then c, then b. */
Test(mutex, is_passed_on_and_what_was_lent_goes_along)
{
	waits(b, a, KEY);
	cr_assert_eq(lent(a), 20);
	waits(c, a, KEY);
	cr_assert_eq(lent(a), 30);
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_TAKE, c, 0, KEY), ERR_WOULD_BLOCK);
	cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_OK);
	cr_assert_eq(woken, c, "the most urgent, not the first");
	cr_assert_eq(lent(a), 0);
	cr_assert_eq(lent(c), 0, "20 is less than its own");
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_TAKE, c, 0, KEY), ERR_OK);
	priority(c, 5);
	cr_assert_eq(lent(c), 20);
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_PASS, KEY, c), ERR_OK);
	cr_assert_eq(woken, b);
	cr_assert_eq(lent(c), 0);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_PASS, KEY, b), ERR_NOT_FOUND);
	cr_assert(list_empty(&process_get(1)->lending.threads));
}

/* A thread that was stopped before the answer came asks again. */
Test(mutex, is_passed_on_once)
{
	waits(b, a, KEY);
	waits(c, a, KEY);
	cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_OK);
	cr_assert_eq(woken, c);
	woken = 0;
	cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_OK);
	cr_assert_eq(woken, 0, "it is c's");
	waits(c, d, KEY + 8);
	cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_NOT_FOUND, "b waits for c");
	cr_assert_eq(woken, 0);
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_TAKE, c, 1, KEY + 8), ERR_WOULD_BLOCK);
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_PASS, KEY, c), ERR_OK);
	cr_assert_eq(woken, b);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, b, 1, KEY + 8), ERR_STATE,
		     "what it owns is another one");
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, b, 1, KEY), ERR_OK);
}

/* A second time there is a way to wake it already. */
Test(mutex, is_passed_to_the_same_thread_again)
{
	for (unsigned i = 0; i < 3; i++) {
		waits(b, a, KEY);
		woken = 0;
		cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_OK);
		cr_assert_eq(woken, b);
		cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, b, 1, KEY), ERR_OK);
		cr_assert_eq(ask(b, PROC_REQ_MUTEX_PASS, KEY, b), ERR_NOT_FOUND);
	}
}

Test(mutex, chain_lends_to_its_end_and_follows_changes)
{
	waits(b, a, KEY);
	waits(c, b, KEY + 8);
	waits(d, c, KEY + 16);
	cr_assert_eq(lent(a), 40);
	cr_assert_eq(lent(b), 40);
	cr_assert_eq(lent(c), 40);
	priority(d, 60);
	cr_assert_eq(lent(a), 60);
	priority(b, 70);
	cr_assert_eq(lent(a), 70);
	cr_assert_eq(lent(b), 0);
	cr_assert_eq(register_shared()->params[a].priority, 10, "its own is its own");
	priority(b, 20);
	cr_assert_eq(ask(d, PROC_REQ_MUTEX_TAKE, d, 1, KEY + 16), ERR_WOULD_BLOCK);
	cr_assert_eq(lent(a), 30);
	cr_assert_eq(lent(c), 0);
}

/* Where all have the same priority, nothing is told. */
Test(mutex, equals_cost_no_request)
{
	priority(b, 10);
	priorities_told = 0;
	waits(b, a, KEY);
	cr_assert_eq(ask(a, PROC_REQ_MUTEX_PASS, KEY, a), ERR_OK);
	cr_assert_eq(priorities_told, 0);
}

Test(mutex, nonsense_is_refused)
{
	uint32_t other, gone = thread_of(a);

	cr_assert_eq(ask(gone, PROC_REQ_THREAD_PARK, gone, 0), WAITS);
	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	other = client_newest;
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, b, KEY), ERR_ARG);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, other, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, other, b, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, gone, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, TID_MAIN, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, ~0ull, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, b, 0, KEY), ERR_STATE);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, other, 1, KEY), ERR_STATE);
	waits(b, a, KEY);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_WAIT, b, c, KEY), ERR_STATE);
	cr_assert_eq(ask(other, PROC_REQ_MUTEX_PASS, KEY, other), ERR_NOT_FOUND,
		     "its KEY is another one");
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_PASS, KEY, other), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_PASS, KEY, ~0ull), ERR_NOT_FOUND);
	cr_assert_eq(ask(b, PROC_REQ_SCHED_SET, 0, b, SCHED_PARAM_LENT, 99), ERR_PERMISSION);
	cr_assert_eq(woken, 0);
}

Test(mutex, who_waits_is_told_that_the_holder_ended)
{
	waits(c, b, KEY);
	waits(d, b, KEY);
	client_exit(b, 0);
	reap();
	cr_assert_eq(woken, d);
	cr_assert_eq(ask(c, PROC_REQ_MUTEX_TAKE, c, 0, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(d, PROC_REQ_MUTEX_TAKE, d, 1, KEY), ERR_NOT_FOUND);
	cr_assert_eq(ask(d, PROC_REQ_MUTEX_TAKE, d, 1, KEY), ERR_STATE);
	cr_assert(list_empty(&process_get(1)->lending.threads));
}

/* What it lent is taken back; and it begins anew, when its objects are used again. */
Test(mutex, who_waited_has_ended)
{
	waits(c, a, KEY);
	waits(d, c, KEY + 8);
	client_exit(d, 0);
	cr_assert_eq(lent(a), 30);
	cr_assert_eq(lent(c), 0);
	waits(b, c, KEY + 8);
	priority(b, 50);
	cr_assert_eq(lent(c), 50);
	cr_assert_eq(lent(a), 50);
	cr_assert_eq(ask(c, PROC_REQ_THREAD_PARK, c, 0), WAITS);
	cr_assert_eq(lent(a), 0);
	cr_assert_eq(ask(b, PROC_REQ_MUTEX_TAKE, b, 0, KEY + 8), ERR_NOT_FOUND);
	(void)thread_of(a);
	cr_assert_eq(client_word(a, 1), c);
	cr_assert_eq(lent(c), 0);
}

Test(mutex, process_that_ends_leaves_nothing)
{
	uint32_t tid, pid, second;

	cr_assert_eq(client_spawn(a, 0, 0), ERR_OK);
	tid = client_newest;
	pid = (uint32_t)client_word(a, 0);
	second = thread_of(tid);
	waits(second, tid, KEY);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	cr_assert(!list_linked(&thread_get(tid)->lending.link));
	cr_assert(!list_linked(&thread_get(second)->lending.link));
	reap();
}

/* One whose thread was given more from outside lends what it may ask for itself. */
Test(mutex, confined_process_lends_what_it_may_ask_for)
{
	uint32_t tid, pid, second;

	cr_assert_eq(client_spawn(a, PROC_SPAWN_CONFINED, 0), ERR_OK);
	tid = client_newest;
	pid = (uint32_t)client_word(a, 0);
	second = thread_of(tid);
	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, pid, second, SCHED_PARAM_PRIORITY, 90), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, pid, tid, SCHED_PARAM_PRIORITY, 10), ERR_OK);
	waits(second, tid, KEY);
	cr_assert_eq(lent(tid), 50);
}
