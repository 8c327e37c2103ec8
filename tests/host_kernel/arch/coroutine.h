/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CPUs as coroutines on one thread of the host: one goes on until it hands back to who let it go.  The
 * address sanitizer is told which stack is in use; in builds without it nothing is told.
 *
 * Bad at: coroutines that start others; who lets them go is outside of all of them.
 */
#pragma once

#include <stddef.h>
#include <ucontext.h>

struct coroutine {
	ucontext_t context;
	void *fake_stack; /* of the address sanitizer */
	void *stack;
	size_t stack_bytes;
};

/* The next coroutine_go() begins with body(), which calls coroutine_begin() first and never returns. */
void coroutine_make(struct coroutine *self, void *stack, size_t stack_bytes, void (*body)(void));
void coroutine_begin(void);
/* From outside: let it go on until it hands back. */
void coroutine_go(struct coroutine *self);
/* From inside: back to who let it go. */
void coroutine_back(struct coroutine *self);
