/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdbool.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "count.h"

/* The child: stops, does it, stops again.  It is ended there. */
static void traced(void (*function)(void *argument), void *argument)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0) != 0)
		_exit(1);
	raise(SIGSTOP);
	function(argument);
	raise(SIGSTOP);
	_exit(0);
}

static bool stopped_by(pid_t child, int signal)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == signal;
}

uint64_t count_instructions(void (*function)(void *argument), void *argument)
{
	const pid_t child = fork();
	uint64_t count = 0;

	if (child == 0)
		traced(function, argument);
	if (child < 0 || !stopped_by(child, SIGSTOP))
		return UINT64_MAX;
	do {
		count++;
	} while (ptrace(PTRACE_SINGLESTEP, child, 0, 0) == 0 && stopped_by(child, SIGTRAP));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	return count;
}
