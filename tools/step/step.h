/* SPDX-License-Identifier: BSD-2-Clause */
/* baton-step: the parts that main.c puts together.  Host program. */
#pragma once

#include <policy.h>
#include <stdio.h>

/* ---- line.c: one line of the input ---- */

enum step_op { STEP_NONE, STEP_ENQUEUE, STEP_RUN, STEP_DEQUEUE, STEP_REWEIGHT, STEP_SLICE };

struct step_line {
	enum step_op op;
	uint64_t tid;
	uint64_t ns;
	uint64_t weight;
	uint64_t slice_ns;
	struct policy_number lag_ns;
	bool new;
	bool background;
	uint64_t priority;
};

/* Name of an operation, as in the input. */
const char *step_op_name(enum step_op op);

/* Parse a line (changed by this).  An empty or comment line is STEP_NONE.  False: `message` (of
 * `message_bytes`) says what is wrong. */
bool step_line_parse(char *text, struct step_line *line, char *message, size_t message_bytes);

/* ---- queue.c: the run queue that the operations work on ---- */

struct step_queue;

/* NULL: out of memory. */
struct step_queue *step_queue_make(const struct policy_ops *ops);
void step_queue_free(struct step_queue *queue);

/* What an operation led to. */
struct step_result {
	bool request_done;
	bool left; /* dequeue: lag_ns is valid */
	bool bug;  /* of the policy, not of the input */
	struct policy_number lag_ns;
};

/* False: `message` says why not, and nothing changed; or, if result->bug, what the policy did wrong. */
bool step_queue_apply(struct step_queue *queue, const struct step_line *line,
		      struct step_result *result, char *message, size_t message_bytes);

/* Does the policy find its queue in order?  Else as step_queue_apply(). */
bool step_queue_check(const struct step_queue *queue, char *message, size_t message_bytes);

/* How the policy describes the queue, for people. */
void step_queue_dump(const struct step_queue *queue, FILE *out);

/* Print the state after an operation as one JSON object on one line. */
void step_queue_print(struct step_queue *queue, const struct step_line *line,
		      const struct step_result *result, FILE *out);
