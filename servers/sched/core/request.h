/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests of clients (<sched/protocol.h>). */
#pragma once

#include <sched/server.h>

/* Do it and answer it, or remember who waits for the answer. */
void sched_request_handle(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns);
