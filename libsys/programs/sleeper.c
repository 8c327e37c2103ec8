/* SPDX-License-Identifier: BSD-2-Clause */
/* sleeper [MS [TIMES]]: sleeps that long that often, and says how late it woke. */
#include <stdio.h>

#include <libsys/clock.h>
#include <libsys/threads.h>

#include "lib/program.h"

int main(int argc, char **argv)
{
	uint64_t ms = program_number(argc, argv, 1, 10, 1, 3600000);
	uint64_t times = program_number(argc, argv, 2, 10, 1, 1000000);
	time_ns_t late_max = 0;
	time_ns_t late_sum = 0;

	for (uint64_t i = 0; i < times; i++) {
		time_ns_t until = clock_now_ns() + ms * NS_PER_MS;

		thread_sleep_until(until);
		time_ns_t now = clock_now_ns();

		if (now < until) {
			printf("sleeper: woke %lu ns too early\n", (unsigned long)(until - now));
			return 1;
		}
		late_sum += now - until;
		if (now - until > late_max)
			late_max = now - until;
	}
	printf("sleeper: %lu times %lu ms, late by %lu us on average, %lu us at most\n",
	       (unsigned long)times, (unsigned long)ms,
	       (unsigned long)(late_sum / times / NS_PER_US),
	       (unsigned long)(late_max / NS_PER_US));
	return 0;
}
