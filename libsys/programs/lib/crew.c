/* SPDX-License-Identifier: BSD-2-Clause */
#include "crew.h"

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/sched.h>

#include "program.h"

void crew_start(struct crew *crew, unsigned count, thrd_start_t *body, void *args, size_t arg_bytes)
{
	crew->count = count < CREW_MAX ? count : CREW_MAX;
	for (unsigned i = 0; i < crew->count; i++)
		if (thrd_create(&crew->threads[i], body, (char *)args + i * arg_bytes) !=
		    thrd_success)
			program_fail("starting a thread", ERR_NO_MEMORY);
}

int crew_join(struct crew *crew)
{
	int sum = 0;

	for (unsigned i = 0; i < crew->count; i++) {
		int result = 1;

		thrd_join(crew->threads[i], &result);
		sum += result;
	}
	return sum;
}

void thread_pause(void)
{
	thread_sleep_until(clock_now_ns() + 100 * NS_PER_US);
}

void thread_await_state(struct thread *thread, enum thread_state state)
{
	const word_t tid = thread_tid(thread);
	struct proc_thread_info info = {0};

	while (info.tid != tid || info.state != state) {
		thread_pause();
		program_need("asking for a thread", thread_list(tid, &info));
	}
}

bool thread_pin(unsigned cpu)
{
	return sched_param_set(0, SCHED_PARAM_AFFINITY, cpu < 64 ? 1ull << cpu : 0,
			       cpu < 64 ? 0 : 1ull << (cpu - 64)) == ERR_OK;
}
