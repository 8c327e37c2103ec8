/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/process.h>
#include <libsys/sched.h>
#include <proc/slots.h>

#include "thread.h"

/* Words 1.. of the answer are results.  @m keeps the request, as it may be sent again. */
static enum error sched_request(word_t label, const word_t words[4], struct msg *m)
{
	enum error error;

	do {
		m->info = msg_info(label, 4, 0);
		for (unsigned i = 0; i < 4; i++)
			m->w[i] = words[i];
		error = sys_call(PROC_SLOT_SCHED, m);
		if (error == ERR_OK)
			error = (enum error)msg_label(m->info);
	} while (error == ERR_RESTARTED || error == ERR_MOVED);
	return error;
}

void sched_sleep_until(time_ns_t deadline_ns)
{
	struct msg m;

	(void)!sched_request(SCHED_REQ_SLEEP, (const word_t[4]){deadline_ns}, &m);
}

enum error sched_sleep_interruptible(time_ns_t deadline_ns)
{
	struct msg m;

	return sched_request(SCHED_REQ_SLEEP | SCHED_REQUEST_INTERRUPTIBLE,
			     (const word_t[4]){deadline_ns}, &m);
}

void sched_yield_now(void)
{
	struct msg m;

	(void)!sched_request(SCHED_REQ_YIELD, (const word_t[4]){0}, &m);
}

enum error sched_param_set(uint32_t tid, enum sched_param param, word_t value, word_t value2)
{
	struct msg m;

	/* Only proc reaches the dispatcher of another thread's CPU. */
	if (tid != 0 && tid != thread_self()->tid)
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
