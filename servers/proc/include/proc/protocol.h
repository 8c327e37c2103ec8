/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests to proc, the process server: a SYS_CALL on a process's PROC capability.  The label of the
 * message info is the request, words are arguments; the answer's label is an enum error (positive,
 * 0 = OK) and its words are the results, from w0 on.  The badge is the pid of the caller.
 *
 * READ, WRITE, WAIT and THREAD_JOIN are answered when there is something to answer.
 */
#pragma once

#include <abi/sched.h>
#include <abi/types.h>

#define PROC_THREADS_PARKED_MAX 8u   /* of one process */
#define PROC_PROCESSES_MAX      512u /* live and not yet waited for; a pid modulo this is its index */
#define PROC_THREADS_MAX        5120u /* a tid is below this; 0 is no thread */
#define PROC_FDS_MAX            32u
#define PROC_IO_BYTES_MAX       480u   /* of one READ or WRITE */
#define PROC_NAME_MAX           96u    /* file name with its NUL */
#define PROC_ARGS_MAX           16384u /* bytes of all arguments and environment strings */
#define PROC_PIPE_BYTES         4096u
#define PROC_PIPES_MAX          512u
#define PROC_FD_INHERIT         UINT64_MAX /* SPAWN: the same as the caller's */
#define PROC_FD_NONE            (UINT64_MAX - 1)
#define PROC_NICE_INHERIT       (1ull << 63) /* no nice value */
#define PROC_WAIT_ANY           0u
#define PROC_WAIT_NO_HANG       1u

#define PROC_SIGNAL_MAX 31u

/* Why a process was killed; the machine's and shell's exit status is then 128 + number. */
#define PROC_SIGNAL_LIST(X)                       \
	X(INT, 2, "interrupted at the console")   \
	X(ILL, 4, "undefined instruction")        \
	X(TRAP, 5, "breakpoint")                  \
	X(ABRT, 6, "aborted")                     \
	X(BUS, 7, "misaligned or bus error")      \
	X(FPE, 8, "floating-point use forbidden") \
	X(KILL, 9, "killed")                      \
	X(SEGV, 11, "bad memory access")          \
	X(PIPE, 13, "broken pipe")                \
	X(TERM, 15, "terminated")                 \
	X(SYS, 31, "bad system call")

enum proc_signal {
#define X(name, value, meaning) PROC_SIG##name = value,
	PROC_SIGNAL_LIST(X)
#undef X
};

/* X(name, value, arguments, results, meaning) */
#define PROC_REQUEST_LIST(X)                                                                       \
	X(EXIT, 1, "w0 status 0..255", "", "end the process, all its threads; not answered")       \
	X(THREAD_CREATE, 2,                                                                        \
	  "w0 pc, w1 sp, w2 x0, w3 tls, w4 PROC_THREAD_* flags, w5 nice or PROC_NICE_INHERIT, "    \
	  "w6 and w7 affinity or 0, 0: the process's, w8 slice_ns or 0",                           \
	  "w0 index, w1 tid, w2 generation",                                                       \
	  "start a thread; its IPC buffer is mapped.  One that was parked is used again first")    \
	X(THREAD_EXIT, 3, "w0 own index, w1 value, w2 vaddr, w3 bytes", "",                        \
	  "end the calling thread, then unmap its stack (bytes may be 0); not answered.  The "     \
	  "process ends with its last thread, with status 0")                                      \
	X(THREAD_JOIN, 4, "w0 index, w1 tid, w2 generation or 0: any", "w0 value",                 \
	  "wait until that thread has ended (one joiner); NOT_FOUND: it is forgotten")             \
	X(SPAWN, 5,                                                                                \
	  "w0 vaddr and w1 bytes of NUL-terminated strings: file name, argc arguments, envc "      \
	  "NAME=VALUE; w2 argc, w3 envc, w4 PROC_SPAWN_* flags, w5 w6 w7 file descriptors for "    \
	  "0, 1, 2 or PROC_FD_INHERIT or PROC_FD_NONE, w8 memory limit in bytes or 0, w9 nice or " \
	  "PROC_NICE_INHERIT, w10 w11 affinity or 0, 0",                                           \
	  "w0 pid", "start a process from a file of the boot archive")                             \
	X(WAIT, 6, "w0 pid or PROC_WAIT_ANY, w1 PROC_WAIT_NO_HANG or 0",                           \
	  "w0 pid, w1 exit status, w2 signal that killed it or 0",                                 \
	  "wait for the end of a child; NOT_FOUND if there is none")                               \
	X(KILL, 7, "w0 pid, w1 signal, w2 1: the whole group", "",                                 \
	  "kill a process; PERMISSION if it is outside the caller's realm")                        \
	X(INFO, 8, "", "w0 pid, w1 parent, w2 group, w3 threads, w4 cpus online", "about itself")  \
	X(GROUP_SET, 9, "w0 pid or 0: itself, w1 group or 0: its pid", "", "move to a group")      \
	X(OPEN, 16, "w0 bytes, w1.. name", "w0 fd, w1 bytes of the file", "a boot archive file")   \
	X(CLOSE, 17, "w0 fd", "", "close")                                                         \
	X(READ, 18, "w0 fd, w1 bytes max", "w0 bytes, w1.. data",                                  \
	  "read; 0 bytes is the end; waits for input.  PERMISSION: the console, and the caller "   \
	  "is "                                                                                    \
	  "confined and not in the foreground group")                                              \
	X(WRITE, 19, "w0 fd, w1 bytes, w2.. data", "w0 bytes taken",                               \
	  "write; BROKEN_PIPE when nobody can read it; 0 bytes: it waited, there is room now")     \
	X(PIPE, 20, "", "w0 fd to read, w1 fd to write", "make a pipe")                            \
	X(DUP, 21, "w0 fd, w1 new fd or PROC_FD_NONE", "w0 fd", "duplicate, closing the new one")  \
	X(FILE_STAT, 22, "w0 fd",                                                                  \
	  "w0 enum proc_file_kind, w1 bytes, w2 offset in the boot archive, w3 position",          \
	  "about an open file; with MM's FILE mappings, a way to map it")                          \
	X(FILE_LIST, 23, "w0 number", "w0 bytes, w1 mode, w2 bytes of the name, w3.. name",        \
	  "file `number` of the boot archive; NOT_FOUND past the end")                             \
	X(SEEK, 24, "w0 fd, w1 position", "", "next READ of a file is from there")                 \
	X(PROCESS_LIST, 32, "w0 pid", "struct proc_process_info",                                  \
	  "the first process with a pid >= w0; NOT_FOUND past the end")                            \
	X(THREAD_LIST, 33, "w0 tid", "struct proc_thread_info",                                    \
	  "the first thread with a tid >= w0; NOT_FOUND past the end")                             \
	X(SCHED_SET, 34,                                                                           \
	  "w0 pid or 0: its own, w1 tid or 0: all, w2 enum sched_param, w3 value, w4 value 2",     \
	  "w0 threads changed", "change scheduling parameters of any process")                     \
	X(CPU_STATS, 35, "w0 cpu", "struct proc_cpu_info", "what one CPU did")                     \
	X(MACHINE, 36, "", "struct proc_machine_info", "about the machine and its scheduler")      \
	X(SCHED_KILL, 37, "", "", "stop the scheduler server, to see it replaced")                 \
	X(POWER_OFF, 38, "w0 status", "", "end the machine")                                       \
	X(THREAD_STATS, 39, "w0 tid", "struct proc_thread_stats",                                  \
	  "scheduling statistics, also of a thread that ended and whose tid is not used again")    \
	X(THREAD_WAKES, 40, "w0 tid", "SCHED_HISTOGRAM_BUCKETS counters, two in a word",           \
	  "histogram of the wake-up latency, see <base/histogram.h>")                              \
	X(FOREGROUND, 41, "w0 group", "",                                                          \
	  "the group that Ctrl-C at the console kills; PERMISSION: the caller is confined and "    \
	  "the "                                                                                   \
	  "console is not its realm's, or the group; 0 is its own then")                           \
	X(MEMORY, 42, "w0 pid or 0: the machine", "struct mm_space_info or struct mm_stats",       \
	  "memory in use")                                                                         \
	X(KEYS, 45, "", "w0 bytes", "what was typed and not read is dropped; how much it was")     \
	X(SCHED_GROUPS, 46, "", "",                                                                \
	  "memory for groups in the scheduler server; BUSY: it is being made, ask again")          \
	X(THREAD_PARK, 47, "w0 own tid, w1 value", "w0 pc, w1 sp, w2 x0, w3 tls",                  \
	  "end the calling thread, keeping its kernel objects for a later THREAD_CREATE of the "   \
	  "process, which is the answer: it goes on there, as a new thread.  Bit 0 of the pc: "    \
	  "clear FPCR and FPSR first.  BUSY: it cannot be kept (the last thread, enough are "      \
	  "kept, flags of its own), then THREAD_EXIT is the way")                                  \
	X(DEVICE_OPEN, 48, "w0 cpu that takes the interrupt",                                      \
	  "w0 bytes of registers at PROC_DEVICE_VADDR; capability: the interrupt's handler",       \
	  "the device that the boot argument device=PROGRAM:NODE gives to the calling program, "   \
	  "until its process ends.  NOT_FOUND: there is none; PERMISSION: it is for another "      \
	  "program, or the caller is confined; BUSY: a process has it; RANGE: no such CPU")        \
	X(MUTEX_WAIT, 49, "w0 own tid, w1 tid of the holder, w2 address of the mutex", "",         \
	  "the calling thread waits for a mutex, and lends its priority to who holds it: to that " \
	  "one, or to another one to whom it was passed meanwhile.  Its PARK notification is "     \
	  "signalled when it has got the mutex, or never will.  NOT_FOUND: no such thread of the " \
	  "process; STATE: it waits already; ARG: for itself")                                     \
	X(MUTEX_TAKE, 50, "w0 own tid, w1 1: wait no more, w2 address of the mutex", "",           \
	  "OK: it has got it; WOULD_BLOCK: not yet, or with w1 not at all; NOT_FOUND: the holder " \
	  "ended, and it does not wait any more; STATE: it does not wait for that mutex")          \
	X(MUTEX_PASS, 51, "w0 address of the mutex, w1 own tid", "",                               \
	  "the calling thread holds a mutex and gives it to the most urgent of those that wait, "  \
	  "who wait for that one now; what they lent is taken back.  OK also if it has passed it " \
	  "on before; NOT_FOUND: nobody waits for it")                                             \
	X(OBJECT_NEW, 43, "w0 OBJ_ENDPOINT, OBJ_NOTIFICATION or OBJ_REPLY",                        \
	  "capability: the object",                                                                \
	  "a kernel object of the caller, freed when its process ends; deleting the capability "   \
	  "frees it earlier or not, but never breaks")

enum proc_request {
#define X(name, value, arguments, results, meaning) PROC_REQ_##name = value,
	PROC_REQUEST_LIST(X)
#undef X
};

#define PROC_THREAD_NO_FPU 1u /* FP/SIMD instructions kill it */

#define PROC_SPAWN_NEW_GROUP     1u /* in a group of its own */
#define PROC_SPAWN_FOREGROUND    4u /* its group gets the console, if the caller may read there */
/*
 * The first of a realm: it and what it starts may act on each other only, not on the machine (PERMISSION),
 * get no more weight than it starts with, and share these limits (LIMIT).  Its memory limit is the
 * realm's; half of it is its own.  Inside a realm it makes one that counts in all those around it; LIMIT
 * where four are inside each other.
 */
#define PROC_SPAWN_CONFINED      2u
#define PROC_REALM_PROCESSES_MAX 16u
#define PROC_REALM_THREADS_MAX   64u
#define PROC_REALM_PIPES_MAX     16u
#define PROC_REALM_BYTES_MAX     (64ull << 20)

/* X(name, value, meaning) */
#define PROC_FILE_KIND_LIST(X)                \
	X(NONE, 0, "closed")                  \
	X(CONSOLE, 1, "the console")          \
	X(PIPE_READ, 2, "a pipe, read end")   \
	X(PIPE_WRITE, 3, "a pipe, write end") \
	X(ARCHIVE, 4, "file of the boot archive")

enum proc_file_kind {
#define X(name, value, meaning) PROC_FILE_##name = value,
	PROC_FILE_KIND_LIST(X)
#undef X
};

/* X(name, value, letter, meaning) */
#define PROC_STATE_LIST(X)                              \
	X(FREE, 0, '-', "unused entry")                 \
	X(RUNNING, 1, 'R', "alive")                     \
	X(DYING, 2, 'D', "its threads are being ended") \
	X(ZOMBIE, 3, 'Z', "ended, not waited for")

enum proc_state {
#define X(name, value, letter, meaning) PROC_STATE_##name = value,
	PROC_STATE_LIST(X)
#undef X
};

struct proc_process_info {
	word_t pid;
	word_t parent;
	word_t group;
	word_t state; /* enum proc_state */
	word_t threads;
	word_t cpu_ns; /* of threads that ended and live ones */
	word_t started_ns;
	word_t reserved;
	char name[32];
};

struct proc_thread_info {
	word_t tid;
	word_t pid;
	word_t index;
	word_t state; /* enum thread_state */
	word_t home;
	word_t cpu_ns;
	word_t weight;
	word_t nice; /* signed */
	word_t priority;
	word_t slice_ns;
	word_t affinity[2];
	word_t passive;
	word_t sched_group; /* scheduling group, 0: none */
	word_t lent;        /* priority that those lend it who wait for its mutexes, 0: none */
	char name[32];      /* of its process, or of the server thread */
};

struct proc_thread_stats {
	word_t cpu_ns;
	word_t runs;
	word_t preemptions;
	word_t migrations;
	word_t wakes;
	word_t wake_max_ns;
};

struct proc_cpu_info {
	word_t core_flags; /* CORE_* */
	word_t fallback_reason;
	word_t fallback_entries;
	struct core_stats core;
	word_t sched[12]; /* struct sched_cpu_stats */
};

_Static_assert(sizeof(struct proc_cpu_info) <= MSG_WORDS_MAX * sizeof(word_t), "one message");

struct proc_machine_info {
	word_t cpus_online;
	word_t cpus_found;
	word_t memory_bytes;
	word_t sched_instance; /* counts instances of the scheduler server */
	word_t sched_restarts; /* after failures */
	word_t boot_ns;        /* when proc was started */
	char policy[16];
	char place[16];
	char machine[64];
};
