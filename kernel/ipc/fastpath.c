/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fast path of call, reply_recv and page faults.  See <kern/fastpath.h>.
 *
 * All look first and change later: every condition is read, those of objects under their locks,
 * before the first store.  Whoever adds a condition to ipc.c, recv.c, ipc_syscall.c, fault.c or to
 * kernel_exit() adds it here, or makes this file give up; tests/host_kernel/sim/test_fastpath.c runs
 * both side by side.
 *
 * Left out of the general path, and why that may be:
 *   errors, queued senders, active partners, capabilities in messages: given up beforehand;
 *   waiting: a lock that somebody holds is left to the general path;
 *   guard and Core locks: this CPU runs the chain, so its links are its own (<kern/donation.h>);
 *   the bound notification of a server: it has no payer when it receives;
 *   exchange of receiver->reply: reply_destroy() clears it under the lock of the reply object, which
 *     is held here together with that of the endpoint (order: endpoint, reply);
 *   what says how a queued thread sends (<kern/tcb.h>): nobody is queued;
 *   send_fault of a caller: none, for the thread was in user mode;
 *   kernel_exit(): its conditions are looked at beforehand too.  A request of another CPU that comes
 *     later has its interrupt pending, which is taken on return to user mode; who wants to stop the
 *     next thread and finds it running posts such a request (smp/stop.c).
 *
 * Each function is a leaf that keeps everything in scratch registers: nothing is called but the
 * recording of traces at the end; waiting for a lock would be a call.
 */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/fastpath.h>
#include <kern/fastpath_parts.h>
#include <kern/ipc.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/switch.h>
#include <kern/trace.h>
#include <kern/vspace.h>

#define INFO_LABEL_MASK (~(((word_t)1 << MSG_LABEL_SHIFT) - 1))
#define INFO_PLAIN_MASK msg_info(0, 127, 3)
#define INFO_COPY_MASK  (INFO_LABEL_MASK | msg_info(0, 127, 0))

__attribute__((cold)) struct tcb *fastpath_traced(struct tcb *next, enum trace_kind kind, word_t a,
						  word_t b)
{
	trace_write(kind, a, b);
	return next;
}

/* Done, but something is to be seen to before the next thread runs. */
static __attribute__((cold, noinline)) struct tcb *exit_slowly(enum syscall number, word_t a)
{
	trace_record(TRACE_SYSCALL, number, a);
	kernel_exit();
	return this_core()->current;
}

/* ---- Messages -------------------------------------------------------------------------------- */

/* As long as a message may be, and it carries no capability. */
static inline bool message_is_plain(word_t info)
{
	return (info & INFO_PLAIN_MASK) <= MSG_WORDS_MAX;
}

/* The message fits the registers, or both threads have what a longer one needs. */
static inline bool buffers_suffice(const struct tcb *from, const struct tcb *to, word_t info)
{
	return msg_length(info) <= MSG_REGS ||
	       (message_buffer(from) != NULL && message_buffer(to) != NULL);
}

/* message_copy() of a plain message whose buffers sufficed; to is owned. */
static inline void plain_copy(const struct tcb *from, struct tcb *to, word_t info)
{
	const uint64_t *source = &from->context.x[2];
	uint64_t *dest = &to->context.x[2];
	unsigned length = msg_length(info);

	if (length >= MSG_REGS) {
		uint64_t a = source[0], b = source[1], c = source[2], d = source[3];

		dest[0] = a;
		dest[1] = b;
		dest[2] = c;
		dest[3] = d;
		if (length > MSG_REGS)
			info = (info & ~msg_info(0, 127, 0)) | message_copy_words(from, to, length);
	} else if (length != 0) {
		dest[0] = source[0];
		if (length > 1)
			dest[1] = source[1];
		if (length > 2)
			dest[2] = source[2];
	}
	to->context.x[0] = 0;
	to->context.x[1] = info & INFO_COPY_MASK;
}

_Static_assert(MSG_REGS == 4, "plain_copy() copies four");

/* ---- Call ------------------------------------------------------------------------------------ */

/* What server_take() found. */
struct taken {
	struct reply *reply; /* locked */
	struct vspace *space;
};

/*
 * The passive thread that waits first, owned, and the lock of the reply object that it waits with
 * held; or NULL.  The pointer to the reply object stays good memory while this CPU is in the kernel;
 * whether the thread still waits with it is known under its lock (and then it is not dying).
 */
static inline struct tcb *server_take(struct endpoint *endpoint, const struct tcb *tcb, word_t info,
				      struct taken *out) LOCK_UNCHECKED
{
	struct list_node *head = &endpoint->wait.queue;
	struct list_node *node;
	struct reply *reply;
	struct tcb *server;

	if (!spin_try_lock(&endpoint->wait.lock))
		return NULL;
	node = head->next;
	if (!object_is_calm(&endpoint->wait.object) || node == head)
		goto give_up;
	server = wait_thread(node);
	reply = __atomic_load_n(&server->reply, __ATOMIC_RELAXED);
	/* Relaxed: a thread that waits gets a payer only from who took it off the queue. */
	if (__atomic_load_n(&server->payer, __ATOMIC_RELAXED) != NULL || reply == NULL ||
	    !can_run(server, &out->space) || !buffers_suffice(tcb, server, info))
		goto give_up;
	if (!spin_try_lock(&reply->lock))
		goto give_up;
	out->reply = reply;
	if (__atomic_load_n(&server->reply, __ATOMIC_RELAXED) != reply) {
		spin_unlock(&reply->lock);
		goto give_up;
	}
	head->next = node->next;
	node->next->prev = head;
	list_init(node);
	__atomic_store_n(&server->blocked_on, NULL, __ATOMIC_RELAXED);
	spin_unlock(&endpoint->wait.lock);
	return server;
give_up:
	spin_unlock(&endpoint->wait.lock);
	return NULL;
}

/* The message is in the owned server; it runs on the caller's time from here on. */
static inline void server_run(struct cpu *cpu, struct tcb *tcb, struct tcb *server,
			      const struct taken *taken) LOCK_UNCHECKED
{
	struct reply *reply = taken->reply;
	struct tcb *payer = cpu->core.payer;

	__atomic_store_n(&server->reply, NULL, __ATOMIC_RELAXED);
	chain_link(tcb, server);
	tail_set(payer, server);
	payer_set(server, payer);
	tcb_state_set(server, THREAD_READY);
	/* As call_deliver(): recorded only when it is CALLING, for then anybody may find it. */
	tcb_state_set(tcb, THREAD_CALLING);
	reply->receiver = NULL;
	reply->caller = tcb;
	__atomic_store_n(&tcb->caller_reply, reply, __ATOMIC_RELEASE);
	spin_unlock(&reply->lock);
	counter_add(&cpu->core.stats.donations, 1);
	run_next(cpu, tcb, server, taken->space);
}

/* The right to call: to write, and to get an answer. */
static inline bool can_call(const struct slot_view *view)
{
	return (view->small & (0xffu | RIGHT_WRITE << 8)) == (OBJ_ENDPOINT | RIGHT_WRITE << 8) &&
	       (view->small & ((RIGHT_GRANT | RIGHT_GRANT_REPLY) << 8)) != 0;
}

static inline bool can_receive(const struct slot_view *view)
{
	return (view->small & (0xffu | RIGHT_READ << 8)) == (OBJ_ENDPOINT | RIGHT_READ << 8);
}

struct tcb *fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu)
{
	struct slot_view view;
	struct taken taken;
	struct tcb *server;

	if (!slot_exists(cspace_bits(tcb), cptr) || !message_is_plain(info) ||
	    core_obstacles(&cpu->core) != 0 || !slot_read(slot_at(tcb, cptr), &view, true) ||
	    !can_call(&view))
		return NULL;
	server = server_take((struct endpoint *)(uintptr_t)view.object, tcb, info, &taken);
	if (server == NULL)
		return NULL;
	plain_copy(tcb, server, info);
	server->context.x[6] = view.badge;
	counter_add(&cpu->core.stats.syscalls, 1);
	server_run(cpu, tcb, server, &taken);
	return done(server, TRACE_SYSCALL, SYS_CALL, cptr);
}

/* ---- Answer and receive ---------------------------------------------------------------------- */

/* Reply lock held: the caller whose time the server runs on, whom it can answer from here. */
static inline struct tcb *donor(const struct reply *reply, const struct tcb *server)
{
	struct tcb *caller = reply->caller;

	if (reply->object.dying != 0 || caller == NULL ||
	    __atomic_load_n(&caller->chain_next, __ATOMIC_RELAXED) != server)
		return NULL;
	return caller;
}

/* The answer makes its caller go on in user mode, whatever it called for. */
static inline bool answer_is_plain(const struct tcb *caller, word_t info)
{
	return caller->send_fault == FAULT_NONE || msg_label(info) == FAULT_REPLY_RESTART ||
	       msg_label(info) == FAULT_REPLY_SKIP;
}

/* fault_answer() of these two. */
static inline void answer_fault(struct tcb *caller, word_t info)
{
	caller->send_fault = FAULT_NONE;
	if (msg_label(info) == FAULT_REPLY_SKIP)
		caller->context.pc += INSTRUCTION_BYTES;
}

/*
 * Endpoint lock held.  The caller, owned, if it can be answered and the server then waits; the
 * object is claimed for the next one.
 */
static inline struct tcb *caller_take(const struct endpoint *endpoint, struct reply *reply,
				      struct tcb *server, word_t info,
				      struct vspace **space) LOCK_UNCHECKED
{
	struct tcb *caller;

	/* Senders that are all gone are left to the general path, which notes it. */
	if (!object_is_calm(&endpoint->wait.object) || !spin_try_lock(&reply->lock))
		return NULL;
	caller = donor(reply, server);
	if (caller != NULL && can_run(caller, space) && answer_is_plain(caller, info) &&
	    buffers_suffice(server, caller, info)) {
		reply->caller = NULL;
		reply->receiver = server;
		__atomic_store_n(&caller->caller_reply, NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&server->reply, reply, __ATOMIC_RELAXED);
	} else {
		caller = NULL;
	}
	spin_unlock(&reply->lock);
	return caller;
}

/* chain_pop() */
static inline void caller_unlink(struct core *core, struct tcb *server, struct tcb *caller)
{
	tail_set(core->payer, caller);
	chain_unlink(caller, server);
	payer_set(server, NULL);
	__atomic_store_n(&caller->state, (uint8_t)THREAD_READY, __ATOMIC_SEQ_CST);
}

/*
 * The endpoint stays locked over the answer (64 words at most), because the receive that follows must
 * be known to block before anything changes.
 */
struct tcb *fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb,
				struct cpu *cpu) LOCK_UNCHECKED
{
	unsigned bits = cspace_bits(tcb);
	cptr_t reply_cptr = tcb->context.x[6];
	struct endpoint *endpoint;
	struct slot_view view;
	struct vspace *space;
	struct tcb *caller;

	if (!slot_exists(bits, cptr) || !slot_exists(bits, reply_cptr) || !message_is_plain(info) ||
	    core_obstacles(&cpu->core) != 0 || !slot_read(slot_at(tcb, cptr), &view, false) ||
	    !can_receive(&view))
		return NULL;
	endpoint = (struct endpoint *)(uintptr_t)view.object;
	if (!slot_read(slot_at(tcb, reply_cptr), &view, false) || VIEW_TYPE(&view) != OBJ_REPLY)
		return NULL;
	if (!spin_try_lock(&endpoint->wait.lock))
		return NULL;
	caller = caller_take(endpoint, (struct reply *)(uintptr_t)view.object, tcb, info, &space);
	if (caller == NULL) {
		spin_unlock(&endpoint->wait.lock);
		return NULL;
	}
	/* Owned.  The server then has no payer, so it waits without a scheduling event. */
	if (caller->send_fault == FAULT_NONE)
		plain_copy(tcb, caller, info);
	else
		answer_fault(caller, info);
	caller_unlink(&cpu->core, tcb, caller);
	wait_enqueue(&endpoint->wait, tcb, THREAD_RECEIVING);
	spin_unlock(&endpoint->wait.lock);
	counter_add(&cpu->core.stats.syscalls, 1);
	counter_add(&cpu->core.stats.donations, 1);
	run_next(cpu, tcb, caller, space);
	/*
	 * Who stops a thread that waits for servers on its time only marks it.
	 *
	 *   answering CPU                           stopping CPU
	 *   A1 not in a chain, READY  (seq_cst)     S1 exit_work |= STOP     (seq_cst)
	 *   A2 exit_work == 0?        (seq_cst)     S2 CALLING, in a chain?  (seq_cst)
	 *
	 * Either A2 sees the mark, or S2 sees that the thread runs and posts STOP.
	 */
	if (__builtin_expect(__atomic_load_n(&caller->exit_work, __ATOMIC_SEQ_CST) != 0, 0))
		return exit_slowly(SYS_REPLY_RECV, cptr);
	return done(caller, TRACE_SYSCALL, SYS_REPLY_RECV, cptr);
}
