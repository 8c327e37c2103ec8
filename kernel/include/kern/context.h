/* SPDX-License-Identifier: BSD-2-Clause */
/* User register state of a thread; the vectors save into and restore from it. Offsets are asserted
 * for assembly. */
#pragma once

#include <abi/types.h>
#include <kern/offsets.h>

struct user_context {
	uint64_t x[31];
	uint64_t sp;
	uint64_t pc;
	uint64_t pstate;
	uint64_t tls; /* TPIDR_EL0; saved and restored at thread switch only */
};

/* Bits of pstate that belong to the user (NZCV); 0 in the others is user mode, nothing masked. */
#define CONTEXT_PSTATE_USER 0xf0000000ull

struct fpu_state {
	_Alignas(16) unsigned char v[32][16];
	uint32_t fpsr;
	uint32_t fpcr;
};

_Static_assert(offsetof(struct user_context, sp) == CONTEXT_OFFSET_SP, "vectors.S");
_Static_assert(offsetof(struct user_context, pc) == CONTEXT_OFFSET_PC, "vectors.S");
_Static_assert(offsetof(struct user_context, pstate) == CONTEXT_OFFSET_PSTATE, "vectors.S");
_Static_assert(offsetof(struct user_context, tls) == CONTEXT_OFFSET_TLS, "vectors.S");
