/* SPDX-License-Identifier: BSD-2-Clause */
/* Commands that only look. */
#include <stdio.h>
#include <string.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/errno.h>
#include <libsys/ipc.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "shell.h"

#define TOP_THREADS_MAX 256u
#define TOP_LINES       20u
#define NS_PER_MS       1000000ull

static char state_letter(word_t state)
{
	static const char letters[] = {
#define X(name, value, letter, meaning) [value] = letter,
		PROC_STATE_LIST(X)
#undef X
	};

	return state < sizeof(letters) ? letters[state] : '?';
}

static const char *thread_state_name(word_t state)
{
	static const char *const names[] = {
#define X(name, value, meaning) [value] = #name,
		THREAD_STATE_LIST(X)
#undef X
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}

static void threads_print(void)
{
	struct proc_thread_info info;

	printf("  TID   PID  CPU  NICE  GROUP  STATE       CPU TIME ms  NAME\n");
	for (word_t tid = 0; thread_list(tid, &info) == ERR_OK; tid = info.tid + 1)
		printf("%5lu %5lu  %3ld  %4d  %5lu  %-10s  %11lu  %s%s\n", (unsigned long)info.tid,
		       (unsigned long)info.pid, info.passive ? -1l : (long)info.home,
		       (int)info.nice, (unsigned long)SCHED_GROUP_INDEX(info.sched_group),
		       thread_state_name(info.state), (unsigned long)(info.cpu_ns / NS_PER_MS),
		       info.name, info.passive ? " (passive)" : "");
}

void command_ps(int count, char **words)
{
	struct proc_process_info info;

	if (count > 1 && strcmp(words[1], "-t") == 0) {
		threads_print();
		return;
	}
	printf("  PID  PARENT  GROUP  STATE  THREADS  CPU TIME ms  NAME\n");
	for (word_t pid = 1; process_list(pid, &info) == ERR_OK; pid = info.pid + 1)
		printf("%5lu  %6lu  %5lu  %c      %7lu  %11lu  %s\n", (unsigned long)info.pid,
		       (unsigned long)info.parent, (unsigned long)info.group,
		       state_letter(info.state), (unsigned long)info.threads,
		       (unsigned long)(info.cpu_ns / NS_PER_MS), info.name);
}

/* ---- top ------------------------------------------------------------------------------------- */

struct top_thread {
	struct proc_thread_info info;
	word_t used_ns; /* since the last look */
};

static struct top_thread top_now[TOP_THREADS_MAX];
static word_t top_before[PROC_THREADS_MAX]; /* CPU time, by tid */

static unsigned top_collect(void)
{
	unsigned count = 0;
	struct proc_thread_info info;

	for (word_t tid = 0; count < TOP_THREADS_MAX && thread_list(tid, &info) == ERR_OK;
	     tid = info.tid + 1) {
		const word_t before = top_before[info.tid];

		top_now[count].info = info;
		top_now[count].used_ns = info.cpu_ns >= before ? info.cpu_ns - before : info.cpu_ns;
		top_before[info.tid] = info.cpu_ns;
		count++;
	}
	return count;
}

/* The busiest first: a few selection rounds are enough for what is shown. */
static void top_print(unsigned count, word_t elapsed_ns)
{
	printf("  TID   PID  CPU  NICE  GROUP  %%CPU   NAME\n");
	for (unsigned line = 0; line < TOP_LINES && line < count; line++) {
		unsigned best = line;

		for (unsigned i = line + 1; i < count; i++)
			if (top_now[i].used_ns > top_now[best].used_ns)
				best = i;

		const struct top_thread swap = top_now[line];

		top_now[line] = top_now[best];
		top_now[best] = swap;

		const struct proc_thread_info *info = &top_now[line].info;
		const word_t permille = top_now[line].used_ns * 1000 / elapsed_ns;

		printf("%5lu %5lu  %3lu  %4d  %5lu  %3lu.%lu  %s\n", (unsigned long)info->tid,
		       (unsigned long)info->pid, (unsigned long)info->home, (int)info->nice,
		       (unsigned long)SCHED_GROUP_INDEX(info->sched_group),
		       (unsigned long)(permille / 10), (unsigned long)(permille % 10), info->name);
	}
}

static void busy_print(word_t *busy_before, word_t elapsed_ns)
{
	struct proc_cpu_info info;

	printf("busy %%:");
	for (word_t cpu = 0; cpu < CPUS_MAX && cpu_stats(cpu, &info) == ERR_OK; cpu++) {
		const word_t used = info.core.busy_ns - busy_before[cpu];

		printf("  CPU %lu %3lu", (unsigned long)cpu,
		       (unsigned long)(used * 100 / elapsed_ns));
		busy_before[cpu] = info.core.busy_ns;
	}
	printf("\n");
}

static bool key_pressed(void)
{
	struct msg m = {.info = msg_info(PROC_REQ_KEYS, 0, 0)};

	return server_call(PROC_SLOT_PROC, &m) == ERR_OK && m.w[0] != 0;
}

void command_top(int count, char **words)
{
	static word_t busy_before[CPUS_MAX];
	time_ns_t last = clock_now_ns();
	time_ns_t end = TIME_NEVER;
	int64_t seconds;

	if (count > 1) {
		if (!number_get("top", words[1], &seconds))
			return;
		end = last + (time_ns_t)seconds * 1000 * NS_PER_MS;
	}
	key_pressed();
	top_collect();
	for (word_t cpu = 0; cpu < CPUS_MAX; cpu++) {
		struct proc_cpu_info info;

		if (cpu_stats(cpu, &info) != ERR_OK)
			break;
		busy_before[cpu] = info.core.busy_ns;
	}
	for (;;) {
		sched_sleep_until(last + 1000 * NS_PER_MS);
		if (key_pressed() || clock_now_ns() >= end)
			return;

		const time_ns_t now = clock_now_ns();

		printf("\n");
		busy_print(busy_before, now - last);
		top_print(top_collect(), now - last);
		last = now;
	}
}

/* ---- sched, mem, ls --------------------------------------------------------------------------- */

static const char *const reason_names[REASON_COUNT] = {
#define X(name, value, meaning) [value] = #name,
	REASON_LIST(X)
#undef X
};

static void cpu_print(word_t cpu, const struct proc_cpu_info *info)
{
	const struct core_stats *core = &info->core;

	printf("CPU %lu: %s%s, runnable %lu, switches %lu, dispatches %lu, stale %lu, refused %lu, "
	       "fallbacks %lu\n",
	       (unsigned long)cpu,
	       (info->core_flags & CORE_FALLBACK) != 0 ? "in FALLBACK" : "dispatched",
	       (info->core_flags & CORE_IDLE) != 0 ? ", idle" : "", (unsigned long)info->sched[0],
	       (unsigned long)core->switches, (unsigned long)core->dispatches,
	       (unsigned long)core->stale_decisions, (unsigned long)core->refused_decisions,
	       (unsigned long)info->fallback_entries);
	printf("  time ms: busy %lu, idle %lu, dispatcher %lu, fallback %lu; IPIs sent %lu, taken "
	       "%lu\n  entered for:",
	       (unsigned long)(core->busy_ns / NS_PER_MS),
	       (unsigned long)(core->idle_ns / NS_PER_MS),
	       (unsigned long)(core->dispatcher_ns / NS_PER_MS),
	       (unsigned long)(core->fallback_ns / NS_PER_MS), (unsigned long)core->ipis_sent,
	       (unsigned long)core->ipis_received);
	for (unsigned i = 0; i < REASON_COUNT; i++)
		printf(" %s %lu", reason_names[i], (unsigned long)core->entries[i]);
	printf("\n");
}

void command_sched(int count, char **words)
{
	struct proc_machine_info machine;
	struct proc_cpu_info info;
	const enum error error = machine_info(&machine);

	(void)count, (void)words;
	if (error != ERR_OK) {
		complain("sched", "the machine", error);
		return;
	}
	printf("policy %.16s, placement %.16s, instance %lu, %lu replaced after a failure\n",
	       machine.policy[0] != '\0' ? machine.policy : "none",
	       machine.place[0] != '\0' ? machine.place : "none",
	       (unsigned long)machine.sched_instance, (unsigned long)machine.sched_restarts);
	for (word_t cpu = 0; cpu < machine.cpus_online; cpu++)
		if (cpu_stats(cpu, &info) == ERR_OK)
			cpu_print(cpu, &info);
}

static void mem_process(const char *text)
{
	struct mm_space_info info;
	int64_t pid;
	enum error error;

	if (!number_get("mem", text, &pid))
		return;
	error = process_memory((word_t)pid, &info);
	if (error != ERR_OK) {
		complain("mem", text, error);
		return;
	}
	printf("%lu KiB in use (peak %lu, limit %lu; 0: none), %lu KiB mapped in %lu regions\n",
	       (unsigned long)info.pages * 4, (unsigned long)info.pages_peak * 4,
	       (unsigned long)info.pages_limit * 4, (unsigned long)info.bytes_mapped / 1024,
	       (unsigned long)info.regions);
}

void command_mem(int count, char **words)
{
	struct mm_stats stats;
	enum error error;

	if (count > 1) {
		mem_process(words[1]);
		return;
	}
	error = machine_memory(&stats);
	if (error != ERR_OK) {
		complain("mem", "the machine", error);
		return;
	}
	printf("%lu MiB, %lu MiB free; %lu pages of programs, %lu of tables; %lu spaces, %lu "
	       "regions\n",
	       (unsigned long)stats.frames_total / 256, (unsigned long)stats.frames_free / 256,
	       (unsigned long)stats.frames_user, (unsigned long)stats.frames_tables,
	       (unsigned long)stats.spaces, (unsigned long)stats.regions);
	printf("%lu faults: %lu zeroed, %lu copied, %lu mapped from files, %lu raced, %lu errors; "
	       "%lu lock waits\n",
	       (unsigned long)stats.faults, (unsigned long)stats.pages_zeroed,
	       (unsigned long)stats.pages_copied, (unsigned long)stats.pages_archive,
	       (unsigned long)stats.faults_raced, (unsigned long)stats.faults_forward,
	       (unsigned long)stats.locks_contended);
}

void command_ls(int count, char **words)
{
	(void)count, (void)words;
	for (word_t number = 0;; number++) {
		struct msg m = {.info = msg_info(PROC_REQ_FILE_LIST, 1, 0), .w = {number}};
		char name[PROC_NAME_MAX + 8] = "";

		if (server_call(PROC_SLOT_PROC, &m) != ERR_OK)
			return;

		const word_t bytes = m.w[2] < PROC_NAME_MAX ? m.w[2] : PROC_NAME_MAX;

		for (word_t i = 0; i < bytes; i++)
			name[i] = (char)(msg_word(&m, 3 + (unsigned)(i / 8)) >> (i % 8 * 8));
		printf("%9lu  %s\n", (unsigned long)m.w[0], name);
	}
}
