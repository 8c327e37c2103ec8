/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256 [FILE...]: digests of the named files of the boot archive, or of all, on all CPUs. */
#include <stdio.h>

#include "lib/hash_job.h"
#include "lib/program.h"

int main(int argc, char **argv)
{
	struct hash_job job;

	if (argc > 1)
		hash_job_named(&job, argv + 1, (unsigned)argc - 1);
	else
		hash_job_all(&job);
	unsigned failed = hash_job_run(&job, program_cpus());

	hash_job_print(&job);
	printf("sha256: %u files, %lu bytes, %u workers, %lu ms, %u failed\n", job.count,
	       (unsigned long)job.bytes, job.workers, (unsigned long)(job.ns / NS_PER_MS), failed);
	return failed ? 1 : 0;
}
