/* SPDX-License-Identifier: BSD-2-Clause */
/* Thousands of threads: of other programs, since one may have only so many. */
#pragma once

#include <abi/types.h>

#define CROWD_PROCESSES 10u

struct crowd {
	word_t pid[CROWD_PROCESSES]; /* 0: none */
};

/*
 * Start this program so often with @word=N at=NS in=@object that all have @threads threads (bench.h); returns
 * the time NS, at which all of them are there.
 */
time_ns_t crowd_start(struct crowd *crowd, const char *word, unsigned threads, word_t object);

void crowd_kill(struct crowd *crowd);

/* Wait until all have ended; ends this program if one failed. */
void crowd_join(struct crowd *crowd);
