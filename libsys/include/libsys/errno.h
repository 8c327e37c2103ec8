/* SPDX-License-Identifier: BSD-2-Clause */
/* Errors of Baton as the C library's errno, and as words. */
#pragma once

#include <abi/error.h>

int error_to_errno(enum error error);

/* The meaning, as in <abi/error.h>. */
const char *error_text(enum error error);
