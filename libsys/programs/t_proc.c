/* SPDX-License-Identifier: BSD-2-Clause */
/* Processes as programs see them: proc. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libsys/clock.h>
#include <libsys/file.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/program.h"

static word_t start_self(const char *how, const char *arg, const struct spawn_options *options)
{
	char *const argv[] = {(char[]){"t_proc"}, (char *)(uintptr_t)how, (char *)(uintptr_t)arg,
			      NULL};
	char *const envp[] = {(char[]){"COLOUR=blue"}, (char[]){"EMPTY="}, NULL};
	word_t pid = 0;

	program_need("spawning", process_spawn("t_proc", argv, envp, options, &pid));
	return pid;
}

static void exit_statuses_arrive(void)
{
	struct wait_result result = program_wait(start_self("exit", "0", NULL));

	tap_equal(result.status, 0);
	tap_equal(result.signal, 0);
	tap_equal(program_wait(start_self("exit", "42", NULL)).status, 42);
	tap_equal(program_wait(start_self("exit", "255", NULL)).status, 255);
	tap_equal(program_wait(start_self("thread-exit", "3", NULL)).status, 3);
	tap_equal(program_wait(start_self("last-thread", NULL, NULL)).status, 0);
	tap_equal(program_wait(start_self("abort", NULL, NULL)).signal, PROC_SIGABRT);
	tap_equal(program_wait(start_self("join-abort", NULL, NULL)).signal, PROC_SIGABRT);
}

static void arguments_and_environment_arrive(void)
{
	tap_equal(program_wait(start_self("check-arguments", "an argument", NULL)).status, 0);
}

static void wrong_programs_are_refused(void)
{
	char *const argv[] = {(char[]){"x"}, NULL};
	struct wait_result result;
	word_t pid;

	tap_equal(process_spawn("no such program", argv, NULL, NULL, &pid), ERR_NOT_FOUND);
	tap_equal(process_spawn("standard.bwl", argv, NULL, NULL, &pid), ERR_FORMAT);
	tap_equal(process_wait(PROC_WAIT_ANY, false, &result), ERR_NOT_FOUND);
	tap_check(process_wait(60000, false, &result) != ERR_OK);
	tap_check(process_kill(60000, PROC_SIGKILL, false) != ERR_OK);
}

static void waiting_for_any_and_none(void)
{
	struct wait_result result;
	word_t slow = start_self("sleep", "200", NULL);

	tap_equal(process_wait(slow, true, &result), ERR_WOULD_BLOCK);
	word_t pids[3];
	word_t sum = slow;

	for (unsigned i = 0; i < 3; i++) {
		pids[i] = start_self("exit", "0", NULL);
		sum += pids[i];
	}
	for (unsigned i = 0; i < 4; i++) {
		tap_equal(process_wait(PROC_WAIT_ANY, false, &result), ERR_OK);
		sum -= result.pid;
	}
	tap_equal(sum, 0);
	tap_check(process_wait(PROC_WAIT_ANY, true, &result) == ERR_NOT_FOUND);
}

/* Whatever a process is doing, it can be killed. */
static void everything_can_be_killed(void)
{
	static const char *const hows[] = {"sleep", "spin",    "wait",     "read",
					   "futex", "threads", "join-wait"};

	for (unsigned i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
		word_t read_fd;
		word_t write_fd;
		struct spawn_options options = SPAWN_OPTIONS_DEFAULT;

		tap_equal(pipe_create(&read_fd, &write_fd), ERR_OK);
		options.files[0] = read_fd;
		word_t pid = start_self(hows[i], "100000", &options);

		thread_sleep_until(clock_now_ns() + 20 * NS_PER_MS);
		tap_equal(process_kill(pid, PROC_SIGKILL, false), ERR_OK);
		struct wait_result result = program_wait(pid);

		tap_equal(result.signal, PROC_SIGKILL);
		tap_equal(file_close(read_fd), ERR_OK);
		tap_equal(file_close(write_fd), ERR_OK);
	}
}

static void groups_are_killed_together(void)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;

	options.new_group = true;
	word_t leader = start_self("sleep", "100000", &options);
	word_t member = start_self("sleep", "100000", NULL);

	tap_equal(process_group_set(member, leader), ERR_OK);
	tap_equal(process_kill(leader, PROC_SIGTERM, true), ERR_OK);
	tap_equal(program_wait(leader).signal, PROC_SIGTERM);
	tap_equal(program_wait(member).signal, PROC_SIGTERM);
}

static void crashes_are_reported(void)
{
	static const struct {
		const char *how;
		unsigned signal;
	} crashes[] = {
		{"null", PROC_SIGSEGV},   {"wild", PROC_SIGSEGV},      {"kernel", PROC_SIGSEGV},
		{"text", PROC_SIGSEGV},   {"undefined", PROC_SIGILL},  {"break", PROC_SIGTRAP},
		{"syscall", PROC_SIGSYS}, {"privileged", PROC_SIGILL}, {"jump", PROC_SIGSEGV},
		{"stack", PROC_SIGSEGV},  {"abort", PROC_SIGABRT},
	};
	struct wait_result result;
	word_t pid;

	for (unsigned i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++) {
		char *const argv[] = {(char[]){"crash"}, (char *)(uintptr_t)crashes[i].how, NULL};

		tap_equal(process_spawn("crash", argv, NULL, NULL, &pid), ERR_OK);
		result = program_wait(pid);
		if (result.signal != crashes[i].signal)
			printf("# crash %s\n", crashes[i].how);
		tap_equal(result.signal, crashes[i].signal);
	}
	char *const argv[] = {(char[]){"crash"}, (char[]){"syscalls"}, NULL};

	tap_equal(process_spawn("crash", argv, NULL, NULL, &pid), ERR_OK);
	result = program_wait(pid);
	tap_equal(result.signal, 0);
	tap_equal(result.status, 0);
}

#define CRASHERS 2u
#define STEADY   4u

/* Starts a child on a CPU, with the read end of a pipe as its input; the write end is ours. */
static word_t start_piped(const char *how, unsigned cpu, word_t *write_fd)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	word_t read_fd;
	word_t pid;

	options.affinity[0] = 1ull << (cpu % program_cpus());
	program_need("making a pipe", pipe_create(&read_fd, write_fd));
	options.files[0] = read_fd;
	pid = start_self(how, NULL, &options);
	program_need("closing", file_close(read_fd));
	return pid;
}

/* Two crash at the same time, each on a CPU of its own. */
static void crash_two(unsigned cpu)
{
	static const char *const hows[CRASHERS] = {"crash-null", "crash-undefined"};
	static const unsigned signals[CRASHERS] = {PROC_SIGSEGV, PROC_SIGILL};
	word_t pids[CRASHERS];
	word_t fds[CRASHERS];
	time_ns_t at_ns;

	for (unsigned i = 0; i < CRASHERS; i++)
		pids[i] = start_piped(hows[i], cpu + i, &fds[i]);
	at_ns = clock_now_ns() + NS_PER_MS;
	for (unsigned i = 0; i < CRASHERS; i++)
		tap_equal(file_write(fds[i], (const char *)&at_ns, sizeof(at_ns)), ERR_OK);
	for (unsigned i = 0; i < CRASHERS; i++) {
		tap_equal(program_wait(pids[i]).signal, signals[i]);
		tap_equal(file_close(fds[i]), ERR_OK);
	}
}

/* Others live on the same CPUs, and live on. */
static void crashes_at_once_kill_only_their_own(void)
{
	word_t steady[STEADY];
	word_t fds[STEADY];

	for (unsigned i = 0; i < STEADY; i++)
		steady[i] = start_piped("steady", i, &fds[i]);
	for (unsigned round = 0; round < 8; round++)
		crash_two(round);
	for (unsigned i = 0; i < STEADY; i++) {
		struct wait_result result;

		tap_equal(file_close(fds[i]), ERR_OK);
		result = program_wait(steady[i]);
		tap_equal(result.signal, 0);
		tap_equal(result.status, 0);
	}
}

static void pipes_carry_data_and_ends(void)
{
	word_t read_fd;
	word_t write_fd;
	char buffer[64];
	size_t got = 99;

	tap_equal(pipe_create(&read_fd, &write_fd), ERR_OK);
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;

	options.files[1] = write_fd;
	word_t pid = start_self("say", "hello pipe", &options);

	tap_equal(file_close(write_fd), ERR_OK);
	tap_equal(file_read(read_fd, buffer, sizeof(buffer), &got), ERR_OK);
	tap_equal(got, 11);
	tap_check(got == 11 && memcmp(buffer, "hello pipe\n", 11) == 0);
	tap_equal(file_read(read_fd, buffer, sizeof(buffer), &got), ERR_OK);
	tap_equal(got, 0);
	tap_equal(program_wait(pid).status, 0);
	tap_equal(file_close(read_fd), ERR_OK);
	tap_check(file_close(read_fd) != ERR_OK);

	tap_equal(pipe_create(&read_fd, &write_fd), ERR_OK);
	tap_equal(file_close(read_fd), ERR_OK);
	tap_equal(file_write(write_fd, "x", 1), ERR_BROKEN_PIPE);
	tap_equal(file_close(write_fd), ERR_OK);
}

static void lists_show_what_is_there(void)
{
	struct process_self self;
	struct proc_process_info info;
	struct proc_thread_info thread;
	word_t pid = start_self("sleep", "100000", NULL);
	bool found = false;

	tap_equal(process_info(&self), ERR_OK);
	for (word_t from = 0; process_list(from, &info) == ERR_OK; from = info.pid + 1)
		if (info.pid == pid) {
			found = true;
			tap_equal(info.parent, self.pid);
			tap_check(strncmp(info.name, "t_proc", sizeof(info.name)) == 0);
		}
	tap_check(found);
	found = false;
	for (word_t from = 0; thread_list(from, &thread) == ERR_OK; from = thread.tid + 1)
		found |= thread.pid == pid;
	tap_check(found);
	tap_equal(process_kill(pid, PROC_SIGKILL, false), ERR_OK);
	program_wait(pid);
}

/* --- What the children do --- */

static int exit_from_thread(void *arg)
{
	exit(atoi(arg));
}

static int wait_for_ever(void *arg)
{
	static futex_word word;

	(void)arg;
	for (;;)
		if (sys_futex_wait(&word, 0, TIME_NEVER) != ERR_OK)
			return 1;
}

static int child_threads(void)
{
	struct thread *thread;

	for (unsigned i = 0; i < 5; i++)
		if (thrd_create(&thread, wait_for_ever, NULL) != thrd_success)
			return 9;
	return wait_for_ever(NULL);
}

/* Join a thread that waits for ever, or one that ends the process. */
static int child_joins(thrd_start_t *body)
{
	struct thread *thread;

	if (thrd_create(&thread, body, NULL) != thrd_success)
		return 9;
	return thrd_join(thread, NULL);
}

static int abort_all(void *arg)
{
	(void)arg;
	abort();
}

/* Ends with status 0 when its input does. */
static int child_steady(void)
{
	size_t got;
	char c;

	for (unsigned i = 0; i < 5; i++)
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	return file_read(0, &c, 1, &got) == ERR_OK && got == 0 ? 0 : 1;
}

/* At the time that it is told. */
static int child_crashes(const char *how)
{
	volatile char *volatile nowhere = NULL;
	time_ns_t at_ns;
	size_t got;

	if (file_read(0, (char *)&at_ns, sizeof(at_ns), &got) != ERR_OK || got != sizeof(at_ns))
		return 9;
	while (clock_now_ns() < at_ns)
		;
	if (strcmp(how, "crash-null") == 0)
		*nowhere = 1;
	else
		__asm__ volatile("udf #0");
	return 8;
}

static int check_arguments(int argc, char **argv)
{
	bool right = argc == 3 && strcmp(argv[0], "t_proc") == 0 &&
		     strcmp(argv[2], "an argument") == 0 && getenv("COLOUR") &&
		     strcmp(getenv("COLOUR"), "blue") == 0 && getenv("EMPTY") &&
		     *getenv("EMPTY") == '\0' && !getenv("OTHER");

	return right ? 0 : 1;
}

static int child(int argc, char **argv)
{
	const char *how = argv[1];
	char *arg = argc > 2 ? argv[2] : NULL;
	struct thread *thread;
	char c;
	size_t got;

	if (strcmp(how, "exit") == 0)
		return atoi(arg);
	if (strcmp(how, "check-arguments") == 0)
		return check_arguments(argc, argv);
	if (strcmp(how, "say") == 0)
		return puts(arg) < 0;
	if (strcmp(how, "abort") == 0)
		abort();
	if (strcmp(how, "sleep") == 0)
		thread_sleep_until(clock_now_ns() + strtoull(arg, NULL, 10) * NS_PER_MS);
	else if (strcmp(how, "spin") == 0)
		program_burn(strtoull(arg, NULL, 10) * NS_PER_MS);
	else if (strcmp(how, "wait") == 0)
		program_wait(start_self("sleep", "3000", NULL));
	else if (strcmp(how, "read") == 0)
		return (int)file_read(0, &c, 1, &got);
	else if (strcmp(how, "futex") == 0)
		return wait_for_ever(NULL);
	else if (strcmp(how, "threads") == 0)
		return child_threads();
	else if (strcmp(how, "join-wait") == 0)
		return child_joins(wait_for_ever);
	else if (strcmp(how, "join-abort") == 0)
		return child_joins(abort_all);
	else if (strcmp(how, "steady") == 0)
		return child_steady();
	else if (strncmp(how, "crash-", 6) == 0)
		return child_crashes(how);
	else if (strcmp(how, "last-thread") == 0)
		thrd_exit(0);
	else if (strcmp(how, "thread-exit") == 0 &&
		 thrd_create(&thread, exit_from_thread, arg) == thrd_success)
		return wait_for_ever(NULL);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"M07_exit: statuses arrive, one for a process", exit_statuses_arrive},
		{"arguments and environment arrive", arguments_and_environment_arrive},
		{"wrong programs are refused", wrong_programs_are_refused},
		{"waiting for any child, and for none", waiting_for_any_and_none},
		{"M30_kill: whatever it is doing; Z33_join_abort", everything_can_be_killed},
		{"groups are killed together", groups_are_killed_together},
		{"crashes are reported, junk is refused", crashes_are_reported},
		{"Z07_fatal_errors: on two CPUs at once", crashes_at_once_kill_only_their_own},
		{"pipes carry data and ends", pipes_carry_data_and_ends},
		{"lists show what is there", lists_show_what_is_there},
	};

	if (argc > 1)
		return child(argc, argv);
	/* Under fifo a spinning child of equal priority would never let this process go on. */
	program_need("raising the priority", sched_param_set(0, SCHED_PARAM_PRIORITY, 90, 0));
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
