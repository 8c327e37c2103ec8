/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An explicit-state check of the kernel's protocols between CPUs, by the kernel's own functions.
 *
 *   explore.c   depth first over all interleavings, states remembered by hash
 *   memory.c    what a state is: written pages of the program, and the stacks of the CPUs
 *   cpu.c       simulated CPUs: coroutines that stop at each shared operation; interrupts
 *   world.c     threads with short programs, dispatchers, objects
 *   check.c     what must hold in each state, and in states where nothing is left to do
 *   scenario*.c who does what
 *
 * One CPU at a time runs, so all is sequentially consistent.  Bad at: orders that only a weaker
 * memory shows; see README.md.
 */
#pragma once

#include <kern/core.h>
#include <kern/tcb.h>

#define MODEL_CPUS    3u
#define MODEL_STACK   (32u * 1024u)
#define MODEL_THREADS 6u

/* Why a CPU is not going on. */
enum strand_at {
	AT_OPERATION, /* before a shared atomic operation, or an operation on interrupts */
	AT_LOCK,      /* before a lock is taken */
	AT_PAUSE,     /* in a loop that waits for another CPU */
	AT_WAIT,      /* waits for an interrupt */
	AT_USER,      /* in user mode: an instruction, or an interrupt */
};

struct strand {
	void *frame[5]; /* of __builtin_setjmp */
	enum strand_at at;
	const volatile void *what;
	const char *where;
	unsigned choice;
	bool ipi_owed[MODEL_CPUS]; /* it changed that Core's requests from zero and has not sent */
};

/* What a CPU does next: go on, or one of these. */
enum choice { CHOICE_GO, CHOICE_INTERRUPT, CHOICE_TIMER };

/* Hardware of a CPU; part of the state. */
struct model_cpu {
	bool ipi;
	bool timer;
	unsigned timer_budget; /* how often the timer may still fire */
	time_ns_t deadline;
	struct tcb *loaded;
};

struct scenario {
	const char *name;
	unsigned cpus;
	void (*setup)(void);
	void (*final)(void);  /* asserts about a state in which nothing is left to do */
	void (*always)(void); /* the same about every state; or NULL */
	bool is_long;
};

extern struct model_cpu model_cpus[MODEL_CPUS];

/* ---- explore.c ---- */

struct totals {
	uint64_t states;
	uint64_t transitions;
	uint64_t finals;
	unsigned depth_max;
};

/* True: every reachable state was seen, and all is well.  Prints the interleaving otherwise. */
bool explore(const struct scenario *scenario, struct totals *totals);
/* The state is wrong: this path ends here, and is printed. */
_Noreturn void violation(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define must(condition) \
	((condition) ? (void)0 : violation("%s:%d: not true: %s", __FILE__, __LINE__, #condition))
/* Explore anew: something turned out to be shared, or to be part of the state. */
void explore_again(void);

/* ---- memory.c ---- */

void memory_begin(void); /* the present contents are the initial state */
void memory_end(void);
void memory_reset(
	void); /* initial state; pages found to be written are part of states from now on */
void memory_exclude(const void *at, size_t bytes);
size_t memory_bytes(void); /* at most, of a saved state */
size_t memory_save(unsigned char *to);
void memory_restore(const unsigned char *from);
uint64_t memory_hash(void);

/* ---- cpu.c ---- */

void cpus_start(unsigned count);
void cpus_share_nothing(void); /* forget which addresses are shared */
struct strand *strand_of(unsigned cpu);
unsigned char *strand_stack(unsigned cpu, size_t *bytes); /* live part */
unsigned choices_of(unsigned cpu, enum choice out[3]);
/* Let a CPU go on until it stops again, or the state is wrong. */
void cpu_run(unsigned cpu, enum choice choice);
_Noreturn void cpu_abandon(void);                 /* from inside a CPU: back to the explorer */
unsigned cpu_running(void);                       /* MODEL_CPUS: none */
void cpu_as(unsigned cpu);                        /* setup only */
void memory_poison(const void *at, size_t bytes); /* nobody may do an operation there any more */

void model_hardware_reset(void);
void model_time_reach(time_ns_t time);
void cpu_guard(void (*function)(const struct scenario *, unsigned),
	       const struct scenario *scenario);

/* ---- world.c ---- */

struct instruction {
	unsigned number; /* enum syscall, or NUMBER_* */
	uint64_t x[7];
	void (*function)(struct tcb *tcb); /* NUMBER_FUNCTION: instead of the system call */
};
#define NUMBER_FUNCTION 1000u /* in the kernel, as an invocation would call it */
#define NUMBER_USER     1001u /* in user mode: the kernel is not entered */
#define PROGRAM_MAX     6u

void world_reset(unsigned count);
void world_exclude(void);
void world_ready(void); /* the setup is done */
struct tcb *world_thread(unsigned cpu, const struct instruction *program, unsigned length);
struct tcb *world_thread_stopped(unsigned cpu, const struct instruction *program, unsigned length);
/* The thread that will be made as the nth. */
struct tcb *world_next(unsigned n);
struct tcb *world_dispatcher_unbound(unsigned n);
struct tcb *world_dispatcher(unsigned cpu); /* to be bound at the start */
struct endpoint *world_endpoint(void);
struct notification *world_notification(void);
struct reply *world_reply(void);
cptr_t world_cap(enum object_type type, const void *object, word_t badge);
struct cap_slot *world_slot(cptr_t cptr);
/* The dispatcher of this CPU moves a thread when it first blocks; dispatches for this long. */
void world_move(unsigned cpu, struct tcb *tcb, unsigned to);
/* The dispatcher of this CPU answers no request. */
void world_deaf(unsigned cpu);
void world_slice(time_ns_t slice_ns);
/* DECISION_* flags of all decisions; how long filters last. */
void world_terms(word_t flags, time_ns_t filter_ns);
void world_go(struct tcb *tcb); /* it executes its program from now on */

bool user_has_instruction(unsigned cpu);
void user_execute(unsigned cpu);
unsigned thread_done(const struct tcb *tcb); /* instructions executed */
bool thread_finished(const struct tcb *tcb);
extern struct tcb *world_threads[MODEL_THREADS];
extern unsigned world_threads_count;
/* A thread that must not execute an instruction in user mode. */
void world_forbid(struct tcb *tcb, bool forbidden);

/* The dispatcher's own view of a thread. */
struct view {
	bool known;
	uint8_t state; /* enum event_state */
	word_t seq;
};
const struct view *world_view(unsigned cpu, const struct tcb *tcb);

/* ---- check.c ---- */

void check_state(const struct scenario *scenario, unsigned count);
void check_final(const struct scenario *scenario, unsigned count);
