/* SPDX-License-Identifier: BSD-2-Clause */
/* Scheduling parameters of threads: SCHED_SET and SCHED_GET of <sched/protocol.h>, by badge. */
#pragma once

#include <sched/server.h>

/*
 * Set request->words[1] of the thread to words[2] and [3], in shared memory and for the policy, and move the
 * thread if it may not stay here.  Errors, after which the parameters are as they were:
 *   ERR_ARG          no such parameter
 *   ERR_RANGE        no such value, or an affinity to CPUs that this machine does not have
 *   ERR_LIMIT        more than the client's badge may ask for
 *   ERR_PERMISSION   proc alone may set that (LENT), or the client may not put a thread into that group
 *   ERR_NOT_FOUND    no such group
 *   ERR_RESTARTED    this instance has taken over none of these CPUs yet: ask again
 * and those of sched_group_attach() and policy_ops.set_params.
 */
enum error sched_param_set(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, const struct sched_request *request,
			   time_ns_t now_ns);
/* What it is: w1, and w2 of an affinity.  ERR_ARG: no such parameter. */
enum error sched_param_get(struct sched_server *server, const struct sched_thread *thread,
			   word_t param, word_t *w1, word_t *w2);
