/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reader of the text form of a workload ("bwl"), for programs that have no JSON parser.
 * The format: docs/design/bwl.md.  No allocation: the caller gives the arrays, whose sizes
 * bwl_count() tells.
 *
 * Bad at: saying more than one fault per text; it stops at the first.
 */
#pragma once

#include <base/workload.h>

/* X(name, text) */
#define BWL_REASON_LIST(X)                                                                     \
	X(FINE, "no fault")                                                                    \
	X(NOT_BWL, "the first line is not \"bwl 1\"")                                          \
	X(NO_COUNTS, "the second line is not \"counts TASKS PHASES EVENTS OBJECTS [GROUPS]\"") \
	X(LINE, "a line of an unknown kind or with the wrong number of words")                 \
	X(ORDER, "a line that may not stand here")                                             \
	X(NUMBER, "a number is unreadable or out of range")                                    \
	X(NAME, "a name is too long or has other than visible ASCII characters")               \
	X(WORD, "an unknown word")                                                             \
	X(CPUS, "an unreadable CPU list")                                                      \
	X(REF,                                                                                 \
	  "a reference to an object, task or group that does not exist or is of another kind") \
	X(DEPTH, "a group below 4 others")                                                     \
	X(LIMIT, "more tasks, phases, events, objects or groups than the arrays hold")         \
	X(COUNTS, "the counts in the second line are not those of the text")                   \
	X(EMPTY, "a task without phases, or a phase without events")                           \
	X(NO_END, "the text ends without the line \"end\"")

enum bwl_reason {
#define X(name, text) BWL_##name,
	BWL_REASON_LIST(X)
#undef X
		BWL_REASON_COUNT
};

struct bwl_counts {
	uint32_t tasks;
	uint32_t phases;
	uint32_t events;
	uint32_t objects;
	uint32_t groups;
};

struct bwl_arrays {
	struct workload_task *tasks;
	struct workload_phase *phases;
	struct workload_event *events;
	struct workload_object *objects;
	struct workload_group *groups;
	struct bwl_counts max;
};

struct bwl_fault {
	enum bwl_reason reason;
	uint32_t line; /* from 1 */
};

const char *bwl_reason_text(enum bwl_reason reason);

/* Reads only the first two lines.  ERR_FORMAT with *@fault (never null). */
__attribute__((warn_unused_result)) enum error
bwl_count(const char *text, size_t len, struct bwl_counts *counts, struct bwl_fault *fault);

/*
 * Reads @len bytes at @text into @arrays and *@workload, whose pointers point into the arrays.
 * ERR_FORMAT: see *@fault.  ERR_LIMIT: the arrays are too small.  Cost: one pass.
 */
__attribute__((warn_unused_result)) enum error bwl_read(const char *text, size_t len,
							const struct bwl_arrays *arrays,
							struct workload *workload,
							struct bwl_fault *fault);
