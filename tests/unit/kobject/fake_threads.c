/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_threads.h"

#include "../../../kernel/debug/console.h"

#include <kern/boot.h>
#include <kern/core.h>
#include <kern/debug.h>
#include <kern/entry.h>
#include <kern/thread.h>
#include <kern/trace.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct fakes fakes;
struct cpu cpus[CPUS_MAX];
unsigned cpus_count = 2;

static unsigned count(unsigned *counter)
{
	return __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

static void set_state(struct tcb *tcb, enum thread_state state)
{
	__atomic_store_n(&tcb->state, (uint8_t)state, __ATOMIC_RELEASE);
}

/* Endpoint, notification and reply alike; 64 bytes. */
struct fake_object {
	struct object object;
	unsigned steps;
	struct tcb *bound;
};

_Static_assert(sizeof(struct fake_object) <= 64, "fits");

void fakes_reset(void)
{
	memset(&fakes, 0, sizeof(fakes));
	memset(cpus, 0, sizeof(cpus));
	for (unsigned i = 0; i < CPUS_MAX; i++) {
		core_init(&cpus[i].core, i);
		cpus[i].core.fallback = 0; /* its dispatcher is in charge */
	}
	cpus[0].core.online = 1;
	cpus[1].core.online = 1;
}

void trace_stream_end(void)
{
}

/* Complaints about locks, each of which ends the test. */
void console_print_list(const char *format, va_list arguments)
{
	vfprintf(stderr, format, arguments);
}

void console_print(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	console_print_list(format, args);
	va_end(args);
}

void kprintf(const char *format, ...)
{
	va_list args;
	char text[1024];
	int bytes;

	va_start(args, format);
	bytes = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	kwrite(text, (size_t)bytes);
}

void kwrite(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		arch_console_put(text[i]);
}

static void fake_init(void *memory)
{
	((struct fake_object *)memory)->steps = fakes.destroy_steps;
}

static bool fake_destroy(void *memory)
{
	struct fake_object *object = memory;

	object->object.dying = 1;
	if (object->steps != 0) {
		object->steps--;
		return false;
	}
	count(&fakes.objects_destroyed);
	return true;
}

void endpoint_init(struct endpoint *endpoint)
{
	fake_init(endpoint);
}

void notification_init(struct notification *notification)
{
	fake_init(notification);
}

void reply_init(struct reply *reply)
{
	fake_init(reply);
}

bool endpoint_destroy(struct endpoint *endpoint)
{
	return fake_destroy(endpoint);
}

bool notification_destroy(struct notification *notification)
{
	return fake_destroy(notification);
}

bool reply_destroy(struct reply *reply)
{
	return fake_destroy(reply);
}

enum error notification_bind(struct notification *notification, struct tcb *tcb)
{
	struct fake_object *object = (struct fake_object *)notification;

	if (object->bound != NULL || tcb->bound_notification != NULL)
		return ERR_STATE;
	object->bound = tcb;
	tcb->bound_notification = notification;
	return ERR_OK;
}

void notification_unbind(struct tcb *tcb)
{
	if (tcb->bound_notification == NULL)
		return;
	((struct fake_object *)tcb->bound_notification)->bound = NULL;
	tcb->bound_notification = NULL;
}

void notification_signal(struct notification *notification, word_t badge)
{
	(void)notification;
	count(&fakes.signals);
	fakes.signal_badge = badge;
}

/* fault_words[0] counts what is left of thread_destroy_waits. */
void thread_init(struct tcb *tcb)
{
	set_state(tcb, THREAD_STOPPED);
	tcb->fault_words[0] = fakes.thread_destroy_waits;
}

enum error thread_resume(struct tcb *tcb)
{
	if (!thread_is_stopped(tcb) || tcb->vspace == NULL)
		return ERR_STATE;
	set_state(tcb, THREAD_RUNNING);
	return ERR_OK;
}

bool thread_is_stopped(const struct tcb *tcb)
{
	return __atomic_load_n(&tcb->state, __ATOMIC_ACQUIRE) == THREAD_STOPPED;
}

bool thread_suspend(struct tcb *tcb)
{
	count(&fakes.suspends);
	if (fakes.suspend_waits != 0) {
		fakes.suspend_waits--;
		return false;
	}
	set_state(tcb, THREAD_STOPPED);
	return true;
}

bool thread_destroy(struct tcb *tcb)
{
	set_state(tcb, THREAD_STOPPED);
	if (tcb->fault_words[0] != 0) {
		tcb->fault_words[0]--;
		return false;
	}
	count(&fakes.threads_destroyed);
	return true;
}

void switch_to_empty_space(void)
{
	count(&fakes.empty_switches);
}

enum error core_bind_check(const struct core *core, const struct tcb *tcb,
			   time_ns_t decision_limit_ns)
{
	(void)core;
	(void)tcb;
	(void)decision_limit_ns;
	return fakes.bind_error;
}

enum error core_bind(struct core *core, struct tcb *tcb, time_ns_t decision_limit_ns,
		     time_ns_t starvation_limit_ns, struct notification *supervisor)
{
	if (fakes.bind_error != ERR_OK)
		return fakes.bind_error;
	core->dispatcher = tcb;
	core->decision_limit_ns = decision_limit_ns;
	core->starvation_limit_ns = starvation_limit_ns;
	core->supervisor = supervisor;
	return ERR_OK;
}

void core_unbind(struct core *core)
{
	core->dispatcher = NULL;
}

void core_set_supervisor(struct core *core, struct notification *notification)
{
	core->supervisor = notification;
}

enum error tcb_set_home(struct tcb *tcb, struct core *core)
{
	tcb->home = core;
	return ERR_OK;
}

enum error tcb_answer(struct tcb *tcb, word_t error, const word_t results[3])
{
	(void)tcb;
	(void)error;
	(void)results;
	return ERR_STATE;
}

void tcb_set_tag(struct tcb *tcb, word_t tag)
{
	tcb->tag = tag;
}

void tcb_set_key(struct tcb *tcb, word_t key)
{
	tcb->key = key;
}

void grace_wait(void)
{
	count(&fakes.graces);
	if (fakes.on_grace != NULL)
		fakes.on_grace();
}

bool preempt_pending(void)
{
	unsigned asked = count(&fakes.preempt_asked);

	return fakes.preempt_every != 0 && asked % fakes.preempt_every == 0;
}
