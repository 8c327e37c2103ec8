/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Processes: start, wait for, kill, list.  Thin clients of proc (<proc/protocol.h>); every function
 * is one call to it and returns its error.
 */
#pragma once

#include <mm/protocol.h>
#include <proc/protocol.h>
#include <sched/protocol.h>
#include <sched/shared.h>

#include <libsys/syscall.h>

/* Files of the child: a descriptor of the caller, or one of these. */
#define FD_INHERIT PROC_FD_INHERIT
#define FD_NONE    PROC_FD_NONE

struct spawn_options {
	word_t files[3];         /* for descriptors 0, 1, 2 */
	word_t memory_bytes_max; /* 0: no limit */
	word_t nice;             /* or PROC_NICE_INHERIT */
	word_t affinity[2];      /* 0, 0: as the caller's */
	bool new_group;
	bool confined;   /* the first of a realm, see PROC_SPAWN_CONFINED */
	bool foreground; /* its group gets the console, see PROC_SPAWN_FOREGROUND */
};

#define SPAWN_OPTIONS_DEFAULT                                                             \
	{                                                                                 \
		.files = {FD_INHERIT, FD_INHERIT, FD_INHERIT}, .nice = PROC_NICE_INHERIT, \
	}

/*
 * Start @path (a file of the boot archive).  @argv and @envp end with NULL; @envp NULL means the
 * caller's own environment, @options NULL the defaults.
 * ERR_NOT_FOUND: no such file.  ERR_FORMAT: not a program.  ERR_NO_MEMORY, ERR_LIMIT.
 */
MUST_CHECK enum error process_spawn(const char *path, char *const argv[], char *const envp[],
				    const struct spawn_options *options, word_t *pid);

struct wait_result {
	word_t pid;
	int status;      /* exit status, if signal is 0 */
	unsigned signal; /* enum proc_signal, or 0 */
};

/* Wait for a child (PROC_WAIT_ANY: any).  ERR_NOT_FOUND: there is none.  ERR_WOULD_BLOCK: with
 * @no_hang, it still runs. */
MUST_CHECK enum error process_wait(word_t pid, bool no_hang, struct wait_result *result);

/* It ends @pid, or all of its group.  @signal: enum proc_signal, any of 1..PROC_SIGNAL_MAX, told to who
 * waits; there are no handlers.  ERR_NOT_FOUND, ERR_RANGE.  ERR_PERMISSION: outside the caller's realm. */
MUST_CHECK enum error process_kill(word_t pid, unsigned signal, bool whole_group);

/* End the process at once: no atexit handlers, no flushing. */
_Noreturn void process_exit(int status);

struct process_self {
	word_t pid;
	word_t parent;
	word_t group;
	word_t threads;
	word_t cpus_online;
};

MUST_CHECK enum error process_info(struct process_self *info);
/* Itself (0) or a child into a group, @group 0: one named as its pid.  ERR_NOT_FOUND.  ERR_PERMISSION: it is
 * no child, or the group is outside the realm. */
MUST_CHECK enum error process_group_set(word_t pid, word_t group);

/* Value of an entry of the auxiliary vector; false if there is none. */
bool process_aux(word_t type, word_t *value);

/* The first process or thread with a number >= @from; ERR_NOT_FOUND past the end. */
MUST_CHECK enum error process_list(word_t from, struct proc_process_info *info);
MUST_CHECK enum error thread_list(word_t from, struct proc_thread_info *info);

/* @pid 0: the caller's.  @tid 0: all its threads; nice value, affinity and group are those of its later ones,
 * too.  Errors as sched_param_set().  ERR_PERMISSION: outside the caller's realm.  ERR_UNSUPPORTED, ERR_BUSY:
 * no scheduler server takes it.  Where it fails with one thread, those before it are changed. */
MUST_CHECK enum error process_sched_set(word_t pid, word_t tid, enum sched_param param,
					word_t value, word_t value2);

/* Statistics, also of a thread that has ended whose number is not used again.  ERR_RANGE: no number of a
 * thread. */
MUST_CHECK enum error thread_stats(word_t tid, struct proc_thread_stats *stats);
/* @counts: SCHED_HISTOGRAM_BUCKETS of them, see <base/histogram.h>.  ERR_RANGE. */
MUST_CHECK enum error thread_wakes(word_t tid, uint32_t *counts);
/* ERR_NOT_FOUND: no such CPU. */
MUST_CHECK enum error cpu_stats(word_t cpu, struct proc_cpu_info *info);
MUST_CHECK enum error machine_info(struct proc_machine_info *info);
/* End the machine; returns only on failure.  ERR_PERMISSION: the caller is confined. */
MUST_CHECK enum error machine_power_off(word_t status);
/* Stop the scheduler server, to see a standby take over.  ERR_PERMISSION: the caller is confined. */
MUST_CHECK enum error scheduler_kill(void);
MUST_CHECK enum error machine_memory(struct mm_stats *stats);
MUST_CHECK enum error process_memory(word_t pid, struct mm_space_info *info);

/* A kernel object of this process (OBJ_ENDPOINT, OBJ_NOTIFICATION with badge 1, OBJ_REPLY) in a free
 * slot. */
MUST_CHECK enum error object_new(word_t type, cptr_t *slot);
void object_free(cptr_t slot);

/* Make the calling thread passive from its next receive on: it runs on its callers' time only. */
MUST_CHECK enum error thread_passive_set(bool passive);
/* The calling thread's reply object, for receives. */
cptr_t thread_reply_slot(void);
