/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads.  The stack, the TLS area, the thread block and the record of a thread are one mapping
 * (thread_memory.c).  It belongs to who joins it, or to the thread itself once it is detached.
 *
 * How a thread ends: it says so in its record with its last store, and then makes its last system calls
 * from registers alone.  So who sees it gone may give the stack to another thread, without asking
 * anybody.  The last call asks proc to keep the thread's kernel objects (THREAD_PARK); when they are
 * used again, that call returns, as the start of the new thread.
 */
#include <string.h>

#include <libsys/clock.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/threads.h>
#include <proc/protocol.h>
#include <proc/slots.h>

#include "message.h"
#include "park.h"
#include "spin.h"
#include "thread.h"

#define STACK_BYTES_DEFAULT (64u * 1024u)

static struct thread thread_first;

void thread_first_init(struct thread_block *block, uint32_t tid)
{
	thread_first.park = proc_thread_slot(0, PROC_THREAD_SLOT_PARK);
	thread_first.tid = tid;
	strcpy(thread_first.name, "main");
	atomic_init(&thread_first.ready, 1);
	block->self = &thread_first;
}

/* --- End --- */

/* What the last system calls of a thread say. */
struct thread_end {
	word_t park_tid; /* 0: do not ask for parking */
	word_t index;
	word_t value;
	word_t stack_vaddr; /* for proc to unmap */
	word_t stack_bytes;
};

/*
 * The store to *gone, THREAD_PARK, and if that is refused THREAD_EXIT, without touching memory after
 * the store.  THREAD_PARK's answer is where to go on: pc (bit 0: clear the floating-point control and
 * status first), sp, x0, tls; x1 = 1 tells the new thread that it is not the first here.
 */
_Noreturn static void thread_part(_Atomic uint32_t *gone, const struct thread_end *end)
{
	register word_t tid __asm__("x19") = end->park_tid;
	register word_t index __asm__("x20") = end->index;
	register word_t value __asm__("x21") = end->value;
	register word_t vaddr __asm__("x22") = end->stack_vaddr;
	register word_t bytes __asm__("x23") = end->stack_bytes;
	register word_t park __asm__("x24") = msg_info(PROC_REQ_THREAD_PARK, 2, 0);
	register word_t exit __asm__("x25") = msg_info(PROC_REQ_THREAD_EXIT, 4, 0);
	register word_t at __asm__("x26") = (word_t)gone;

	__asm__ volatile("	mov	w9, #1\n"
			 "	stlr	w9, [x26]\n"
			 "	mov	x8, %[call]\n"
			 "	cbz	x19, 2f\n"
			 "	mov	x0, %[proc]\n"
			 "	mov	x1, x24\n"
			 "	mov	x2, x19\n"
			 "	mov	x3, x21\n"
			 "	svc	#0\n"
			 "	cbnz	x0, 2f\n"
			 "	lsr	x9, x1, %[label]\n"
			 "	cbnz	x9, 2f\n"
			 "	tbz	x2, #0, 1f\n"
			 "	msr	fpcr, xzr\n"
			 "	msr	fpsr, xzr\n"
			 "	and	x2, x2, #~1\n"
			 "1:	msr	tpidr_el0, x5\n"
			 "	mov	sp, x3\n"
			 "	mov	x0, x4\n"
			 "	mov	x1, #1\n"
			 "	mov	x29, xzr\n"
			 "	mov	x30, xzr\n"
			 "	br	x2\n"
			 "2:	mov	x0, %[proc]\n"
			 "	mov	x1, x25\n"
			 "	mov	x2, x20\n"
			 "	mov	x3, x21\n"
			 "	mov	x4, x22\n"
			 "	mov	x5, x23\n"
			 "	svc	#0\n"
			 "	b	2b\n"
			 :
			 : "r"(tid), "r"(index), "r"(value), "r"(vaddr), "r"(bytes), "r"(park),
			   "r"(exit), "r"(at), [call] "i"(SYS_CALL), [proc] "i"(PROC_SLOT_PROC),
			   [label] "i"(MSG_LABEL_SHIFT)
			 : "memory");
	__builtin_unreachable();
}

_Noreturn static void thread_leave(struct thread *self)
{
	struct thread_end end = {.park_tid = self->serves ? 0 : self->tid,
				 .index = self->index,
				 .value = (word_t)self->result};
	uint32_t alive = THREAD_ALIVE;

	/* Sequentially consistent, as in thread_ends_until(): who waits is seen, or sees the end. */
	if (atomic_compare_exchange_strong(&self->life, &alive, THREAD_ENDED)) {
		if (atomic_load(&self->awaited) != 0)
			sys_futex_wake(&self->life, FUTEX_ALL);
	} else if (self != &thread_first && !thread_memory_keep(self)) {
		/* Detached: its memory is nobody's but its own. */
		end.park_tid = 0;
		end.stack_vaddr = self->stack_vaddr;
		end.stack_bytes = self->stack_bytes;
	}
	if (self == &thread_first)
		end.park_tid = 0; /* the stack is not ours, the tid is not known */
	thread_part(&self->gone, &end);
}

_Noreturn void thrd_exit(int result)
{
	struct thread *self = thread_self();

	tss_run_destructors();
	stdio_flush_thread();
	self->result = result;
	thread_leave(self);
}

/* --- Start --- */

/* The creator fills in what it learns from proc's answer; acquire pairs with its release.  No waiting
 * on a notification yet: which one is ours is part of that. */
static void thread_wait_ready(const struct thread *thread)
{
	for (unsigned i = 0; !atomic_load_explicit(&thread->ready, memory_order_acquire); i++)
		spin_backoff(i);
}

_Noreturn static void thread_entry(struct thread *self, word_t again)
{
	if (again != 0)
		self->clock_base_ns = sys_thread_clock().cpu_ns;
	thread_wait_ready(self);
	thrd_exit(self->start(self->arg));
}

static enum error thread_launch(struct thread *thread, struct thread_block *block)
{
	const word_t words[] = {
		(word_t)thread_entry,
		(word_t)block & ~(word_t)15u,
		(word_t)thread,
		(word_t)block,
		0,
		PROC_NICE_INHERIT,
		0,
		0,
		0,
	};
	struct msg m;
	enum error error = server_request(PROC_SLOT_PROC, PROC_REQ_THREAD_CREATE, words, 9, &m);

	if (error != ERR_OK)
		return error;
	thread->index = (uint32_t)m.w[0];
	thread->tid = (uint32_t)m.w[1];
	thread->generation = (uint32_t)m.w[2];
	thread->park = proc_thread_slot(thread->index, PROC_THREAD_SLOT_PARK);
	block->ipc = (struct ipc_buffer *)(uintptr_t)proc_ipc_buffer_vaddr(thread->index);
	atomic_store_explicit(&thread->ready, 1, memory_order_release);
	return ERR_OK;
}

int thread_create(struct thread **thread, thrd_start_t *start, void *arg,
		  const struct thread_options *options)
{
	size_t stack_bytes = options && options->stack_bytes ? options->stack_bytes
							     : STACK_BYTES_DEFAULT;
	struct thread_block *block;
	struct thread *new;
	enum error error = thread_memory_new(stack_bytes, &new, &block);

	if (error == ERR_OK) {
		new->start = start;
		new->arg = arg;
		if (options && options->name)
			strncpy(new->name, options->name, sizeof(new->name) - 1);
		/* The new thread may run, and end, before the launch returns: *thread first. */
		*thread = new;
		error = thread_launch(new, block);
		if (error != ERR_OK)
			thread_memory_free(new);
	}
	if (error != ERR_OK)
		return error == ERR_NO_MEMORY || error == ERR_LIMIT ? thrd_nomem : thrd_error;
	return thrd_success;
}

int thrd_create(struct thread **thread, thrd_start_t *start, void *arg)
{
	return thread_create(thread, start, arg, NULL);
}

/* --- Join, detach --- */

/*
 * Wait until it is gone.  proc knows when, and is asked even if we know: only when it knows too does
 * the thread count against no limit any more.  It may have forgotten the thread already, and then
 * there is nothing to wait for.
 */
static bool thread_await(struct thread *thread)
{
	struct msg m;

	do {
		thread_wait_ready(thread);
		const word_t words[] = {thread->index, thread_tid(thread), thread->generation};

		if (server_request(PROC_SLOT_PROC, PROC_REQ_THREAD_JOIN, words, 3, &m) != ERR_OK)
			break;
	} while (!atomic_load_explicit(&thread->gone, memory_order_acquire));
	return atomic_load_explicit(&thread->gone, memory_order_acquire) != 0;
}

static struct spin joins_lock;

/* False: nobody would ever end, or another one joins it. */
static bool join_begin(struct thread *thread)
{
	struct thread *self = thread_self();
	struct thread *last = thread;
	bool allowed;

	spin_lock(&joins_lock);
	while (last != self && last->joins)
		last = last->joins;
	allowed = last != self && !thread->joiner;
	if (allowed) {
		self->joins = thread;
		thread->joiner = self;
	}
	spin_unlock(&joins_lock);
	return allowed;
}

static void join_end(struct thread *thread)
{
	spin_lock(&joins_lock);
	thread_self()->joins = NULL;
	thread->joiner = NULL;
	spin_unlock(&joins_lock);
}

static bool thread_ends_until(struct thread *thread, time_ns_t deadline_ns)
{
	atomic_store(&thread->awaited, 1);
	while (atomic_load(&thread->life) == THREAD_ALIVE)
		if (sys_futex_wait(&thread->life, THREAD_ALIVE, deadline_ns) == ERR_TIMEOUT)
			return false;
	return true;
}

int thread_join_until(struct thread *thread, int *result, time_ns_t deadline_ns)
{
	bool gone;

	if (!join_begin(thread))
		return thrd_error;
	if (deadline_ns != TIME_NEVER && !thread_ends_until(thread, deadline_ns)) {
		join_end(thread);
		return thrd_timedout;
	}
	gone = thread_await(thread);
	join_end(thread);
	if (!gone)
		return thrd_error;
	if (result)
		*result = thread->result;
	if (thread != &thread_first)
		thread_memory_free(thread);
	return thrd_success;
}

int thrd_join(struct thread *thread, int *result)
{
	return thread_join_until(thread, result, TIME_NEVER);
}

int thrd_detach(struct thread *thread)
{
	uint32_t alive = THREAD_ALIVE;

	if (atomic_compare_exchange_strong(&thread->life, &alive, THREAD_DETACHED))
		return thrd_success;
	/* It is ending; what is left is ours. */
	return alive == THREAD_ENDED ? thrd_join(thread, NULL) : thrd_error;
}

/* --- The rest --- */

struct thread *thrd_current(void)
{
	return thread_self();
}

int thrd_equal(struct thread *a, struct thread *b)
{
	return a == b;
}

/* proc makes the first thread's stack before it knows the number: look it up. */
static uint32_t first_tid(void)
{
	struct process_self self;
	struct proc_thread_info info;

	if (process_info(&self) != ERR_OK)
		return 0;
	for (word_t from = 1; thread_list(from, &info) == ERR_OK; from = info.tid + 1)
		if (info.pid == self.pid && info.index == 0)
			return (uint32_t)info.tid;
	return 0;
}

uint32_t thread_tid(const struct thread *thread)
{
	if (thread == &thread_first && thread_first.tid == 0)
		thread_first.tid = first_tid();
	return thread->tid;
}

void thread_sleep_until(time_ns_t deadline_ns)
{
	sched_sleep_until(deadline_ns);
}

int thrd_sleep(const struct timespec *duration, struct timespec *remaining)
{
	thread_sleep_until(time_add_ns(clock_now_ns(), timespec_to_ns(duration)));
	if (remaining)
		*remaining = (struct timespec){0};
	return 0;
}

void thrd_yield(void)
{
	sched_yield_now();
}
