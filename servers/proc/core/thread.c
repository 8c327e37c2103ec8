/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads of processes: kernel objects, capabilities in the process's CNode, the scheduler's view. */
#include <libsys/objects.h>
#include <proc/sched_start.h>

#include "log.h"
#include "realm.h"
#include "register.h"
#include "state.h"
#include "untyped.h"

static struct thread threads[PROC_THREADS_MAX];
static struct list_node threads_fresh; /* nobody was these yet; lowest tid first */
static struct list_node threads_free;  /* the one that ended longest ago first */
static unsigned threads_free_count;

/* So many have to end before a tid comes again.  A new one costs memory that is kept. */
#define TIDS_APART 256u

void threads_init(void)
{
	list_init(&threads_fresh);
	list_init(&threads_free);
	threads_free_count = 0;
	for (uint32_t tid = 0; tid < PROC_THREADS_MAX; tid++) {
		list_init(&threads[tid].reap);
		list_init(&threads[tid].link);
		lending_thread_init(&threads[tid].lending);
		if (tid >= TID_USER_FIRST && tid < SCHED_TID_USER_MAX)
			list_push_back(&threads_fresh, &threads[tid].link);
	}
}

static struct thread *tid_take(void)
{
	struct list_node *node = NULL;

	if (threads_free_count < TIDS_APART)
		node = list_pop_front(&threads_fresh);
	if (node == NULL) {
		node = list_pop_front(&threads_free);
		if (node == NULL)
			return NULL;
		threads_free_count--;
	}
	return container_of(node, struct thread, link);
}

static bool tid_none(void)
{
	return list_empty(&threads_fresh) && list_empty(&threads_free);
}

static void tid_give(struct thread *thread)
{
	list_push_back(&threads_free, &thread->link);
	threads_free_count++;
}

struct thread *thread_get(word_t tid)
{
	return tid >= TID_USER_FIRST && tid < SCHED_TID_USER_MAX ? &threads[tid] : NULL;
}

struct thread *thread_live(const struct process *process, word_t tid)
{
	struct thread *thread = thread_get(tid);

	if (thread == NULL || thread->pid != process->pid || thread->life != THREAD_LIVE)
		return NULL;
	return thread;
}

uint32_t thread_tid(const struct thread *thread)
{
	return (uint32_t)(thread - threads);
}

/* The lowest index that is free, or PROC_PROCESS_THREADS_MAX. */
static uint32_t index_take(struct process *process)
{
	for (uint32_t i = 0; i < PROC_PROCESS_THREADS_MAX; i++) {
		uint64_t *word = &process->index_used[i / 64];

		if ((*word >> (i % 64) & 1) != 0)
			continue;
		*word |= 1ull << (i % 64);
		return i;
	}
	return PROC_PROCESS_THREADS_MAX;
}

static void index_give(struct process *process, uint32_t index)
{
	process->index_used[index / 64] &= ~(1ull << (index % 64));
}

/* Memory of the thread's objects; kept for whoever has this tid next. */
static enum error thread_memory(struct thread *thread)
{
	const uint32_t tid = thread_tid(thread);
	const cptr_t slot = own_thread_slot(tid, THREAD_UNTYPED);
	cptr_t untyped;

	if (!thread->has_untyped) {
		enum error error = untyped_alloc(THREAD_UNTYPED_BITS, &untyped);

		if (error != ERR_OK)
			return error;
		must(cnode_move(BOOT_SLOT_CNODE, slot, 0, untyped), "moving memory");
		thread->has_untyped = true;
	}
	if (!thread->has_exception) {
		must(cnode_mint(BOOT_SLOT_CNODE, own_thread_slot(tid, THREAD_EXCEPTION), RIGHT_ALL,
				0, OWN_ENDPOINT, OWN_BADGE_FAULT | tid),
		     "making an exception endpoint");
		thread->has_exception = true;
	}
	return ERR_OK;
}

/* Frame first: it is the largest, so nothing is lost to alignment. */
static enum error thread_objects(uint32_t tid)
{
	static const struct {
		enum object_type type;
		enum own_thread_slot slot;
	} objects[] = {
		{OBJ_FRAME, THREAD_IPC_FRAME},
		{OBJ_TCB, THREAD_TCB},
		{OBJ_NOTIFICATION, THREAD_PARK},
		{OBJ_REPLY, THREAD_REPLY},
	};
	enum error error = ERR_OK;

	for (unsigned i = 0; i < sizeof(objects) / sizeof(objects[0]) && error == ERR_OK; i++)
		error = untyped_retype(own_thread_slot(tid, THREAD_UNTYPED), objects[i].type, 0, 1,
				       0, own_thread_slot(tid, objects[i].slot));
	return error;
}

/* What the process gets of it. */
static enum error thread_grant(const struct process *process, uint32_t tid, uint32_t index)
{
	const cptr_t cnode = own_process_slot(process->pid % PROC_PROCESSES_MAX, PROCESS_CNODE);
	enum error error = cnode_mint(cnode, proc_thread_slot(index, PROC_THREAD_SLOT_PARK),
				      RIGHT_READ | RIGHT_WRITE, 0,
				      own_thread_slot(tid, THREAD_PARK), 1);

	if (error == ERR_OK)
		error = cnode_copy(cnode, proc_thread_slot(index, PROC_THREAD_SLOT_REPLY),
				   RIGHT_ALL, 0, own_thread_slot(tid, THREAD_REPLY));
	if (error == ERR_OK)
		error = cnode_copy(cnode, proc_thread_slot(index, PROC_THREAD_SLOT_TCB),
				   RIGHT_CONTROL, 0, own_thread_slot(tid, THREAD_TCB));
	return error;
}

static enum error thread_configure(const struct process *process, uint32_t tid, uint32_t index,
				   const struct thread_args *args)
{
	const uint32_t n = process->pid % PROC_PROCESSES_MAX;
	const cptr_t tcb = own_thread_slot(tid, THREAD_TCB);
	const cptr_t frame = own_thread_slot(tid, THREAD_IPC_FRAME);
	enum error error = frame_map(frame, own_process_slot(n, PROCESS_VSPACE),
				     proc_ipc_buffer_vaddr(index), MAP_READ | MAP_WRITE, NULL);

	if (error == ERR_OK)
		error = tcb_configure(tcb, own_process_slot(n, PROCESS_CNODE),
				      own_process_slot(n, PROCESS_VSPACE), frame,
				      proc_ipc_buffer_vaddr(index));
	if (error == ERR_OK)
		error = tcb_set_fault(tcb, own_process_slot(n, PROCESS_PAGER),
				      own_thread_slot(tid, THREAD_EXCEPTION));
	if (error == ERR_OK)
		error = tcb_bind_notification(tcb, own_thread_slot(tid, THREAD_PARK));
	if (error == ERR_OK && (args->flags & PROC_THREAD_NO_FPU) != 0)
		error = tcb_set_flags(tcb, TCB_FLAG_NO_FPU, 0);
	if (error == ERR_OK)
		error = tcb_set_tag(tcb, tid);
	if (error == ERR_OK)
		error = tcb_start(tcb, args->pc, args->sp, args->x0, args->tls);
	return error;
}

static enum error thread_schedule(const struct process *process, uint32_t tid,
				  const struct thread_args *args)
{
	const cptr_t tcb = own_thread_slot(tid, THREAD_TCB);
	const struct register_params params = thread_params(process, args);
	enum error error = register_thread(tid, tcb, &params);

	if (error == ERR_OK)
		error = register_home(tid, tcb);
	if (error == ERR_OK)
		error = tcb_resume(tcb);
	return error;
}

static enum error thread_make(struct process *process, const struct thread_args *args,
			      uint32_t *tid)
{
	enum error error = ERR_LIMIT;
	struct thread *thread = tid_take();

	if (thread == NULL)
		return ERR_LIMIT;

	const uint32_t index = index_take(process);

	*tid = thread_tid(thread);
	if (index < PROC_PROCESS_THREADS_MAX)
		error = thread_memory(thread);
	if (error == ERR_OK)
		error = thread_objects(*tid);
	if (error == ERR_OK)
		error = thread_configure(process, *tid, index, args);
	if (error == ERR_OK)
		error = thread_grant(process, *tid, index);
	if (error == ERR_OK)
		error = thread_schedule(process, *tid, args);
	if (error != ERR_OK) {
		if (thread->has_untyped)
			must(cnode_revoke(BOOT_SLOT_CNODE, own_thread_slot(*tid, THREAD_UNTYPED)),
			     "undoing a thread");
		if (index < PROC_PROCESS_THREADS_MAX)
			index_give(process, index);
		tid_give(thread);
		return error;
	}
	thread->pid = process->pid;
	thread->index = index;
	thread->generation++;
	thread->life = THREAD_LIVE;
	thread->joiner = NULL;
	thread->leaver = NULL;
	thread->value = 0;
	thread->stack_bytes = 0;
	thread->cpu_base_ns = 0;
	list_push_back(&process->threads, &thread->link);
	process->thread_count++;
	return ERR_OK;
}

/* What is parked elsewhere must not be missed: a tid, an index or memory may be all that it takes. */
enum error thread_new(struct process *process, const struct thread_args *args, uint32_t *tid)
{
	enum error error = realm_thread(process);

	if (error == ERR_OK)
		error = realm_nice(process, args->nice);
	if (error == ERR_OK && args->slice_ns != 0)
		error = realm_param(process, SCHED_PARAM_SLICE_NS, args->slice_ns);
	if (error != ERR_OK || thread_restart(process, args, tid) == ERR_OK)
		return error;
	error = thread_make(process, args, tid);
	while (error == ERR_LIMIT &&
	       ((tid_none() && thread_unpark(NULL)) || thread_unpark(process)))
		error = thread_make(process, args, tid);
	return error;
}

uint64_t thread_objects_delete(uint32_t tid)
{
	const cptr_t tcb = own_thread_slot(tid, THREAD_TCB);
	struct tcb_info info = {.cpu_ns = 0};

	must(tcb_info(tcb, &info), "looking at a thread");
	/* Mostly it is blocked in the call that ended it, and its time is known. */
	if (info.state != THREAD_CALLING) {
		must(tcb_suspend(tcb), "stopping a thread");
		must(tcb_info(tcb, &info), "looking at a thread");
	}
	must(cnode_revoke(BOOT_SLOT_CNODE, own_thread_slot(tid, THREAD_UNTYPED)),
	     "deleting a thread");
	return info.cpu_ns;
}

void thread_gone(struct thread *thread, uint64_t cpu_ns)
{
	struct process *process = process_get(thread->pid);

	thread->life = THREAD_FREE;
	list_remove(&thread->link);
	tid_give(thread);
	/* Whoever is still in that call named a thread that was not itself; its reply object would be no
	 * good for receiving. */
	if (thread->leaver != NULL)
		waiter_fail(thread->leaver, ERR_ARG);
	if (thread->joiner != NULL && process->state == PROC_STATE_RUNNING) {
		struct msg m = {.info = msg_info(ERR_OK, 1, 0), .w = {thread->value}};

		waiter_answer(thread->joiner, &m);
	}
	waiter_let_go(&thread->joiner);
	index_give(process, thread->index);
	process->cpu_ns += cpu_ns - thread->cpu_base_ns;
	if (--process->thread_count == 0 && process->state == PROC_STATE_RUNNING)
		process_end(process, 0, 0);
}

void threads_gone(struct process *process, uint64_t cpu_ns)
{
	struct list_node *node;

	while ((node = list_pop_front(&process->threads)) != NULL) {
		struct thread *thread = container_of(node, struct thread, link);

		thread->life = THREAD_FREE;
		waiter_let_go(&thread->leaver);
		waiter_let_go(&thread->joiner);
		tid_give(thread);
	}
	process->thread_count = 0;
	process->cpu_ns += cpu_ns;
}
