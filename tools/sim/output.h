/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files that the tool writes.  A plain file is written beside its place, as PATH.part, and takes it
 * when all is there: one that was there before stays if that fails.  "-" is the standard output; a
 * device or a pipe is written to as it is.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

/* Before any work: why no file can be written there, or NULL. */
const char *output_refused(const char *path);

/* Do both, if there are two, mean one plain file, or the standard output? */
bool output_same(const char *a, const char *b);

/* Both end the program, with a message, if it cannot be done. */
FILE *output_open(const char *path);
void output_close(FILE *out, const char *path);
