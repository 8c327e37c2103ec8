/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatchers of a storm: they believe what upcalls say, and choose whoever is next.  One may be
 * stopped or replaced at any system call; then it does nothing more until it is bound anew, and
 * begins with knowing nothing.
 */
#include "storm.h"

#include <kern/entry.h>
#include <kern/fastpath.h>
#include <string.h>

#include "../../fuzz/fuzz.h"

static void count(uint64_t *what)
{
	__atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static void view_event(struct storm_dispatcher *self, const struct sched_event *event)
{
	struct storm_view *view;

	if (event->tag == 0 || event->tag > STORM_THREADS)
		return;
	view = &self->view[event->tag];
	fuzz_check((event->info & EVENT_SERVED) == 0 || EVENT_STATE(event->info) == EVENT_READY);
	/* Numbers of events of one thread go up; children are new threads with old tags. */
	fuzz_check(event->tag >= STORM_CHILD || (int64_t)(event->seq - view->seq) >= 0);
	*view = (struct storm_view){.ready = EVENT_STATE(event->info) == EVENT_READY,
				    .seq = event->seq};
}

/* Somebody else was run only if the decision said whom, and until when. */
static void switched_check(const struct storm_dispatcher *self, const struct upcall_buffer *buffer)
{
	fuzz_check((self->terms & (DECISION_SUCCESSOR | DECISION_FIRST)) != 0);
	/* Going idle again is in time, and so is a first that may do it; any other is the first one. */
	if ((self->terms & DECISION_AGAIN) != 0)
		fuzz_check(buffer->switched_tag != 0 ||
			   buffer->switched_ns < self->again_until_ns ||
			   buffer->switched_ns < self->successor_until_ns);
	else if ((self->terms & DECISION_FIRST) != 0 && (self->terms & DECISION_SUCCESSOR) != 0)
		return;
	else if ((self->terms & DECISION_SUCCESSOR) != 0)
		fuzz_check(buffer->switched_tag == self->successor &&
			   buffer->switched_ns < self->successor_until_ns);
	else
		fuzz_check(buffer->switched_tag != 0);
}

static void view_upcall(struct storm_dispatcher *self, const struct tcb *tcb)
{
	const struct upcall_buffer *buffer = (const struct upcall_buffer *)(const void *)
						     tcb->ipc_buffer;
	const word_t *x = tcb->context.x;
	const struct sched_event first = {.tag = x[3], .info = x[4], .seq = x[5]};
	word_t info = x[1];

	if ((info & UPCALL_SWITCHED) != 0)
		switched_check(self, buffer);
	self->terms = 0;
	for (unsigned i = 0; i < UPCALL_EVENTS(info); i++)
		view_event(self, i == 0 ? &first : &buffer->events[i]);
	/* The first record is of who ran before. */
	if ((info & UPCALL_SWITCHED) != 0 && buffer->switched_sleep_ns != 0) {
		fuzz_check(first.tag != 0 && buffer->switched_sleep_ns > buffer->switched_ns);
		if (first.tag <= STORM_THREADS)
			self->view[first.tag].asking = true;
	}
	if ((info & UPCALL_REQUEST) != 0 && buffer->request.payer_tag <= STORM_THREADS)
		self->view[buffer->request.payer_tag].asking = true;
}

static unsigned view_find(struct storm_dispatcher *self, bool asking)
{
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		unsigned tag = 1 + (self->next + i) % STORM_THREADS;

		if (asking ? self->view[tag].asking : self->view[tag].ready) {
			self->next = tag;
			return tag;
		}
	}
	return 0;
}

static cptr_t slot_of(unsigned tag)
{
	return tag < STORM_CHILD ? STORM_SLOT_TCB(tag)
				 : STORM_SLOT_CELL(tag - STORM_CHILD, CELL_TCB);
}

/* An invocation of the dispatcher; it goes on in user mode at once, or is none any more. */
static bool invoke(struct tcb *tcb, unsigned tag, enum method method, word_t w0, bool *good)
{
	storm_invoke(tcb, slot_of(tag), method, w0, tag, 0, 0);
	for (;;) {
		if (this_core()->current != tcb)
			return false;
		if (tcb->context.pc != STORM_SVC_PC)
			break;
		tcb->context.pc = STORM_SVC_PC + 4;
		kernel_svc();
	}
	*good = tcb->context.x[0] == 0;
	return true;
}

static bool answer(struct storm_dispatcher *self, struct tcb *tcb)
{
	unsigned tag = view_find(self, true);
	bool good;

	if (tag == 0)
		return true;
	self->view[tag].asking = false;
	if (!invoke(tcb, tag, METHOD_TCB_ANSWER, 0, &good))
		return false;
	if (good && storm_homed(tag, self->cpu))
		self->view[tag].ready = true;
	return true;
}

/* To another CPU, or another key for the wake filters. */
static bool move(struct storm_dispatcher *self, struct tcb *tcb, uint64_t random)
{
	unsigned tag = view_find(self, false);
	unsigned cpu = (unsigned)(random >> 16) % cpus_count;
	bool good;

	if (tag == 0 || (random >> 8) % 8 > 1)
		return true;
	if ((random >> 8) % 8 == 1)
		return invoke(tcb, tag, METHOD_TCB_SET_KEY, random % (STORM_THREADS + 1), &good);
	if (!invoke(tcb, tag, METHOD_TCB_SET_HOME, STORM_SLOT_CORE(cpu), &good))
		return false;
	if (good && cpu != self->cpu) {
		self->view[tag].ready = false;
		count(&storm_totals.moves);
	}
	return true;
}

/* Of a CPU that idles: the first that becomes ready is run, in half of the cases again and again. */
static word_t decision_first(struct storm_dispatcher *self, struct tcb *tcb, uint64_t random)
{
	if ((random & 8) == 0)
		return 0;
	if ((random & 16) == 0)
		return DECISION_FIRST;
	self->again_until_ns = arch_now() + (random >> 24) % 100000;
	tcb->context.x[13] = self->again_until_ns;
	return DECISION_FIRST | DECISION_AGAIN;
}

/* An entry at the answer, a filter, and another ready thread or idle as successor, each in some of the
 * decisions. */
static word_t decision_run(struct storm_dispatcher *self, struct tcb *tcb, unsigned tag,
			   uint64_t random)
{
	word_t *x = tcb->context.x;
	unsigned next = 1 + (unsigned)(random >> 8) % STORM_THREADS;
	word_t flags = (random & 32) != 0 ? DECISION_ANSWER : 0;

	if ((random & 1) != 0) {
		flags |= DECISION_FILTER;
		x[6] = arch_now() + (random >> 16) % 20000;
		x[7] = (random >> 48) % 4 == 0 ? FILTER_KEY_CHANGES
					       : (random >> 32) % (STORM_THREADS + 1);
	}
	if ((random & 2) == 0 || next == tag)
		return DECISION_RUN | flags;
	self->successor = self->view[next].ready ? next : 0;
	self->successor_until_ns = arch_now() + (random >> 20) % 40000;
	x[9] = self->successor != 0 ? slot_of(next) : CPTR_NULL;
	x[10] = self->view[next].seq;
	x[11] = 20000 + (random >> 16) % 30000;
	x[12] = self->successor_until_ns;
	x[13] = (random & 4) != 0 ? arch_now() + (random >> 24) % 40000 : 0;
	x[14] = (random >> 40) % (STORM_THREADS + 1);
	if (self->successor == 0)
		flags |= decision_first(self, tcb, random);
	return DECISION_RUN | DECISION_SUCCESSOR | flags;
}

static void decide(struct storm_dispatcher *self, struct tcb *tcb, uint64_t random)
{
	unsigned tag = view_find(self, false);

	tcb->context.x[2] = slot_of(tag != 0 ? tag : 1);
	tcb->context.x[3] = self->view[tag].seq;
	tcb->context.x[4] = 20000 + (random >> 24) % 30000;
	tcb->context.x[5] = arch_now() + 50000;
	count(&storm_totals.decisions);
	if (tag != 0)
		self->terms = decision_run(self, tcb, tag, random);
	else
		self->terms = DECISION_IDLE | decision_first(self, tcb, random);
	storm_go(tcb, SYS_CORE_REPLY_WAIT, STORM_SLOT_CORE(self->cpu), self->terms,
		 tcb->context.x[6]);
}

/* False: there is more to be handed over before a decision can be made. */
static bool upcall(struct storm_dispatcher *self, const struct tcb *tcb)
{
	enum error error = storm_error(tcb);

	view_upcall(self, tcb);
	if (error != ERR_OK && error != ERR_STALE && !self->wrong) {
		count(&storm_totals.refusals);
		/* An event will tell, unless it is of a child whose capability is gone. */
		self->view[self->next].ready = false;
		self->view[self->next].refused = true;
	}
	return (tcb->context.x[1] & UPCALL_MORE) == 0;
}

/* It has done nothing yet since it was started. */
static bool is_started(const struct tcb *tcb)
{
	return tcb->context.x[8] != SYS_CORE_REPLY_WAIT;
}

/* A decision for another CPU is refused at once.  False: the dispatcher does not go on. */
static bool decide_elsewhere(struct storm_dispatcher *self, struct tcb *tcb)
{
	unsigned cpu = (self->cpu + 1) % cpus_count;

	if (cpu == self->cpu)
		return true;
	storm_go(tcb, SYS_CORE_REPLY_WAIT, STORM_SLOT_CORE(cpu), DECISION_IDLE, 0);
	/* It may have been stopped, started anew and bound again meanwhile. */
	if (this_core()->current != tcb || is_started(tcb))
		return false;
	fuzz_check(storm_error(tcb) == ERR_UNBOUND);
	return true;
}

/* Now and then it blocks, faults, or decides what cannot be.  True: that is what it did. */
static bool misbehave(struct storm_dispatcher *self, struct tcb *tcb, uint64_t random)
{
	/* Who began with it goes on, and is given up. */
	unsigned how = self->wrong && (random & 0xf) != 0 ? 4 : (unsigned)(random >> 40) % 256;

	self->wrong = false;
	switch (how) {
	case 0:
		storm_go(tcb, SYS_WAIT, STORM_SLOT_SIGNAL(0), 0, 0);
		return true;
	case 1:
		storm_go(tcb, SYS_CALL, STORM_SLOT_ENDPOINT(SERVER_ACTIVE), msg_info(0, 1, 0), 0);
		return true;
	case 2:
		kernel_fault(FAULT_PAGE, 0, FAULT_ACCESS_READ, 0);
		return true;
	case 3:
		return !decide_elsewhere(self, tcb);
	case 4:
		self->wrong = true;
		tcb->context.x[2] = STORM_SLOT_CNODE;
		storm_go(tcb, SYS_CORE_REPLY_WAIT, STORM_SLOT_CORE(self->cpu),
			 DECISION_RUN | (random & 0x100), 0);
		return true;
	default:
		return false;
	}
}

/* From one upcall to the next decision. */
void storm_dispatch(struct tcb *tcb, struct storm_dispatcher *self)
{
	unsigned tag = 100 + (unsigned)(tcb->tag & 0xff);
	uint64_t random = storm_random(tag, ++self->nth);
	bool started = is_started(tcb);

	storm_engine_about(tag, self->nth, OP_CORE, self->cpu);
	if (started) {
		memset(self->view, 0, sizeof(self->view));
		self->next = 0;
		self->terms = 0;
		self->wrong = false;
	}
	if (started || !upcall(self, tcb)) {
		storm_go(tcb, SYS_CORE_REPLY_WAIT, STORM_SLOT_CORE(self->cpu), DECISION_NONE, 0);
		return;
	}
	if (!answer(self, tcb) || !move(self, tcb, random))
		return;
	oracle_signal((unsigned)random % STORM_SIGNALS, 0);
	storm_go(tcb, SYS_SIGNAL, STORM_SLOT_SIGNALLER((unsigned)random % STORM_SIGNALS), 0, 0);
	if (this_core()->current == tcb && !misbehave(self, tcb, random))
		decide(self, tcb, random);
}
