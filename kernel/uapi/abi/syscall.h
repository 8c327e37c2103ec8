/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls: `svc #0` with the number in x8.  Any other immediate or number is a FAULT_SYSCALL.
 *
 *   in    x0 capability   x1 message info   x2..x5 words 0..3   x6 reply capability (receives)
 *   out   x0 -error or 0  x1 message info   x2..x5 words 0..3   x6 badge or signal word
 *
 * All other registers keep their values (CORE_REPLY_WAIT: see <abi/sched.h>).  Words 4..63 and
 * transferred capabilities go through the IPC buffer.
 */
#pragma once

/* X(name, number, arguments, result, meaning) */
#define SYSCALL_LIST(X)                                                                            \
	X(CALL, 0, "x0 cap, x1 info, x2..x5", "x0 error, x1 info, x2..x5",                         \
	  "endpoint: send and wait for the answer; Sched: request; other objects: invoke a "       \
	  "method")                                                                                \
	X(REPLY_RECV, 1, "x0 endpoint, x1 info, x2..x5, x6 reply",                                 \
	  "x0 error, x1 info, x2..x5, x6 badge",                                                   \
	  "answer the caller held by the reply object, then receive the next message into the "    \
	  "same reply object")                                                                     \
	X(SEND, 2, "x0 endpoint, x1 info, x2..x5", "x0 error", "send, wait until it was received") \
	X(NB_SEND, 3, "x0 endpoint, x1 info, x2..x5", "x0 error",                                  \
	  "send if somebody is waiting, else WOULD_BLOCK")                                         \
	X(RECV, 4, "x0 endpoint, x6 reply or 0", "x0 error, x1 info, x2..x5, x6 badge",            \
	  "receive; also returns when the bound notification is signalled (info bit NOTIFIED)")    \
	X(NB_RECV, 5, "x0 endpoint, x6 reply or 0", "as RECV",                                     \
	  "receive if somebody is sending, else WOULD_BLOCK")                                      \
	X(REPLY, 6, "x0 reply, x1 info, x2..x5", "x0 error",                                       \
	  "answer the caller held by the reply object")                                            \
	X(SIGNAL, 7, "x0 notification", "x0 error", "or the badge into the notification word")     \
	X(WAIT, 8, "x0 notification", "x0 error, x6 word",                                         \
	  "wait until the word is not zero, take it")                                              \
	X(POLL, 9, "x0 notification", "x0 error, x6 word",                                         \
	  "take the word, WOULD_BLOCK if it is zero")                                              \
	X(CORE_REPLY_WAIT, 10, "see <abi/sched.h>", "see <abi/sched.h>",                           \
	  "a dispatcher's decision, then its next upcall")                                         \
	X(THREAD_CLOCK, 11, "", "x0 0, x2 ns of CPU time of this thread, x3 CPU index, x4 now ns", \
	  "the cheapest system call that does something")

enum syscall {
#define X(name, number, arguments, result, meaning) SYS_##name = number,
	SYSCALL_LIST(X)
#undef X
		SYS_COUNT
};
