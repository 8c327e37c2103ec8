/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls without capabilities on donated time: call to a passive server that waits, answer and next receive
 * of that server.  A wait that blocks, and a signal to one who waits, up to the entry of the dispatcher;
 * that entry after a slice or a wake from elsewhere.  A decision that runs a thread.
 * What they do is what the general path and kernel_exit() do, with each lock taken once, each capability
 * read in place, and all conditions looked at before anything changes.
 */
#pragma once

#include <abi/syscall.h>
#include <kern/core.h>

/*
 * The current thread's system call; its registers are in its context, cptr and info are x0 and x1 of
 * it, cpu is this one.  The thread that is to run next, loaded, everything as the general path and
 * kernel_exit() would have left it; or NULL: nothing has changed, and kernel_syscall() is to be
 * called.  No lock held.  Cost: two locks.
 */
struct tcb *must_check fastpath_call(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);
struct tcb *must_check fastpath_reply_recv(cptr_t cptr, word_t info, struct tcb *tcb,
					   struct cpu *cpu);
/* The same: a wait that blocks and enters the dispatcher; x1 is no argument of it. */
struct tcb *must_check fastpath_wait(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);

/* The same: a signal, if nobody waits for it, or one does whose home is here. */
struct tcb *must_check fastpath_signal(cptr_t cptr, word_t info, struct tcb *tcb, struct cpu *cpu);

/*
 * A device's interrupt that was taken, likewise: its signal to one who waits and whose home is here, if
 * it is what interrupted user mode; irq < IRQ_LINES_MAX.  NULL: nothing has changed, and it is still
 * to be delivered.
 */
struct tcb *must_check fastpath_irq(uint32_t irq, struct cpu *cpu);

/*
 * A decision of this CPU's dispatcher that runs a thread, likewise: cptr and decision are x0 and x1.
 * Cost: one lock.
 */
struct tcb *must_check fastpath_decide(cptr_t cptr, word_t decision, struct tcb *tcb,
				       struct cpu *cpu);

/*
 * At the exit from the kernel, with a reason to enter the dispatcher: what kernel_exit() does, if
 * somebody runs here who goes on being ready, and at most one record is to be handed over with his.
 */
struct tcb *must_check fastpath_preempt(struct cpu *cpu);

/* What the vectors do at svc #0, for those who have no vectors: tests. */
void kernel_svc(void);
