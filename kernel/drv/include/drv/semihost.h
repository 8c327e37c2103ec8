/* SPDX-License-Identifier: BSD-2-Clause */
/* Semihosting: ends the emulator with an exit status; takes bytes for a file of the host. */
#pragma once

#include <abi/types.h>

/*
 * Create a file of the host, @bytes of name without a NUL; false if that fails or nobody answers
 * semihosting calls.  Writes append to it; whole calls are never mixed up.
 */
bool semihost_create(const char *name, size_t bytes);
void semihost_write(const void *bytes, size_t count);

/* Returns if nobody answers semihosting calls. */
void semihost_exit(uint64_t status);
