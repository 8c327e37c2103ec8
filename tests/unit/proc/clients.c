/* SPDX-License-Identifier: BSD-2-Clause */
/* See clients.h. */
#include "clients.h"

#include "../../fuzz/fuzz.h"

#include <abi/object.h>
#include <libsys/ipc.h>

#include "bytes_msg.h"
#include "kernel.h"
#include "register.h"
#include "service.h"
#include "spawn.h"
#include "state.h"
#include "turns.h"
#include "untyped.h"

/* Its steps, without its loop. */
#include "../../../servers/proc/core/reaper.c"

#define REPLY_NONE 0u
#define CALLER_OWN 1u /* proc's own threads; else a tid */

static struct client {
	uint32_t pid; /* 0: no such thread */
	bool calling;
	cptr_t reply; /* what holds it */
	int error;
	word_t words[MSG_WORDS_MAX];
	unsigned caps;
	cptr_t cap;
} clients[PROC_THREADS_MAX];

uint32_t client_newest;
bool reaper_woken;
void (*reap_between)(void);
bool sched_refuses;
unsigned priorities_told;
uint32_t woken;
unsigned mm_mapped;
word_t mm_pages_max;
word_t mm_unmapped[2];

static uint32_t reply_caller[OWN_REPLY_MAX];
static struct msg letter; /* to the service */
static struct msg job;    /* of the reaper */

/* ---- What proc calls -------------------------------------------------------------------------- */

enum error sys_wait(cptr_t notification, word_t *word)
{
	(void)notification;
	*word = 0;
	return ERR_OK;
}

enum error sys_signal(cptr_t notification)
{
	if (notification == OWN_REAPER_WORK) {
		reaper_woken = true;
		return ERR_OK;
	}
	woken = (uint32_t)(notification - OWN_THREAD_FIRST) / OWN_THREAD_SLOTS;
	fuzz_check(notification == own_thread_slot(woken, THREAD_WAKE) &&
		   paper_at(notification) != NULL && paper_at(notification)->badge == 1);
	return ERR_OK;
}

/* A page at a time. */
static void mm_unmap_page(struct msg *m)
{
	const word_t bytes = m->w[1] < PAGE_SIZE ? m->w[1] : PAGE_SIZE;

	if (m->w[0] != mm_unmapped[0] + mm_unmapped[1])
		mm_unmapped[0] = m->w[0];
	mm_unmapped[1] += bytes;
	m->w[1] -= bytes;
}

static enum error mm_answer(struct msg *m)
{
	static const char strings[] = "prog\0prog\0an argument\0NAME=VALUE";
	const uint32_t pid = (uint32_t)msg_word(m, 5);

	switch ((enum mm_request)msg_label(m->info)) {
	case MM_REQ_SPACE_FREE:
		return paper_space_free(pid);
	case MM_REQ_SPACE_NEW:
		mm_pages_max = m->w[0];
		return paper_space_new(pid, &m->w[0]);
	case MM_REQ_MAP:
		mm_mapped++;
		return ERR_OK;
	case MM_REQ_UNMAP:
		mm_unmap_page(m);
		return ERR_OK;
	case MM_REQ_COPY_OUT:
		fuzz_check(m->w[1] >= sizeof(strings));
		memset((char *)(uintptr_t)OWN_BOUNCE_VADDR, 0, m->w[1]);
		memcpy((char *)(uintptr_t)OWN_BOUNCE_VADDR, strings, sizeof(strings));
		return ERR_OK;
	default:
		return ERR_OK;
	}
}

static enum error sched_answer(const struct msg *m)
{
	struct sched_thread_params *params = &register_shared()->params[m->w[0]];

	if (sched_refuses)
		return ERR_LIMIT;
	if (msg_label(m->info) != SCHED_REQ_SET_PARAM)
		return ERR_OK;
	if (m->w[1] == SCHED_PARAM_PRIORITY)
		params->priority = (uint32_t)m->w[2];
	if (m->w[1] == SCHED_PARAM_LENT)
		params->lent = (uint32_t)m->w[2];
	priorities_told += m->w[1] == SCHED_PARAM_PRIORITY || m->w[1] == SCHED_PARAM_LENT;
	return ERR_OK;
}

enum error sys_call(cptr_t cap, struct msg *m)
{
	if (cap == OWN_MM_PORT)
		m->info = msg_info((word_t)mm_answer(m), 4, 0);
	else if (cap == OWN_SCHED_PORT ||
		 (cap >= OWN_PORT_FIRST && cap < OWN_PORT_FIRST + PAPER_CPUS))
		m->info = msg_info((word_t)sched_answer(m), 4, 0);
	else
		return paper_invoke(cap, m);
	return ERR_OK;
}

void paper_thread_runs(uint32_t tid, uint32_t pid)
{
	clients[tid] = (struct client){.pid = pid};
	client_newest = tid;
}

void paper_thread_gone(uint32_t tid)
{
	client_stop(tid);
	clients[tid].pid = 0;
}

static enum error answer(cptr_t reply, const struct msg *m)
{
	uint32_t *caller = &reply_caller[reply - OWN_REPLY_FIRST];
	struct client *client = &clients[*caller];

	if (*caller == REPLY_NONE)
		return ERR_NO_REPLY;
	if (*caller == CALLER_OWN) {
		job = *m;
		*caller = REPLY_NONE;
		return ERR_OK;
	}
	fuzz_check(client->pid != 0 && client->calling);
	client->calling = false;
	client->error = (int)msg_label(m->info);
	client->caps = msg_caps(m->info);
	client->cap = paper_buffer.caps[0];
	for (unsigned i = 0; i < msg_length(m->info); i++)
		client->words[i] = msg_word(m, i);
	*caller = REPLY_NONE;
	return ERR_OK;
}

enum error sys_reply(cptr_t reply, const struct msg *m)
{
	return answer(reply, m);
}

enum error sys_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	fuzz_check(endpoint == OWN_ENDPOINT && reply >= OWN_REPLY_FIRST &&
		   reply < OWN_REPLY_FIRST + OWN_REPLY_MAX);
	fuzz_check(reply_caller[reply - OWN_REPLY_FIRST] == REPLY_NONE);
	turns_test();
	*m = letter;
	return ERR_OK;
}

/* Nobody sends there: either the reply object is free or not. */
enum error sys_nb_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	(void)m;
	fuzz_check(endpoint == OWN_NOBODY);
	return reply_caller[reply - OWN_REPLY_FIRST] == REPLY_NONE ? ERR_WOULD_BLOCK : ERR_BUSY;
}

enum error sys_reply_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	enum error error = answer(reply, m);

	return error == ERR_OK ? sys_recv(endpoint, reply, m) : error;
}

/* ---- Asking ---------------------------------------------------------------------------------- */

static void post(const struct msg *m, uint32_t caller)
{
	reply_caller[waiter_current_slot() - OWN_REPLY_FIRST] = caller;
	letter = *m;
	turns_service();
}

int client_ask(uint32_t tid, enum proc_request request, const word_t *words, unsigned count)
{
	struct client *client = &clients[tid];
	struct msg m = {.info = msg_info(request, MSG_WORDS_MAX, 0), .badge = client->pid};

	fuzz_check(client->pid != 0 && !client->calling);
	for (unsigned i = 0; i < 12; i++)
		msg_word_set(&m, i, i < count ? words[i] : 0);
	client->calling = true;
	client->reply = waiter_current_slot();
	post(&m, tid);
	return client_answer(tid);
}

int client_answer(uint32_t tid)
{
	return clients[tid].calling ? WAITS : clients[tid].error;
}

word_t client_word(uint32_t tid, unsigned index)
{
	return clients[tid].words[index];
}

bool client_lives(uint32_t tid)
{
	return clients[tid].pid != 0;
}

void client_stop(uint32_t tid)
{
	struct client *client = &clients[tid];

	if (client->calling && reply_caller[client->reply - OWN_REPLY_FIRST] == tid)
		reply_caller[client->reply - OWN_REPLY_FIRST] = REPLY_NONE;
	client->calling = false;
}

int client_spawn(uint32_t tid, word_t flags, word_t memory_bytes)
{
	return ask(tid, PROC_REQ_SPAWN, 0x10000, 40, 2, 1, flags, PROC_FD_INHERIT, PROC_FD_INHERIT,
		   PROC_FD_INHERIT, memory_bytes, PROC_NICE_INHERIT);
}

int client_thread(uint32_t tid)
{
	return ask(tid, PROC_REQ_THREAD_CREATE, 0x401000, 0x8000, 7, 0x9000, 0, PROC_NICE_INHERIT);
}

void client_exit(uint32_t tid, word_t value)
{
	fuzz_check(ask(tid, PROC_REQ_THREAD_EXIT, thread_get(tid)->index, value) == WAITS);
}

unsigned client_caps(uint32_t tid)
{
	return clients[tid].caps;
}

cptr_t client_cap(uint32_t tid)
{
	return clients[tid].cap;
}

static void fault_as(word_t badge, uint32_t tid, const struct msg *words)
{
	struct client *client = &clients[tid];
	struct msg m = *words;

	m.badge = badge;
	fuzz_check(!client->calling);
	client->calling = true;
	client->reply = waiter_current_slot();
	post(&m, tid);
}

void client_fault(uint32_t tid, enum fault kind, word_t w0, word_t w1, word_t w2, word_t w3)
{
	const struct msg m = {.info = msg_info(kind, 4, 0) | MSG_FAULTED, .w = {w0, w1, w2, w3}};

	fault_as(OWN_BADGE_FAULT | tid, tid, &m);
}

void client_fault_own(uint32_t tid, enum fault kind)
{
	const struct msg m = {.info = msg_info(kind, 4, 0) | MSG_FAULTED};

	fault_as(thread_get(tid)->pid, tid, &m);
}

void console_type(const char *text)
{
	struct msg m = {.info = msg_info(OWN_REQ_INPUT, MSG_WORDS_MAX, 0), .badge = OWN_BADGE};

	m.w[0] = strlen(text);
	msg_words_put(&m, 1, text, (uint32_t)m.w[0]);
	post(&m, CALLER_OWN);
}

void reap(void)
{
	do {
		job.w[3] = 1; /* ns */
		job.info = msg_info(OWN_REQ_REAP, 4, 0);
		job.badge = OWN_BADGE;
		post(&job, CALLER_OWN);
		if (job.w[0] == REAP_THREAD)
			job.w[2] = thread_end((uint32_t)job.w[1], (uint32_t)job.w[2], job.w[3],
					      msg_word(&job, 4));
		else if (job.w[0] == REAP_PROCESS)
			job.w[2] = process_free((uint32_t)job.w[1]);
		if (reap_between != NULL)
			reap_between();
	} while (job.w[0] != REAP_NOTHING);
	reaper_woken = false;
}

static void service(void)
{
	service_thread(0, 0, 0, 0);
}

void clients_start(void)
{
	(void)proc_start();
	register_served = true;
	fuzz_check(spawn_first() == ERR_OK);
	turns_start(service);
	reap();
}
