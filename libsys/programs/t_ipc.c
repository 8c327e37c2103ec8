/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages between threads, as the kernel carries them. */
#include <string.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>
#include <proc/slots.h>

#include "lib/crew.h"
#include "lib/program.h"
#include "lib/rpc.h"

#define LABEL_ADD  1u
#define LABEL_LONG 2u
#define LABEL_CAP  3u
#define LABEL_QUIT 4u
#define CALLS      200u

static cptr_t endpoint;
static struct semaphore ready = SEMAPHORE_INIT(0);

/* The last slot for received capabilities; object_new() takes the first ones. */
static cptr_t spare_slot(void)
{
	return PROC_SLOT_THREAD_FIRST - 1u;
}

/* --- An active server of many clients --- */

static void serve_long(struct msg *m)
{
	unsigned length = msg_length(m->info);
	word_t sum = 0;

	for (unsigned i = 0; i < length; i++)
		sum += msg_word(m, i) * (i + 1);
	for (unsigned i = 0; i < length; i++)
		msg_word_set(m, i, sum + i);
	m->info = msg_info(0, length, 0);
}

/* A notification came along: signal it, forget it. */
static void serve_capability(struct msg *m)
{
	cptr_t slot = spare_slot();
	enum error error = msg_caps(m->info) == 1 ? sys_signal(slot) : ERR_NOT_FOUND;

	if (error == ERR_OK)
		error = cnode_delete(PROC_SLOT_CNODE, slot);
	m->info = msg_info(error, 0, 0);
}

static int serve(void *arg)
{
	cptr_t reply = thread_reply_slot();
	struct msg m;

	if (arg)
		program_need("making a thread passive", thread_passive_set(true));
	msg_receive_slot_set(spare_slot());
	semaphore_post(&ready);
	enum error error = sys_recv(endpoint, reply, &m);

	for (;;) {
		if (error != ERR_OK)
			return (int)error;
		if (m.info & MSG_NOTIFIED) {
			error = sys_recv(endpoint, reply, &m);
			continue;
		}
		switch (msg_label(m.info)) {
		case LABEL_ADD:
			m.w[0] += m.w[1];
			m.info = msg_info(0, 1, 0);
			break;
		case LABEL_LONG:
			serve_long(&m);
			break;
		case LABEL_CAP:
			serve_capability(&m);
			break;
		case LABEL_QUIT:
			m.info = msg_info(0, 0, 0);
			return sys_reply(reply, &m) == ERR_OK ? 0 : 1;
		default:
			m.info = msg_info(ERR_METHOD, 0, 0);
			break;
		}
		error = sys_reply_recv(endpoint, reply, &m);
	}
}

static void server_start(struct crew *crew)
{
	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &endpoint));
	crew_start(crew, 1, serve, NULL, 0);
	semaphore_wait(&ready);
}

static void server_stop(struct crew *crew)
{
	struct msg m = msg_make(LABEL_QUIT, 0);

	tap_equal(server_call(endpoint, &m), ERR_OK);
	tap_equal(crew_join(crew), 0);
	object_free(endpoint);
}

static int call_often(void *arg)
{
	word_t number = *(word_t *)arg;
	int wrong = 0;

	for (unsigned i = 0; i < CALLS; i++) {
		struct msg m = {.info = msg_info(LABEL_ADD, 2, 0), .w = {number, i}};

		wrong += server_call(endpoint, &m) != ERR_OK || m.w[0] != number + i;
	}
	return wrong;
}

static void many_clients_get_their_own_answers(void)
{
	word_t numbers[6] = {1000, 2000, 3000, 4000, 5000, 6000};
	struct crew server;
	struct crew clients;

	server_start(&server);
	crew_start(&clients, 6, call_often, numbers, sizeof(numbers[0]));
	tap_equal(crew_join(&clients), 0);
	server_stop(&server);
}

static void long_messages_arrive_whole(void)
{
	struct crew server;
	unsigned wrong = 0;

	server_start(&server);
	for (unsigned length = 0; length <= MSG_WORDS_MAX; length++) {
		struct msg m = msg_make(LABEL_LONG, length);
		word_t sum = 0;

		for (unsigned i = 0; i < length; i++) {
			msg_word_set(&m, i, length * 100 + i);
			sum += (length * 100 + i) * (i + 1);
		}
		tap_equal(server_call(endpoint, &m), ERR_OK);
		tap_equal(msg_length(m.info), length);
		for (unsigned i = 0; i < length; i++)
			wrong += msg_word(&m, i) != sum + i;
	}
	tap_equal(wrong, 0);
	struct msg m = msg_make(99, 0);

	tap_equal(server_call(endpoint, &m), ERR_METHOD);
	server_stop(&server);
}

static void capabilities_travel(void)
{
	struct crew server;
	cptr_t notification;
	word_t word;

	tap_equal(object_new(OBJ_NOTIFICATION, &notification), ERR_OK);
	server_start(&server);
	for (unsigned i = 0; i < 20; i++) {
		struct msg m = {.info = msg_info(LABEL_CAP, 0, 1)};

		msg_cap_set(0, notification);
		tap_equal(server_call(endpoint, &m), ERR_OK);
		tap_equal(sys_wait(notification, &word), ERR_OK);
	}
	server_stop(&server);
	object_free(notification);
}

/* --- Sends and notifications --- */

static int receive_some(void *arg)
{
	word_t *sum = arg;
	struct msg m;

	semaphore_post(&ready);
	for (unsigned i = 0; i < CALLS;) {
		if (sys_recv(endpoint, CPTR_NULL, &m) != ERR_OK)
			return 1;
		if (m.info & MSG_NOTIFIED)
			continue;
		*sum += m.w[0];
		i++;
	}
	return 0;
}

static void sends_arrive_once(void)
{
	struct crew receiver;
	word_t sum = 0;
	word_t wanted = 0;

	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &endpoint));
	struct msg nobody = msg_make(0, 0);

	tap_equal(sys_nb_send(endpoint, &nobody), ERR_WOULD_BLOCK);
	tap_equal(sys_nb_recv(endpoint, CPTR_NULL, &nobody), ERR_WOULD_BLOCK);
	crew_start(&receiver, 1, receive_some, &sum, 0);
	semaphore_wait(&ready);
	for (unsigned i = 0; i < CALLS; i++) {
		struct msg m = {.info = msg_info(0, 1, 0), .w = {i * i}};

		tap_equal(sys_send(endpoint, &m), ERR_OK);
		wanted += i * i;
	}
	tap_equal(crew_join(&receiver), 0);
	tap_equal(sum, wanted);
	object_free(endpoint);
}

static cptr_t there;
static cptr_t back;

static int signal_back(void *arg)
{
	word_t word;

	(void)arg;
	for (unsigned i = 0; i < CALLS; i++)
		if (sys_wait(there, &word) != ERR_OK || sys_signal(back) != ERR_OK)
			return 1;
	return 0;
}

static void notifications_wake(void)
{
	struct crew crew;
	word_t word;

	program_need("making a notification", object_new(OBJ_NOTIFICATION, &there));
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &back));
	tap_equal(sys_poll(there, &word), ERR_WOULD_BLOCK);
	crew_start(&crew, 1, signal_back, NULL, 0);
	for (unsigned i = 0; i < CALLS; i++) {
		tap_equal(sys_signal(there), ERR_OK);
		tap_equal(sys_wait(back, &word), ERR_OK);
	}
	tap_equal(crew_join(&crew), 0);
	tap_equal(sys_poll(back, &word), ERR_WOULD_BLOCK);
	object_free(there);
	object_free(back);
}

/* --- Donation --- */

static void passive_servers_answer_on_the_callers_time(void)
{
	struct proc_thread_stats before;
	struct proc_thread_stats after;
	struct thread *server;
	uint32_t tid = thread_tid(thrd_current());

	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &endpoint));
	tap_equal(thrd_create(&server, serve, &ready), thrd_success);
	semaphore_wait(&ready);
	thread_sleep_until(clock_now_ns() + 5 * NS_PER_MS); /* it reaches its first receive */
	tap_equal(thread_stats(tid, &before), ERR_OK);
	word_t number = 7;

	tap_equal(call_often(&number), 0);
	tap_equal(thread_stats(tid, &after), ERR_OK);
	printf("# %u calls, %lu wakes of the caller\n", CALLS,
	       (unsigned long)(after.wakes - before.wakes));
	tap_check(after.wakes - before.wakes < CALLS / 10);
}

static void passive_servers_on_all_cpus(void)
{
	struct rpc_result result = rpc_run(program_cpus() + 1, 500);

	printf("# %lu ns for a round trip\n", (unsigned long)result.ns_per_call);
	tap_equal(result.wrong, 0);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"many clients get their own answers", many_clients_get_their_own_answers},
		{"messages of every length arrive whole", long_messages_arrive_whole},
		{"K_rights_transfer: capabilities travel", capabilities_travel},
		{"sends arrive once", sends_arrive_once},
		{"notifications wake", notifications_wake},
		{"passive servers answer on the caller's time",
		 passive_servers_answer_on_the_callers_time},
		{"passive servers on all CPUs", passive_servers_on_all_cpus},
	};

	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
