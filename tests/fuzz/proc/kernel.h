/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of paper for proc: CNodes, what was derived from what, threads, reply objects.  What the real
 * one refuses it refuses too; proc ends the machine when it does not expect that.
 *
 * Bad at: rights, address spaces, and time.
 */
#pragma once

#include <abi/error.h>
#include <abi/object.h>
#include <abi/types.h>
#include <libsys/ipc.h>
#include <proc/protocol.h>

#define PAPER_CPUS 4u

struct paper_cap {
	uint8_t type; /* enum object_type; OBJ_NULL: unused */
	uint8_t bits; /* untyped, CNode */
	word_t badge;
	uint64_t used;   /* untyped: bytes */
	uint32_t tid;    /* TCB: of its slot, or 0 */
	uint32_t pid;    /* TCB: of its CNode's */
	uint32_t *slots; /* CNode: numbers of capabilities */
	uint32_t *where; /* the slot that holds this one */
	uint32_t parent, child, next, prev;
};

/* proc's CNode with what the kernel and the first thread put there. */
void paper_start(void);
/* A capability that is there from the beginning. */
void paper_put(cptr_t slot, enum object_type type, unsigned bits, word_t badge);
/* In proc's CNode; NULL: empty. */
struct paper_cap *paper_at(cptr_t slot);
/* An invocation of a kernel object by proc. */
enum error paper_invoke(cptr_t slot, struct msg *m);
/* A capability in mm's CNode, as the answer to SPACE_NEW names it; goes with all its copies. */
enum error paper_space_new(uint32_t pid, word_t *slot);
enum error paper_space_free(uint32_t pid);

/* A thread is gone: whoever drives proc takes its call back. */
void paper_thread_gone(uint32_t tid);
/* It runs. */
void paper_thread_runs(uint32_t tid, uint32_t pid);

/* If it is set: what goes to the console, and each line of the log. */
extern void (*paper_console)(const char *text, size_t bytes);
extern void (*paper_log)(const char *line);
/* Threads have used the FPU. */
extern bool paper_fpu_used;

/* start.c: proc as it is when its service thread begins; the bytes that it can hand out. */
uint64_t proc_start(void);
