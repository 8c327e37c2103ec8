/* SPDX-License-Identifier: BSD-2-Clause */
/* What the vectors hand to C. */
#pragma once

#include <arch/exception_offsets.h>

#include <abi/syscall.h>
#include <abi/types.h>

/* All registers at an exception that the kernel did not expect. */
struct exception_frame {
	uint64_t x[31];
	uint64_t sp; /* of EL1: the TCB if user mode was interrupted */
	uint64_t pc;
	uint64_t pstate;
	uint64_t esr;
	uint64_t far;
	uint64_t vector; /* 0..15, in the order of the table */
	uint64_t reserved;
};

_Static_assert(offsetof(struct exception_frame, sp) == FRAME_SP, "vectors.S");
_Static_assert(offsetof(struct exception_frame, pc) == FRAME_PC, "vectors.S");
_Static_assert(offsetof(struct exception_frame, esr) == FRAME_ESR, "vectors.S");
_Static_assert(offsetof(struct exception_frame, vector) == FRAME_VECTOR, "vectors.S");
_Static_assert(sizeof(struct exception_frame) == FRAME_BYTES, "vectors.S");

_Static_assert(SYS_CALL == 0 && SYS_REPLY_RECV == 1 && SYS_SIGNAL == 7 && SYS_WAIT == 8 &&
		       SYS_CORE_REPLY_WAIT == 10,
	       "vectors.S");

/* Any synchronous exception of user mode but svc #0. */
void trap_user(uint64_t esr, uint64_t far);
/* An exception of the kernel, or one that user mode cannot cause.  Panics; returns only to go on
 * after a call of a host or of firmware that nobody answered, with x0 set and the other scratch registers
 * kept. */
void trap_kernel(struct exception_frame *frame);
/* Frame records from here on: the caller's x29, the return address.  Nothing without frame pointers. */
void backtrace_print(uint64_t frame);
