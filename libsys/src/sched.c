/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "message.h"
#include "thread.h"

/* While there is no scheduler server, every request is answered RESTARTED at once. */
#define RESTARTS_MAX 10000u

/* Until proc has mapped memory for groups. */
#define GROUP_WAITS_MAX 1000u
#define GROUP_WAIT_NS   1000000u

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
	(void)!sleep_request(SCHED_REQ_SLEEP | SCHED_REQUEST_TIMED, deadline_ns);
}

enum error sched_sleep_interruptible(time_ns_t deadline_ns)
{
	return sleep_request(SCHED_REQ_SLEEP | SCHED_REQUEST_TIMED | SCHED_REQUEST_INTERRUPTIBLE,
			     deadline_ns);
}

void sched_yield_now(void)
{
	struct msg m = msg_make(SCHED_REQ_YIELD | SCHED_REQUEST_YIELD, 0);

	(void)!sys_call(PROC_SLOT_SCHED, &m);
}

enum error sched_param_set(uint32_t tid, enum sched_param param, word_t value, word_t value2)
{
	struct msg m;

	const uint32_t self = thread_tid(thread_self());

	/* Only proc reaches the dispatcher of another thread's CPU; and it has to know of priorities, which
	 * threads lend each other. */
	if ((tid != 0 && tid != self) || param == SCHED_PARAM_PRIORITY)
		return process_sched_set(0, tid != 0 ? tid : self, param, value, value2);
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

/* ---- Groups --------------------------------------------------------------------------------- */

static enum error group_request(word_t label, word_t w0, word_t w1, word_t *result)
{
	struct msg m;
	enum error error = sched_request(label, (const word_t[4]){w0, w1}, &m);

	if (error == ERR_OK && result != NULL)
		*result = m.w[1];
	return error;
}

/* The first group of all needs memory in the scheduler server. */
static enum error group_memory_wait(void)
{
	enum error error = ERR_BUSY;

	for (unsigned i = 0; i < GROUP_WAITS_MAX && error == ERR_BUSY; i++) {
		struct msg m;

		error = server_request(PROC_SLOT_PROC, PROC_REQ_SCHED_GROUPS, NULL, 0, &m);
		if (error == ERR_BUSY)
			sched_sleep_until(clock_now_ns() + GROUP_WAIT_NS);
	}
	return error == ERR_BUSY ? ERR_NO_MEMORY : error;
}

enum error sched_group_create(const struct sched_group *group, word_t *id)
{
	const word_t words[4] = {group->parent, group->weight, group->quota_ns, group->period_ns};
	struct msg m;
	enum error error = sched_request(SCHED_REQ_GROUP_CREATE, words, &m);

	if (error == ERR_STATE) {
		error = group_memory_wait();
		if (error == ERR_OK)
			error = sched_request(SCHED_REQ_GROUP_CREATE, words, &m);
	}
	if (error == ERR_OK)
		*id = m.w[1];
	return error;
}

enum error sched_group_set(word_t id, const struct sched_group *group)
{
	struct msg m;

	return sched_request(
		SCHED_REQ_GROUP_SET,
		(const word_t[4]){id, group->weight, group->quota_ns, group->period_ns}, &m);
}

enum error sched_group_delete(word_t id)
{
	return group_request(SCHED_REQ_GROUP_DELETE, id, 0, NULL);
}

enum error sched_group_get(word_t id, enum sched_group_field field, word_t *value)
{
	return group_request(SCHED_REQ_GROUP_GET, id, field, value);
}

enum error sched_group_next(word_t index, word_t *id)
{
	return group_request(SCHED_REQ_GROUP_NEXT, index, 0, id);
}
