/* SPDX-License-Identifier: BSD-2-Clause */
#include "crew.h"

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

bool thread_pin(unsigned cpu)
{
	return sched_param_set(0, SCHED_PARAM_AFFINITY, cpu < 64 ? 1ull << cpu : 0,
			       cpu < 64 ? 0 : 1ull << (cpu - 64)) == ERR_OK;
}
