/* SPDX-License-Identifier: BSD-2-Clause */
/* Semihosting: ends the emulator with an exit status. */
#pragma once

#include <abi/types.h>

struct exception_frame;

/* Returns if nobody answers semihosting calls. */
void semihost_exit(uint64_t status);

/*
 * If the exception is that of an unanswered semihosting call, make the frame go on after it and
 * return true.
 */
bool semihost_skip(struct exception_frame *frame);
