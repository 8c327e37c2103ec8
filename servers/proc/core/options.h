/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot arguments.  Read-only after options_init. */
#pragma once

#include <abi/bootinfo.h>

struct options {
	char policy[16];
	char place[16];
	char device[128]; /* PROGRAM:NODE */
	char run[BOOTARGS_MAX];
	uint64_t log_level;
	bool sched_exact;
	bool sched_filter;
	bool sched_successor;
	bool sched_again;
	bool exit;  /* power off when the first program ends */
	bool sched; /* false (sched=none): stay in the kernel's fallback */
	uint64_t decision_ns_max;
	uint64_t starvation_ns_max;
	uint64_t memory_bytes_max; /* of each process; 0: none */
};

extern struct options options;

/* Unknown keys and bad values are named on the console, with the known ones; then defaults hold. */
void options_init(const struct bootinfo *info);
