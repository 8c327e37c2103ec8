/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All CPUs of a simulated machine at once, each a host thread in the real kernel, under the race
 * detector.  What user threads do is drawn from a seeded generator per CPU; interleavings are the
 * host's.  At the end the machine stands still and every list must agree with every state.
 */
#pragma once

#include <abi/syscall.h>
#include <kern/core.h>

#define STORM_CPUS    4u
#define STORM_WORKERS 12u
#define STORM_PASSIVE 3u /* server i may call server i + 1 */
#define STORM_ACTIVE  2u
#define STORM_HELPERS 2u /* suspend and resume workers */
#define STORM_THREADS (STORM_WORKERS + STORM_PASSIVE + STORM_ACTIVE + STORM_HELPERS)
#define STORM_SIGNALS 4u

enum storm_kind { STORM_WORKER, STORM_SERVER, STORM_HELPER };

struct storm_thread {
	_Alignas(64) struct tcb tcb;
	_Alignas(4096) unsigned char buffer[4096];
	enum storm_kind kind;
	unsigned server; /* which endpoint it serves */
	bool received;   /* server: it has a message to answer */
	bool called;     /* server: it has called the next one for this message */
	uint64_t calls;  /* worker: answered calls */
};

/* What a dispatcher knows of a thread. */
struct storm_view {
	bool ready;
	bool asking; /* in a request to this dispatcher, to be answered */
	word_t seq;
};

struct storm_cpu {
	struct storm_thread dispatcher;
	struct storm_view view[STORM_THREADS + 1];
	unsigned next;
	uint64_t random;
	uint64_t decisions, refusals, moves;
};

extern struct storm_thread storm_threads[STORM_THREADS + 1]; /* index = tag, from 1 */
extern struct storm_cpu storm_cpus[STORM_CPUS];

/* Slots of the shared CNode. */
cptr_t storm_slot_tcb(unsigned tag);
cptr_t storm_slot_core(unsigned cpu);
cptr_t storm_slot_endpoint(unsigned server);
cptr_t storm_slot_reply(unsigned server);
cptr_t storm_slot_signal(unsigned n);
cptr_t storm_slot_sched(unsigned cpu); /* STORM_CPUS: of the caller's CPU */

uint64_t storm_random(struct storm_cpu *cpu);

/* Make the machine; run rounds of user steps on each CPU; check it. */
void storm_make(uint64_t seed);
void storm_run(uint64_t rounds);
void storm_check(void);

/* One system call in the current thread's registers. */
void storm_user(struct storm_cpu *cpu, struct storm_thread *thread);
void storm_dispatcher(struct storm_cpu *cpu);
