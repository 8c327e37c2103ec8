/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting on a word, like Linux' futex, but inside one process and without the kernel: the queues
 * are in the process's own memory, and each waiter sleeps on its own thread's notification.
 *
 * Bad at: words in memory shared between processes; a waiter there is not found.
 */
#pragma once

#include <stdatomic.h>

#include <abi/error.h>
#include <abi/types.h>

typedef _Atomic uint32_t futex_word;

/*
 * Sleep while *@word == @expected, until woken or until @deadline_ns (absolute; TIME_NEVER: none).
 * ERR_OK: woken.  ERR_WOULD_BLOCK: the value differed.  ERR_TIMEOUT: the time passed first.
 * Who changes the word and then calls sys_futex_wake() misses no waiter: the value is checked under
 * the lock that wake takes.  Context: any thread that may sleep.
 */
__attribute__((warn_unused_result)) enum error
sys_futex_wait(const futex_word *word, uint32_t expected, time_ns_t deadline_ns);

/* Wake at most @count waiters, longest waiting first; returns how many.  @word is not read. */
unsigned sys_futex_wake(const futex_word *word, unsigned count);

#define FUTEX_ALL 0xffffffffu
