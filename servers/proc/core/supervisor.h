/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watches over the scheduler server.  When a CPU falls back to the kernel's rotation, the standby
 * instance takes over all CPUs, the failing ones first, and a new standby is made of the old one's
 * memory.  The supervisor calls kernel objects only, so it never waits for what it repairs.
 *
 * Bad at: an instance that fails again and again; after a while (restarts.h) it stays with
 * the kernel's rotation, and says so.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* Bind the first instance and start the thread.  The first thread, once. */
void supervisor_start(uint32_t cpus);

/* Stop the instance in charge, for people who want to see it replaced.  Any thread. */
void supervisor_kill_server(void);

/* Memory for scheduling groups, in every instance.  ERR_BUSY: soon.  ERR_NO_MEMORY.  Service thread. */
__attribute__((warn_unused_result)) enum error supervisor_groups_want(void);

/* Instances that replaced a failed one. */
uint64_t supervisor_restarts(void);
