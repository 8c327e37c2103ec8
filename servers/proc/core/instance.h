/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instances of the scheduler server: one decides, a second one stands by.
 * Context: the first thread until supervisor_start, then the supervisor; kernel objects only.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* CNode, ports and the two instances' memory; the ELF must be in the archive.  ERR_NOT_FOUND,
 * ERR_FORMAT, ERR_NO_MEMORY: there will be no scheduler server. */
__attribute__((warn_unused_result)) enum error instances_init(uint32_t cpus);

/* The CNode alone: also wanted without a server. */
void instances_cnode_init(uint32_t cpus);

/* Make an instance ready to be bound, in memory of `set` (0 or 1), which is cleared first. */
__attribute__((warn_unused_result)) enum error instance_build(unsigned set);

/* Bind its dispatcher to a CPU and start its balancer there. */
__attribute__((warn_unused_result)) enum error instance_bind(unsigned set, uint32_t cpu);

/* Its balancers stop and are ordinary threads from now on, so that an instance that is told of them
 * does not take them for its own. */
void instance_retire(unsigned set);

/* No thread of it runs any more. */
void instance_stop(unsigned set);

/*
 * Memory for scheduling groups in both instances.  The service thread reserves it, the supervisor maps it.
 * ERR_BUSY: it has just been reserved, signal the supervisor.  ERR_NO_MEMORY.
 */
__attribute__((warn_unused_result)) enum error instance_groups_reserve(void);
/* It was reserved, and is not mapped in all instances. */
bool instance_groups_wanted(void);
/* In that instance; nothing if there is no such memory or it was mapped. */
__attribute__((warn_unused_result)) enum error instance_groups_map(unsigned set);
