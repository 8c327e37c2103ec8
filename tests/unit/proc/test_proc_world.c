/* SPDX-License-Identifier: BSD-2-Clause */
/* What proc tells, and what it has to do with the world outside: faults, files, the console, a device. */
#include "clients.h"

#include <abi/object.h>
#include <criterion/criterion.h>
#include <libsys/objects.h>
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "kernel.h"
#include "register.h"
#include "state.h"
#include "untyped.h"

static uint32_t a; /* the first program's thread */

/* What came out since it was last looked at. */
static char screen[4096], logged[256];
static size_t screen_bytes;

static void screen_take(const char *text, size_t bytes)
{
	cr_assert_lt(screen_bytes + bytes, sizeof(screen));
	memcpy(screen + screen_bytes, text, bytes);
	screen_bytes += bytes;
	screen[screen_bytes] = '\0';
}

static void log_take(const char *line)
{
	snprintf(logged, sizeof(logged), "%s", line);
}

static void screen_clear(void)
{
	screen_bytes = 0;
	screen[0] = '\0';
}

static void setup(void)
{
	clients_start();
	a = client_newest;
	paper_console = screen_take;
	paper_log = log_take;
	screen_clear();
	logged[0] = '\0';
}

TestSuite(world, .init = setup);

static uint32_t pid_of(uint32_t tid)
{
	return thread_get(tid)->pid;
}

static uint32_t child(word_t flags)
{
	cr_assert_eq(client_spawn(a, flags, 0), ERR_OK);
	return client_newest;
}

/* The words of the last answer as bytes. */
static const char *bytes_of(uint32_t tid, unsigned first)
{
	static word_t words[MSG_WORDS_MAX];

	for (unsigned i = 0; first + i < MSG_WORDS_MAX; i++)
		words[i] = client_word(tid, first + i);
	return (const char *)words;
}

/* ---- Looking ---- */

Test(world, who_it_is)
{
	const uint32_t b = child(PROC_SPAWN_NEW_GROUP);

	cr_assert_eq(client_thread(b), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_INFO, 0), ERR_OK);
	cr_assert_eq(client_word(b, 0), pid_of(b));
	cr_assert_eq(client_word(b, 1), pid_of(a));
	cr_assert_eq(client_word(b, 2), pid_of(b));
	cr_assert_eq(client_word(b, 3), 2);
	cr_assert_eq(client_word(b, 4), PAPER_CPUS);
}

Test(world, processes_in_order)
{
	const uint32_t b = child(0), c = child(0);
	struct proc_process_info info;

	cr_assert_eq(ask(b, PROC_REQ_EXIT, 5), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_PROCESS_LIST, pid_of(a) + 1), ERR_OK);
	memcpy(&info, bytes_of(a, 0), sizeof(info));
	cr_assert_eq(info.pid, pid_of(b));
	cr_assert_eq(info.parent, pid_of(a));
	cr_assert_eq(info.group, pid_of(a));
	cr_assert_eq(info.state, PROC_STATE_DYING);
	cr_assert_str_eq(info.name, "prog");
	cr_assert_eq(client_thread(c), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_PROCESS_LIST, pid_of(c)), ERR_OK);
	memcpy(&info, bytes_of(a, 0), sizeof(info));
	cr_assert_eq(info.threads, 2);
	cr_assert_eq(info.cpu_ns, 2000, "of both");
	cr_assert_eq(info.started_ns, 1000);
	cr_assert_eq(ask(a, PROC_REQ_PROCESS_LIST, pid_of(c) + 1), ERR_NOT_FOUND);
}

Test(world, threads_in_order)
{
	const uint32_t b = child(0);
	struct proc_thread_info info;

	cr_assert_eq(ask(a, PROC_REQ_SCHED_SET, 0, 0, SCHED_PARAM_WEIGHT, 99), ERR_OK);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_LIST, 0), ERR_OK);
	memcpy(&info, bytes_of(b, 0), sizeof(info));
	cr_assert_eq(info.tid, TID_MAIN);
	cr_assert_eq(info.pid, 0);
	cr_assert_str_eq(info.name, "proc.console");
	cr_assert_eq(ask(b, PROC_REQ_THREAD_LIST, TID_MAIN + 1), ERR_OK, "nobody in between");
	memcpy(&info, bytes_of(b, 0), sizeof(info));
	cr_assert_eq(info.tid, a);
	cr_assert_eq(info.pid, pid_of(a));
	cr_assert_eq(info.cpu_ns, 1000);
	cr_assert_str_eq(info.name, "prog");
	cr_assert_eq(client_thread(b), ERR_OK);
	client_exit(client_newest, 0);
	cr_assert_eq(ask(b, PROC_REQ_THREAD_LIST, b + 1), ERR_NOT_FOUND, "it ends");
	cr_assert_eq(ask(b, PROC_REQ_THREAD_LIST, b), ERR_OK);
	memcpy(&info, bytes_of(b, 0), sizeof(info));
	cr_assert_eq(info.index, 0);
	cr_assert_eq(info.state, THREAD_CALLING);
}

Test(world, statistics_of_each_number_that_there_is)
{
	struct sched_shared *shared = register_shared();

	shared->stats[a].runs = 7;
	shared->stats[SCHED_THREADS_MAX - 1].wakes = 8;
	shared->cpu[3].picks = 9;
	cr_assert_eq(ask(a, PROC_REQ_THREAD_STATS, a), ERR_OK);
	cr_assert_eq(client_word(a, 1), 7);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_STATS, SCHED_THREADS_MAX - 1), ERR_OK);
	cr_assert_eq(client_word(a, 4), 8);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_STATS, SCHED_THREADS_MAX), ERR_RANGE);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_STATS, 0), ERR_RANGE);
	shared->stats[a].wake_histogram[0] = 11;
	cr_assert_eq(ask(a, PROC_REQ_THREAD_WAKES, a), ERR_OK);
	cr_assert_eq(client_word(a, 0) & UINT32_MAX, 11);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_WAKES, SCHED_THREADS_MAX - 1), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_THREAD_WAKES, SCHED_THREADS_MAX), ERR_RANGE);
	cr_assert_eq(ask(a, PROC_REQ_CPU_STATS, 3), ERR_OK);

	struct proc_cpu_info info;
	struct sched_cpu_stats seen;

	memcpy(&info, bytes_of(a, 0), sizeof(info));
	memcpy(&seen, info.sched, sizeof(info.sched));
	cr_assert_eq(seen.picks, 9);
	cr_assert_eq(ask(a, PROC_REQ_CPU_STATS, PAPER_CPUS), ERR_NOT_FOUND);
}

Test(world, the_machine)
{
	struct proc_machine_info info;

	strcpy(register_shared()->policy, "a policy");
	cr_assert_eq(ask(a, PROC_REQ_MACHINE, 0), ERR_OK);
	memcpy(&info, bytes_of(a, 0), sizeof(info));
	cr_assert_eq(info.cpus_online, PAPER_CPUS);
	cr_assert_eq(info.memory_bytes, untyped_bytes_total());
	cr_assert_str_eq(info.policy, "a policy");
	cr_assert_eq(ask(a, PROC_REQ_MEMORY, 0), ERR_OK);
}

/* ---- Groups ---- */

Test(world, groups_are_set_by_oneself_and_ones_maker)
{
	const uint32_t b = child(0);

	cr_assert_eq(client_spawn(b, 0, 0), ERR_OK);

	const uint32_t c = client_newest;

	cr_assert_eq(process_get(pid_of(c))->group, pid_of(a));
	cr_assert_eq(ask(c, PROC_REQ_GROUP_SET, 0, 0), ERR_OK);
	cr_assert_eq(process_get(pid_of(c))->group, pid_of(c));
	cr_assert_eq(ask(b, PROC_REQ_GROUP_SET, pid_of(c), pid_of(b)), ERR_OK);
	cr_assert_eq(process_get(pid_of(c))->group, pid_of(b));
	cr_assert_eq(ask(a, PROC_REQ_GROUP_SET, pid_of(c), pid_of(a)), ERR_PERMISSION);
	cr_assert_eq(ask(b, PROC_REQ_GROUP_SET, pid_of(a), pid_of(b)), ERR_PERMISSION);
	cr_assert_eq(ask(b, PROC_REQ_GROUP_SET, 400, 0), ERR_NOT_FOUND);
}

Test(world, a_group_is_killed_as_a_whole)
{
	const uint32_t b = child(PROC_SPAWN_NEW_GROUP), c = child(0), d = child(0);
	const uint32_t pid[] = {pid_of(b), pid_of(c), pid_of(d)};

	cr_assert_eq(ask(a, PROC_REQ_GROUP_SET, pid[2], pid[0]), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid[2], 0), ERR_RANGE);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid[2], PROC_SIGNAL_MAX + 1), ERR_RANGE);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid[2], PROC_SIGTERM, 1), ERR_OK);
	cr_assert_neq(process_get(pid[0])->state, PROC_STATE_RUNNING);
	cr_assert_neq(process_get(pid[2])->state, PROC_STATE_RUNNING);
	cr_assert_eq(process_get(pid[1])->state, PROC_STATE_RUNNING);
	cr_assert_eq(process_get(pid_of(a))->state, PROC_STATE_RUNNING);
	reap();
}

/* ---- Threads ---- */

Test(world, a_process_ends_with_its_last_thread)
{
	const uint32_t b = child(0), pid = pid_of(b);

	cr_assert_eq(client_thread(b), ERR_OK);

	const uint32_t c = client_newest;

	client_exit(b, 3);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_WOULD_BLOCK);
	client_exit(c, 4);
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_OK);
	cr_assert_eq(client_word(a, 1), 0);
	cr_assert_eq(client_word(a, 2), 0);
}

/* ---- Faults ---- */

static uint32_t signal_of(uint32_t pid)
{
	reap();
	cr_assert_eq(ask(a, PROC_REQ_WAIT, pid, PROC_WAIT_NO_HANG), ERR_OK);
	return (uint32_t)client_word(a, 2);
}

Test(world, a_fault_kills_its_process_and_says_why)
{
	const struct {
		enum fault kind;
		word_t w[4];
		uint32_t signal;
		const char *text;
	} cases[] = {
		{FAULT_PAGE,
		 {0x10, 0x20, FAULT_ACCESS_WRITE, ERR_RANGE},
		 PROC_SIGSEGV,
		 "page fault writing 0x10 at pc 0x20, stack overflow"},
		{FAULT_PAGE,
		 {0x10, 0x20, FAULT_ACCESS_READ, ERR_FAULT_ADDR},
		 PROC_SIGSEGV,
		 "page fault reading 0x10 at pc 0x20, nothing mapped"},
		{FAULT_PAGE,
		 {0x10, 0x20, FAULT_ACCESS_EXECUTE, ERR_PERMISSION},
		 PROC_SIGSEGV,
		 "page fault executing 0x10 at pc 0x20, not permitted there"},
		{FAULT_PAGE,
		 {0x10, 0x20, FAULT_ACCESS_READ, ERR_LIMIT},
		 PROC_SIGSEGV,
		 "memory limit reached"},
		{FAULT_PAGE,
		 {0x10, 0x20, FAULT_ACCESS_READ, ERR_NO_MEMORY},
		 PROC_SIGSEGV,
		 "memory exhausted"},
		{FAULT_UNDEFINED, {1, 2}, PROC_SIGILL, "undefined instruction at pc 0x2"},
		{FAULT_ALIGNMENT, {1, 2}, PROC_SIGBUS, "misaligned access to 0x1 at pc 0x2"},
		{FAULT_SYSCALL, {77, 2}, PROC_SIGSYS, "bad system call 77 at pc 0x2"},
		{FAULT_FPU, {1, 2}, PROC_SIGFPE, "floating-point instruction forbidden at pc 0x2"},
		{FAULT_BREAKPOINT, {1, 2}, PROC_SIGTRAP, "breakpoint 0x1 at pc 0x2"},
		{FAULT_BUS, {1, 2}, PROC_SIGBUS, "bus error at 0x1, pc 0x2"},
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const uint32_t b = child(0), pid = pid_of(b);
		char head[64];

		client_fault(b, cases[i].kind, cases[i].w[0], cases[i].w[1], cases[i].w[2],
			     cases[i].w[3]);
		cr_assert_eq(client_answer(b), WAITS);
		snprintf(head, sizeof(head), "pid %u \"prog\" killed: ", pid);
		cr_assert_eq(strncmp(logged, head, strlen(head)), 0, "%s", logged);
		cr_assert_not_null(strstr(logged, cases[i].text), "%s", logged);
		cr_assert(logged[strlen(head)] == cases[i].text[0] || cases[i].w[2] != 0);
		cr_assert_eq(signal_of(pid), cases[i].signal, "case %u", i);
	}
}

Test(world, only_the_first_fault_counts)
{
	const uint32_t b = child(0), pid = pid_of(b);

	cr_assert_eq(client_thread(b), ERR_OK);

	const uint32_t c = client_newest;

	client_fault(b, FAULT_UNDEFINED, 0, 0, 0, 0);
	logged[0] = '\0';
	client_fault(c, FAULT_BREAKPOINT, 0, 0, 0, 0);
	cr_assert_str_empty(logged);
	cr_assert_eq(signal_of(pid), PROC_SIGILL);
}

/* ---- Files ---- */

static int file_open_named(const char *name)
{
	word_t words[4] = {strlen(name)};

	memcpy(&words[1], name, strlen(name));
	return ask(a, PROC_REQ_OPEN, words[0], words[1], words[2], words[3]);
}

Test(world, a_file_of_the_archive)
{
	word_t fd;

	cr_assert_eq(file_open_named("not there"), ERR_NOT_FOUND);
	cr_assert_eq(ask(a, PROC_REQ_OPEN, PROC_NAME_MAX, 0), ERR_RANGE);
	cr_assert_eq(file_open_named("note"), ERR_OK);
	fd = client_word(a, 0);
	cr_assert_eq(client_word(a, 1), 11);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 5), ERR_OK);
	cr_assert_eq(client_word(a, 0), 5);
	cr_assert_eq(memcmp(bytes_of(a, 1), "a few", 5), 0);
	cr_assert_eq(ask(a, PROC_REQ_FILE_STAT, fd), ERR_OK);
	cr_assert_eq(client_word(a, 0), PROC_FILE_ARCHIVE);
	cr_assert_eq(client_word(a, 1), 11);
	cr_assert_eq(client_word(a, 3), 5);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 100), ERR_OK);
	cr_assert_eq(client_word(a, 0), 6);
	cr_assert_eq(memcmp(bytes_of(a, 1), " words", 6), 0);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 100), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0, "the end");
	cr_assert_eq(ask(a, PROC_REQ_SEEK, fd, 2), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 3), ERR_OK);
	cr_assert_eq(memcmp(bytes_of(a, 1), "few", 3), 0);
	cr_assert_eq(ask(a, PROC_REQ_SEEK, fd, 1000), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 3), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0);
	cr_assert_eq(ask(a, PROC_REQ_WRITE, fd, 8, 1), ERR_ARG);
	cr_assert_eq(ask(a, PROC_REQ_SEEK, 1, 0), ERR_ARG, "the console");
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, fd), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, fd), ERR_ARG);
	cr_assert_eq(ask(a, PROC_REQ_READ, fd, 3), ERR_ARG);
	cr_assert_eq(ask(a, PROC_REQ_FILE_STAT, fd), ERR_ARG);
}

Test(world, files_of_the_archive)
{
	cr_assert_eq(ask(a, PROC_REQ_FILE_LIST, 0), ERR_OK);
	cr_assert_eq(client_word(a, 2), 4);
	cr_assert_eq(memcmp(bytes_of(a, 3), "prog", 4), 0);
	cr_assert_eq(ask(a, PROC_REQ_FILE_LIST, 1), ERR_OK);
	cr_assert_eq(client_word(a, 0), 11);
	cr_assert_eq(client_word(a, 1), 0100644);
	cr_assert_eq(memcmp(bytes_of(a, 3), "note", 4), 0);
	cr_assert_eq(ask(a, PROC_REQ_FILE_LIST, 2), ERR_NOT_FOUND);
}

Test(world, descriptors_are_the_lowest_and_so_many)
{
	cr_assert_eq(ask(a, PROC_REQ_DUP, 77, PROC_FD_NONE), ERR_ARG);
	cr_assert_eq(ask(a, PROC_REQ_DUP, 0, PROC_FDS_MAX), ERR_ARG);
	for (word_t fd = 3; fd < PROC_FDS_MAX; fd++) {
		cr_assert_eq(ask(a, PROC_REQ_DUP, 0, PROC_FD_NONE), ERR_OK);
		cr_assert_eq(client_word(a, 0), fd);
	}
	cr_assert_eq(ask(a, PROC_REQ_DUP, 0, PROC_FD_NONE), ERR_LIMIT);
	cr_assert_eq(file_open_named("note"), ERR_LIMIT);
	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_LIMIT);
	cr_assert_eq(ask(a, PROC_REQ_CLOSE, 9), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_PIPE, 0), ERR_LIMIT, "it needs two");
	cr_assert_eq(file_open_named("note"), ERR_OK);
	cr_assert_eq(client_word(a, 0), 9, "and gave the first one back");
	cr_assert_eq(ask(a, PROC_REQ_DUP, 9, 9), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_FILE_STAT, 9), ERR_OK);
	cr_assert_eq(client_word(a, 0), PROC_FILE_ARCHIVE, "it was not closed");
}

static int spawn_with(word_t in, word_t out, word_t err)
{
	return ask(a, PROC_REQ_SPAWN, 0x10000, 40, 2, 1, 0, in, out, err, 0, PROC_NICE_INHERIT);
}

Test(world, descriptors_of_a_child)
{
	cr_assert_eq(spawn_with(99, PROC_FD_INHERIT, PROC_FD_INHERIT), ERR_ARG);
	cr_assert_eq(file_open_named("note"), ERR_OK);

	const word_t fd = client_word(a, 0);

	cr_assert_eq(ask(a, PROC_REQ_CLOSE, 2), ERR_OK);
	cr_assert_eq(spawn_with(fd, PROC_FD_NONE, PROC_FD_INHERIT), ERR_OK,
		     "what is closed here is closed there");
	cr_assert_eq(ask(client_newest, PROC_REQ_FILE_STAT, 0), ERR_OK);
	cr_assert_eq(client_word(client_newest, 0), PROC_FILE_ARCHIVE);
	cr_assert_eq(ask(client_newest, PROC_REQ_FILE_STAT, 1), ERR_ARG);
	cr_assert_eq(ask(client_newest, PROC_REQ_FILE_STAT, 2), ERR_ARG);
}

/* ---- The console ---- */

static int print(uint32_t tid, const char *text)
{
	word_t words[4] = {0};

	memcpy(words, text, strlen(text));
	return ask(tid, PROC_REQ_WRITE, 1, strlen(text), words[0], words[1], words[2], words[3]);
}

/* A reader with this much room has this line. */
static void assert_line(uint32_t tid, const char *line)
{
	cr_assert_eq(client_answer(tid), ERR_OK);
	cr_assert_eq(client_word(tid, 0), strlen(line));
	cr_assert_eq(memcmp(bytes_of(tid, 1), line, strlen(line)), 0);
}

Test(world, console_line)
{
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), WAITS);
	console_type("hel");
	cr_assert_eq(client_answer(a), WAITS);
	console_type("lo\rnext\r");
	assert_line(a, "hello\n");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 3), ERR_OK, "typed ahead");
	assert_line(a, "nex");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), ERR_OK);
	assert_line(a, "t\n");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 0), ERR_OK, "nothing is asked for");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), WAITS);
	console_type("\x04");
	cr_assert_eq(client_answer(a), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0, "the end");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), WAITS, "once");
	console_type("more\r");
	assert_line(a, "more\n");
}

Test(world, console_readers_have_a_line_each)
{
	cr_assert_eq(client_thread(a), ERR_OK);

	const uint32_t b = client_newest;

	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 4), WAITS);
	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), WAITS);
	console_type("hello\r");
	assert_line(a, "hell");
	assert_line(b, "o\n");
}

/* What is printed while a line is edited stands above it. */
Test(world, console_output_does_not_spoil_a_line)
{
	cr_assert_eq(print(a, "old\n$ "), ERR_OK);
	cr_assert_str_eq(screen, "old\n$ ");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), WAITS);
	console_type("abc");
	screen_clear();

	const uint32_t pid = pid_of(a);

	console_write("news", 4);
	cr_assert_not_null(strstr(screen, "news\n"));
	cr_assert_lt(strstr(screen, "\r"), strstr(screen, "news"), "over the line");
	cr_assert_not_null(strstr(strstr(screen, "news\n"), "$ abc"), "which comes again");
	screen_clear();
	console_write("more\n", 5);
	cr_assert_null(strstr(screen, "\n\n"));
	console_type("\r");
	assert_line(a, "abc\n");
	cr_assert_eq(process_get(pid)->state, PROC_STATE_RUNNING);
}

Test(world, console_output_of_many_bytes_is_whole)
{
	static char text[3 * SYSTEM_DEBUG_BYTES];

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 26);
	console_write(text, sizeof(text) - 1);
	cr_assert_eq(screen_bytes, sizeof(text) - 1);
	cr_assert_eq(memcmp(screen, text, sizeof(text) - 1), 0);
}

Test(world, console_interrupts_the_group_in_front)
{
	const uint32_t b = child(PROC_SPAWN_NEW_GROUP), c = child(0);
	const uint32_t pid[] = {pid_of(b), pid_of(c)};

	cr_assert_eq(ask(a, PROC_REQ_GROUP_SET, pid[1], pid[0]), ERR_OK);
	cr_assert_eq(ask(a, PROC_REQ_FOREGROUND, 0), ERR_OK);
	console_type("ab\x03");
	cr_assert_eq(process_get(pid[0])->state, PROC_STATE_RUNNING, "nobody is in front");
	cr_assert_eq(ask(a, PROC_REQ_FOREGROUND, pid[0]), ERR_OK);
	console_type("cd\x03");
	cr_assert_eq(process_get(pid_of(a))->state, PROC_STATE_RUNNING);
	cr_assert_eq(signal_of(pid[0]), PROC_SIGINT);
	cr_assert_eq(signal_of(pid[1]), PROC_SIGINT);
	cr_assert_eq(ask(a, PROC_REQ_KEYS, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), 5, "one of them was the editor's");
	cr_assert_eq(ask(a, PROC_REQ_KEYS, 0), ERR_OK);
	cr_assert_eq(client_word(a, 0), 0);
}

Test(world, console_forgets_a_reader_that_ends)
{
	const uint32_t b = child(0);

	cr_assert_eq(ask(b, PROC_REQ_READ, 0, 100), WAITS);
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid_of(b), PROC_SIGKILL), ERR_OK);
	reap();
	console_type("x\r");
	cr_assert_eq(ask(a, PROC_REQ_READ, 0, 100), ERR_OK);
	assert_line(a, "x\n");
}

/* ---- Objects ---- */

Test(world, objects_are_given_by_capability)
{
	const enum object_type types[] = {OBJ_ENDPOINT, OBJ_NOTIFICATION, OBJ_REPLY};

	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(ask(a, PROC_REQ_OBJECT_NEW, types[i]), ERR_OK);
		cr_assert_eq(client_caps(a), 1);
		cr_assert_eq(paper_at(client_cap(a))->type, types[i]);
	}
	cr_assert_eq(ask(a, PROC_REQ_OBJECT_NEW, OBJ_TCB), ERR_CAP_TYPE);
	cr_assert_eq(client_caps(a), 0);
}

/* Its memory ends, and nobody else's. */
Test(world, objects_are_so_many)
{
	const uint32_t b = child(0);
	unsigned made = 0;

	while (made < 10000 && ask(b, PROC_REQ_OBJECT_NEW, OBJ_ENDPOINT) == ERR_OK)
		made++;
	cr_assert_eq(client_answer(b), ERR_NO_MEMORY);
	cr_assert_eq(client_caps(b), 0);
	cr_assert_gt(made, 10);
	cr_assert_eq(ask(a, PROC_REQ_OBJECT_NEW, OBJ_ENDPOINT), ERR_OK);
}

/* ---- The device ---- */

static bool is_mapped(unsigned page)
{
	return paper_at(OWN_DEVICE_MAPPED_FIRST + page) != NULL;
}

Test(world, a_device_is_one_processs_at_a_time)
{
	const uint32_t b = child(0), pid = pid_of(b);

	cr_assert_eq(ask(b, PROC_REQ_DEVICE_OPEN, PAPER_CPUS), ERR_RANGE);
	cr_assert_eq(ask(b, PROC_REQ_DEVICE_OPEN, 1), ERR_OK);
	cr_assert_eq(client_word(b, 0), 2 * PAGE_SIZE);
	cr_assert_eq(client_caps(b), 1);
	cr_assert_eq(paper_at(client_cap(b))->type, OBJ_IRQ_HANDLER);
	cr_assert(is_mapped(0) && is_mapped(1) && !is_mapped(2));
	cr_assert_eq(ask(a, PROC_REQ_DEVICE_OPEN, 0), ERR_BUSY);
	cr_assert_eq(ask(child(0), PROC_REQ_EXIT, 0), WAITS);
	reap();
	cr_assert(is_mapped(0), "another one's end is nothing to it");
	cr_assert_eq(ask(a, PROC_REQ_KILL, pid, PROC_SIGKILL), ERR_OK);
	reap();
	cr_assert(!is_mapped(0) && !is_mapped(1));
	cr_assert_eq(ask(a, PROC_REQ_DEVICE_OPEN, 0), ERR_OK);
}

Test(world, a_device_is_for_one_program)
{
	strcpy(process_get(pid_of(a))->name, "progra");
	cr_assert_eq(ask(a, PROC_REQ_DEVICE_OPEN, 0), ERR_PERMISSION);
	strcpy(process_get(pid_of(a))->name, "pro");
	cr_assert_eq(ask(a, PROC_REQ_DEVICE_OPEN, 0), ERR_PERMISSION);
	cr_assert_eq(ask(child(PROC_SPAWN_CONFINED), PROC_REQ_DEVICE_OPEN, 0), ERR_PERMISSION);
}
