/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects and dispatchers of the simulated machine.  See sim.h. */
#include "sim.h"

#include <host_arch.h>
#include <kern/thread.h>
#include <kern/vspace.h>

#include <assert.h>
#include <string.h>

#define SIM_THREADS 64u
#define SIM_OBJECTS 64u
#define SIM_RADIX   8u

struct sim_thread {
	_Alignas(64) struct tcb tcb;
	_Alignas(4096) unsigned char buffer[4096];
};

union sim_object {
	struct endpoint endpoint;
	struct notification notification;
	struct reply reply;
};

static struct sim_thread threads[SIM_THREADS];
static union sim_object objects[SIM_OBJECTS];
static struct cap_slot slots[1u << SIM_RADIX];
static struct vspace space;
static unsigned threads_used, objects_used, slots_used;

void sim_objects_reset(void);
void sim_objects_reset(void)
{
	memset(threads, 0, sizeof(threads));
	memset(objects, 0, sizeof(objects));
	memset(slots, 0, sizeof(slots));
	threads_used = 0;
	objects_used = 0;
	slots_used = 1;
}

static struct tcb *thread_new(word_t tag)
{
	struct sim_thread *thread = &threads[threads_used++];
	struct tcb *tcb = &thread->tcb;

	assert(threads_used <= SIM_THREADS);
	tcb->object.type = OBJ_TCB;
	thread_init(tcb);
	tcb->cspace = (struct cap){.type = OBJ_CNODE,
				   .rights = RIGHT_ALL,
				   .bits = SIM_RADIX,
				   .object = (uintptr_t)slots};
	tcb->vspace = &space;
	tcb->ipc_buffer = (struct ipc_buffer *)(void *)thread->buffer;
	tcb->context.pc = 0x10000;
	tcb_set_tag(tcb, tag);
	return tcb;
}

struct tcb *sim_thread(word_t tag, unsigned cpu)
{
	struct tcb *tcb = thread_new(tag);

	host_cpu_enter(cpu);
	assert(tcb_set_home(tcb, &cpus[cpu].core) == ERR_OK);
	return tcb;
}

/* As if another CPU did it, so that the CPU is kicked. */
struct tcb *sim_thread_running(word_t tag, unsigned cpu)
{
	struct tcb *tcb = sim_thread(tag, cpu);

	host_cpu_enter(cpu);
	assert(thread_resume(tcb) == ERR_OK);
	return tcb;
}

static union sim_object *object_new(enum object_type type)
{
	union sim_object *object = &objects[objects_used++];

	assert(objects_used <= SIM_OBJECTS);
	((struct object *)object)->type = (uint8_t)type;
	return object;
}

struct endpoint *sim_endpoint(void)
{
	struct endpoint *endpoint = &object_new(OBJ_ENDPOINT)->endpoint;

	endpoint_init(endpoint);
	return endpoint;
}

struct notification *sim_notification(void)
{
	struct notification *notification = &object_new(OBJ_NOTIFICATION)->notification;

	notification_init(notification);
	return notification;
}

struct reply *sim_reply(void)
{
	struct reply *reply = &object_new(OBJ_REPLY)->reply;

	reply_init(reply);
	return reply;
}

cptr_t sim_cap_rights(enum object_type type, const void *object, word_t badge, unsigned rights)
{
	struct cap_slot *slot = &slots[slots_used];

	assert(slots_used < 1u << SIM_RADIX);
	slot->version = (1u << 20) + 2 * slots_used; /* no other change has it */
	slot->type = (uint8_t)type;
	slot->rights = (uint8_t)rights;
	slot->badge = badge;
	slot->object = (uintptr_t)object;
	return slots_used++;
}

cptr_t sim_cap(enum object_type type, const void *object, word_t badge)
{
	return sim_cap_rights(type, object, badge, RIGHT_ALL);
}

/* ---- Dispatchers ----------------------------------------------------------------------------- */

static struct upcall_buffer *upcall_of(unsigned cpu)
{
	return (struct upcall_buffer *)(void *)cpus[cpu].core.dispatcher->ipc_buffer;
}

static cptr_t cap_of(enum object_type type, const void *object)
{
	for (unsigned i = 1; i < slots_used; i++)
		if (slots[i].type == type && slots[i].rights == RIGHT_ALL &&
		    slots[i].object == (uintptr_t)object)
			return i;
	return sim_cap(type, object, 0);
}

bool sim_deciding(unsigned cpu)
{
	return sim_at(cpu) == SIM_USER && cpus[cpu].core.dispatcher != NULL &&
	       sim_current(cpu) == cpus[cpu].core.dispatcher;
}

void sim_decide_seq(unsigned cpu, const struct tcb *tcb, word_t seq, time_ns_t slice_ns)
{
	struct sim_regs regs = {{cap_of(OBJ_CORE, &cpus[cpu].core), DECISION_RUN,
				 cap_of(OBJ_TCB, tcb), seq, slice_ns, TIME_NEVER}};

	sim_syscall(cpu, cpus[cpu].core.dispatcher, SYS_CORE_REPLY_WAIT, regs);
}

void sim_decide_terms(unsigned cpu, word_t decision, const struct tcb *tcb,
		      const struct tcb *successor, struct sim_regs terms)
{
	terms.x[0] = cap_of(OBJ_CORE, &cpus[cpu].core);
	terms.x[1] = decision;
	terms.x[5] = TIME_NEVER;
	if (tcb != NULL) {
		terms.x[2] = cap_of(OBJ_TCB, tcb);
		terms.x[3] = tcb->seq;
	}
	if (successor != NULL) {
		terms.x[9] = cap_of(OBJ_TCB, successor);
		terms.x[10] = successor->seq;
	}
	sim_syscall(cpu, cpus[cpu].core.dispatcher, SYS_CORE_REPLY_WAIT, terms);
}

void sim_decide(unsigned cpu, enum decision kind, const struct tcb *tcb, time_ns_t slice_ns)
{
	struct sim_regs regs = {{cap_of(OBJ_CORE, &cpus[cpu].core), kind, 0, 0, 0, TIME_NEVER}};

	if (kind == DECISION_RUN)
		sim_decide_seq(cpu, tcb, tcb->seq, slice_ns);
	else
		sim_syscall(cpu, cpus[cpu].core.dispatcher, SYS_CORE_REPLY_WAIT, regs);
}

struct tcb *sim_bind(unsigned cpu, time_ns_t decision_limit_ns, time_ns_t starvation_limit_ns,
		     struct notification *supervisor)
{
	struct tcb *tcb = thread_new(0xd15000 + cpu);

	host_cpu_enter(cpu);
	assert(core_bind(&cpus[cpu].core, tcb, decision_limit_ns, starvation_limit_ns,
			 supervisor) == ERR_OK);
	sim_step(cpu);
	assert(sim_deciding(cpu));
	sim_check();
	/* Without threads the first decision can be made at once. */
	sim_decide(cpu, list_empty(&cpus[cpu].core.homed) ? DECISION_IDLE : DECISION_NONE, NULL, 0);
	return tcb;
}

void sim_auto(unsigned cpu)
{
	for (unsigned i = 0; sim_deciding(cpu); i++) {
		const struct list_node *node = list_first(&cpus[cpu].core.ready);

		assert(i < 100);
		if ((cpus[cpu].core.dispatcher->context.x[1] & UPCALL_MORE) != 0)
			sim_decide(cpu, DECISION_NONE, NULL, 0);
		else if (node != NULL)
			sim_decide(cpu, DECISION_RUN,
				   container_of_const(node, struct tcb, ready_link), 1000000);
		else
			sim_decide(cpu, DECISION_IDLE, NULL, 0);
	}
}

void sim_auto_all(void)
{
	for (unsigned round = 0; round < 8; round++) {
		sim_settle();
		for (unsigned i = 0; i < cpus_count; i++)
			sim_auto(i);
	}
	sim_settle();
	sim_check();
}

const struct sched_event *sim_event(unsigned cpu, unsigned i)
{
	static struct sched_event first;
	const word_t *x = cpus[cpu].core.dispatcher->context.x;

	if (i >= UPCALL_EVENTS(x[1]))
		return NULL;
	if (i != 0)
		return &upcall_of(cpu)->events[i];
	first = (struct sched_event){
		.tag = x[3], .info = x[4], .seq = x[5], .ran_ns = x[6], .first_ready_ns = x[7]};
	return &first;
}

const struct sched_event *sim_event_of(unsigned cpu, word_t tag)
{
	const struct sched_event *event;

	for (unsigned i = 0; (event = sim_event(cpu, i)) != NULL; i++)
		if (event->tag == tag)
			return event;
	return NULL;
}

const struct upcall_buffer *sim_upcall(unsigned cpu)
{
	return upcall_of(cpu);
}

const struct sched_request *sim_request(unsigned cpu)
{
	if ((cpus[cpu].core.dispatcher->context.x[1] & UPCALL_REQUEST) == 0)
		return NULL;
	return &upcall_of(cpu)->request;
}
