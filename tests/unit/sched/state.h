/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <sched/server.h>

/*
 * What holds of the server after each upcall, whatever it was about: the first rule that does not, in words,
 * or NULL.  Of the threads below `tids`; `decided`: the upcall of that CPU was the last of its kind, not
 * one with more to come.
 */
const char *state_broken(struct sched_server *server, uint32_t tids, const struct sched_cpu *cpu,
			 bool decided);
