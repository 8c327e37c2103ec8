/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * crash HOW: one way to do wrong, by name; without a name, lists them.  `syscalls` is the one that
 * survives: it gives junk to every system call and to the servers, and checks the refusals.  So does
 * `window ADDRESS...`, which says what physical addresses the kernel has mapped for itself.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/fault.h>
#include <libsys/errno.h>
#include <libsys/ipc.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/threads.h>
#include <mm/protocol.h>
#include <proc/protocol.h>
#include <proc/slots.h>

#include "lib/program.h"

static void crash_null(void)
{
	void (*volatile nowhere)(void) = NULL;

	nowhere();
}

static void crash_wild(void)
{
	volatile uint64_t *volatile wild = (uint64_t *)0x1234567000ull;

	*wild = 1;
}

static void crash_kernel(void)
{
	volatile uint64_t *volatile kernel = (uint64_t *)0xffff000000000000ull;

	printf("%lu\n", (unsigned long)*kernel);
}

static void crash_text(void)
{
	volatile char *text = (volatile char *)(uintptr_t)crash_wild;

	*text = 0;
}

static void crash_undefined(void)
{
	__asm__ volatile("udf #7");
}

static void crash_break(void)
{
	__asm__ volatile("brk #3");
}

static void crash_syscall(void)
{
	__asm__ volatile("mov x8, #4242\n\tsvc #0" : : : "x8", "memory");
}

static void crash_privileged(void)
{
	__asm__ volatile("msr daifset, #15");
}

static void crash_jump(void)
{
	void (*volatile data)(void) = (void (*)(void))(uintptr_t)&environ;

	data();
}

/* Each level looks at the one above, so that no compiler makes a loop of it. */
static unsigned deep(const volatile char *above, unsigned n)
{
	volatile char room[512];

	room[0] = (char)(n + (unsigned)above[0]);
	return n == 0 ? 0 : deep(room, n - 1) + (unsigned)room[0];
}

static void crash_stack(void)
{
	printf("%u\n", deep("", 100000000));
}

static void crash_abort(void)
{
	abort();
}

/* --- Junk that must be refused, not obeyed --- */

static const word_t junk[] = {
	0, 5, 31, 77, 4095, 4096, 0xffff, 0x7fff, 0xffffffff, 0x7f0000000, 1ull << 39, UINT64_MAX,
};
#define JUNK (sizeof(junk) / sizeof(junk[0]))

static unsigned failures;

static void expect_refusal(const char *what, word_t value, enum error error)
{
	if (error != ERR_OK)
		return;
	printf("crash: %s with %lx was not refused\n", what, (unsigned long)value);
	failures++;
}

static void junk_syscalls(void)
{
	struct core_decision decision = {.kind = DECISION_RUN, .tcb = 4000};
	struct core_upcall upcall;
	word_t word;

	for (unsigned i = 0; i < JUNK; i++) {
		struct msg m = {.info = UINT64_MAX, .w = {junk[i], junk[JUNK - 1 - i], 3, 4}};
		struct msg n = m;

		expect_refusal("call", junk[i], sys_call(junk[i], &n));
		n = m;
		expect_refusal("reply_recv", junk[i], sys_reply_recv(junk[i], junk[i], &n));
		expect_refusal("send", junk[i], sys_send(junk[i], &m));
		expect_refusal("nb_send", junk[i], sys_nb_send(junk[i], &m));
		n = m;
		expect_refusal("recv", junk[i], sys_recv(junk[i], junk[i], &n));
		n = m;
		expect_refusal("nb_recv", junk[i], sys_nb_recv(junk[i], junk[i], &n));
		expect_refusal("reply", junk[i], sys_reply(junk[i], &m));
		expect_refusal("signal", junk[i], sys_signal(junk[i]));
		expect_refusal("wait", junk[i], sys_wait(junk[i], &word));
		expect_refusal("poll", junk[i], sys_poll(junk[i], &word));
		core_reply_wait(junk[i], &decision, &upcall);
		expect_refusal("core_reply_wait", junk[i], upcall.refused);
	}
}

/* Wild pointers where a server takes addresses, and requests that do not exist. */
static void junk_requests(void)
{
	static const cptr_t servers[] = {PROC_SLOT_PROC, PROC_SLOT_MM};

	for (unsigned i = 0; i < JUNK; i++) {
		struct msg m = {.w = {junk[i], 100, 1, 0}};

		ipc_buffer_get()->msg[4] = 0;
		m.info = msg_info(PROC_REQ_SPAWN, 12, 0);
		expect_refusal("spawn", junk[i], server_call(PROC_SLOT_PROC, &m));
		m = (struct msg){.w = {junk[i] | 1, 4096, junk[i], junk[i]}};
		m.info = msg_info(MM_REQ_UNMAP, 2, 0);
		expect_refusal("unmap", junk[i], server_call(PROC_SLOT_MM, &m));
		m = (struct msg){.w = {junk[i] | 1, 4096, 3, 0}};
		m.info = msg_info(MM_REQ_MAP, 5, 0);
		expect_refusal("map", junk[i], server_call(PROC_SLOT_MM, &m));
		for (unsigned s = 0; s < 2; s++) {
			m = (struct msg){.info = msg_info(9000 + i, 64, 0)};
			expect_refusal("request", 9000 + i, server_call(servers[s], &m));
		}
	}
}

static void crash_syscalls(void)
{
	junk_syscalls();
	junk_requests();
	printf("crash: junk in every system call: %u not refused\n", failures);
	exit(failures ? 1 : 0);
}

/* --- What the kernel has mapped for itself --- */

#define KERNEL_WINDOW 0xffffff8000000000ull

static char *const *operands; /* after the name of the way */
static cptr_t pager;

static int touch(void *at)
{
	const cptr_t tcb = thread_reply_slot() - PROC_THREAD_SLOT_REPLY + PROC_THREAD_SLOT_TCB;

	program_need("choosing a pager", tcb_set_fault(tcb, pager, 0));
	return *(volatile char *)at;
}

/* A thread of ours touches it; its pager, this one, is told whether something is there. */
static bool something_is_at(word_t vaddr)
{
	struct thread *thread;
	enum error error;
	struct msg m;

	if (thrd_create(&thread, touch, (void *)vaddr) != thrd_success)
		program_fail("starting a thread", ERR_NO_MEMORY);
	/* Signals are left over from its start; pages of its own it gets by our touching them. */
	error = sys_recv(pager, thread_reply_slot(), &m);
	while (error == ERR_OK && m.w[0] != vaddr) {
		if ((m.info & MSG_FAULTED) == 0) {
			error = sys_recv(pager, thread_reply_slot(), &m);
			continue;
		}
		(void)*(volatile uint8_t *)m.w[0];
		m.info = msg_info(FAULT_REPLY_RESTART, 0, 0);
		error = sys_reply_recv(pager, thread_reply_slot(), &m);
	}
	program_need("waiting for a fault", error);
	m.info = msg_info(FAULT_REPLY_SKIP, 0, 0);
	program_need("answering a fault", sys_reply(thread_reply_slot(), &m));
	return (m.w[2] & FAULT_ACCESS_PRESENT) != 0;
}

static void crash_number(void)
{
	word_t number;

	__asm__ volatile("mrs %0, tpidrro_el0" : "=r"(number));
	printf("crash: on CPU 0x%lx\n", (unsigned long)number);
	exit(0);
}

static void crash_window(void)
{
	program_need("making an endpoint", object_new(OBJ_ENDPOINT, &pager));
	for (; *operands != NULL; operands++) {
		const word_t paddr = strtoull(*operands, NULL, 0);

		printf("crash: 0x%lx is %sin the kernel's window\n", (unsigned long)paddr,
		       something_is_at(KERNEL_WINDOW + paddr) ? "" : "not ");
	}
	exit(0);
}

static const struct {
	const char *name;
	void (*how)(void);
	const char *text;
} ways[] = {
	{"null", crash_null, "call address 0"},
	{"wild", crash_wild, "write where nothing is mapped"},
	{"kernel", crash_kernel, "read the kernel's half"},
	{"text", crash_text, "write to the program's text"},
	{"undefined", crash_undefined, "an undefined instruction"},
	{"break", crash_break, "a breakpoint instruction"},
	{"syscall", crash_syscall, "a system call that does not exist"},
	{"privileged", crash_privileged, "an instruction of the kernel"},
	{"jump", crash_jump, "run data"},
	{"stack", crash_stack, "overflow the stack"},
	{"abort", crash_abort, "abort()"},
	{"number", crash_number, "say what the CPU says of itself; survives"},
	{"window", crash_window, "read the kernel's window of memory; survives"},
	{"syscalls", crash_syscalls, "junk to every system call; survives"},
};

int main(int argc, char **argv)
{
	for (unsigned i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (argc < 2) {
			printf("crash %-10s  %s\n", ways[i].name, ways[i].text);
		} else if (strcmp(argv[1], ways[i].name) == 0) {
			operands = argv + 2;
			ways[i].how();
			printf("crash %s: survived\n", argv[1]);
			return 3;
		}
	}
	return argc < 2 ? 0 : 2;
}
