/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The portable kernel on simulated CPUs that a test steps one by one.
 *
 * Each CPU is a host thread with its own kernel stack; exactly one of them, or the test, runs at any
 * time.  A CPU hands back to the test when its kernel leaves to user mode, waits for an interrupt,
 * spins, or halts for good.  What a user thread does is what the test makes it do: a system call with
 * the registers given, a fault, or nothing until an interrupt.
 * All threads share one CNode; objects are made by the test directly, with the kernel's own *_init.
 */
#pragma once

#include <abi/fault.h>
#include <abi/ipc.h>
#include <abi/syscall.h>
#include <kern/core.h>
#include <kern/endpoint.h>
#include <kern/notification.h>
#include <kern/reply.h>

enum sim_at { SIM_USER, SIM_IDLE, SIM_SPIN, SIM_HALTED };

/* Registers of a system call (x8: its number); what is not named is 0. */
struct sim_regs {
	uint64_t x[15];
};

/* A machine with this many CPUs, all idle and in boot fallback. */
void sim_start(unsigned cpus);
/* End the CPU threads; after each test. */
void sim_end(void);

/* Objects of the machine; memory is reused by sim_start. */
struct tcb *sim_thread(word_t tag, unsigned cpu);         /* homed, stopped */
struct tcb *sim_thread_running(word_t tag, unsigned cpu); /* and resumed */
struct endpoint *sim_endpoint(void);
struct notification *sim_notification(void);
struct reply *sim_reply(void);

/* A capability with all rights, in the CNode that all threads share. */
cptr_t sim_cap(enum object_type type, const void *object, word_t badge);
cptr_t sim_cap_rights(enum object_type type, const void *object, word_t badge, unsigned rights);

/* Let a CPU take its interrupts and requests until there are none. */
void sim_step(unsigned cpu);
/* All CPUs, until none has anything pending. */
void sim_settle(void);
enum sim_at sim_at(unsigned cpu);
/* Who runs in user mode, or NULL. */
struct tcb *sim_current(unsigned cpu);

/* The current thread of a CPU executes a system call.  Asserts that it is tcb. */
void sim_syscall(unsigned cpu, struct tcb *tcb, enum syscall number, struct sim_regs regs);
void sim_fault(unsigned cpu, struct tcb *tcb, enum fault kind, uint64_t address);
void sim_fpu_trap(unsigned cpu, struct tcb *tcb);
/* A CPU in user mode enters the kernel, where it does this. */
void sim_kernel(unsigned cpu, void (*action)(void));
/* Move time; timers fire when the CPUs are stepped. */
void sim_advance(time_ns_t ns);

/* Results of the last system call of a thread. */
int64_t sim_x0(const struct tcb *tcb);

/* ---- Dispatchers ---- */

/* Bind a new dispatcher thread to a CPU and let it drain its first events. */
struct tcb *sim_bind(unsigned cpu, time_ns_t decision_limit_ns, time_ns_t starvation_limit_ns,
		     struct notification *supervisor);
/* The dispatcher of the CPU, which runs, decides. */
void sim_decide(unsigned cpu, enum decision kind, const struct tcb *tcb, time_ns_t slice_ns);
void sim_decide_seq(unsigned cpu, const struct tcb *tcb, word_t seq, time_ns_t slice_ns);
/* The same with flags in x1 and x4..x14 as given; x0..x3 are filled in, and x9, x10 for a successor. */
void sim_decide_terms(unsigned cpu, word_t decision, const struct tcb *tcb,
		      const struct tcb *successor, struct sim_regs terms);
/* Whether the dispatcher of the CPU is what runs. */
bool sim_deciding(unsigned cpu);
/* Let the dispatcher choose the oldest ready thread, or idle, until it is parked. */
void sim_auto(unsigned cpu);
/* Settle, and let all dispatchers choose, until nothing changes. */
void sim_auto_all(void);

/* Event i of the dispatcher's last upcall, until the next is asked for; NULL: there are fewer. */
const struct sched_event *sim_event(unsigned cpu, unsigned i);
/* The event of its last upcall with this tag, or NULL. */
const struct sched_event *sim_event_of(unsigned cpu, word_t tag);
const struct sched_request *sim_request(unsigned cpu);
const struct upcall_buffer *sim_upcall(unsigned cpu);

unsigned sim_ipis(void);

/* What the test calls in the kernel next is done as this CPU (one that is not inside the kernel). */
void sim_as(unsigned cpu);

/* Rules that hold whenever no CPU is inside the kernel; asserts. */
void sim_check(void);
