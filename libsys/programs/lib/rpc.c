/* SPDX-License-Identifier: BSD-2-Clause */
#include "rpc.h"

#include <stdlib.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/ipc.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/threads.h>

#include "program.h"

#define RPC_LABEL 7u

struct pair {
	cptr_t endpoint;
	uint64_t calls;
	struct semaphore server_ready;
	struct semaphore *go;
	uint64_t wrong;
	uint64_t ns;
};

/* Answers every call with the sum of its words, plus one. */
static int server_main(void *arg)
{
	struct pair *pair = arg;
	cptr_t reply = thread_reply_slot();
	struct msg m;

	program_need("making a thread passive", thread_passive_set(true));
	semaphore_post(&pair->server_ready);
	enum error error = sys_recv(pair->endpoint, reply, &m);

	for (;;) {
		/* A late signal to this thread's notification is no call: there is nobody to
		 * answer. */
		if (error != ERR_OK || (m.info & MSG_NOTIFIED)) {
			if (error == ERR_CAP_INVALID || error == ERR_DELETED)
				return 1;
			error = sys_recv(pair->endpoint, reply, &m);
			continue;
		}
		m.w[0] += m.w[1] + m.w[2] + m.w[3] + 1;
		m.info = msg_info(0, 1, 0);
		error = sys_reply_recv(pair->endpoint, reply, &m);
	}
}

static int client_main(void *arg)
{
	struct pair *pair = arg;

	semaphore_wait(pair->go);
	time_ns_t start = clock_now_ns();

	for (uint64_t i = 0; i < pair->calls; i++) {
		struct msg m = {.info = msg_info(RPC_LABEL, 4, 0), .w = {i, 2 * i, 3, 4}};

		if (server_call(pair->endpoint, &m) != ERR_OK || m.w[0] != 3 * i + 8)
			pair->wrong++;
	}
	pair->ns = clock_now_ns() - start;
	return 0;
}

static void pair_start_server(struct pair *pair)
{
	struct thread *server;

	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &pair->endpoint));
	semaphore_init(&pair->server_ready, 0);
	if (thrd_create(&server, server_main, pair) != thrd_success)
		program_fail("starting a server thread", ERR_NO_MEMORY);
	thrd_detach(server);
	semaphore_wait(&pair->server_ready);
}

struct rpc_result rpc_run(unsigned pairs, uint64_t calls)
{
	struct pair *list = calloc(pairs, sizeof(*list));
	struct thread **clients = calloc(pairs, sizeof(struct thread *));
	struct semaphore go = SEMAPHORE_INIT(0);
	struct rpc_result result = {.calls = calls * pairs};

	if (!list || !clients)
		program_fail("rpc", ERR_NO_MEMORY);
	for (unsigned i = 0; i < pairs; i++) {
		list[i].calls = calls;
		list[i].go = &go;
		pair_start_server(&list[i]);
		if (thrd_create(&clients[i], client_main, &list[i]) != thrd_success)
			program_fail("starting a client thread", ERR_NO_MEMORY);
	}
	for (unsigned i = 0; i < pairs; i++)
		semaphore_post(&go);
	for (unsigned i = 0; i < pairs; i++) {
		thrd_join(clients[i], NULL);
		result.wrong += list[i].wrong;
		if (list[i].ns > result.ns)
			result.ns = list[i].ns;
	}
	result.ns_per_call = calls ? result.ns / calls : 0;
	free(clients);
	/* The servers still look at their pair's endpoint; the list stays with them. */
	return result;
}
