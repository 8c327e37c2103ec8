/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The portable kernel on two CPUs that the fuzzer steps: one system call, fault or interrupt at a time.
 *
 * Each CPU is a coroutine; exactly one of them, or the fuzzer, runs.  A CPU hands back when its kernel
 * leaves to user mode, waits for an interrupt, or spins; the next step may then be another CPU's.
 *
 * The machine boots once.  Its first thread, the janitor, makes each input's world out of its own
 * memory by system calls, stops itself, and in the end revokes everything: what then is left over, or
 * does not come back, is a broken rule too.  Nothing in a world has a capability to the janitor.
 */
#pragma once

#include <abi/fault.h>
#include <abi/ipc.h>
#include <abi/syscall.h>
#include <kern/core.h>

#define MACHINE_CPUS    2u
#define WORLD_RADIX     7u
#define WORLD_THREADS   6u /* of which the last two may be bound as dispatchers */
#define WORLD_THREAD(n) (10u + (n))

/* Slots of the CNode that all threads of a world share. */
enum world_slot {
	SLOT_CNODE = 1,
	SLOT_VSPACE,
	SLOT_UNTYPED,
	SLOT_DEVICE,
	SLOT_IRQ_CONTROL,
	SLOT_SYSTEM,
	SLOT_CORE0,
	SLOT_CORE1,
	SLOT_SCHED,
	SLOT_TCB,
	SLOT_ENDPOINT = 16, /* 2, then the same with badges */
	SLOT_NOTIFICATION = 20,
	SLOT_REPLY = 23,
	SLOT_BUFFER = 25, /* frame of each thread's IPC buffer */
	SLOT_FRAME = 31,  /* 2 */
	SLOT_TABLE = 33,  /* 3 */
	SLOT_IRQ = 36,
	SLOT_FREE = 40,
};

enum machine_at { AT_USER, AT_IDLE, AT_SPIN };

/* A world; threads run.  Bits 0, 1: that CPU has a dispatcher; bit 2: thread 3 is passive. */
void world_make(unsigned kind);
/* Everything goes; checks that it does. */
void world_end(void);

enum machine_at machine_at(unsigned cpu);
/* Who runs in user mode on a CPU, or NULL. */
struct tcb *machine_current(unsigned cpu);
/* The IPC buffer, or NULL. */
struct ipc_buffer *machine_buffer(const struct tcb *tcb);

/* What the current thread of a CPU does; x8 is the number of the system call.  One that the kernel
 * wants to have again is made again, whatever is asked for. */
void machine_syscall(unsigned cpu, const uint64_t x[9]);
void machine_fault(unsigned cpu, enum fault kind, uint64_t address, uint32_t access);
void machine_fpu_trap(unsigned cpu);
/* The CPU reads memory at that address, if it is in user mode and something is mapped there. */
void machine_touch(unsigned cpu, uint64_t vaddr);
/* A CPU enters its kernel for no reason, or goes on in it. */
void machine_interrupt(unsigned cpu);
/* Interrupts from outside. */
void machine_irq(uint32_t irq);
void machine_advance(time_ns_t ns);
/* One round over all CPUs, each taking what is pending for it; false: there was nothing. */
bool machine_step(void);
/* Until nothing is pending; to spin for ever is a broken rule. */
void machine_settle(void);

/* Rules that hold whenever no CPU is inside the kernel. */
void machine_check(void);
