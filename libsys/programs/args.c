/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints its arguments and environment, one a line. */
#include <stdio.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("argv[%d] = %s\n", i, argv[i]);
	for (unsigned i = 0; environ && environ[i]; i++)
		printf("envp[%u] = %s\n", i, environ[i]);
	return 0;
}
