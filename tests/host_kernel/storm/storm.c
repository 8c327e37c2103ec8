/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine of a storm: objects, CPU threads, the last check.  See storm.h. */
#include "storm.h"

#include <assert.h>
#include <host_arch.h>
#include <kern/boot.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/notification.h>
#include <kern/reply.h>
#include <kern/thread.h>
#include <kern/vspace.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SERVERS    (STORM_PASSIVE + STORM_ACTIVE)
#define SLOT_RADIX 8u
#define LIMIT_NS   1000000000ull

struct storm_thread storm_threads[STORM_THREADS + 1];
struct storm_cpu storm_cpus[STORM_CPUS];
struct machine machine;

static struct endpoint endpoints[SERVERS];
static struct reply replies[SERVERS];
static struct notification signals[STORM_SIGNALS];
static struct cap_slot slots[1u << SLOT_RADIX];
static struct vspace space;
static uint64_t rounds_left[STORM_CPUS];
static unsigned cpus_done; /* atomic */

_Noreturn void arch_user_enter(void)
{
	abort();
}

uint64_t storm_random(struct storm_cpu *cpu)
{
	cpu->random = cpu->random * 6364136223846793005ull + 1442695040888963407ull;
	return cpu->random >> 33;
}

/* ---- Objects --------------------------------------------------------------------------------- */

cptr_t storm_slot_tcb(unsigned tag)
{
	return 1 + tag;
}

cptr_t storm_slot_core(unsigned cpu)
{
	return 64 + cpu;
}

cptr_t storm_slot_endpoint(unsigned server)
{
	return 80 + server;
}

cptr_t storm_slot_reply(unsigned server)
{
	return 96 + server;
}

cptr_t storm_slot_signal(unsigned n)
{
	return 112 + n;
}

cptr_t storm_slot_sched(unsigned cpu)
{
	return 128 + cpu;
}

static void slot_set(cptr_t slot, enum object_type type, void *object, word_t badge)
{
	if (object != NULL && type != OBJ_CORE && type != OBJ_SCHED)
		((struct object *)object)->type = (uint8_t)type;
	slots[slot].type = (uint8_t)type;
	slots[slot].rights = RIGHT_ALL;
	slots[slot].badge = badge;
	slots[slot].object = (uintptr_t)object;
}

static void thread_make(struct storm_thread *thread, word_t tag)
{
	thread_init(&thread->tcb);
	thread->tcb.object.type = OBJ_TCB;
	thread->tcb.cspace = (struct cap){.type = OBJ_CNODE,
					  .rights = RIGHT_ALL,
					  .bits = SLOT_RADIX,
					  .object = (uintptr_t)slots};
	thread->tcb.vspace = &space;
	thread->tcb.ipc_buffer = (struct ipc_buffer *)(void *)thread->buffer;
	thread->tcb.context.pc = 0x1004;
	tcb_set_tag(&thread->tcb, tag);
	tcb_set_key(&thread->tcb, tag);
}

static void kinds_make(void)
{
	for (unsigned tag = 1; tag <= STORM_THREADS; tag++) {
		struct storm_thread *thread = &storm_threads[tag];
		unsigned server = tag - 1 - STORM_WORKERS;

		thread_make(thread, tag);
		slot_set(storm_slot_tcb(tag), OBJ_TCB, &thread->tcb, 0);
		if (tag <= STORM_WORKERS) {
			thread->kind = STORM_WORKER;
		} else if (server < SERVERS) {
			thread->kind = STORM_SERVER;
			thread->server = server;
			if (server < STORM_PASSIVE)
				thread->tcb.flags |= TCB_FLAG_PASSIVE;
		} else {
			thread->kind = STORM_HELPER;
		}
	}
}

static void objects_make(void)
{
	slot_set(storm_slot_sched(STORM_CPUS), OBJ_SCHED, NULL, 7);
	for (unsigned i = 0; i < SERVERS; i++) {
		endpoint_init(&endpoints[i]);
		reply_init(&replies[i]);
		slot_set(storm_slot_endpoint(i), OBJ_ENDPOINT, &endpoints[i], i);
		slot_set(storm_slot_reply(i), OBJ_REPLY, &replies[i], 0);
	}
	for (unsigned i = 0; i < STORM_SIGNALS; i++) {
		notification_init(&signals[i]);
		slot_set(storm_slot_signal(i), OBJ_NOTIFICATION, &signals[i], 1);
	}
}

void storm_make(uint64_t seed)
{
	host_machine_reset(1u << 20, 256);
	cpus_count = STORM_CPUS;
	kinds_make();
	objects_make();
	for (unsigned i = 0; i < STORM_CPUS; i++) {
		core_init(&cpus[i].core, i);
		cpus[i].core.online = 1;
		storm_cpus[i].random = seed * 1000 + i;
		slot_set(storm_slot_core(i), OBJ_CORE, &cpus[i].core, 0);
		slot_set(storm_slot_sched(i), OBJ_SCHED, &cpus[i].core, 8);
	}
	for (unsigned i = 0; i < STORM_CPUS; i++) {
		host_cpu_enter(i);
		thread_make(&storm_cpus[i].dispatcher, 0xd00 + i);
		assert(core_bind(&cpus[i].core, &storm_cpus[i].dispatcher.tcb, LIMIT_NS, 0, NULL) ==
		       ERR_OK);
	}
	for (unsigned tag = 1; tag <= STORM_THREADS; tag++) {
		host_cpu_enter(tag % STORM_CPUS);
		assert(tcb_set_home(&storm_threads[tag].tcb, &cpus[tag % STORM_CPUS].core) ==
		       ERR_OK);
		assert(thread_resume(&storm_threads[tag].tcb) == ERR_OK);
	}
	for (unsigned i = 0; i < STORM_SIGNALS; i++)
		assert(notification_bind(&signals[i], &storm_threads[1 + i].tcb) == ERR_OK);
}

/* ---- CPUs ------------------------------------------------------------------------------------ */

/* The kernel's idle loop comes here: time goes on, and a CPU goes away when all are done. */
void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_wait_for_interrupt(void)
{
	if (__atomic_load_n(&cpus_done, __ATOMIC_RELAXED) == STORM_CPUS)
		pthread_exit(NULL);
	for (unsigned i = 0; i < 50 && !arch_irq_pending(); i++)
		(void)arch_now();
	arch_spin_pause();
}

static void *cpu_main(void *argument)
{
	struct storm_cpu *self = argument;
	unsigned index = (unsigned)(self - storm_cpus);

	host_cpu_enter(index);
	kernel_exit();
	while (__atomic_load_n(&cpus_done, __ATOMIC_RELAXED) < STORM_CPUS) {
		struct tcb *tcb = cpus[index].current;

		if (tcb == &self->dispatcher.tcb)
			storm_dispatcher(self);
		else if (arch_irq_pending())
			kernel_interrupt();
		else
			storm_user(self, &storm_threads[tcb->tag]);
		if (rounds_left[index] != 0 && --rounds_left[index] == 0)
			__atomic_fetch_add(&cpus_done, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

void storm_run(uint64_t rounds)
{
	pthread_t thread[STORM_CPUS];

	for (unsigned i = 0; i < STORM_CPUS; i++)
		rounds_left[i] = rounds;
	for (unsigned i = 0; i < STORM_CPUS; i++)
		pthread_create(&thread[i], NULL, cpu_main, &storm_cpus[i]);
	for (unsigned i = 0; i < STORM_CPUS; i++)
		pthread_join(thread[i], NULL);
}

/* ---- Check ----------------------------------------------------------------------------------- */

/* Invariants 1 and 2: a schedulable is where its state says, once. */
static void check_schedulable(const struct core *core, const struct tcb *tcb)
{
	assert(tcb->home == core && tcb->payer == tcb && tcb->sched != SCHED_NONE);
	assert((tcb->sched == SCHED_READY) == list_linked(&tcb->ready_link));
	assert((tcb->sched == SCHED_RUNNING) == (core->payer == tcb));
	assert((tcb->sched == SCHED_BLOCKED) == (tcb->tail->state != THREAD_READY));
	for (const struct tcb *m = tcb; m != NULL; m = m->chain_next) {
		assert(m->payer == tcb);
		assert((m->chain_next == NULL) == (m == tcb->tail));
		assert(m->chain_next == NULL || m->chain_next->chain_prev == m);
		assert(m->chain_next == NULL || m->state == THREAD_CALLING);
	}
}

static void check_thread(const struct tcb *tcb)
{
	bool queued = tcb->state == THREAD_SENDING || tcb->state == THREAD_RECEIVING ||
		      tcb->state == THREAD_WAITING;

	assert(queued == list_linked(&tcb->wait_link));
	assert(queued == (tcb->blocked_on != NULL));
	assert((tcb->state == THREAD_CALLING) == (tcb->caller_reply != NULL));
	assert(tcb->caller_reply == NULL || tcb->caller_reply->caller == tcb);
	assert((tcb->state == THREAD_REQUESTING) == list_linked(&tcb->request_link));
	assert(tcb->payer != NULL || tcb->state == THREAD_RECEIVING ||
	       tcb->state == THREAD_STOPPED);
	assert((tcb->payer == tcb) == list_linked(&tcb->home_link));
}

void storm_check(void)
{
	for (unsigned i = 0; i < STORM_CPUS; i++) {
		const struct core *core = &cpus[i].core;

		assert(!spin_held(&core->lock) && core->fallback == FALLBACK_NONE);
		list_for_each (node, &core->homed)
			check_schedulable(core, container_of_const(node, struct tcb, home_link));
	}
	for (unsigned tag = 1; tag <= STORM_THREADS; tag++)
		check_thread(&storm_threads[tag].tcb);
}
