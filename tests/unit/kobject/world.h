/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine with one thread that makes system calls: what each test of this folder begins with.
 *
 * Slots of its root CNode: 1 the CNode, 2 its TCB, 3 its VSpace, 4 untyped memory of 32 MiB, 5 device
 * untyped of 4 MiB, 6 preserved untyped of 1 MiB, 7 IRQ control, 8 System, 9 Core 0, 10 Core 1,
 * 11 unbadged Sched; free from 16 on.
 */
#pragma once

#include "fake_threads.h"
#include "host_arch.h"

#include <abi/error.h>
#include <abi/ipc.h>
#include <abi/object.h>
#include <kern/cnode.h>
#include <kern/derive.h>

#define WORLD_RADIX     12u
#define WORLD_RAM_BYTES (72u << 20)
#define WORLD_ASIDS     16u

enum world_slot {
	W_CNODE = 1,
	W_TCB,
	W_VSPACE,
	W_UNTYPED,
	W_DEVICE,
	W_PRESERVED,
	W_IRQ_CONTROL,
	W_SYSTEM,
	W_CORE0,
	W_CORE1,
	W_SCHED,
	W_FREE = 16,
};

struct world {
	struct cnode *cnode;
	struct tcb *tcb;
	struct ipc_buffer buffer;
	unsigned restarts; /* of the last call */
	word_t result[MSG_REGS];
	unsigned result_words;
};

extern struct world world;

void world_reset(void);

/* Invoke a method, starting it again when the kernel asks for it: call(cptr, method, words, w0, ...)
 */
#define call(cptr, method, ...) call_words(cptr, method, (const word_t[6]){__VA_ARGS__})
enum error call_words(cptr_t cptr, enum method method, const word_t *words);
/* Only once; true: the kernel asked for a restart. */
#define call_once(cptr, method, ...) call_words_once(cptr, method, (const word_t[6]){__VA_ARGS__})
bool call_words_once(cptr_t cptr, enum method method, const word_t *words);

/* Short forms; a cnode argument of 0 is the root. */
enum error retype(cptr_t untyped, enum object_type type, unsigned bits, unsigned count,
		  cptr_t slot);
enum error copy(cptr_t dest, cptr_t src);
enum error mint(cptr_t dest, cptr_t src, word_t badge);
enum error move(cptr_t dest, cptr_t src);
enum error delete_cap(cptr_t slot);
enum error revoke(cptr_t slot);

struct cap_slot *slot_of(cptr_t slot);
enum object_type type_of(cptr_t slot);

/* Every link of the tree below and above each slot of the root CNode agrees. */
void check_tree(void);

/* Map a frame, installing tables from untyped memory in slots table_slot.. as needed; returns the
 * error of the last FRAME_MAP. */
enum error map_with_tables(cptr_t frame, cptr_t vspace, uint64_t vaddr, word_t flags,
			   cptr_t *table_slot);
