/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a mutex whose holder inherits needs from proc, which keeps who waits for it: PROC_REQ_MUTEX_* with
 * their errors.  src/lend.c asks proc; the host tests ask proc's own servers/proc/pure/lending.h.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* The calling thread's number, below 2^31; 0: not to be had now (the first thread asks proc). */
uint32_t lend_self(void);

/*
 * ERR_CANCELLED from any of them: the thread was stopped and goes on, and proc may have done it or not.
 * lend_take() and lend_pass() may be asked again.
 */
__attribute__((warn_unused_result)) enum error lend_wait(uint32_t holder, word_t key);
__attribute__((warn_unused_result)) enum error lend_take(bool leaves, word_t key);
__attribute__((warn_unused_result)) enum error lend_pass(word_t key);
