/* SPDX-License-Identifier: BSD-2-Clause */
/* The state in which the zeroed block of a Core begins: no dispatcher, fallback, nothing to run. */
#include <kern/boot.h>
#include <kern/core.h>

void core_init(struct core *core, uint32_t index)
{
	core->index = index;
	core->fallback = FALLBACK_BOOT;
	core->slice_end_ns = TIME_NEVER;
	core->server_timer_ns = TIME_NEVER;
	core->decision_end_ns = TIME_NEVER;
	core->starvation_end_ns = TIME_NEVER;
	core->armed_ns = TIME_NEVER;
	core->named_version = UINT64_MAX; /* of no slot */
	spin_init(&core->lock, LOCK_CORE);
	list_init(&core->ready);
	list_init(&core->homed);
	list_init(&core->events);
	list_init(&core->requests_waiting);
	list_init(&core->requests_delivered);
}
