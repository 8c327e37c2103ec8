/* SPDX-License-Identifier: BSD-2-Clause */
/* spin [MS]: uses the CPU for that much CPU time, or for ever. */
#include <stdio.h>

#include "lib/program.h"

int main(int argc, char **argv)
{
	uint64_t ms = program_number(argc, argv, 1, 0, 1, 3600000);

	if (argc < 2)
		for (;;)
			program_burn(NS_PER_S);
	program_burn(ms * NS_PER_MS);
	printf("spin: used %lu ms\n", (unsigned long)ms);
	return 0;
}
