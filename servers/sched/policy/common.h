/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What most policies share: typed views of the blobs, the bounds of parameters, members of
 * policy_ops that do nothing, parts of a dump.  Everything inline: a policy stays one file.
 */
#pragma once

#include "policy.h"
#include <base/text.h>

#define POLICY_SHOWN 24u /* threads in a dump */
#define POLICY_LOOKS 32u /* threads looked at by spare() */

/*
 * For `struct name_cpu` and `struct name_thread`: name_cpu(), name_thread() and their _const forms
 * turn the caller's blobs into them, name_handle() goes back; and both fit into their blobs.
 */
#define POLICY_VIEWS(name)                                                                    \
	static inline struct name##_cpu *name##_cpu(struct policy_cpu *cpu)                   \
	{                                                                                     \
		return (struct name##_cpu *)(void *)cpu;                                      \
	}                                                                                     \
	static inline const struct name##_cpu *name##_cpu_const(const struct policy_cpu *cpu) \
	{                                                                                     \
		return (const struct name##_cpu *)(const void *)cpu;                          \
	}                                                                                     \
	static inline struct name##_thread *name##_thread(struct policy_thread *thread)       \
	{                                                                                     \
		return (struct name##_thread *)(void *)thread;                                \
	}                                                                                     \
	static inline const struct name##_thread *name##_thread_const(                        \
		const struct policy_thread *thread)                                           \
	{                                                                                     \
		return (const struct name##_thread *)(const void *)thread;                    \
	}                                                                                     \
	static inline struct policy_thread *name##_handle(struct name##_thread *thread)       \
	{                                                                                     \
		return (struct policy_thread *)(void *)thread;                                \
	}                                                                                     \
	_Static_assert(sizeof(struct name##_cpu) <= POLICY_CPU_BYTES_MAX, "CPU blob");        \
	_Static_assert(sizeof(struct name##_thread) <= POLICY_THREAD_BYTES_MAX, "thread blob")

static inline bool policy_params_valid(const struct policy_params *params)
{
	return params->weight >= POLICY_WEIGHT_MIN && params->weight <= POLICY_WEIGHT_MAX &&
	       params->slice_ns >= POLICY_SLICE_NS_MIN && params->slice_ns <= POLICY_SLICE_NS_MAX &&
	       params->class <= POLICY_CLASS_BACKGROUND &&
	       params->priority <= POLICY_PRIORITY_MAX &&
	       (params->period_ns == 0 || (params->period_ns >= params->slice_ns &&
					   params->period_ns <= POLICY_PERIOD_NS_MAX));
}

/* The record is one that this policy saved, of the queue (kind 1) or of thread `tid` (kind 2). */
static inline bool policy_record_fits(const struct policy_record *record, uint32_t id,
				      uint32_t version, uint32_t kind, uint64_t tid)
{
	return record->policy_id == id && record->version == version && record->kind == kind &&
	       (kind == 1 || record->tid == tid);
}

static inline void policy_average_ignore(struct policy_cpu *cpu, uint64_t average_weight,
					 uint64_t now_ns)
{
	(void)cpu;
	(void)average_weight;
	(void)now_ns;
}

static inline void policy_lag_ignore(struct policy_thread *thread, struct policy_number lag_ns)
{
	(void)thread;
	(void)lag_ns;
}

/* " name=value" in a dump. */
static inline void policy_show(struct text *text, const char *name, uint64_t value)
{
	text_name(text, name);
	text_u64(text, value);
}
