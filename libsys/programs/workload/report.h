/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables for people and JSON for programs (schema 1) about a workload that has run. */
#pragma once

#include <base/ideal_workload.h>

#include "../lib/hash_job.h"
#include "../lib/rpc.h"
#include "runner.h"

struct report {
	const struct runner *runner;
	const struct ideal_task *ideal; /* [tasks] */
	const struct proc_machine_info *machine;
	const struct rpc_result *rpc; /* or NULL */
	const struct hash_job *hash;  /* or NULL */
};

void report_tables(const struct report *report);

/* Lines @@BATON-THREAD TID NAME: the tasks, and all other threads that there are now. */
void report_threads(const struct report *report);

/* Between the lines @@BATON-JSON-BEGIN and @@BATON-JSON-END. */
void report_json(const struct report *report);
