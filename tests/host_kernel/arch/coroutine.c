/* SPDX-License-Identifier: BSD-2-Clause */
#include "coroutine.h"

static ucontext_t outside;
static void *outside_fake_stack;
static const void *outside_stack;
static size_t outside_stack_bytes;

__attribute__((weak)) void __sanitizer_start_switch_fiber(void **save, const void *bottom,
							  size_t bytes);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void *save, const void **bottom_old,
							   size_t *bytes_old);

void coroutine_make(struct coroutine *self, void *stack, size_t stack_bytes, void (*body)(void))
{
	self->stack = stack;
	self->stack_bytes = stack_bytes;
	getcontext(&self->context);
	self->context.uc_stack.ss_sp = stack;
	self->context.uc_stack.ss_size = stack_bytes;
	makecontext(&self->context, body, 0);
}

void coroutine_begin(void)
{
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(NULL, &outside_stack, &outside_stack_bytes);
}

void coroutine_go(struct coroutine *self)
{
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(&outside_fake_stack, self->stack, self->stack_bytes);
	swapcontext(&outside, &self->context);
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(outside_fake_stack, NULL, NULL);
}

void coroutine_back(struct coroutine *self)
{
	if (__sanitizer_start_switch_fiber != NULL)
		__sanitizer_start_switch_fiber(&self->fake_stack, outside_stack,
					       outside_stack_bytes);
	swapcontext(&self->context, &outside);
	if (__sanitizer_finish_switch_fiber != NULL)
		__sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
}
