/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Basic types and limits shared by the kernel, every server and every program.
 * Units: all times that cross the ABI are nanoseconds on the machine's one monotonic clock
 * (CNTVCT_EL0 scaled by the kernel, zero at reset); all sizes are bytes unless the name says words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t cptr_t;    /* capability pointer: slot index in the caller's CSpace root CNode */
typedef uint64_t word_t;    /* one message word */
typedef uint64_t time_ns_t; /* absolute time or duration, ns */

#define CPTR_NULL       ((cptr_t)0) /* slot 0 is always empty */
#define TIME_NEVER      UINT64_MAX  /* no deadline */
#define CPUS_MAX        256u /* CPUs that one build supports; more are named and left parked */
#define MSG_WORDS_MAX   64u  /* words of one IPC message */
#define MSG_REGS        4u   /* of these, words carried in registers */
#define MSG_CAPS_MAX    3u   /* capabilities transferred by one message */
#define PAGE_BITS       12u
#define PAGE_SIZE       4096u
#define LARGE_PAGE_BITS 21u
#define LARGE_PAGE_SIZE (1u << LARGE_PAGE_BITS)
