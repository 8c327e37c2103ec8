/* SPDX-License-Identifier: BSD-2-Clause */
/* Remote calls between threads and passive servers of the same process, counted and checked. */
#pragma once

#include <stdint.h>

struct rpc_result {
	uint64_t calls;
	uint64_t wrong; /* answers that were not the right ones, and errors */
	uint64_t ns;    /* wall time of the longest client */
	uint64_t ns_per_call;
};

/*
 * @pairs clients, each with a passive server of its own, make @calls calls each at the same time.
 * The servers stay parked on their endpoints afterwards.  Ends the process if something is missing.
 */
struct rpc_result rpc_run(unsigned pairs, uint64_t calls);
