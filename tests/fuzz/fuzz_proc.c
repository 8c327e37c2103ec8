/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc's service before a kernel, an mm and a scheduler server of paper: threads of processes ask for
 * anything, fault, and are ended; the reaper comes when it comes; mm and the scheduler refuse now and
 * then.  What must hold: proc never gives up; it never receives with a reply object that still holds a
 * caller; who waits for a child or a thread can still get an answer; a confined process reaches nobody
 * outside; in the end all memory comes back.
 *
 * First byte: whether there is a scheduler server.  Then operations: what, by which thread, operands.
 */
#include "fuzz.h"

#include <abi/fault.h>
#include <abi/object.h>
#include <libsys/ipc.h>
#include <setjmp.h>

#include "console.h"
#include "file.h"
#include "proc/check.h"
#include "proc/kernel.h"
#include "register.h"
#include "service.h"
#include "spawn.h"
#include "state.h"
#include "supervisor.h"
#include "untyped.h"

/* Its steps, without its loop. */
#include "../../servers/proc/core/reaper.c"

#define OPS_MAX    200u
#define REPLY_NONE 0u
#define CALLER_OWN 1u  /* proc's own threads; else a tid */
#define OP_FAULT   64u /* operations below: a step of the reaper */
#define OP_TYPED   72u
#define OP_REQUEST 80u
#define OP_ANY     250u

static struct fuzz_input *script;
static jmp_buf over;
static bool ending;
static bool started;
static unsigned ops_left;
static uint32_t reply_caller[OWN_REPLY_MAX]; /* REPLY_NONE, CALLER_OWN or a tid */
static struct user {
	uint32_t pid; /* 0: no such thread */
	bool calling;
	uint32_t reply; /* number of the reply object that holds it */
	word_t label;
	word_t w[2];
	struct file file;                 /* what w[0] named as a descriptor when it called */
} users[PROC_THREADS_MAX];                /* index = tid */
static uint32_t tid_end = TID_USER_FIRST; /* none from here on was ever used */
static struct msg reaper;                 /* what it says when it next asks */
static bool reaper_busy;                  /* it has a job */
static bool reaper_signal = true;         /* there may be work */
static uint64_t bytes_at_start;
static uint32_t outside[PROC_PROCESSES_MAX]; /* pids that the request in hand must not end */
static unsigned outside_count;

/* ---- Signals ---------------------------------------------------------------------------------- */

enum error sys_wait(cptr_t notification, word_t *word)
{
	(void)notification;
	*word = 0;
	return ERR_OK;
}

enum error sys_signal(cptr_t notification)
{
	if (notification == OWN_REAPER_WORK) {
		reaper_signal = true;
		return ERR_OK;
	}
	/* The way to wake a live thread. */
	fuzz_check(paper_at(notification) != NULL && notification >= OWN_THREAD_FIRST &&
		   (notification - OWN_THREAD_FIRST) % OWN_THREAD_SLOTS == THREAD_WAKE);
	fuzz_check(thread_get((notification - OWN_THREAD_FIRST) / OWN_THREAD_SLOTS)->life ==
		   THREAD_LIVE);
	return ERR_OK;
}

/* ---- mm and the scheduler server -------------------------------------------------------------- */

/* The caller's strings: good ones, or anything. */
static void strings_make(struct msg *m)
{
	static const char good[] = "prog\0prog\0an argument\0NAME=VALUE";
	char *bounce = (char *)(uintptr_t)OWN_BOUNCE_VADDR + m->w[2];
	uint8_t kind = fuzz_u8(script);

	fuzz_check(m->w[1] <= PROC_ARGS_MAX && m->w[2] == 0);
	memset(bounce, 0, m->w[1]);
	for (word_t i = 0; i < m->w[1]; i++)
		bounce[i] = (char)(kind < 200 ? (i < sizeof(good) ? good[i] : 0) : fuzz_u8(script));
}

static enum error mm_answer(struct msg *m)
{
	const enum mm_request request = (enum mm_request)msg_label(m->info);
	const uint32_t pid = (uint32_t)msg_word(m, 5);
	const uint8_t luck = ending ? 0 : fuzz_u8(script);

	if (request == MM_REQ_SPACE_FREE)
		return paper_space_free(pid);
	if (luck >= 240)
		return luck % 2 != 0 ? ERR_NO_MEMORY : ERR_LIMIT;
	if (request == MM_REQ_SPACE_NEW)
		return paper_space_new(pid, &m->w[0]);
	if (request == MM_REQ_COPY_OUT)
		strings_make(m);
	if (request == MM_REQ_UNMAP)
		m->w[1] = 0;
	return ERR_OK;
}

static enum error sched_answer(struct msg *m)
{
	static const enum error errors[] = {ERR_BUSY,  ERR_UNBOUND, ERR_EXISTS,
					    ERR_LIMIT, ERR_MOVED,   ERR_RESTARTED};
	const uint8_t luck = ending ? 0 : fuzz_u8(script);

	m->w[1] = luck % PAPER_CPUS;
	return luck < 200 ? ERR_OK : errors[luck % 6];
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

/* ---- Threads and their calls ------------------------------------------------------------------ */

void paper_thread_runs(uint32_t tid, uint32_t pid)
{
	fuzz_check(tid < PROC_THREADS_MAX && users[tid].pid == 0);
	users[tid] = (struct user){.pid = pid};
	if (tid >= tid_end)
		tid_end = tid + 1;
}

void paper_thread_gone(uint32_t tid)
{
	if (users[tid].calling && reply_caller[users[tid].reply] == tid)
		reply_caller[users[tid].reply] = REPLY_NONE;
	users[tid].pid = 0;
}

static void reaper_answered(const struct msg *m)
{
	reaper_busy = m->w[0] != REAP_NOTHING;
	reaper = *m;
}

static enum error answer(cptr_t reply, const struct msg *m)
{
	uint32_t *caller = &reply_caller[reply - OWN_REPLY_FIRST];
	const word_t error = msg_label(m->info);
	struct user *user;

	if (*caller == REPLY_NONE)
		return ERR_NO_REPLY;
	fuzz_check(msg_length(m->info) <= MSG_WORDS_MAX);
	if (*caller == CALLER_OWN) {
		if (msg_length(m->info) == 5)
			reaper_answered(m);
		*caller = REPLY_NONE;
		return ERR_OK;
	}
	user = &users[*caller];
	*caller = REPLY_NONE;
	fuzz_check(user->pid != 0 && user->calling);
	fuzz_check(user->label == PROC_REQ_THREAD_PARK ||
		   (error < ERR_COUNT && error != ERR_INTERNAL));
	fuzz_check(msg_caps(m->info) == 0 ||
		   paper_at(user->label == PROC_REQ_DEVICE_OPEN ? OWN_DEVICE_IRQ : OWN_OFFER) !=
			   NULL);
	user->calling = false;
	return ERR_OK;
}

enum error sys_reply(cptr_t reply, const struct msg *m)
{
	return answer(reply, m);
}

/* ---- The reaper ------------------------------------------------------------------------------ */

static bool reaper_step(struct msg *m)
{
	if (!reaper_busy && !reaper_signal)
		return false;
	reaper_signal = false;
	if (reaper_busy && reaper.w[0] == REAP_THREAD)
		reaper.w[2] = thread_end((uint32_t)reaper.w[1], (uint32_t)reaper.w[2], reaper.w[3],
					 msg_word(&reaper, 4));
	else if (reaper_busy)
		process_free((uint32_t)reaper.w[1]);
	else
		reaper.w[0] = REAP_NOTHING;
	reaper.w[3] = 1; /* ns */
	*m = reaper;
	m->info = msg_info(OWN_REQ_REAP, 4, 0);
	m->badge = OWN_BADGE;
	return true;
}

/* ---- Operations ------------------------------------------------------------------------------ */

/* A thread that runs, the nth from there on; 0: there is none. */
static uint32_t user_pick(uint8_t n)
{
	uint32_t last = 0;

	for (uint32_t tid = TID_USER_FIRST; tid < tid_end; tid++) {
		if (users[tid].pid == 0 || users[tid].calling)
			continue;
		last = tid;
		if (n-- == 0)
			return tid;
	}
	return last;
}

static word_t pid_pick(void)
{
	uint8_t n = fuzz_u8(script);
	const struct process *process = process_next(1);

	if (n >= 128)
		return n >= 192 ? fuzz_number(script) : 0;
	for (; process != NULL && n % 16 != 0; n--)
		process = process_next((word_t)process->pid + 1);
	return process != NULL ? process->pid : 1;
}

static word_t tid_pick(void)
{
	uint8_t n = fuzz_u8(script);

	return n >= 192 ? fuzz_number(script) : (word_t)TID_USER_FIRST + (n & 15u);
}

static word_t fd_pick(void)
{
	uint8_t n = fuzz_u8(script);

	return n < 192 ? n & 7u : (n & 1) != 0 ? PROC_FD_NONE : fuzz_number(script);
}

static word_t index_of(uint32_t tid)
{
	return (fuzz_u8(script) & 3) != 0 ? thread_get(tid)->index : fuzz_u8(script) & 7;
}

static void spawn_words(struct msg *m)
{
	uint8_t kind = fuzz_u8(script);

	m->w[0] = 0x10000;
	m->w[1] = (kind & 64) != 0 ? fuzz_number(script) : 40;
	m->w[2] = (kind & 32) != 0 ? fuzz_number(script) : 2;
	m->w[3] = (kind & 32) != 0 ? fuzz_number(script) : 1;
	msg_word_set(m, 4, kind & 3);
	for (unsigned i = 5; i < 8; i++)
		msg_word_set(m, i, (kind & 4) != 0 ? fd_pick() : PROC_FD_INHERIT);
	msg_word_set(m, 8, (kind & 8) != 0 ? fuzz_number(script) << 12 : 0);
	msg_word_set(m, 9, (kind & 16) != 0 ? fuzz_number(script) : PROC_NICE_INHERIT);
	msg_word_set(m, 10, 0);
	msg_word_set(m, 11, 0);
}

static void create_words(struct msg *m)
{
	uint8_t kind = fuzz_u8(script);

	msg_word_set(m, 4, (kind & 1) != 0 ? PROC_THREAD_NO_FPU : 0);
	msg_word_set(m, 5, (kind & 2) != 0 ? fuzz_number(script) : PROC_NICE_INHERIT);
	msg_word_set(m, 6, (kind & 4) != 0 ? fuzz_number(script) : 0);
	msg_word_set(m, 7, 0);
	msg_word_set(m, 8, (kind & 8) != 0 ? fuzz_number(script) : 0);
}

/* Anything, then what the request needs to get further. */
static void request_words(struct msg *m, word_t label, uint32_t tid)
{
	const uint8_t any = fuzz_u8(script);

	for (unsigned i = 0; i < 12; i++)
		msg_word_set(m, i, (any >> (i < 4 ? i : 4) & 1) != 0 ? fuzz_number(script) : 0);
	switch (label) {
	case PROC_REQ_SPAWN:
		spawn_words(m);
		break;
	case PROC_REQ_THREAD_CREATE:
		create_words(m);
		break;
	case PROC_REQ_THREAD_EXIT:
		m->w[0] = index_of(tid);
		break;
	case PROC_REQ_THREAD_PARK:
		m->w[0] = (fuzz_u8(script) & 3) != 0 ? tid : tid_pick();
		break;
	case PROC_REQ_THREAD_JOIN:
		m->w[1] = tid_pick();
		m->w[0] = thread_get(m->w[1]) != NULL ? thread_get(m->w[1])->index : 0;
		break;
	case PROC_REQ_WAIT:
	case PROC_REQ_KILL:
	case PROC_REQ_GROUP_SET:
		m->w[0] = pid_pick();
		break;
	case PROC_REQ_SCHED_SET:
		m->w[0] = pid_pick();
		m->w[1] = fuzz_u8(script) < 128 ? 0 : tid_pick();
		break;
	case PROC_REQ_MUTEX_WAIT:
		m->w[1] = tid_pick();
		m->w[2] = fuzz_u8(script) & 3;
		m->w[0] = (fuzz_u8(script) & 7) != 0 ? tid : tid_pick();
		break;
	case PROC_REQ_MUTEX_TAKE:
		m->w[0] = (fuzz_u8(script) & 7) != 0 ? tid : tid_pick();
		break;
	case PROC_REQ_MUTEX_PASS:
		m->w[0] = fuzz_u8(script) & 3;
		break;
	case PROC_REQ_READ:
	case PROC_REQ_WRITE:
	case PROC_REQ_CLOSE:
	case PROC_REQ_DUP:
	case PROC_REQ_SEEK:
	case PROC_REQ_FILE_STAT:
		m->w[0] = fd_pick();
		break;
	case PROC_REQ_OPEN:
		m->w[0] = fuzz_u8(script) < 200 ? 4 : fuzz_number(script);
		memcpy(&m->w[1], "note", 4);
		break;
	default:
		break;
	}
}

static void outside_note(const struct process *caller)
{
	outside_count = 0;
	if (caller == NULL || caller->realm == 0)
		return;
	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1))
		if (!check_inside(at, caller->realm) && at->parent != caller->pid &&
		    at->state == PROC_STATE_RUNNING)
			outside[outside_count++] = at->pid;
}

static struct file file_at(uint32_t pid, word_t fd)
{
	static const struct file none;
	const struct process *process = process_get(pid);

	return process != NULL && fd < PROC_FDS_MAX ? process->files[fd] : none;
}

static void user_calls(uint32_t tid, word_t label, const struct msg *m)
{
	users[tid].calling = true;
	users[tid].reply = (uint32_t)(waiter_current_slot() - OWN_REPLY_FIRST);
	users[tid].label = label;
	users[tid].w[0] = m->w[0];
	users[tid].w[1] = m->w[1];
	users[tid].file = file_at(users[tid].pid, m->w[0]);
	reply_caller[users[tid].reply] = tid;
}

static bool op_request(struct msg *m, uint8_t op)
{
	static const uint8_t labels[] = {
#define X(name, value, arguments, results, meaning) value,
		PROC_REQUEST_LIST(X)
#undef X
			PROC_REQ_SPAWN,
		PROC_REQ_SPAWN,
		PROC_REQ_WAIT,
		PROC_REQ_THREAD_CREATE,
		PROC_REQ_THREAD_CREATE,
		PROC_REQ_THREAD_EXIT,
		PROC_REQ_THREAD_PARK,
		PROC_REQ_THREAD_JOIN,
		PROC_REQ_PIPE,
		PROC_REQ_READ,
		PROC_REQ_WRITE,
	};
	const uint32_t tid = user_pick(fuzz_u8(script) & 15);
	word_t label = labels[(op - OP_REQUEST) % sizeof(labels)];

	if (tid == 0)
		return false;
	if (op >= OP_ANY)
		label = fuzz_number(script) >> 20;
	request_words(m, label, tid);
	m->info = msg_info(label, 2 + fuzz_u8(script) % (MSG_WORDS_MAX - 1), 0);
	m->badge = users[tid].pid;
	user_calls(tid, label, m);
	outside_note(process_get(m->badge));
	return true;
}

static bool op_fault(struct msg *m)
{
	const uint8_t how = fuzz_u8(script);
	const uint32_t tid = user_pick(how & 15);

	if (tid == 0)
		return false;
	for (unsigned i = 0; i < 4; i++)
		m->w[i] = fuzz_number(script);
	m->info = msg_info(1 + fuzz_u8(script) % (FAULT_COUNT - 1), 4, 0) | MSG_FAULTED;
	/* Its process may have chosen its own way to proc. */
	m->badge = (how & 16) != 0 ? users[tid].pid : OWN_BADGE_FAULT | tid;
	user_calls(tid, 0, m);
	outside_note(process_get(users[tid].pid));
	return true;
}

static bool op_typed(struct msg *m)
{
	const uint8_t bytes = fuzz_u8(script) & 15;

	m->info = msg_info(OWN_REQ_INPUT, 12, 0);
	m->badge = OWN_BADGE;
	m->w[0] = bytes;
	for (unsigned i = 1; i < 4; i++)
		m->w[i] = fuzz_u64(script);
	reply_caller[waiter_current_slot() - OWN_REPLY_FIRST] = CALLER_OWN;
	return true;
}

/* ---- Rules ----------------------------------------------------------------------------------- */

static void check_waits(void)
{
	for (uint32_t tid = TID_USER_FIRST; tid < tid_end; tid++)
		if (users[tid].pid != 0 && users[tid].calling)
			check_wait(users[tid].pid, users[tid].label, users[tid].w,
				   &users[tid].file);
}

/* Whom a confined process may not reach is as it was. */
static void check_outside(void)
{
	for (unsigned i = 0; i < outside_count; i++)
		fuzz_check(process_get(outside[i]) != NULL &&
			   process_get(outside[i])->state == PROC_STATE_RUNNING);
	outside_count = 0;
}

static void everything_ends(void)
{
	ending = true;
	outside_count = 0;
	for (struct process *at = process_next(1); at != NULL;
	     at = process_next((word_t)at->pid + 1))
		process_end(at, 0, PROC_SIGKILL);
}

static void check_end(void)
{
	uint64_t kept = 0;

	fuzz_check(process_next(1) == NULL);
	check_no_pipe();
	for (unsigned i = 0; i < OWN_REPLY_MAX; i++)
		fuzz_check(reply_caller[i] == REPLY_NONE);
	/* Also of threads that came into being and never ran. */
	for (uint32_t tid = TID_USER_FIRST; thread_get(tid) != NULL; tid++) {
		fuzz_check(users[tid].pid == 0);
		if (paper_at(own_thread_slot(tid, THREAD_UNTYPED)) != NULL)
			kept += 1ull << THREAD_UNTYPED_BITS;
	}
	fuzz_check(untyped_bytes_free() + kept == bytes_at_start);
}

/* The same pids and tids for every input; what a tid has of memory stays. */
static void numbers_begin_again(void)
{
	threads_init();
	processes_init();
	for (uint32_t tid = TID_USER_FIRST; tid < tid_end; tid++) {
		struct thread *thread = thread_get(tid);

		thread->pid = 0;
		thread->generation = 0;
	}
}

/* ---- The service's side ------------------------------------------------------------------------ */

static bool next_message(struct msg *m)
{
	uint8_t op;

	if (ending)
		return reaper_step(m) ? true : (longjmp(over, 1), false);
	if (ops_left == 0 || script->left == 0) {
		everything_ends();
		return false;
	}
	ops_left--;
	op = fuzz_u8(script);
	if (op < OP_FAULT)
		return reaper_step(m);
	if (op < OP_TYPED)
		return op_fault(m);
	if (op < OP_REQUEST)
		return op_typed(m);
	return op_request(m, op);
}

enum error sys_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	uint32_t *caller = &reply_caller[reply - OWN_REPLY_FIRST];

	fuzz_check(endpoint == OWN_ENDPOINT && reply >= OWN_REPLY_FIRST &&
		   reply < OWN_REPLY_FIRST + OWN_REPLY_MAX);
	fuzz_check(*caller == REPLY_NONE);
	check_outside();
	check_realms();
	check_mutexes();
	if (!reaper_busy && !reaper_signal)
		check_waits();
	memset(m, 0, sizeof(*m));
	while (!next_message(m))
		;
	if (m->badge == OWN_BADGE)
		*caller = CALLER_OWN;
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

/* ---- An input --------------------------------------------------------------------------------- */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	static const struct process unconfined;
	struct msg none = {.info = 0};

	if (!started)
		bytes_at_start = proc_start();
	started = true;
	script = &input;
	ending = true; /* nothing refuses the first program */
	register_served = (fuzz_u8(&input) & 1) != 0;
	fuzz_check(spawn_first() == ERR_OK);
	ending = false;
	ops_left = OPS_MAX;
	reaper_signal = true;
	if (setjmp(over) == 0)
		service_thread(0, 0, 0, 0);
	check_end();
	numbers_begin_again();
	fuzz_check(console_foreground(&unconfined, 0) == ERR_OK);
	console_keys(&none);
	return 0;
}
