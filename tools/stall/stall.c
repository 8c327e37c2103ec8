/* SPDX-License-Identifier: BSD-2-Clause */
#include "stall.h"
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

static const volatile uint64_t *watched;
static uint64_t seen;
static uint32_t ticks;
static uint32_t ticks_max;
static void (*stalled)(void);

static void tick(int number)
{
	(void)number;
	if (*watched != seen) {
		seen = *watched;
		ticks = 0;
		return;
	}
	if (++ticks < ticks_max)
		return;
	stalled();
	fflush(NULL);
	_exit(1);
}

static void timer_set(time_t seconds)
{
	const struct itimerval timer = {.it_interval = {.tv_sec = seconds},
					.it_value = {.tv_sec = seconds}};
	setitimer(ITIMER_VIRTUAL, &timer, NULL);
}

void stall_watch(const volatile uint64_t *progress, uint32_t seconds, void (*tell)(void))
{
	struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
	watched = progress;
	seen = *progress;
	ticks = 0;
	ticks_max = seconds;
	stalled = tell;
	sigemptyset(&action.sa_mask);
	sigaction(SIGVTALRM, &action, NULL);
	timer_set(1);
}

void stall_unwatch(void)
{
	timer_set(0);
}
