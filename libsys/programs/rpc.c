/* SPDX-License-Identifier: BSD-2-Clause */
/* rpc [CALLS [PAIRS]]: calls to passive servers, PAIRS at the same time. */
#include <stdio.h>

#include "lib/program.h"
#include "lib/rpc.h"

int main(int argc, char **argv)
{
	uint64_t calls = program_number(argc, argv, 1, 10000, 1, 100000000);
	uint64_t pairs = program_number(argc, argv, 2, 1, 1, 64);
	struct rpc_result result = rpc_run((unsigned)pairs, calls);

	printf("rpc: %lu pairs, %lu round trips, %lu ns each, %lu wrong\n", (unsigned long)pairs,
	       (unsigned long)result.calls, (unsigned long)result.ns_per_call,
	       (unsigned long)result.wrong);
	return result.wrong ? 1 : 0;
}
