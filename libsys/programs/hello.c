/* SPDX-License-Identifier: BSD-2-Clause */
/* The smallest program that shows that everything is there. */
#include <stdio.h>

#include <libsys/process.h>

int main(void)
{
	struct process_self self;
	enum error error = process_info(&self);

	if (error != ERR_OK)
		return 1;
	printf("hello from process %lu on a machine with %lu CPUs\n", (unsigned long)self.pid,
	       (unsigned long)self.cpus_online);
	return 0;
}
