/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls, messages, signals and faults.  Client and server are threads of this program: what
 * two address spaces would add is one write of TTBR0 and one ISB in each direction.
 */
#include "bench.h"

#include <abi/fault.h>
#include <abi/object.h>
#include <libsys/memory.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/threads.h>
#include <mm/protocol.h>
#include <proc/slots.h>

#include "../lib/crew.h"
#include "../lib/program.h"

#define LABEL_QUIT 1u
#define UNMAPPED   0x10ull /* page 0 is never mapped */
#define SAME_SPACE "(both in one address space: 6 instructions less than between two)"
#define CALLS      (bench.quick ? 10000u : 40000u)

struct server {
	cptr_t endpoint;
	cptr_t reply;
	unsigned words;
	unsigned cpu;
	bool passive;
	struct semaphore ready;
	struct thread *thread;
};

static double null_syscall(unsigned part, uint64_t *n)
{
	uint64_t start;

	(void)part;
	*n = 10 * CALLS;
	start = bench_ticks();
	bench_begin();
	for (uint64_t i = 0; i < *n; i++)
		(void)sys_thread_clock();
	bench_end();
	return bench_ns(bench_ticks() - start) / (double)*n - bench_loop_ns(*n);
}

static double signal_nowait(unsigned part, uint64_t *n)
{
	cptr_t notification;
	uint64_t start;
	double ns;

	(void)part;
	*n = 10 * CALLS;
	program_need("making a notification", object_new(OBJ_NOTIFICATION, &notification));
	start = bench_ticks();
	bench_begin();
	for (uint64_t i = 0; i < *n; i++)
		sys_signal(notification);
	bench_end();
	ns = bench_ns(bench_ticks() - start) / (double)*n - bench_loop_ns(*n);
	object_free(notification);
	return ns;
}

/* --- Call and reply --- */

/* A signal to the thread's own notification, left over from a semaphore, is no message. */
static void first_receive(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	do
		program_need("receiving", sys_recv(endpoint, reply, m));
	while (m->info & MSG_NOTIFIED);
}

static int serve(void *arg)
{
	struct server *server = arg;
	cptr_t endpoint = server->endpoint;
	cptr_t reply = thread_reply_slot();
	word_t info = msg_info(0, server->words, 0);
	struct msg m;

	thread_pin(server->cpu);
	if (server->passive)
		program_need("making a thread passive", thread_passive_set(true));
	semaphore_post(&server->ready);
	first_receive(endpoint, reply, &m);
	while (msg_label(m.info) != LABEL_QUIT) {
		m.info = info;
		if (sys_reply_recv(endpoint, reply, &m) != ERR_OK)
			program_fail("receiving", ERR_STATE);
	}
	m.info = 0;
	return (int)sys_reply(reply, &m);
}

static void server_start(struct server *server)
{
	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &server->endpoint));
	semaphore_init(&server->ready, 0);
	if (thrd_create(&server->thread, serve, server) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	semaphore_wait(&server->ready);
}

static void server_stop(struct server *server)
{
	struct msg m = msg_make(LABEL_QUIT, 0);

	program_need("ending a server", sys_call(server->endpoint, &m));
	thrd_join(server->thread, NULL);
	object_free(server->endpoint);
}

static double call_ns(struct server *server, uint64_t n)
{
	cptr_t endpoint = server->endpoint;
	word_t info = msg_info(0, server->words, 0);
	struct msg m = {.info = info};
	uint64_t start;

	for (unsigned i = 0; i < 100; i++) /* pages are mapped, the server waits */
		program_need("calling", sys_call(endpoint, &m));
	start = bench_ticks();
	bench_begin();
	for (uint64_t i = 0; i < n; i++) {
		m.info = info;
		if (sys_call(endpoint, &m) != ERR_OK)
			program_fail("calling", ERR_STATE);
	}
	bench_end();
	return bench_ns(bench_ticks() - start) / (double)n;
}

static double call(unsigned words, uint64_t *n)
{
	struct server server = {.words = words, .passive = true};
	double ns;

	*n = CALLS;
	thread_pin(0);
	server_start(&server);
	ns = call_ns(&server, *n) - bench_loop_ns(*n);
	server_stop(&server);
	return ns;
}

static double ipc_call_0(unsigned part, uint64_t *n)
{
	(void)part;
	return call(0, n);
}

static double ipc_call_4(unsigned part, uint64_t *n)
{
	(void)part;
	return call(4, n);
}

static double ipc_call_64(unsigned part, uint64_t *n)
{
	(void)part;
	return call(MSG_WORDS_MAX, n);
}

/* Thread-Metric sends 16 bytes to a queue and takes them out: here another thread takes and answers. */
static double metric_message(unsigned part, uint64_t *n)
{
	(void)part;
	return call(2, n);
}

static double ipc_xcpu_0(unsigned part, uint64_t *n)
{
	struct server server = {.words = 0, .cpu = 1};
	double ns;

	(void)part;
	*n = CALLS / 4;
	thread_pin(0);
	server_start(&server);
	ns = call_ns(&server, *n);
	server_stop(&server);
	return ns;
}

/* --- Independent pairs --- */

#define PAIRS       2u
#define PAIR_RUN_NS (bench.quick ? 100000000.0 : 500000000.0)
#define PAIR_CHECKS 1000u /* calls between two looks at the clock */

struct pair {
	struct server server;
	struct semaphore go;
	struct semaphore done;
	struct thread *client;
	unsigned cpu;
	bool quit;
	double calls_per_ns;
};

/* Calls for PAIR_RUN_NS each time that it may go. */
static int call_for_a_while(void *arg)
{
	struct pair *pair = arg;

	thread_pin(pair->cpu);
	server_start(&pair->server);
	semaphore_post(&pair->done);
	for (;;) {
		uint64_t calls = 0;
		uint64_t start;
		double ns;

		semaphore_wait(&pair->go);
		if (pair->quit)
			break;
		start = bench_ticks();
		do {
			(void)call_ns(&pair->server, PAIR_CHECKS);
			calls += PAIR_CHECKS;
			ns = bench_ns(bench_ticks() - start);
		} while (ns < PAIR_RUN_NS);
		pair->calls_per_ns = (double)calls / ns;
		semaphore_post(&pair->done);
	}
	server_stop(&pair->server);
	return 0;
}

/* The sum of what so many of the pairs do at the same time. */
static double pairs_run(struct pair *pairs, unsigned count)
{
	double sum = 0;

	for (unsigned i = 0; i < count; i++)
		semaphore_post(&pairs[i].go);
	for (unsigned i = 0; i < count; i++)
		semaphore_wait(&pairs[i].done);
	for (unsigned i = 0; i < count; i++)
		sum += pairs[i].calls_per_ns;
	return sum;
}

static double ipc_pairs_2(unsigned part, uint64_t *n)
{
	struct pair pairs[PAIRS] = {0};
	double alone;
	double both;

	(void)part;
	*n = 1;
	for (unsigned i = 0; i < PAIRS; i++) {
		pairs[i].cpu = i;
		pairs[i].server.cpu = i;
		pairs[i].server.passive = true;
		semaphore_init(&pairs[i].go, 0);
		semaphore_init(&pairs[i].done, 0);
		if (thrd_create(&pairs[i].client, call_for_a_while, &pairs[i]) != thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
		semaphore_wait(&pairs[i].done);
	}
	alone = pairs_run(pairs, 1);
	both = pairs_run(pairs, PAIRS);
	for (unsigned i = 0; i < PAIRS; i++) {
		pairs[i].quit = true;
		semaphore_post(&pairs[i].go);
		thrd_join(pairs[i].client, NULL);
	}
	return both / alone;
}

/* --- Dispatcher entries --- */

static uint64_t entries_of(unsigned cpu)
{
	struct proc_cpu_info info;
	uint64_t sum = 0;

	program_need("reading a CPU's statistics", cpu_stats(cpu, &info));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		sum += info.core.entries[i];
	return sum;
}

static double rpc_entries(unsigned part, uint64_t *n)
{
	struct server server = {.words = 0, .passive = true};
	uint64_t before;
	uint64_t entries;

	(void)part;
	*n = 2ull * CALLS; /* a call and a reply are a switch each */
	thread_pin(0);
	server_start(&server);
	before = entries_of(0);
	call_ns(&server, CALLS);
	entries = entries_of(0) - before;
	server_stop(&server);
	return (double)entries / (double)*n;
}

/* --- Faults --- */

/* The pager: skips the measured instruction, and has any other page mapped by touching it itself. */
static int serve_faults(void *arg)
{
	struct server *server = arg;
	cptr_t endpoint = server->endpoint;
	cptr_t reply = thread_reply_slot();
	struct msg m;

	program_need("making a thread passive", thread_passive_set(true));
	semaphore_post(&server->ready);
	first_receive(endpoint, reply, &m);
	while ((m.info & MSG_FAULTED) != 0) {
		bool measured = m.w[0] == UNMAPPED;

		if (!measured && (m.w[2] & FAULT_ACCESS_WRITE))
			__atomic_fetch_add((uint8_t *)m.w[0], 0, __ATOMIC_RELAXED);
		else if (!measured)
			(void)*(volatile uint8_t *)m.w[0];
		m.info = msg_info(measured ? FAULT_REPLY_SKIP : FAULT_REPLY_RESTART, 0, 0);
		if (sys_reply_recv(endpoint, reply, &m) != ERR_OK)
			program_fail("receiving a fault", ERR_STATE);
	}
	m.info = 0;
	return (int)sys_reply(reply, &m);
}

struct faulter {
	cptr_t endpoint;
	uint64_t n;
	double ns;
};

/* This thread's faults go to our pager from here to its end. */
static int fault_often(void *arg)
{
	struct faulter *faulter = arg;
	cptr_t tcb = thread_reply_slot() - PROC_THREAD_SLOT_REPLY + PROC_THREAD_SLOT_TCB;
	uint64_t start;

	program_need("choosing a pager", tcb_set_fault(tcb, faulter->endpoint, 0));
	for (unsigned warm = 0; warm < 2; warm++) {
		start = bench_ticks();
		bench_begin();
		for (uint64_t i = 0; i < faulter->n; i++)
			__asm__ volatile("ldr xzr, [%0]" : : "r"(UNMAPPED) : "memory");
		bench_end();
		faulter->ns = bench_ns(bench_ticks() - start) / (double)faulter->n;
	}
	faulter->ns -= bench_loop_ns(faulter->n);
	return 0;
}

static double fault_nomap(unsigned part, uint64_t *n)
{
	struct server server = {.passive = true};
	struct faulter faulter = {.n = CALLS};
	struct msg m = msg_make(LABEL_QUIT, 0);
	struct thread *thread;

	(void)part;
	*n = faulter.n;
	thread_pin(0);
	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &server.endpoint));
	semaphore_init(&server.ready, 0);
	faulter.endpoint = server.endpoint;
	if (thrd_create(&server.thread, serve_faults, &server) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	semaphore_wait(&server.ready);
	if (thrd_create(&thread, fault_often, &faulter) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	thrd_join(thread, NULL);
	program_need("ending a pager", sys_call(server.endpoint, &m));
	thrd_join(server.thread, NULL);
	object_free(server.endpoint);
	return faulter.ns;
}

static double fault_zero(unsigned part, uint64_t *n)
{
	size_t pages = bench.quick ? 1024 : 10240;
	uint64_t start;
	uint64_t ticks;
	void *at;

	(void)part;
	*n = pages;
	program_need("mapping memory", memory_map(pages * PAGE_SIZE, MAP_READ | MAP_WRITE, &at));
	start = bench_ticks();
	bench_begin();
	for (size_t i = 0; i < pages; i++)
		((volatile uint8_t *)at)[i * PAGE_SIZE] = 1;
	bench_end();
	ticks = bench_ticks() - start;
	program_need("unmapping memory", memory_unmap(at, pages * PAGE_SIZE));
	return bench_ns(ticks) / (double)pages - bench_loop_ns(pages);
}

const struct bench_row bench_ipc_rows[] = {
	{.id = "null_syscall", .unit = "insns", .cpus = 1, .run = null_syscall},
	{.id = "ipc_call_0", .unit = "insns", .cpus = 1, .run = ipc_call_0, .note = SAME_SPACE},
	{.id = "ipc_call_4", .unit = "insns", .cpus = 1, .run = ipc_call_4, .note = SAME_SPACE},
	{.id = "ipc_call_64", .unit = "insns", .cpus = 1, .run = ipc_call_64, .note = SAME_SPACE},
	{.id = "signal_nowait", .unit = "insns", .cpus = 1, .run = signal_nowait},
	{.id = "fault_nomap", .unit = "insns", .cpus = 1, .run = fault_nomap, .note = SAME_SPACE},
	{.id = "fault_zero", .unit = "insns", .cpus = 1, .run = fault_zero},
	{.id = "ipc_xcpu_0", .unit = "insns", .cpus = 2, .run = ipc_xcpu_0},
	{.id = "thread_metric",
	 .unit = "insns",
	 .cpus = 1,
	 .mode = BENCH_FIFO,
	 .run = metric_message,
	 .parts = 1,
	 .names = {"message"}},
	{.id = "ipc_pairs_2",
	 .unit = "ratio",
	 .cpus = 2,
	 .mode = BENCH_WALL,
	 .run = ipc_pairs_2,
	 .note = "(calls in the same time: two pairs on two CPUs : one pair on one)"},
	{.id = "entries_per_switch",
	 .unit = "entries",
	 .cpus = 1,
	 .run = rpc_entries,
	 .parts = 1,
	 .names = {"rpc"}},
	{.id = NULL},
};
