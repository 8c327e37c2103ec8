/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The only ways in which the server's core acts on the world.  core/sys_baton.c makes system calls
 * of them; the simulator and the unit tests link their own.  None blocks.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

struct group_cpu;
struct sched_server;

/* Answer the request that a thread is blocked in (TCB_ANSWER).  On OK the thread is ready at its home and, if
 * that is this CPU, not reported again.  ERR_STATE, ERR_DEAD, ERR_CAP_INVALID: it waits no more;
 * an event tells more. */
enum error sched_sys_answer(struct sched_server *server, uint32_t tid, enum error error, word_t w1,
			    word_t w2) __attribute__((warn_unused_result));

/* Move a thread's home (TCB_SET_HOME). */
enum error sched_sys_set_home(struct sched_server *server, uint32_t tid, uint32_t cpu)
	__attribute__((warn_unused_result));

/* Set the word that wake filters compare (TCB_SET_KEY). */
enum error sched_sys_set_key(struct sched_server *server, uint32_t tid, uint64_t key)
	__attribute__((warn_unused_result));

/* Zeroed memory for the groups of that CPU, the same at each call; NULL: there is none (yet). */
struct group_cpu *sched_sys_group_cpu(struct sched_server *server, uint32_t cpu);

/* The policy of that CPU picked nobody though so many threads can run there: the CPU would idle beside
 * them until the starvation limit.  On the machine this instance ends here, with a message, as with any
 * other fault, and its standby takes over; elsewhere the caller goes on. */
void sched_sys_policy_idles(struct sched_server *server, uint32_t cpu, uint32_t runnable);
