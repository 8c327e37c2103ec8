/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel object types, their sizes, and the methods that each one has.
 *
 * An object is used through a capability with SYS_CALL: for an Endpoint or a Sched capability that
 * is IPC, for every other type it is an invocation of the kernel.  An invocation carries the method
 * in the label of the message info, arguments in words 0..3 (registers; longer ones go on in the
 * IPC buffer), and returns the error in x0 and results in the words.
 */
#pragma once

#include <abi/types.h>

/* X(name, value, size_bits, meaning); size_bits 0: variable or no memory of its own */
#define OBJECT_LIST(X)                                                                            \
	X(NULL, 0, 0, "empty slot")                                                               \
	X(UNTYPED, 1, 0, "memory that can be retyped; size_bits 12..40 given at retype")          \
	X(CNODE, 2, 0, "2^radix capability slots of 64 bytes each; radix given at retype, 1..20") \
	X(TCB, 3, 11, "thread control block")                                                     \
	X(ENDPOINT, 4, 6, "synchronous IPC rendezvous")                                           \
	X(NOTIFICATION, 5, 6, "word of signal bits, at most one bound thread")                    \
	X(REPLY, 6, 6, "holds the caller of a call until it is answered")                         \
	X(VSPACE, 7, 13, "address space: root translation table and its identifier")              \
	X(PAGE_TABLE, 8, 12, "one intermediate translation table")                                \
	X(FRAME, 9, 12, "4 KiB of memory that can be mapped")                                     \
	X(LARGE_FRAME, 10, 21, "2 MiB of memory that can be mapped")                              \
	X(IRQ_CONTROL, 11, 0, "right to create interrupt handlers")                               \
	X(IRQ_HANDLER, 12, 0, "right to receive and acknowledge one interrupt")                   \
	X(CORE, 13, 0, "right to decide what one CPU runs")                                       \
	X(SCHED, 14, 0,                                                                           \
	  "right to send requests to a dispatcher: of the caller's CPU, or a fixed one")          \
	X(SYSTEM, 15, 0, "debug output, power off, machine-wide counters")

enum object_type {
#define X(name, value, bits, meaning) OBJ_##name = value,
	OBJECT_LIST(X)
#undef X
		OBJ_COUNT
};

#define CNODE_SLOT_BITS  6u
#define CNODE_RADIX_MAX  20u
#define UNTYPED_BITS_MIN 12u
#define UNTYPED_BITS_MAX 40u
#define RETYPE_COUNT_MAX 256u /* objects that one retype may create */

/*
 * X(object, name, number, arguments, result, meaning).  wN is message word N.  Numbers are unique
 * over all objects.  A cnode argument of 0 means the caller's own root CNode.
 */
#define METHOD_LIST(X)                                                                             \
	X(UNTYPED, RETYPE, 1, "w0 type | size_bits << 8 | count << 16, w1 cnode, w2 first slot",   \
	  "",                                                                                      \
	  "create count objects in consecutive empty slots; memory is zeroed, except that of a "   \
	  "device or preserved untyped")                                                           \
	X(UNTYPED, INFO, 2, "", "w0 paddr, w1 size_bits | flags << 8, w2 bytes free", "describe")  \
	X(CNODE, COPY, 16, "w0 dest slot | rights << 32, w1 source cnode, w2 source slot", "",     \
	  "derive a child capability with at most the given rights")                               \
	X(CNODE, MINT, 17, "as copy, w3 badge", "",                                                \
	  "derive with a badge (Endpoint, Notification, Sched; only from an unbadged one)")        \
	X(CNODE, MOVE, 18, "w0 dest slot, w1 source cnode, w2 source slot", "",                    \
	  "move; descendants stay descendants")                                                    \
	X(CNODE, DELETE, 19, "w0 slot", "",                                                        \
	  "delete one capability; the last one destroys the object")                               \
	X(CNODE, REVOKE, 20, "w0 slot", "", "delete all descendants; restartable")                 \
	X(TCB, CONFIGURE, 32,                                                                      \
	  "w0 cspace cnode, w1 vspace, w2 IPC buffer frame or 0, w3 its vaddr", "",                \
	  "set address and capability space of a stopped thread, as START")                        \
	X(TCB, SET_FAULT, 33, "w0 pager endpoint or 0, w1 exception endpoint or 0", "",            \
	  "page faults go to the first, what it forwards and all else to the second")              \
	X(TCB, START, 34, "w0 pc, w1 sp, w2 x0, w3 tls", "",                                       \
	  "set initial registers of a stopped thread; STATE also while a server on its time owes " \
	  "it an answer")                                                                          \
	X(TCB, WRITE_REGS, 35, "w0.. struct tcb_regs", "",                                         \
	  "set all user registers of a stopped thread, as START")                                  \
	X(TCB, READ_REGS, 36, "", "w0.. struct tcb_regs",                                          \
	  "read all user registers; the thread must be stopped or blocked")                        \
	X(TCB, RESUME, 37, "", "", "make a stopped thread ready at its home")                      \
	X(TCB, SUSPEND, 38, "", "",                                                                \
	  "stop; synchronous: not one more instruction runs after return")                         \
	X(TCB, BIND_NOTIFICATION, 39, "w0 notification", "",                                       \
	  "signals also wake the thread from receives and from interruptible requests")            \
	X(TCB, UNBIND_NOTIFICATION, 40, "", "", "undo")                                            \
	X(TCB, SET_FLAGS, 41, "w0 set, w1 clear", "",                                              \
	  "TCB_FLAG_* of a stopped thread, as START, or one's own; FALLBACK_FIRST and SERVER "     \
	  "need "                                                                                  \
	  "the schedule right too")                                                                \
	X(TCB, INFO, 42, "",                                                                       \
	  "w0 thread_state | home << 8 | flags << 32, w1 tag, w2 cpu_ns, w3 seq", "describe")      \
	X(TCB, SET_TAG, 48, "w0 tag", "",                                                          \
	  "the word that events of this thread carry (schedule right)")                            \
	X(TCB, SET_HOME, 49, "w0 core", "",                                                        \
	  "move to another CPU (schedule right, and the right to that Core): by the dispatcher "   \
	  "of its home; by anybody while that is in fallback, or while it has none")               \
	X(TCB, ANSWER, 50, "w0 error, w1..w3 results", "",                                         \
	  "answer the scheduler request that the thread is blocked in (schedule right)")           \
	X(TCB, SET_KEY, 51, "w0 key", "",                                                          \
	  "the word that wake filters compare, at first 0 (schedule right)")                       \
	X(VSPACE, INFO, 64, "", "w0 asid, w1 pages mapped", "describe")                            \
	X(PAGE_TABLE, MAP, 72, "w0 vspace, w1 vaddr", "w0 level",                                  \
	  "install at the first missing level of vaddr")                                           \
	X(PAGE_TABLE, UNMAP, 73, "", "", "remove, with all that is mapped below")                  \
	X(FRAME, MAP, 80, "w0 vspace, w1 vaddr, w2 MAP_* flags", "w0 missing level on NO_TABLE",   \
	  "map, or change the protection of a frame that this capability has mapped at vaddr "     \
	  "already")                                                                               \
	X(FRAME, UNMAP, 81, "", "",                                                                \
	  "unmap what this capability has mapped; TLB entries are gone on return")                 \
	X(FRAME, INFO, 82, "", "w0 paddr, w1 size_bits, w2 vaddr or 0", "describe")                \
	X(IRQ_CONTROL, GET, 96, "w0 irq, w1 cnode, w2 slot, w3 cpu", "",                           \
	  "create the handler of a free line, routed to cpu")                                      \
	X(IRQ_HANDLER, SET_NOTIFICATION, 97, "w0 notification", "", "signal it at each interrupt") \
	X(IRQ_HANDLER, ACK, 98, "", "", "unmask the line again")                                   \
	X(IRQ_HANDLER, CLEAR, 99, "", "", "mask the line and forget the notification")             \
	X(CORE, BIND, 112,                                                                         \
	  "w0 tcb, w1 decision limit ns, w2 starvation limit ns or 0, w3 notification or 0", "",   \
	  "make a stopped thread the dispatcher of this CPU")                                      \
	X(CORE, UNBIND, 113, "", "", "back to fallback")                                           \
	X(CORE, PORT, 114, "w0 badge, w1 cnode, w2 slot", "",                                      \
	  "create a Sched capability that always names this CPU's dispatcher")                     \
	X(CORE, INFO, 115, "",                                                                     \
	  "w0 cpu, w1 CORE_* flags, w2 fallback reason, w3 entries into fallback", "describe")     \
	X(CORE, STATS, 116, "", "w0.. struct core_stats", "counters of this CPU")                  \
	X(SYSTEM, DEBUG_WRITE, 128, "w0 byte count <= 504, w1.. bytes", "",                        \
	  "write to the kernel's own console")                                                     \
	X(SYSTEM, POWER_OFF, 129, "w0 exit status", "", "end the machine with this status")        \
	X(SYSTEM, INFO, 130, "", "w0 cpus online, w1 0, w2 kernel flags", "describe")

enum method {
#define X(object, name, number, arguments, result, meaning) METHOD_##object##_##name = number,
	METHOD_LIST(X)
#undef X
};

/* Flags of an untyped object. */
#define UNTYPED_DEVICE    1u /* device memory: frames only, never zeroed, mapped Device-nGnRnE */
#define UNTYPED_PRESERVED 2u /* boot data: frames only, never zeroed */

/* FRAME_MAP flags.  WRITE and EXECUTE together are refused. */
#define MAP_READ    1u
#define MAP_WRITE   2u
#define MAP_EXECUTE 4u
#define MAP_DEVICE  8u

/* TCB_SET_FLAGS */
#define TCB_FLAG_PASSIVE        1u  /* runs on its callers' time only */
#define TCB_FLAG_FALLBACK_FIRST 2u  /* comes first in any fallback: the supervisor */
#define TCB_FLAG_NO_FPU         4u  /* FP/SIMD instructions fault */
#define TCB_FLAG_FPU_USED       8u  /* only shown: it has used FP/SIMD instructions */
#define TCB_FLAG_SERVER         16u /* others wait for it: its payer's records say EVENT_SERVED */

/* What TCB_INFO says. */
#define THREAD_STATE_LIST(X)                                         \
	X(STOPPED, 0, "never started, suspended, or dead")           \
	X(READY, 1, "waits at its home to be dispatched")            \
	X(RUNNING, 2, "runs")                                        \
	X(SENDING, 3, "blocked on an endpoint, to send or call")     \
	X(RECEIVING, 4, "blocked on an endpoint, to receive")        \
	X(CALLING, 5, "blocked until its call or fault is answered") \
	X(WAITING, 6, "blocked on a notification")                   \
	X(REQUESTING, 7, "blocked in a request to a dispatcher")     \
	X(PARKED, 8, "a dispatcher in core_reply_wait")              \
	X(PASSIVE, 9, "passive, and part of a donation chain")

enum thread_state {
#define X(name, value, meaning) THREAD_##name = value,
	THREAD_STATE_LIST(X)
#undef X
};

/* TCB_READ_REGS and TCB_WRITE_REGS: 35 words. */
struct tcb_regs {
	word_t x[31];
	word_t sp;
	word_t pc;
	word_t pstate; /* NZCV only; the rest is ignored on write */
	word_t tls;    /* TPIDR_EL0 */
};

_Static_assert(sizeof(struct tcb_regs) == 35 * sizeof(word_t), "tcb_regs is an ABI");
