/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storms: all CPUs of a simulated machine at once in the real kernel, whose user threads do what a
 * seed says, against a model of what they may see.
 *
 *   world.c       objects, all made of one untyped, so that the janitor's revoke must bring all back
 *   lines.c       time, interrupts, devices
 *   user.c        workers, helpers: messages, signals, faults, requests, stops
 *   server.c      servers, some of which come and go: receives, answers, two callers at once
 *   builder.c     objects that come and go while others use them; dispatchers that come and go
 *   spare.c       more of them, that nobody keeps account of: interrupts, mappings, CNodes
 *   dispatcher.c  decisions, answers, moves; some of them wrong
 *   oracle.c      the model: what each result may be
 *   cpu.c         what a CPU does from one entry into the kernel to the next; phases of a storm
 *   free.c        engine: each CPU is a thread of the host (race detector, or address sanitizer)
 *   seeded.c      engine: each CPU is a coroutine, let go on or held at each atomic operation
 *   minimise.c    makes a failing run of seeded.c small, and writes and reads traces
 *
 * What a thread does is a function of the seed, its tag and how much it has done, not of the order in
 * which CPUs get on: so a run can be repeated without most of what it did.
 */
#pragma once

#include <abi/fault.h>
#include <abi/ipc.h>
#include <abi/syscall.h>
#include <kern/core.h>

#define STORM_CPUS_MAX    8u
#define STORM_WORKERS     8u
#define STORM_SERVERS     5u
#define STORM_HELPERS     2u /* suspend and resume workers and servers */
#define STORM_BUILDERS    3u /* make and revoke objects */
#define STORM_WORKER      1u /* first tag of each kind */
#define STORM_SERVER      (STORM_WORKER + STORM_WORKERS)
#define STORM_HELPER      (STORM_SERVER + STORM_SERVERS)
#define STORM_BUILDER     (STORM_HELPER + STORM_HELPERS)
#define STORM_SUPERVISOR  (STORM_BUILDER + STORM_BUILDERS)
#define STORM_CHILD       (STORM_SUPERVISOR + 1u) /* threads that builders make */
#define STORM_THREADS     (STORM_CHILD + STORM_BUILDERS - 1u)
#define STORM_JANITOR     60u
#define STORM_STANDBYS    2u /* dispatchers of each CPU */
#define STORM_SIGNALS     4u
#define STORM_CELLS       12u /* slots of each builder */
#define STORM_SCRATCH     2u  /* slots of each thread for copies and what it is sent */
#define STORM_RADIX       8u
#define STORM_CALL_LENGTH 12u
#define STORM_SEEN        512u
#define STORM_REPLIES     2u /* reply objects of each server */
#define STORM_SPARES      4u /* slots of each builder that nobody keeps account of */
#define STORM_IRQS        STORM_BUILDERS
#define STORM_IRQ_FIRST   40u

/* Server 0 calls 1; both are passive.  2 and 3 are active.  4 is passive and takes exceptions. */
enum storm_server { SERVER_FRONT, SERVER_BACK, SERVER_ACTIVE, SERVER_PAGER, SERVER_EXCEPTION };

/* What is in a builder's cells when everything is there. */
enum storm_cell {
	CELL_ENDPOINT,
	CELL_NOTIFICATION,
	CELL_REPLY,
	CELL_TCB,
	CELL_BUFFER,
	CELL_VSPACE,
	CELL_BADGED_ENDPOINT,
	CELL_BADGED_NOTIFICATION,
	CELL_TABLE,
	CELL_FRAME, /* three, which nobody may write to */
};

enum storm_spare { SPARE_IRQ, SPARE_PORT, SPARE_TABLE, SPARE_CNODE };

enum storm_op {
	OP_NONE,
	OP_SKIP,
	OP_CALL,
	OP_SEND,
	OP_NB_SEND,
	OP_RECV,
	OP_REPLY,
	OP_REPLY_AGAIN,
	OP_SIGNAL,
	OP_WAIT,
	OP_REQUEST,
	OP_FAULT,
	OP_CLOCK,
	OP_CELL,    /* a system call on a cell, which may be empty */
	OP_SLOT,    /* a CNode method on slots that others change too */
	OP_BIND,    /* of a notification to itself */
	OP_HANDLER, /* who takes its faults */
	OP_FLAGS,   /* its own */
	OP_IRQ,     /* a device raises its line; the line is acknowledged */
	OP_DECIDE,  /* by somebody who is no dispatcher */
	OP_SUSPEND, /* by a helper */
	OP_RESUME,
	OP_BUILD, /* by a builder, on its own cells */
	OP_CORE,  /* by the supervisor */
	OP_COUNT
};

/* What a server has in one of its reply objects, as far as it knows. */
struct storm_asked {
	bool held;
	bool faulted;
	uint64_t token;
};

/* What the model knows of a thread.  The thread itself writes it, but for the atomic fields. */
struct storm_thread {
	enum storm_op op; /* what it did last */
	bool pending;     /* its result is still to be looked at */
	uint32_t nth;     /* how many it has made */
	unsigned target;  /* server, notification, cell, tag */
	bool serves;      /* child: is a server */
	unsigned stage;   /* builder, supervisor: where in its programme it is */
	uint32_t version; /* OP_CELL: of the cell, before */
	uint64_t token;   /* of its last message */
	struct storm_asked asked[STORM_REPLIES]; /* server */
	unsigned into; /* server: reply object of its last system call, or STORM_REPLIES */
	uint32_t sent; /* messages */
	uint64_t done; /* operations that succeeded */
	uint32_t faults;
	bool received_caps; /* server: a scratch slot is to be emptied first */
	uint32_t forbidden; /* atomic: it is stopped, and must not execute anything */
	uint32_t seen
		[STORM_SEEN]; /* atomic: numbers of its messages that arrived, by their remainder */
};

struct storm_view {
	bool ready, asking, refused;
	word_t seq;
};

struct storm_dispatcher {
	unsigned cpu, next;
	uint32_t nth;
	bool wrong;   /* its last decision was */
	word_t terms; /* of its last decision: flags */
	word_t successor;
	time_ns_t successor_until_ns;
	time_ns_t again_until_ns;
	struct storm_view view[STORM_THREADS + 1];
};

struct storm_cell_state {
	uint32_t version; /* atomic; odd: its builder is changing it */
	uint32_t live;    /* atomic; what the last change made of it */
};

enum storm_phase {
	PHASE_RUN,
	PHASE_DRAIN, /* nobody does anything new */
	PHASE_END,   /* the janitor revokes everything */
	PHASE_OVER,
};

struct storm_totals {
	uint64_t done[OP_COUNT];                                                /* atomic */
	uint64_t decisions, refusals, moves, binds, builds, revokes, transfers; /* atomic */
};

extern struct storm_thread storm_threads[STORM_THREADS + 1]; /* index = tag, from 1 */
extern struct storm_cell_state storm_cells[STORM_BUILDERS][STORM_CELLS];
extern struct storm_totals storm_totals;
extern struct tcb *janitor;
extern uint64_t storm_seed;
extern bool storm_planted; /* a rule that does not hold, to see a failure: no answer ever comes */

/* ---- world.c ---- */

void storm_world_make(uint64_t seed, unsigned cpus_wanted);
/* With all CPUs outside the kernel: each list agrees with each state. */
void storm_world_check(void);
/* Everything is revoked: nothing is left. */
void storm_world_check_end(void);
/* With all CPUs outside the kernel: the janitor may run, and nobody is in its way. */
void storm_janitor_start(void);
/* Whether a thread that stays has its home there. */
bool storm_homed(unsigned tag, unsigned cpu);
/* The memory of a builder's frame. */
const unsigned char *storm_frame(unsigned builder, unsigned cell);

/* Slots of the CNode that all threads but the janitor share. */
#define STORM_SLOT_CNODE         1u
#define STORM_SLOT_VSPACE        2u
#define STORM_SLOT_TCB(tag)      (8u + (tag))
#define STORM_SLOT_STANDBY(c, n) (40u + (c)*STORM_STANDBYS + (n))
#define STORM_SLOT_CORE(c)       (64u + (c))
#define STORM_SLOT_SCHED(c)      (72u + (c)) /* STORM_CPUS_MAX: of the caller's CPU */
#define STORM_SLOT_ENDPOINT(s)   (84u + (s))
#define STORM_SLOT_REPLY(s, n)   (92u + (n)*148u + (s))
#define STORM_SLOT_SIGNAL(n)     (100u + (n)) /* badge 0: to wait */
#define STORM_SLOT_SIGNALLER(n)  (104u + (n)) /* badge SIGNAL_BIT(0): minted by nobody */
#define STORM_SLOT_UNTYPED(b)    (108u + (b))
#define STORM_SLOT_CELL(b, n)    (112u + (b)*STORM_CELLS + (n))
#define STORM_SLOT_SCRATCH(t, n) (160u + (t)*STORM_SCRATCH + (n))
#define STORM_SLOT_IRQ_CONTROL   208u
#define STORM_SLOT_SPARE(b, n)   (209u + (b)*STORM_SPARES + (n))
#define STORM_BADGE_ENDPOINT(s)  (0x100u + (s))
#define STORM_BADGE_CELL(b, n)   (0x200u + (b)*STORM_CELLS + (n))
#define STORM_SIGNAL_BITS        0xf0ull

/* ---- cpu.c ---- */

enum storm_phase storm_phase(void);
void storm_phase_set(enum storm_phase phase);
void storm_cpus_reset(uint64_t rounds);
/* From one entry into the kernel to the next. */
void storm_cpu_step(unsigned cpu);
/* Every CPU has made its rounds. */
bool storm_rounds_over(void);
/* Draining: every CPU is outside the kernel, and nothing is under way to any. */
bool storm_all_quiet(void);

/* ---- lines.c ---- */

void storm_lines_reset(void);
bool storm_line_pending(unsigned cpu);
void storm_time_pass(time_ns_t ns);
void storm_device_raise(unsigned device);
bool storm_device_masked(unsigned device);

/* ---- Engine: free.c or seeded.c ---- */

/* An idle CPU, or one with nothing to do. */
void storm_engine_pause(void);
/* Whether a thread may do its nth operation; it does nothing instead if not. */
bool storm_engine_allows(unsigned tag, uint32_t nth);
/* What the calling CPU does next belongs to this operation. */
void storm_engine_about(unsigned tag, uint32_t nth, enum storm_op op, unsigned target);

/* ---- user.c, server.c, builder.c, spare.c, dispatcher.c ---- */

uint64_t storm_random(unsigned tag, uint32_t nth);
const char *storm_op_name(enum storm_op op);
/* One system call, whose restart is seen by the pc. */
#define STORM_SVC_PC 0x1000u
void storm_go(struct tcb *tcb, enum syscall number, cptr_t cap, word_t info, cptr_t reply);
void storm_invoke(struct tcb *tcb, cptr_t cap, enum method method, word_t w0, word_t w1, word_t w2,
		  word_t w3);
void storm_request(struct tcb *tcb, unsigned cpu, uint64_t random);
/* Capabilities to send: a slot that may be empty by then; where to take them. */
void storm_caps_prepare(struct tcb *tcb, unsigned tag, cptr_t cap);
void storm_serve(struct tcb *tcb, struct storm_thread *thread, unsigned tag, uint64_t random);
/* What a builder does with its spare slots. */
void storm_spare(struct tcb *tcb, unsigned builder, uint64_t random);
/* sp of a thread that was started: what it did before has no result. */
#define STORM_SP_STARTED 0x5000u
/* Next step of the current thread of a CPU in user mode. */
void storm_user(struct tcb *tcb);
void storm_build(struct tcb *tcb, struct storm_thread *thread, uint64_t random);
void storm_build_result(const struct tcb *tcb, struct storm_thread *thread);
void storm_supervise(struct tcb *tcb, struct storm_thread *thread, uint64_t random);
void storm_dispatch(struct tcb *tcb, struct storm_dispatcher *dispatcher);
struct storm_dispatcher *storm_dispatcher_of(const struct tcb *tcb);
void storm_janitor(struct tcb *tcb);

/* ---- oracle.c ---- */

void oracle_reset(void);
/* The result of the last system call is one that it may have. */
void oracle_result(const struct tcb *tcb, struct storm_thread *thread);
/* A message is about to be sent: words of it. */
void oracle_send(struct tcb *tcb, struct storm_thread *thread, unsigned tag, unsigned length);
void oracle_signal(unsigned notification, unsigned bit);
void oracle_cell_begin(unsigned builder, unsigned cell);
void oracle_cell_end(unsigned builder, unsigned cell, bool live);
uint32_t oracle_cell_version(unsigned cell);
/* In its place: what comes back is about something else. */
#define ORACLE_NOT_JUDGED 1u
enum error storm_error(const struct tcb *tcb);
