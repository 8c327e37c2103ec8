/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/clock.h>
#include <libsys/objects.h>
#include <sched/protocol.h>

#include "device.h"
#include "file.h"
#include "log.h"
#include "mm_client.h"
#include "options.h"
#include "state.h"
#include "untyped.h"

#define CNODE_BITS (PROC_CNODE_RADIX + CNODE_SLOT_BITS)
#define PID_MAX    0x7fffffffu

static struct process processes[PROC_PROCESSES_MAX];
static uint32_t pid_last;

static void lists_init(struct process *process)
{
	list_init(&process->threads);
	list_init(&process->parked);
	list_init(&process->reap);
	list_init(&process->children);
	list_init(&process->sibling);
	list_init(&process->waiters);
	list_init(&process->callers);
	list_init(&process->wards);
	list_init(&process->ward);
	lending_init(&process->lending);
}

void processes_init(void)
{
	pid_last = 0;
	for (uint32_t i = 0; i < PROC_PROCESSES_MAX; i++)
		lists_init(&processes[i]);
}

struct process *process_get(word_t pid)
{
	struct process *process = &processes[pid % PROC_PROCESSES_MAX];

	return pid != 0 && process->pid == pid ? process : NULL;
}

/* The live process or zombie with the lowest pid that is at least `pid`. */
struct process *process_next(word_t pid)
{
	struct process *best = NULL;

	for (uint32_t i = 0; i < PROC_PROCESSES_MAX; i++) {
		struct process *process = &processes[i];

		if (process->pid != 0 && process->pid >= pid &&
		    (best == NULL || process->pid < best->pid))
			best = process;
	}
	return best;
}

static cptr_t process_slot(const struct process *process, enum own_process_slot which)
{
	return own_process_slot((uint32_t)(process - processes), which);
}

/* Pids count up; one whose table entry is in use is passed over. */
static struct process *process_take(uint32_t *pid)
{
	for (uint32_t tries = 0; tries < PROC_PROCESSES_MAX; tries++) {
		pid_last = pid_last % PID_MAX + 1;
		if (processes[pid_last % PROC_PROCESSES_MAX].pid == 0) {
			*pid = pid_last;
			return &processes[pid_last % PROC_PROCESSES_MAX];
		}
	}
	return NULL;
}

static enum error cnode_fill(const struct process *process, uint32_t pid, uint32_t weight_max)
{
	const cptr_t cnode = process_slot(process, PROCESS_CNODE);
	enum error error = cnode_copy(cnode, PROC_SLOT_CNODE, RIGHT_ALL, 0, cnode);

	if (error == ERR_OK)
		error = cnode_mint(cnode, PROC_SLOT_MM, RIGHT_WRITE | RIGHT_GRANT_REPLY, 0,
				   OWN_MM_ENDPOINT, pid);
	if (error == ERR_OK)
		error = cnode_mint(cnode, PROC_SLOT_PROC, RIGHT_WRITE | RIGHT_GRANT_REPLY, 0,
				   OWN_ENDPOINT, pid);
	if (error == ERR_OK)
		error = cnode_mint(cnode, PROC_SLOT_SCHED, RIGHT_ALL, 0, BOOT_SLOT_SCHED,
				   sched_badge(pid, weight_max));
	return error;
}

static enum error cnode_make(struct process *process, uint32_t pid, uint32_t weight_max)
{
	enum error error = untyped_alloc(CNODE_BITS, &process->cnode_untyped);

	if (error != ERR_OK)
		return error;
	error = untyped_retype(process->cnode_untyped, OBJ_CNODE, PROC_CNODE_RADIX, 1, 0,
			       process_slot(process, PROCESS_CNODE));
	if (error == ERR_OK)
		error = cnode_fill(process, pid, weight_max);
	if (error != ERR_OK) {
		must(cnode_revoke(BOOT_SLOT_CNODE, process->cnode_untyped), "undoing a CNode");
		untyped_free(CNODE_BITS, process->cnode_untyped);
	}
	return error;
}

/* The space, with the boot information and tables for all IPC buffers. */
static enum error space_make(const struct process *process, uint32_t pid, uint64_t pages_max)
{
	const cptr_t vspace = process_slot(process, PROCESS_VSPACE);
	const cptr_t info = process_slot(process, PROCESS_BOOTINFO);
	enum error error = mm_space_new(pid, pages_max, vspace);

	if (error != ERR_OK)
		return error;
	error = mm_space_tables(pid, BOOTINFO_VADDR);
	if (error == ERR_OK)
		error = cnode_copy(BOOT_SLOT_CNODE, info, RIGHT_READ, 0, BOOT_SLOT_BOOTINFO);
	if (error == ERR_OK) {
		error = frame_map(info, vspace, BOOTINFO_VADDR, MAP_READ, NULL);
		if (error == ERR_OK)
			error = cnode_mint(BOOT_SLOT_CNODE, process_slot(process, PROCESS_PAGER),
					   RIGHT_ALL, 0, OWN_MM_ENDPOINT, pid);
		if (error != ERR_OK)
			must(cnode_delete(BOOT_SLOT_CNODE, info), "undoing a process");
	}
	if (error != ERR_OK)
		must(mm_space_free(pid), "undoing an address space");
	return error;
}

_Static_assert(PROC_IPC_BUFFER_VADDR / LARGE_PAGE_SIZE == BOOTINFO_VADDR / LARGE_PAGE_SIZE &&
		       (PROC_IPC_BUFFER_VADDR + PROC_PROCESS_THREADS_MAX * PAGE_SIZE - 1) /
				       LARGE_PAGE_SIZE ==
			       BOOTINFO_VADDR / LARGE_PAGE_SIZE,
	       "one table serves the boot information and all IPC buffers");
_Static_assert(PROC_DEVICE_VADDR >= PROC_IPC_BUFFER_VADDR + PROC_PROCESS_THREADS_MAX * PAGE_SIZE &&
		       (PROC_DEVICE_VADDR + PROC_DEVICE_PAGES_MAX * PAGE_SIZE - 1) /
				       LARGE_PAGE_SIZE ==
			       BOOTINFO_VADDR / LARGE_PAGE_SIZE,
	       "and a device's registers");

enum error process_new(uint64_t memory_bytes_max, uint32_t weight_max, struct process **made)
{
	uint32_t pid;
	struct process *process = process_take(&pid);

	if (process == NULL)
		return ERR_LIMIT;

	enum error error = space_make(process, pid, memory_bytes_max / PAGE_SIZE);

	if (error != ERR_OK)
		return error;
	error = cnode_make(process, pid, weight_max);
	if (error != ERR_OK) {
		must(cnode_delete(BOOT_SLOT_CNODE, process_slot(process, PROCESS_PAGER)),
		     "undoing a process");
		must(cnode_delete(BOOT_SLOT_CNODE, process_slot(process, PROCESS_BOOTINFO)),
		     "undoing a process");
		must(mm_space_free(pid), "undoing an address space");
		return error;
	}

	const cptr_t untyped = process->cnode_untyped;

	*process = (struct process){
		.pid = pid,
		.group = pid,
		.state = PROC_STATE_RUNNING,
		.cnode_untyped = untyped,
		.started_ns = clock_now_ns(),
		.affinity = cpumask_first(machine_cpus()),
	};
	lists_init(process);
	*made = process;
	return ERR_OK;
}

void process_end(struct process *process, uint32_t status, uint32_t signal)
{
	if (process->state != PROC_STATE_RUNNING)
		return;
	process->state = PROC_STATE_DYING;
	process->exit_status = status;
	process->exit_signal = signal;
	waiters_silence(process);
	for (uint32_t fd = 0; fd < PROC_FDS_MAX; fd++)
		file_close(&process->files[fd]);
	mutex_process_ends(process);
	threads_unpark(process);
	heir_process_ends(process);
	reap_process(process);
}

void process_child(struct process *parent, struct process *process)
{
	process->parent = parent->pid;
	list_push_back(&parent->children, &process->sibling);
	heir_ward(parent, process);
}

/* The table entry is free again. */
static void process_forget(struct process *process)
{
	list_remove(&process->sibling);
	process->pid = 0;
	process->state = PROC_STATE_FREE;
}

static void wait_answer(struct msg *m, const struct process *child)
{
	m->w[0] = child->pid;
	m->w[1] = child->exit_status;
	m->w[2] = child->exit_signal;
	m->info = msg_info(ERR_OK, 3, 0);
}

/* A child that has ended, or one that has not, or neither.  One that never ran is none. */
static struct process *child_find(const struct process *parent, word_t pid, bool zombie)
{
	list_for_each (node, &parent->children) {
		struct process *child = container_of(node, struct process, sibling);

		if (!child->failed && (pid == PROC_WAIT_ANY || child->pid == pid) &&
		    (child->state == PROC_STATE_ZOMBIE) == zombie)
			return child;
	}
	return NULL;
}

bool process_wait(struct process *parent, struct msg *m)
{
	const word_t pid = m->w[0];
	struct process *child = child_find(parent, pid, true);

	if (child != NULL) {
		wait_answer(m, child);
		process_forget(child);
		return true;
	}
	child = child_find(parent, pid, false);
	if (child == NULL || (m->w[1] & PROC_WAIT_NO_HANG) != 0) {
		*m = msg_make((word_t)(child == NULL ? ERR_NOT_FOUND : ERR_WOULD_BLOCK), 0);
		return true;
	}

	struct waiter *waiter = waiter_defer(parent);

	waiter->want = pid;
	list_push_back(&parent->waiters, &waiter->link);
	return false;
}

/* Nobody waits for a child that there is not any more: another thread was told of its end. */
static void waits_fail(struct process *parent)
{
	struct list_node *node = list_first(&parent->waiters);

	while (node != NULL) {
		struct waiter *waiter = waiter_of(node);

		node = node->next == &parent->waiters ? NULL : node->next;
		/* None that it waits for is a zombie: it would have been told. */
		if (child_find(parent, waiter->want, false) == NULL)
			waiter_fail(waiter, ERR_NOT_FOUND);
	}
}

static struct waiter *wait_for(const struct process *parent, uint32_t pid)
{
	list_for_each (node, &parent->waiters) {
		struct waiter *waiter = waiter_of(node);

		if (waiter->want == PROC_WAIT_ANY || waiter->want == pid)
			return waiter;
	}
	return NULL;
}

/* Somebody waits for this zombie already?  Else it stays one. */
static void zombie_report(struct process *process, struct process *parent)
{
	struct waiter *waiter;

	while ((waiter = wait_for(parent, process->pid)) != NULL) {
		struct msg m;

		wait_answer(&m, process);
		if (waiter_try_answer(waiter, &m) != ERR_OK)
			continue;
		process_forget(process);
		waits_fail(parent);
		return;
	}
}

static void children_orphan(struct process *process)
{
	struct list_node *node;

	while ((node = list_pop_front(&process->children)) != NULL) {
		struct process *child = container_of(node, struct process, sibling);

		child->parent = 0;
		if (child->state == PROC_STATE_ZOMBIE)
			process_forget(child);
	}
}

static const char *signal_text(uint32_t signal)
{
	switch (signal) {
#define X(name, value, meaning) \
	case PROC_SIG##name:    \
		return meaning;
		PROC_SIGNAL_LIST(X)
#undef X
	default:
		return "an unknown signal";
	}
}

static void machine_end(const struct process *process)
{
	const uint32_t status = process->exit_signal != 0 ? 128 + process->exit_signal
							  : process->exit_status;

	if (process->exit_signal != 0)
		log_line(LOG_ERROR, "the first program \"%s\" did not end by itself: %s",
			 process->name, signal_text(process->exit_signal));
	if (!options.exit) {
		log_line(LOG_INFO, "\"%s\" ended with status %u", process->name, (unsigned)status);
		return;
	}
	must(system_power_off(BOOT_SLOT_SYSTEM, status), "powering off");
}

void process_gone(struct process *process)
{
	struct process *parent = process_get(process->parent);

	untyped_free(CNODE_BITS, process->cnode_untyped);
	if (process->objects != CPTR_NULL)
		untyped_free(PROCESS_OBJECTS_BITS, process->objects);
	device_release(process);
	waiters_release(process);
	process->state = PROC_STATE_ZOMBIE;
	if (process->first)
		machine_end(process);
	children_orphan(process);
	if (parent == NULL || parent->state != PROC_STATE_RUNNING || process->failed)
		process_forget(process);
	else
		zombie_report(process, parent);
}
