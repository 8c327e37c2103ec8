/* SPDX-License-Identifier: BSD-2-Clause */
/* SHA-256 of files of the boot archive, by several threads at once. */
#pragma once

#include <abi/error.h>
#include <proc/protocol.h>

#include "sha256.h"

struct hash_file {
	char name[PROC_NAME_MAX];
	size_t bytes;
	uint8_t digest[SHA256_BYTES];
	enum error error; /* ERR_OK: the digest is right */
};

struct hash_job {
	struct hash_file *files;
	unsigned count;
	unsigned workers;
	uint64_t bytes; /* hashed */
	uint64_t ns;    /* wall */
	_Atomic unsigned next;
};

/* All files of the archive, largest first.  Ends the process if there is no memory. */
void hash_job_all(struct hash_job *job);
/* The named files. */
void hash_job_named(struct hash_job *job, char *const *names, unsigned count);

/* Run it with one thread for each worker; returns the number of files that failed. */
unsigned hash_job_run(struct hash_job *job, unsigned workers);

/* One "@@BATON-SHA256 HEX NAME" line for each file. */
void hash_job_print(const struct hash_job *job);
