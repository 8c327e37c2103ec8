/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several CPUs work on one CNode, untyped memory and address space at once, under the race detector.
 * What each operation answers is not predicted; afterwards everything must be consistent, and all
 * memory come back.  Not a Criterion program: the race detector wants one process.
 */
#include "fake_threads.h"
#include "host_arch.h"
#include "host_objects.h"

#include <abi/ipc.h>
#include <kern/cnode.h>
#include <kern/core.h>
#include <kern/derive.h>
#include <kern/invoke.h>
#include <kern/reap.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#define CPUS      4u
#define RADIX     8u
#define RAM_BYTES (16u << 20)

enum { SLOT_CNODE = 1, SLOT_VSPACE, SLOT_UNTYPED, SLOT_TCB_FIRST, SLOT_FREE = 16 };

static struct cnode *root;
static struct tcb *threads[CPUS];
static unsigned long steps = 20000;

/* Even: outside the kernel.  Odd: inside; changes with each entry and each quiescent point. */
static uint64_t inside[CPUS];

#define check(condition)                                                                \
	do {                                                                            \
		if (!(condition)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort();                                                        \
		}                                                                       \
	} while (0)

static void kernel_enter(void)
{
	__atomic_add_fetch(&inside[host_cpu_index()], 1, __ATOMIC_SEQ_CST);
}

static void kernel_leave(void)
{
	__atomic_add_fetch(&inside[host_cpu_index()], 1, __ATOMIC_SEQ_CST);
}

/* Quiescent itself while it waits, as the kernel's loop is. */
static void wait_for_others(void)
{
	uint64_t seen[CPUS];

	kernel_leave();
	for (unsigned i = 0; i < CPUS; i++)
		seen[i] = __atomic_load_n(&inside[i], __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < CPUS; i++)
		while ((seen[i] & 1) != 0 &&
		       __atomic_load_n(&inside[i], __ATOMIC_SEQ_CST) == seen[i])
			sched_yield();
	kernel_enter();
}

static enum error invoke(cptr_t cptr, enum method method, word_t w0, word_t w1, word_t w2,
			 word_t w3)
{
	struct tcb *tcb = threads[host_cpu_index()];
	enum invoke_outcome outcome = INVOKE_RESTART;
	struct cap cap;

	tcb->context.x[1] = msg_info((word_t)method, 4, 0);
	tcb->context.x[2] = w0;
	tcb->context.x[3] = w1;
	tcb->context.x[4] = w2;
	tcb->context.x[5] = w3;
	while (outcome == INVOKE_RESTART) {
		enum error error;

		kernel_enter();
		error = cap_lookup(tcb, cptr, &cap);
		if (error == ERR_OK)
			outcome = invoke_object(tcb, cptr, &cap);
		kernel_leave();
		if (error != ERR_OK)
			return error;
	}
	return (enum error)(-(int64_t)tcb->context.x[0]);
}

static cptr_t any(unsigned *seed)
{
	return SLOT_FREE + (unsigned)rand_r(seed) % ((1u << RADIX) - SLOT_FREE - 4);
}

static void retype_something(unsigned *seed)
{
	static const unsigned types[] = {
		OBJ_ENDPOINT,        OBJ_NOTIFICATION,       OBJ_FRAME,
		OBJ_FRAME,           OBJ_PAGE_TABLE,         OBJ_TCB,
		OBJ_CNODE | 3u << 8, OBJ_UNTYPED | 13u << 8, OBJ_UNTYPED | 14u << 8,
		OBJ_VSPACE};
	unsigned type = types[(unsigned)rand_r(seed) % (sizeof(types) / sizeof(types[0]))];
	cptr_t untyped = (rand_r(seed) & 3) == 0 ? SLOT_UNTYPED : any(seed);

	invoke(untyped, METHOD_UNTYPED_RETYPE, type | (1u + (rand_r(seed) & 1)) << 16, 0, any(seed),
	       0);
}

static void use_something(unsigned *seed)
{
	cptr_t slot = any(seed);
	word_t vaddr = 0x10000000ull + (word_t)(rand_r(seed) & 15) * PAGE_SIZE;
	cptr_t vspace = (rand_r(seed) & 1) != 0 ? SLOT_VSPACE : any(seed);

	switch (rand_r(seed) % 6) {
	case 0:
		invoke(slot, METHOD_FRAME_MAP, vspace, vaddr, MAP_READ | MAP_WRITE, 0);
		break;
	case 1:
		invoke(slot, METHOD_PAGE_TABLE_MAP, vspace, vaddr, 0, 0);
		break;
	case 2:
		invoke(slot, METHOD_TCB_CONFIGURE, any(seed), vspace, any(seed), 0x200000);
		break;
	case 3:
		invoke(slot, METHOD_TCB_SET_FAULT, any(seed), 0, 0, 0);
		break;
	case 4:
		invoke(slot, METHOD_TCB_RESUME, 0, 0, 0, 0);
		break;
	default:
		invoke(slot, METHOD_TCB_BIND_NOTIFICATION, any(seed), 0, 0, 0);
		break;
	}
}

static void change_something(unsigned *seed)
{
	word_t all = (word_t)RIGHT_ALL << 32;

	switch (rand_r(seed) % 16) {
	case 0:
	case 1:
		invoke(SLOT_CNODE, METHOD_CNODE_REVOKE, any(seed), 0, 0, 0);
		break;
	case 2:
		if (rand_r(seed) % 64 == 0)
			invoke(SLOT_CNODE, METHOD_CNODE_REVOKE, SLOT_UNTYPED, 0, 0, 0);
		break;
	case 3:
	case 4:
		invoke(SLOT_CNODE, METHOD_CNODE_MOVE, any(seed), 0, any(seed), 0);
		break;
	case 5:
		invoke(any(seed), METHOD_CNODE_MOVE, 1u + (rand_r(seed) & 7), 0, any(seed), 0);
		break;
	case 6:
		invoke(SLOT_CNODE, METHOD_CNODE_MOVE, any(seed), any(seed), 1u + (rand_r(seed) & 7),
		       0);
		break;
	case 7:
	case 8:
	case 9:
	case 10:
		invoke(SLOT_CNODE, METHOD_CNODE_DELETE, any(seed), 0, 0, 0);
		break;
	default:
		invoke(SLOT_CNODE, METHOD_CNODE_COPY, any(seed) | all, 0, any(seed), 0);
		break;
	}
}

static void *cpu_main(void *argument)
{
	unsigned index = (unsigned)(uintptr_t)argument;
	unsigned seed = index * 7919u + 1;

	host_cpu_enter(index);
	for (unsigned long i = 0; i < steps; i++) {
		switch (rand_r(&seed) & 3) {
		case 0:
			retype_something(&seed);
			break;
		case 1:
			use_something(&seed);
			break;
		default:
			change_something(&seed);
			break;
		}
	}
	return NULL;
}

static void make_world(void)
{
	struct host_objects boot = host_objects_make(RAM_BYTES);
	struct cap cnode;

	fakes_reset();
	host_machine_reset(RAM_BYTES, 64);
	fakes.on_grace = wait_for_others;
	fakes.preempt_every = 5;
	fakes.destroy_steps = 1;
	host_objects_new(&boot, OBJ_CNODE, RADIX, SLOT_CNODE);
	root = boot.cnode;
	host_objects_new(&boot, OBJ_VSPACE, 0, SLOT_VSPACE);
	host_objects_new(&boot, OBJ_UNTYPED, 20, SLOT_UNTYPED);
	cap_read(&root->slots[SLOT_CNODE], &cnode);
	for (unsigned i = 0; i < CPUS; i++) {
		threads[i] = host_objects_new(&boot, OBJ_TCB, 0, SLOT_TCB_FIRST + i);
		threads[i]->state = THREAD_RUNNING;
		cpus[i].core.current = threads[i];
		cnode_set_root(threads[i], &cnode);
	}
	fakes.thread_destroy_waits = 1;
}

int main(int argc, char **argv)
{
	pthread_t handles[CPUS];
	unsigned asids;

	if (argc > 1)
		steps = strtoul(argv[1], NULL, 10);
	make_world();
	asids = vspace_asids_free();
	for (unsigned i = 0; i < CPUS; i++)
		check(pthread_create(&handles[i], NULL, cpu_main, (void *)(uintptr_t)i) == 0);
	for (unsigned i = 0; i < CPUS; i++)
		pthread_join(handles[i], NULL);
	host_cpu_enter(0);
	check(invoke(SLOT_CNODE, METHOD_CNODE_REVOKE, SLOT_UNTYPED, 0, 0, 0) == ERR_OK);
	check(root->slots[SLOT_UNTYPED].child == NULL);
	check(reap_idle());
	check(vspace_asids_free() == asids);
	check(host_tlb_entries_of(1) == 0);
	for (unsigned i = SLOT_FREE; i < 1u << RADIX; i++)
		check(root->slots[i].type == OBJ_NULL ||
		      root->slots[i].parent == &root->slots[SLOT_CNODE] ||
		      root->slots[i].parent != NULL || root->slots[i].type == OBJ_UNTYPED);
	printf("%lu operations on each of %u CPUs, %u grace periods, %u objects and %u threads "
	       "destroyed\n",
	       steps, CPUS, fakes.graces, fakes.objects_destroyed, fakes.threads_destroyed);
	return 0;
}
