/* SPDX-License-Identifier: BSD-2-Clause */
/* What holds of proc's tables between two steps; a rule that is broken ends the run. */
#pragma once

#include <abi/types.h>

struct file;
struct process;

/*
 * A thread of this process is in the call with this label and these first words: somebody can answer.
 * The first word named this file when it called; another thread may since have put something else there.
 */
void check_wait(uint32_t pid, word_t label, const word_t w[2], const struct file *file);

/* Is it in that realm, or in one inside it? */
bool check_inside(const struct process *process, uint32_t realm);

/* Threads that wait for mutexes, are given them or waited for are live ones of the process. */
void check_mutexes(void);

/* No realm has more processes or threads than it may. */
void check_realms(void);

/* Nobody has a descriptor, so all pipes can be had; they are free again afterwards. */
void check_no_pipe(void);
