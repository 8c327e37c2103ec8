/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults as messages: the faulting thread calls its pager (page faults) or exception endpoint (all
 * else) with label = kind, the MSG_FAULTED bit, the badge of the endpoint capability given to
 * TCB_SET_FAULT, and w0 address or number   w1 pc   w2 FAULT_ACCESS_* flags   w3 ESR_EL1 (or, when
 * forwarded, the pager's reason)
 */
#pragma once

/* X(name, value, meaning) */
#define FAULT_LIST(X)                                                             \
	X(NONE, 0, "no fault")                                                    \
	X(PAGE, 1, "translation or permission fault; w0 = address")               \
	X(UNDEFINED, 2, "undefined or trapped instruction; w0 = pc")              \
	X(ALIGNMENT, 3, "misaligned access, sp or pc; w0 = address")              \
	X(SYSCALL, 4, "bad system call number; w0 = number")                      \
	X(FPU, 5, "FP/SIMD instruction in a thread that may not use it; w0 = pc") \
	X(BREAKPOINT, 6, "brk instruction; w0 = immediate")                       \
	X(BUS, 7, "external abort or other machine error; w0 = address if known")

enum fault {
#define X(name, value, meaning) FAULT_##name = value,
	FAULT_LIST(X)
#undef X
		FAULT_COUNT
};

#define FAULT_ACCESS_READ    1u
#define FAULT_ACCESS_WRITE   2u
#define FAULT_ACCESS_EXECUTE 4u
#define FAULT_ACCESS_PRESENT 8u /* permission fault: something is mapped there */

/* Label of the answer to a fault. */
#define FAULT_REPLY_RESTART 0u /* run the instruction again */
#define FAULT_REPLY_SKIP    1u /* go on after the instruction */
#define FAULT_REPLY_FORWARD \
	2u /* pager only: deliver to the exception endpoint, w0 = reason (enum error) */
#define FAULT_REPLY_STOP 3u /* leave the thread stopped */
