/* SPDX-License-Identifier: BSD-2-Clause */
/* What all scenarios use. */
#pragma once

#include "model.h"

#include <abi/ipc.h>
#include <abi/object.h>
#include <abi/syscall.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/thread.h>

#define PROGRAM(...)                               \
	(const struct instruction[]){__VA_ARGS__}, \
		sizeof((const struct instruction[]){__VA_ARGS__}) / sizeof(struct instruction)
#define SYSCALL(n, ...) ((struct instruction){.number = (n), .x = {__VA_ARGS__}})
#define KERNEL(f)       ((struct instruction){.number = NUMBER_FUNCTION, .function = (f)})
#define USER(f)         ((struct instruction){.number = NUMBER_USER, .function = (f)})

#define WAIT(n)          SYSCALL(SYS_WAIT, world_cap(OBJ_NOTIFICATION, (n), 0))
#define SIGNAL(n, badge) SYSCALL(SYS_SIGNAL, world_cap(OBJ_NOTIFICATION, (n), (badge)))
#define SEND(e)          SYSCALL(SYS_SEND, world_cap(OBJ_ENDPOINT, (e), 0))
#define CALL(e)          SYSCALL(SYS_CALL, world_cap(OBJ_ENDPOINT, (e), 0))
#define REQUEST(core, i)                                   \
	SYSCALL(SYS_CALL, world_cap(OBJ_SCHED, (core), 3), \
		msg_info((i) ? SCHED_REQUEST_INTERRUPTIBLE : 0, 0, 0))
#define TIMED_NS UINT64_C(1000000000)
#define TIMED_REQUEST(core, flags)                         \
	SYSCALL(SYS_CALL, world_cap(OBJ_SCHED, (core), 3), \
		msg_info(SCHED_REQUEST_TIMED | (flags), 1, 0), TIMED_NS)
#define RECV(e, r)                                                        \
	SYSCALL(SYS_RECV, world_cap(OBJ_ENDPOINT, (e), 0), 0, 0, 0, 0, 0, \
		(r) != NULL ? world_cap(OBJ_REPLY, (r), 0) : 0)
#define REPLY(r) SYSCALL(SYS_REPLY, world_cap(OBJ_REPLY, (r), 0))
#define REPLY_RECV(e, r)                                                        \
	SYSCALL(SYS_REPLY_RECV, world_cap(OBJ_ENDPOINT, (e), 0), 0, 0, 0, 0, 0, \
		world_cap(OBJ_REPLY, (r), 0))
#define SUSPEND(t) SYSCALL(SYS_CALL, world_cap(OBJ_TCB, (t), 0), msg_info(METHOD_TCB_SUSPEND, 0, 0))
#define RESUME(t)  SYSCALL(SYS_CALL, world_cap(OBJ_TCB, (t), 0), msg_info(METHOD_TCB_RESUME, 0, 0))
#define SET_HOME(t, core)                                                                  \
	SYSCALL(SYS_CALL, world_cap(OBJ_TCB, (t), 0), msg_info(METHOD_TCB_SET_HOME, 1, 0), \
		world_cap(OBJ_CORE, (core), 0))
#define BIND(core, t)                                                                       \
	SYSCALL(SYS_CALL, world_cap(OBJ_CORE, (core), 0), msg_info(METHOD_CORE_BIND, 4, 0), \
		world_cap(OBJ_TCB, (t), 0), 1000000)
#define UNBIND(core) \
	SYSCALL(SYS_CALL, world_cap(OBJ_CORE, (core), 0), msg_info(METHOD_CORE_UNBIND, 0, 0))

#define CORE(i) (&cpus[i].core)

static inline void bind_all(void)
{
	for (unsigned i = 0; i < cpus_count; i++)
		(void)world_dispatcher(i);
}

/* x0 of a thread's last system call. */
static inline enum error result(const struct tcb *tcb)
{
	return (enum error)(-(int64_t)tcb->context.x[0]);
}

#define SCENARIO(title, count, make, end)                                         \
	{                                                                         \
		.name = (title), .cpus = (count), .setup = (make), .final = (end) \
	}

/* Only run if it is named, or all are asked for. */
#define LONG_SCENARIO(title, count, make, end)                                                     \
	{                                                                                          \
		.name = (title), .cpus = (count), .setup = (make), .final = (end), .is_long = true \
	}

/* Each ends with an entry without a name. */
extern const struct scenario scenarios_wake[], scenarios_ipc[], scenarios_stop[], scenarios_home[];
extern const struct scenario scenarios_bind[], scenarios_donation[], scenarios_request[];
extern const struct scenario scenarios_delete[], scenarios_successor[];
extern const struct scenario scenarios_lock[];
