/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * System calls as inline functions.  Nothing here touches memory except the IPC buffer that the
 * kernel reads and writes by itself, so any code may use it: servers without a C library, signal
 * paths, code compiled without floating-point registers.
 *
 * A message lives in `struct msg`: the compiler keeps its fields in the registers that the call
 * uses.  Words 4 and up and capabilities are in the IPC buffer (<libsys/thread_block.h>).
 *
 * Every stub returns a positive enum error, ERR_OK on success.
 */
#pragma once

#include <abi/error.h>
#include <abi/ipc.h>
#include <abi/sched.h>
#include <abi/syscall.h>
#include <abi/types.h>

#include <libsys/msg.h>

#define MUST_CHECK __attribute__((warn_unused_result))

#define SYS_REGS_DECLARE(cap, m)                      \
	register word_t x0 __asm__("x0") = (cap);     \
	register word_t x1 __asm__("x1") = (m)->info; \
	register word_t x2 __asm__("x2") = (m)->w[0]; \
	register word_t x3 __asm__("x3") = (m)->w[1]; \
	register word_t x4 __asm__("x4") = (m)->w[2]; \
	register word_t x5 __asm__("x5") = (m)->w[3]

/*
 * Macros: between a system call and the last use of what it returned nothing may be called.  A variable
 * bound to a register loses its value at any call, and without optimisation an inline function is
 * one.
 */
#define SYS_ERROR(x0) ((enum error)(0 - (int)(x0)))

#define SYS_MSG_STORE(m)        \
	do {                    \
		(m)->info = x1; \
		(m)->w[0] = x2; \
		(m)->w[1] = x3; \
		(m)->w[2] = x4; \
		(m)->w[3] = x5; \
	} while (0)

/*
 * Endpoint: send and wait for the answer.  Sched capability: a request.  Anything else: invoke a
 * method of the object.  @m is replaced by the answer, also when an error is returned.
 */
MUST_CHECK static inline enum error sys_call(cptr_t cap, struct msg *m)
{
	SYS_REGS_DECLARE(cap, m);
	register word_t x8 __asm__("x8") = SYS_CALL;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
			 : "r"(x8)
			 : "x6", "memory");
	SYS_MSG_STORE(m);
	return SYS_ERROR(x0);
}

/* The receiving calls share one shape: number, endpoint, reply object. */
MUST_CHECK static inline enum error sys_receive_as(word_t number, cptr_t endpoint, cptr_t reply,
						   struct msg *m)
{
	SYS_REGS_DECLARE(endpoint, m);
	register word_t x6 __asm__("x6") = reply;
	register word_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6)
			 : "r"(x8)
			 : "memory");
	SYS_MSG_STORE(m);
	m->badge = x6;
	return SYS_ERROR(x0);
}

/* Answer the caller held by @reply with @m, then receive the next message into @m. */
MUST_CHECK static inline enum error sys_reply_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	return sys_receive_as(SYS_REPLY_RECV, endpoint, reply, m);
}

/* @reply may be CPTR_NULL where no calls are expected. */
MUST_CHECK static inline enum error sys_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	*m = (struct msg){.info = 0};
	return sys_receive_as(SYS_RECV, endpoint, reply, m);
}

/* As sys_recv, ERR_WOULD_BLOCK if nobody is sending. */
MUST_CHECK static inline enum error sys_nb_recv(cptr_t endpoint, cptr_t reply, struct msg *m)
{
	*m = (struct msg){.info = 0};
	return sys_receive_as(SYS_NB_RECV, endpoint, reply, m);
}

/* The sending calls share one shape: number, capability, message. */
MUST_CHECK static inline enum error sys_send_as(word_t number, cptr_t cap, const struct msg *m)
{
	SYS_REGS_DECLARE(cap, m);
	register word_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
			 : "r"(x8)
			 : "x6", "memory");
	return SYS_ERROR(x0);
}

/* Send, and wait until it was received. */
MUST_CHECK static inline enum error sys_send(cptr_t endpoint, const struct msg *m)
{
	return sys_send_as(SYS_SEND, endpoint, m);
}

/* ERR_WOULD_BLOCK if nobody is waiting. */
MUST_CHECK static inline enum error sys_nb_send(cptr_t endpoint, const struct msg *m)
{
	return sys_send_as(SYS_NB_SEND, endpoint, m);
}

/* Answer the caller held by @reply.  ERR_NO_REPLY: it holds none. */
MUST_CHECK static inline enum error sys_reply(cptr_t reply, const struct msg *m)
{
	return sys_send_as(SYS_REPLY, reply, m);
}

/* Or the capability's badge into the notification word; wakes one waiter. */
static inline enum error sys_signal(cptr_t notification)
{
	register word_t x0 __asm__("x0") = notification;
	register word_t x8 __asm__("x8") = SYS_SIGNAL;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8)
			 : "x1", "x2", "x3", "x4", "x5", "x6", "memory");
	return SYS_ERROR(x0);
}

MUST_CHECK static inline enum error sys_wait_as(word_t number, cptr_t notification, word_t *word)
{
	register word_t x0 __asm__("x0") = notification;
	register word_t x6 __asm__("x6") = 0;
	register word_t x8 __asm__("x8") = number;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x6)
			 : "r"(x8)
			 : "x1", "x2", "x3", "x4", "x5", "memory");
	*word = x6;
	return SYS_ERROR(x0);
}

/* Wait until the notification word is not zero, take it. */
MUST_CHECK static inline enum error sys_wait(cptr_t notification, word_t *word)
{
	return sys_wait_as(SYS_WAIT, notification, word);
}

/* Take the notification word.  ERR_WOULD_BLOCK if it is zero. */
MUST_CHECK static inline enum error sys_poll(cptr_t notification, word_t *word)
{
	return sys_wait_as(SYS_POLL, notification, word);
}

struct thread_clock {
	time_ns_t cpu_ns; /* CPU time of this thread, passive servers on its time included */
	word_t cpu;       /* index of the CPU that answered; may be old by the time it is read */
	time_ns_t now_ns;
};

/* Cannot fail.  One short kernel entry. */
static inline struct thread_clock sys_thread_clock(void)
{
	register word_t x0 __asm__("x0") = 0;
	register word_t x2 __asm__("x2") = 0;
	register word_t x3 __asm__("x3") = 0;
	register word_t x4 __asm__("x4") = 0;
	register word_t x8 __asm__("x8") = SYS_THREAD_CLOCK;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x2), "+r"(x3), "+r"(x4)
			 : "r"(x8)
			 : "x1", "x5", "x6", "memory");
	return (struct thread_clock){.cpu_ns = x2, .cpu = x3, .now_ns = x4};
}

/* What a dispatcher answers, see <abi/sched.h>. */
struct core_decision {
	word_t kind; /* enum decision, and DECISION_* flags */
	cptr_t tcb;
	word_t seq;
	time_ns_t slice_ns; /* relative, TIME_NEVER: none */
	time_ns_t timer_ns; /* absolute, TIME_NEVER: none */
	time_ns_t filter_until_ns;
	word_t filter_key;
	cptr_t successor_tcb;
	word_t successor_seq;
	time_ns_t successor_slice_ns;
	time_ns_t successor_until_ns;
	time_ns_t successor_filter_until_ns; /* or again_until_ns */
	word_t successor_filter_key;
};

/* What it gets: event 0 is here, the others are in the upcall buffer. */
struct core_upcall {
	enum error refused; /* ERR_OK: the decision was carried out, or there was none */
	word_t info;
	time_ns_t now_ns;
	struct sched_event first;
};

/* The one blocking place of a dispatcher. */
static inline void core_reply_wait(cptr_t core, const struct core_decision *d,
				   struct core_upcall *u)
{
	register word_t x0 __asm__("x0") = core;
	register word_t x1 __asm__("x1") = d->kind;
	register word_t x2 __asm__("x2") = d->tcb;
	register word_t x3 __asm__("x3") = d->seq;
	register word_t x4 __asm__("x4") = d->slice_ns;
	register word_t x5 __asm__("x5") = d->timer_ns;
	register word_t x6 __asm__("x6") = d->filter_until_ns;
	register word_t x7 __asm__("x7") = d->filter_key;
	register word_t x8 __asm__("x8") = SYS_CORE_REPLY_WAIT;
	register word_t x9 __asm__("x9") = d->successor_tcb;
	register word_t x10 __asm__("x10") = d->successor_seq;
	register word_t x11 __asm__("x11") = d->successor_slice_ns;
	register word_t x12 __asm__("x12") = d->successor_until_ns;
	register word_t x13 __asm__("x13") = d->successor_filter_until_ns;
	register word_t x14 __asm__("x14") = d->successor_filter_key;

	__asm__ volatile("svc #0"
			 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5), "+r"(x6),
			   "+r"(x7)
			 : "r"(x8), "r"(x9), "r"(x10), "r"(x11), "r"(x12), "r"(x13), "r"(x14)
			 : "memory");
	u->refused = SYS_ERROR(x0);
	u->info = x1;
	u->now_ns = x2;
	u->first = (struct sched_event){
		.tag = x3, .info = x4, .seq = x5, .ran_ns = x6, .first_ready_ns = x7};
}
