/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads, objects and dispatchers of the model. */
#include "model.h"

#include <abi/ipc.h>
#include <abi/syscall.h>
#include <kern/boot.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/fastpath.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/switch.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <kern/vspace.h>

#include <stdlib.h>
#include <string.h>

#define OBJECTS 16u
#define RADIX   6u
#define CODE    0x10000u

struct model_thread {
	_Alignas(64) struct tcb tcb;
	struct instruction program[PROGRAM_MAX];
	unsigned length;
	bool forbidden;
};

union model_object {
	struct endpoint endpoint;
	struct notification notification;
	struct reply reply;
};

/* Of a dispatcher. */
struct model_dispatcher {
	_Alignas(64) struct model_thread thread;
	_Alignas(64) struct upcall_buffer buffer;
	struct view views[MODEL_THREADS];
	word_t request_tag;   /* 0: none */
	word_t timed_tag;     /* whose timed request was told with a switch; 0: nobody's */
	struct tcb *move;     /* to be moved; or NULL */
	struct tcb *moving;   /* the last system call was to move it */
	struct tcb *answered; /* the last system call was to answer it */
	unsigned move_to;
	bool deaf; /* leaves requests unanswered */
	bool begun;
	bool fresh; /* the last system call was a wait */
	bool more;
};

static struct model_thread threads[MODEL_THREADS];
static struct model_dispatcher dispatchers[MODEL_CPUS];
static union model_object objects[OBJECTS];
static struct cap_slot slots[1u << RADIX];
static struct vspace space;
static unsigned objects_used, slots_used;
static time_ns_t slice_ns;
static time_ns_t filter_ns;
static word_t decision_flags;
struct tcb *world_threads[MODEL_THREADS];
unsigned world_threads_count;

void world_reset(unsigned count)
{
	memset(threads, 0, sizeof(threads));
	memset(dispatchers, 0, sizeof(dispatchers));
	memset(objects, 0, sizeof(objects));
	memset(slots, 0, sizeof(slots));
	memset(cpus, 0, MODEL_CPUS * sizeof(cpus[0]));
	objects_used = 0;
	slots_used = 1;
	world_threads_count = 0;
	slice_ns = TIME_NEVER;
	decision_flags = 0;
	model_hardware_reset();
	cpus_count = count;
	trace_mask = 0;
	for (unsigned i = 0; i < count; i++) {
		core_init(&cpus[i].core, i);
		cpus[i].core.online = 1;
	}
}

void world_exclude(void)
{
	for (unsigned i = 0; i < MODEL_CPUS; i++) {
		struct cpu *cpu = &cpus[i];

		memory_exclude(&cpu->core.stats, sizeof(cpu->core.stats));
		memory_exclude(&cpu->core.last_payer, sizeof(cpu->core.last_payer));
	}
}

static struct model_thread *model_thread(const struct tcb *tcb)
{
	return (struct model_thread *)(uintptr_t)tcb;
}

static void thread_make(struct model_thread *thread, word_t tag)
{
	struct tcb *tcb = &thread->tcb;

	tcb->object.type = OBJ_TCB;
	thread_init(tcb);
	tcb->cspace = (struct cap){
		.type = OBJ_CNODE, .rights = RIGHT_ALL, .bits = RADIX, .object = (uintptr_t)slots};
	tcb->vspace = &space;
	tcb->context.pc = CODE;
	tcb_set_tag(tcb, tag);
}

struct tcb *world_thread_stopped(unsigned cpu, const struct instruction *program, unsigned length)
{
	struct model_thread *thread = &threads[world_threads_count];

	thread_make(thread, world_threads_count + 1);
	memcpy(thread->program, program, length * sizeof(*program));
	thread->length = length;
	world_threads[world_threads_count++] = &thread->tcb;
	cpu_as(cpu);
	if (tcb_set_home(&thread->tcb, &cpus[cpu].core) != ERR_OK)
		abort();
	return &thread->tcb;
}

void world_go(struct tcb *tcb)
{
	cpu_as(tcb->home->index);
	if (thread_resume(tcb) != ERR_OK)
		abort();
}

struct tcb *world_thread(unsigned cpu, const struct instruction *program, unsigned length)
{
	struct tcb *tcb = world_thread_stopped(cpu, program, length);

	world_go(tcb);
	return tcb;
}

struct tcb *world_next(unsigned n)
{
	return &threads[n].tcb;
}

/* All capabilities that dispatchers may use. */
void world_ready(void)
{
	for (unsigned i = 0; i < world_threads_count; i++)
		(void)world_cap(OBJ_TCB, world_threads[i], 0);
	for (unsigned i = 0; i < cpus_count; i++)
		(void)world_cap(OBJ_CORE, &cpus[i].core, 0);
}

struct tcb *world_dispatcher_unbound(unsigned n)
{
	struct model_dispatcher *dispatcher = &dispatchers[n];
	struct tcb *tcb = &dispatcher->thread.tcb;

	if (tcb->object.type == OBJ_NULL) {
		thread_make(&dispatcher->thread, 100 + n);
		tcb->ipc_buffer = (struct ipc_buffer *)(void *)&dispatcher->buffer;
	}
	return tcb;
}

struct tcb *world_dispatcher(unsigned cpu)
{
	struct tcb *tcb = world_dispatcher_unbound(cpu);

	cpu_as(cpu);
	if (core_bind(&cpus[cpu].core, tcb, 1000000, 0, NULL) != ERR_OK)
		abort();
	return tcb;
}

static union model_object *object_new(enum object_type type)
{
	union model_object *object = &objects[objects_used++];

	((struct object *)object)->type = (uint8_t)type;
	return object;
}

struct endpoint *world_endpoint(void)
{
	struct endpoint *endpoint = &object_new(OBJ_ENDPOINT)->endpoint;

	endpoint_init(endpoint);
	return endpoint;
}

struct notification *world_notification(void)
{
	struct notification *notification = &object_new(OBJ_NOTIFICATION)->notification;

	notification_init(notification);
	return notification;
}

struct reply *world_reply(void)
{
	struct reply *reply = &object_new(OBJ_REPLY)->reply;

	reply_init(reply);
	return reply;
}

/* The same one for the same object and badge, so that programs can be written before. */
cptr_t world_cap(enum object_type type, const void *object, word_t badge)
{
	struct cap_slot *slot = &slots[1];

	for (; slot < &slots[slots_used]; slot++)
		if (slot->type == type && slot->object == (uintptr_t)object && slot->badge == badge)
			return (cptr_t)(slot - slots);
	if (slots_used == 1u << RADIX)
		abort();
	slot->version = (1u << 20) + 2 * slots_used; /* no other change has it */
	slot->type = (uint8_t)type;
	slot->rights = RIGHT_ALL;
	slot->badge = badge;
	slot->object = (uintptr_t)object;
	return slots_used++;
}

struct cap_slot *world_slot(cptr_t cptr)
{
	return &slots[cptr];
}

/* ---- Threads in user mode -------------------------------------------------------------------- */

unsigned thread_done(const struct tcb *tcb)
{
	return (unsigned)(tcb->context.pc - CODE) / INSTRUCTION_BYTES;
}

bool thread_finished(const struct tcb *tcb)
{
	return thread_done(tcb) >= model_thread(tcb)->length;
}

void world_forbid(struct tcb *tcb, bool forbidden)
{
	model_thread(tcb)->forbidden = forbidden;
}

static struct model_dispatcher *dispatcher_current(unsigned cpu)
{
	struct model_dispatcher *dispatcher =
		(struct model_dispatcher *)(void *)cpus[cpu].core.current;

	if (dispatcher >= dispatchers && dispatcher < dispatchers + MODEL_CPUS)
		return dispatcher;
	return NULL;
}

bool user_has_instruction(unsigned cpu)
{
	return dispatcher_current(cpu) != NULL || !thread_finished(cpus[cpu].core.current);
}

/* x7 and the rest are the decision's; nobody else has so many arguments. */
static void system_call(struct tcb *tcb, unsigned number, const uint64_t x[7])
{
	for (unsigned i = 0; i < 7; i++)
		tcb->context.x[i] = x[i];
	tcb->context.x[8] = number;
	tcb->context.pc += INSTRUCTION_BYTES;
	kernel_svc();
}

static void dispatcher_execute(unsigned cpu, struct model_dispatcher *dispatcher);

void user_execute(unsigned cpu)
{
	struct model_dispatcher *dispatcher = dispatcher_current(cpu);
	struct tcb *tcb = cpus[cpu].core.current;
	const struct instruction *next;

	if (dispatcher != NULL) {
		dispatcher_execute(cpu, dispatcher);
		return;
	}
	if (model_thread(tcb)->forbidden)
		violation("thread %lu executes an instruction after it was stopped",
			  (unsigned long)tcb->tag);
	next = &model_thread(tcb)->program[thread_done(tcb)];
	if (next->number < SYS_COUNT) {
		system_call(tcb, next->number, next->x);
		return;
	}
	tcb->context.pc += INSTRUCTION_BYTES;
	next->function(tcb);
	if (next->number == NUMBER_FUNCTION)
		kernel_exit();
}

/* ---- Dispatchers in user mode ---------------------------------------------------------------- */

const struct view *world_view(unsigned cpu, const struct tcb *tcb)
{
	const struct model_dispatcher *bound =
		(const struct model_dispatcher *)(const void *)cpus[cpu].core.dispatcher;

	return &bound->views[tcb->tag - 1];
}

void world_move(unsigned cpu, struct tcb *tcb, unsigned to)
{
	dispatchers[cpu].move = tcb;
	dispatchers[cpu].move_to = to;
}

void world_deaf(unsigned cpu)
{
	dispatchers[cpu].deaf = true;
}

void world_slice(time_ns_t ns)
{
	slice_ns = ns;
}

void world_terms(word_t flags, time_ns_t ns)
{
	decision_flags = flags;
	filter_ns = ns;
}

static void absorb_event(struct model_dispatcher *dispatcher, const struct sched_event *event)
{
	struct view *view = &dispatcher->views[event->tag - 1];

	view->known = EVENT_STATE(event->info) != EVENT_DEAD;
	view->state = (uint8_t)EVENT_STATE(event->info);
	view->seq = event->seq;
}

/* What the last wait said. */
static void absorb(struct model_dispatcher *dispatcher, const struct user_context *context)
{
	dispatcher->fresh = false;
	if (context->x[0] == (uint64_t) - (int64_t)ERR_UNBOUND) {
		memset(dispatcher->views, 0, sizeof(dispatcher->views));
		dispatcher->begun = false;
		return;
	}
	dispatcher->buffer.events[0] = (struct sched_event){
		.tag = context->x[3], .info = context->x[4], .seq = context->x[5]};
	for (unsigned i = 0; i < UPCALL_EVENTS(context->x[1]); i++)
		absorb_event(dispatcher, &dispatcher->buffer.events[i]);
	if ((context->x[1] & UPCALL_REQUEST) != 0 && !dispatcher->deaf)
		dispatcher->request_tag = dispatcher->buffer.request.payer_tag;
	/* Its record is the first that was posted. */
	if ((context->x[1] & UPCALL_SWITCHED) != 0 && dispatcher->buffer.switched_sleep_ns != 0)
		dispatcher->timed_tag = context->x[3];
	dispatcher->more = (context->x[1] & UPCALL_MORE) != 0;
}

/* What the last invocation did. */
static void absorb_result(unsigned cpu, struct model_dispatcher *dispatcher)
{
	bool good = dispatcher->thread.tcb.context.x[0] == 0;
	struct tcb *tcb = dispatcher->answered;

	if (tcb != NULL && good && tcb->home == &cpus[cpu].core)
		dispatcher->views[tcb->tag - 1].state = EVENT_READY;
	dispatcher->answered = NULL;
	tcb = dispatcher->moving;
	if (tcb != NULL && good) {
		dispatcher->views[tcb->tag - 1].known = false;
		dispatcher->move = NULL;
	}
	dispatcher->moving = NULL;
}

/* The next thread from this one on that the dispatcher believes to be ready, or the count. */
static unsigned view_ready(const struct model_dispatcher *dispatcher, unsigned from)
{
	while (from < world_threads_count &&
	       (!dispatcher->views[from].known || dispatcher->views[from].state != EVENT_READY))
		from++;
	return from;
}

/* Of the thread to be run: a filter for all threads with a key, and who is next in order.  The flags of the
 * decision: it says what holds while the CPU idles if nobody is next. */
static word_t wait_terms(const struct model_dispatcher *dispatcher, unsigned thread, uint64_t x[15])
{
	unsigned next = view_ready(dispatcher, thread + 1);

	x[6] = x[13] = arch_now() + filter_ns;
	x[7] = x[14] = 1;
	x[9] = CPTR_NULL;
	x[11] = slice_ns;
	x[12] = TIME_NEVER;
	if (next >= world_threads_count && (decision_flags & DECISION_SUCCESSOR) != 0)
		return decision_flags;
	if (next < world_threads_count) {
		x[9] = world_cap(OBJ_TCB, world_threads[next], 0);
		x[10] = dispatcher->views[next].seq;
	}
	return decision_flags & ~(DECISION_FIRST | DECISION_AGAIN);
}

static void wait(unsigned cpu, struct model_dispatcher *dispatcher, enum decision decision)
{
	uint64_t *x = dispatcher->thread.tcb.context.x;
	uint64_t first[7] = {world_cap(OBJ_CORE, &cpus[cpu].core, 0), decision, 0, 0, slice_ns};
	unsigned thread = view_ready(dispatcher, 0);

	first[5] = TIME_NEVER;
	if (decision == DECISION_IDLE && thread < world_threads_count) {
		first[1] = DECISION_RUN | wait_terms(dispatcher, thread, x);
		first[2] = world_cap(OBJ_TCB, world_threads[thread], 0);
		first[3] = dispatcher->views[thread].seq;
		first[6] = x[6];
	} else if (decision == DECISION_IDLE) {
		first[1] |= decision_flags & (DECISION_FIRST | DECISION_AGAIN);
		x[13] = arch_now() + filter_ns;
	}
	dispatcher->begun = true;
	dispatcher->fresh = true;
	system_call(&dispatcher->thread.tcb, SYS_CORE_REPLY_WAIT, first);
}

static void answer(struct model_dispatcher *dispatcher)
{
	struct tcb *tcb = world_threads[dispatcher->request_tag - 1];
	const uint64_t x[7] = {world_cap(OBJ_TCB, tcb, 0), msg_info(METHOD_TCB_ANSWER, 4, 0), 0, 7};

	dispatcher->answered = tcb;
	dispatcher->request_tag = 0;
	system_call(&dispatcher->thread.tcb, SYS_CALL, x);
}

static void move(struct model_dispatcher *dispatcher)
{
	const uint64_t x[7] = {world_cap(OBJ_TCB, dispatcher->move, 0),
			       msg_info(METHOD_TCB_SET_HOME, 1, 0),
			       world_cap(OBJ_CORE, &cpus[dispatcher->move_to].core, 0)};

	dispatcher->moving = dispatcher->move;
	system_call(&dispatcher->thread.tcb, SYS_CALL, x);
}

static void dispatcher_execute(unsigned cpu, struct model_dispatcher *dispatcher)
{
	if (dispatcher->fresh)
		absorb(dispatcher, &dispatcher->thread.tcb.context);
	else
		absorb_result(cpu, dispatcher);
	if (dispatcher->request_tag == 0) {
		dispatcher->request_tag = dispatcher->timed_tag;
		dispatcher->timed_tag = 0;
	}
	if (!dispatcher->begun || dispatcher->more)
		wait(cpu, dispatcher, DECISION_NONE);
	else if (dispatcher->request_tag != 0)
		answer(dispatcher);
	else if (dispatcher->move != NULL &&
		 dispatcher->views[dispatcher->move->tag - 1].state == EVENT_BLOCKED)
		move(dispatcher);
	else
		wait(cpu, dispatcher, DECISION_IDLE);
}
