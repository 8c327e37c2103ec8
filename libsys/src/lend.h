/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mutex whose holder inherits needs from proc, which keeps who waits for it: PROC_REQ_MUTEX_* with
 * their errors.  src/lend.c asks proc; the host tests ask proc's own servers/proc/pure/lending.h.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* The calling thread's number: not 0, below 2^31. */
uint32_t lend_self(void);

__attribute__((warn_unused_result)) enum error lend_wait(uint32_t holder, word_t key);
__attribute__((warn_unused_result)) enum error lend_take(bool leaves);
__attribute__((warn_unused_result)) enum error lend_pass(word_t key);
