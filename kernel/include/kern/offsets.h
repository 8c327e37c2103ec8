/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where assembly finds things in struct cpu (in its core, which is first), struct tcb and struct
 * user_context.  Plain numbers; asserted where the structures are known.
 */
#pragma once

#define CPU_OFFSET_CURRENT 0
#define CPU_OFFSET_STACK   8
#define CPU_OFFSET_SCRATCH 16
#define CPU_OFFSET_INDEX   40

#define TCB_OFFSET_CONTEXT 8

#define CONTEXT_OFFSET_X      0
#define CONTEXT_OFFSET_SP     248
#define CONTEXT_OFFSET_PC     256
#define CONTEXT_OFFSET_PSTATE 264
#define CONTEXT_OFFSET_TLS    272
