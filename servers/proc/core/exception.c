/* SPDX-License-Identifier: BSD-2-Clause */
#include "exception.h"

#include <abi/fault.h>
#include <libsys/ipc.h>
#include <libsys/print.h>

#include "log.h"
#include "own.h"

static uint32_t fault_signal(enum fault kind)
{
	switch (kind) {
	case FAULT_UNDEFINED:
		return PROC_SIGILL;
	case FAULT_ALIGNMENT:
	case FAULT_BUS:
		return PROC_SIGBUS;
	case FAULT_SYSCALL:
		return PROC_SIGSYS;
	case FAULT_FPU:
		return PROC_SIGFPE;
	case FAULT_BREAKPOINT:
		return PROC_SIGTRAP;
	default:
		return PROC_SIGSEGV;
	}
}

static const char *access_text(word_t access)
{
	if ((access & FAULT_ACCESS_WRITE) != 0)
		return "writing";
	return (access & FAULT_ACCESS_EXECUTE) != 0 ? "executing" : "reading";
}

static const char *pager_reason(word_t reason)
{
	switch (reason) {
	case ERR_FAULT_ADDR:
		return "nothing mapped";
	case ERR_RANGE:
		return "stack overflow";
	case ERR_PERMISSION:
		return "not permitted there";
	case ERR_LIMIT:
		return "memory limit reached";
	case ERR_NO_MEMORY:
		return "memory exhausted";
	default:
		return error_text((enum error)reason);
	}
}

static void fault_text(char *text, size_t bytes, const struct msg *m)
{
	const enum fault kind = (enum fault)msg_label(m->info);
	const word_t at = m->w[0];
	const word_t pc = m->w[1];

	switch (kind) {
	case FAULT_PAGE:
		sys_snprintf(text, bytes, "page fault %s 0x%lx at pc 0x%lx, %s",
			     access_text(m->w[2]), at, pc, pager_reason(m->w[3]));
		break;
	case FAULT_UNDEFINED:
		sys_snprintf(text, bytes, "undefined instruction at pc 0x%lx", pc);
		break;
	case FAULT_ALIGNMENT:
		sys_snprintf(text, bytes, "misaligned access to 0x%lx at pc 0x%lx", at, pc);
		break;
	case FAULT_SYSCALL:
		sys_snprintf(text, bytes, "bad system call %lu at pc 0x%lx", at, pc);
		break;
	case FAULT_FPU:
		sys_snprintf(text, bytes, "floating-point instruction forbidden at pc 0x%lx", pc);
		break;
	case FAULT_BREAKPOINT:
		sys_snprintf(text, bytes, "breakpoint 0x%lx at pc 0x%lx", at, pc);
		break;
	default:
		sys_snprintf(text, bytes, "bus error at 0x%lx, pc 0x%lx", at, pc);
	}
}

/*
 * Who faulted.  A process may choose who takes the faults of its threads (TCB_SET_FAULT), and its way to
 * proc is one of those it can choose: then they come with its pid, which may be a tid of somebody else.
 */
static struct process *who_faulted(word_t badge)
{
	const struct thread *thread;

	if ((badge & OWN_BADGE_FAULT) == 0)
		return process_get(badge);
	thread = thread_get(badge & ~OWN_BADGE_FAULT);
	return thread == NULL ? NULL : process_get(thread->pid);
}

bool exception_handle(struct msg *m)
{
	struct process *process = who_faulted(m->badge);
	char text[128];

	if (process == NULL) {
		waiter_defer(NULL);
		return false;
	}
	waiter_defer(process);
	if (process->state == PROC_STATE_RUNNING) {
		fault_text(text, sizeof(text), m);
		log_line(LOG_ERROR, "pid %u \"%s\" killed: %s", (unsigned)process->pid,
			 process->name, text);
		process_end(process, 0, fault_signal((enum fault)msg_label(m->info)));
	}
	return false;
}
