/* SPDX-License-Identifier: BSD-2-Clause */
/* From the initial stack to main(): clock, TLS, the first thread's record, constructors.  The C
 * library's exit() runs the destructors. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <abi/bootinfo.h>
#include <libsys/clock.h>
#include <libsys/process.h>
#include <proc/slots.h>

#include "thread.h"

extern int main(int argc, char **argv, char **envp);
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

_Noreturn void program_start(word_t *stack);

static const word_t *start_auxv;

bool process_aux(word_t type, word_t *value)
{
	for (const word_t *aux = start_auxv; aux[0] != 0; aux += 2) {
		if (aux[0] == type) {
			*value = aux[1];
			return true;
		}
	}
	return false;
}

static void run_constructors(void)
{
	for (void (*const *fn)(void) = __init_array_start; fn < __init_array_end; fn++)
		(*fn)();
}

/* The area is on the initial stack, which lives as long as the process. */
static void first_thread_start(void *area)
{
	struct thread_block *block = tls_area_init(area);
	word_t tid = 0;

	block->ipc = (struct ipc_buffer *)(uintptr_t)proc_ipc_buffer_vaddr(0);
	process_aux(PROC_AT_TID, &tid);
	thread_first_init(block, (uint32_t)tid);
	thread_block_set(block);
}

_Noreturn void program_start(word_t *stack)
{
	const struct bootinfo *info = (const struct bootinfo *)(uintptr_t)BOOTINFO_VADDR;
	int argc = (int)stack[0];
	char **argv = (char **)(stack + 1);
	char **envp = argv + argc + 1;
	char **end = envp;

	while (*end)
		end++;
	start_auxv = (const word_t *)(end + 1);
	clock_scale_set(info->time_mult, info->time_shift);

	size_t bytes = tls_area_bytes();

	first_thread_start(__builtin_alloca(bytes));
	environ = envp;
	run_constructors();
	exit(main(argc, argv, envp));
}
