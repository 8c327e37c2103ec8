/* SPDX-License-Identifier: BSD-2-Clause */
/* The System capability: debug output, power off, what the kernel is.  Bad at: speed; debug output is
 * polled, byte by byte. */
#include <kern/core.h>
#include <kern/debug.h>
#include <kern/entry.h>
#include <kern/invocation.h>
#include <kern/tcb.h>
#include <kern/trace.h>

#define DEBUG_WRITE_BYTES_MAX ((MSG_WORDS_MAX - 1) * sizeof(word_t))
#define SYSTEM_KERNEL_DEBUG   1u /* w2 of INFO */

static enum error decode_debug_write(struct invocation *inv)
{
	uint64_t bytes = inv->args[0];

	if (bytes > DEBUG_WRITE_BYTES_MAX)
		return ERR_RANGE;
	if ((bytes + sizeof(word_t) - 1) / sizeof(word_t) + 1 > inv->length)
		return ERR_TRUNCATED;
	return ERR_OK;
}

static enum invoke_step invoke_debug_write(struct invocation *inv)
{
	char text[DEBUG_WRITE_BYTES_MAX];
	unsigned bytes = (unsigned)inv->args[0];

	for (unsigned i = 0; i < bytes; i++) {
		word_t word = invocation_word(inv, 1 + i / (unsigned)sizeof(word_t));

		text[i] = (char)(word >> (i % sizeof(word_t) * 8));
	}
	kwrite(text, bytes);
	return STEP_DONE;
}

static enum invoke_step invoke_power_off(struct invocation *inv)
{
	trace_stream_end();
	arch_power_off(inv->args[0]);
}

static enum invoke_step invoke_info(struct invocation *inv)
{
	word_t online = 0;

	for (unsigned i = 0; i < cpus_count; i++)
		online += __atomic_load_n(&cpus[i].core.online, __ATOMIC_RELAXED) != 0;
	inv->results[0] = online;
	inv->results[1] = 0;
	inv->results[2] = KERNEL_DEBUG ? SYSTEM_KERNEL_DEBUG : 0;
	inv->result_words = 3;
	return STEP_DONE;
}

static const struct method_entry methods[] = {
	{METHOD_SYSTEM_DEBUG_WRITE, RIGHT_WRITE, 0, 1, decode_debug_write, invoke_debug_write},
	{METHOD_SYSTEM_POWER_OFF, RIGHT_CONTROL, 0, 1, decode_nothing, invoke_power_off},
	{METHOD_SYSTEM_INFO, 0, 0, 0, decode_nothing, invoke_info},
};

const struct method_table system_methods = {methods, sizeof(methods) / sizeof(methods[0])};
