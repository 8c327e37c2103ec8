/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which locks a function needs, takes and gives back, as clang's thread safety analysis reads it
 * (tests/lint/locks.py runs it over the portable kernel).  Other compilers see nothing.
 *
 * The names follow clang's documentation of the analysis.  A lock is named by the expression that a
 * caller would write, in terms of the parameters: LOCK_REQUIRES(core->lock).
 */
#pragma once

#ifdef __clang__
#define LOCK_ATTRIBUTE(x) __attribute__((x))
#else
#define LOCK_ATTRIBUTE(x)
#endif

/* On a type: it is a lock. */
#define LOCK_TYPE LOCK_ATTRIBUTE(capability("lock"))

/* Held at the call, and still held at the return. */
#define LOCK_REQUIRES(...)     LOCK_ATTRIBUTE(requires_capability(__VA_ARGS__))
/* Not held at the call: the function takes it, or waits for another CPU. */
#define LOCK_EXCLUDES(...)     LOCK_ATTRIBUTE(locks_excluded(__VA_ARGS__))
/* Held from the return on; held until then. */
#define LOCK_ACQUIRES(...)     LOCK_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define LOCK_RELEASES(...)     LOCK_ATTRIBUTE(release_capability(__VA_ARGS__))
/* Held from the return on if the function returned that value. */
#define LOCK_TRIES(value, ...) LOCK_ATTRIBUTE(try_acquire_capability(value, __VA_ARGS__))
/* The analysis is to believe from here on that it is held. */
#define LOCK_ASSERTS(...)      LOCK_ATTRIBUTE(assert_capability(__VA_ARGS__))
/* Takes or gives back locks in a way that the analysis cannot follow; the comment says which. */
#define LOCK_UNCHECKED         LOCK_ATTRIBUTE(no_thread_safety_analysis)
