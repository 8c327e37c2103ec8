/* SPDX-License-Identifier: BSD-2-Clause */
/* System calls as functions of a kernel of paper: ../kernel.c, and who drives proc. */
#pragma once

#include <abi/error.h>
#include <abi/ipc.h>
#include <abi/sched.h>
#include <abi/syscall.h>
#include <abi/types.h>

#include <libsys/msg.h>

#define MUST_CHECK __attribute__((warn_unused_result))

struct thread_clock {
	time_ns_t cpu_ns;
	word_t cpu;
	time_ns_t now_ns;
};

MUST_CHECK enum error sys_call(cptr_t cap, struct msg *m);
MUST_CHECK enum error sys_recv(cptr_t endpoint, cptr_t reply, struct msg *m);
enum error sys_nb_recv(cptr_t endpoint, cptr_t reply, struct msg *m);
MUST_CHECK enum error sys_reply_recv(cptr_t endpoint, cptr_t reply, struct msg *m);
MUST_CHECK enum error sys_reply(cptr_t reply, const struct msg *m);
MUST_CHECK enum error sys_wait(cptr_t notification, word_t *word);
enum error sys_signal(cptr_t notification);
struct thread_clock sys_thread_clock(void);
