/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "thread.h"

/* While there is no scheduler server, every request is answered RESTARTED at once. */
#define RESTARTS_MAX 10000u

/* Words 1.. of the answer are results. */
static enum error sched_request_once(word_t label, const word_t words[4], struct msg *m)
{
	m->info = msg_info(label, 4, 0);
	for (unsigned i = 0; i < 4; i++)
		m->w[i] = words[i];
	enum error error = sys_call(PROC_SLOT_SCHED, m);

	return error == ERR_OK ? (enum error)msg_label(m->info) : error;
}

static bool again(enum error error)
{
	return error == ERR_RESTARTED || error == ERR_MOVED;
}

static enum error sched_request(word_t label, const word_t words[4], struct msg *m)
{
	enum error error = sched_request_once(label, words, m);

	for (unsigned i = 0; again(error) && i < RESTARTS_MAX; i++)
		error = sched_request_once(label, words, m);
	return error;
}

/* Sends the request again until the time is really over: times are absolute. */
static enum error sleep_request(word_t label, time_ns_t deadline_ns)
{
	enum error error;
	struct msg m;

	do
		error = sched_request_once(label, (const word_t[4]){deadline_ns}, &m);
	while (again(error) && clock_now_ns() < deadline_ns);
	return error;
}

void sched_sleep_until(time_ns_t deadline_ns)
{
	(void)!sleep_request(SCHED_REQ_SLEEP, deadline_ns);
}

enum error sched_sleep_interruptible(time_ns_t deadline_ns)
{
	return sleep_request(SCHED_REQ_SLEEP | SCHED_REQUEST_INTERRUPTIBLE, deadline_ns);
}

void sched_yield_now(void)
{
	struct msg m;

	(void)!sched_request_once(SCHED_REQ_YIELD, (const word_t[4]){0}, &m);
}

enum error sched_param_set(uint32_t tid, enum sched_param param, word_t value, word_t value2)
{
	struct msg m;

	/* Only proc reaches the dispatcher of another thread's CPU. */
	if (tid != 0 && tid != thread_tid(thread_self()))
		return process_sched_set(0, tid, param, value, value2);
	return sched_request(SCHED_REQ_SET_PARAM, (const word_t[4]){0, param, value, value2}, &m);
}

enum error sched_param_get(enum sched_param param, word_t *value, word_t *value2)
{
	struct msg m;
	enum error error = sched_request(SCHED_REQ_GET_PARAM, (const word_t[4]){0, param}, &m);

	if (error == ERR_OK) {
		*value = m.w[1];
		*value2 = m.w[2];
	}
	return error;
}
