/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Workload files (rt-app JSON) for host programs: load, and write the text form for the guest.
 * The structures are those of <base/workload.h>.
 */
#pragma once

#include <base/workload.h>

#include <stdio.h>

struct workload_file; /* owns all memory of one loaded workload */

struct workload_options {
	uint32_t cpus; /* CPUs of the machine; 0: not known, any up to CPUS_MAX may be named */
	/* Called for what is accepted and ignored; may be null. */
	void (*note)(void *context, const char *text);
	void *context;
};

struct workload_fault {
	unsigned int line; /* 0: not about one line */
	char path[256];    /* "tasks.hog.run0", or empty */
	char text[512];
	bool io; /* the file could not be read at all */
};

/* Null on failure, with *@fault filled. */
struct workload_file *workload_file_load(const char *path, const struct workload_options *options,
					 struct workload_fault *fault);
/* The same from memory; @text ends in NUL at @len. */
struct workload_file *workload_text_load(const char *text, size_t len,
					 const struct workload_options *options,
					 struct workload_fault *fault);
const struct workload *workload_of(const struct workload_file *file);
void workload_file_free(struct workload_file *file);

/* "FILE:LINE: PATH: TEXT" on @out, one line. */
void workload_fault_print(const struct workload_fault *fault, const char *file, FILE *out);

/* Writes the text form (docs/design/bwl.md).  False if writing failed. */
bool workload_write_bwl(const struct workload *workload, FILE *out);
