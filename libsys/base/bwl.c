/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader of the text form of workloads.  See bwl.h and docs/design/bwl.md. */
#include <base/bwl.h>
#include <base/bytes.h>
#include <base/parse.h>
#include <base/reason.h>

#define WORDS_MAX 6u

struct word {
	const char *text;
	size_t len;
};

struct reader {
	const char *text;
	size_t len;
	size_t at;
	uint32_t line;
	struct word words[WORDS_MAX];
	uint32_t word_count; /* WORDS_MAX + 1: too many */

	const struct bwl_arrays *arrays;
	struct workload *workload;
	struct bwl_counts declared;
	struct bwl_counts used;
	struct workload_task *task;   /* the one being read, or null */
	struct workload_phase *phase; /* likewise */
};

const char *bwl_reason_text(enum bwl_reason reason)
{
	static const char *const texts[] = {BWL_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, BWL_REASON_COUNT, (uint32_t)reason);
}

/* Splits the next line that is neither empty nor a comment; false at the end of the text. */
static bool line_next(struct reader *reader)
{
	while (reader->at < reader->len) {
		bool comment = false;

		reader->line++;
		reader->word_count = 0;
		while (reader->at < reader->len && reader->text[reader->at] != '\n') {
			size_t start = reader->at;

			while (reader->at < reader->len && reader->text[reader->at] != ' ' &&
			       reader->text[reader->at] != '\n')
				reader->at++;
			comment = comment || (reader->at > start && reader->text[start] == '#');
			if (!comment && reader->at > start) {
				if (reader->word_count < WORDS_MAX)
					reader->words[reader->word_count] = (struct word){
						reader->text + start, reader->at - start};
				if (reader->word_count <= WORDS_MAX)
					reader->word_count++;
			}
			while (reader->at < reader->len && reader->text[reader->at] == ' ')
				reader->at++;
		}
		reader->at++;
		if (reader->word_count > 0)
			return true;
	}
	return false;
}

static bool word_is(const struct reader *reader, uint32_t index, const char *word)
{
	return str_equal_n(reader->words[index].text, reader->words[index].len, word);
}

static enum bwl_reason number_read(const struct reader *reader, uint32_t index, uint64_t max,
				   uint64_t *value)
{
	const struct word *word = &reader->words[index];

	if (parse_u64(word->text, word->len, value) != ERR_OK || *value > max)
		return BWL_NUMBER;
	return BWL_FINE;
}

static enum bwl_reason u32_read(const struct reader *reader, uint32_t index, uint32_t max,
				uint32_t *value)
{
	uint64_t wide;
	enum bwl_reason reason = number_read(reader, index, max, &wide);

	if (reason == BWL_FINE)
		*value = (uint32_t)wide;
	return reason;
}

static enum bwl_reason loop_read(const struct reader *reader, uint32_t index, int64_t *loop)
{
	const struct word *word = &reader->words[index];

	if (parse_i64(word->text, word->len, loop) != ERR_OK ||
	    (*loop < 1 && *loop != WORKLOAD_LOOP_FOREVER))
		return BWL_NUMBER;
	return BWL_FINE;
}

static enum bwl_reason name_read(const struct reader *reader, uint32_t index,
				 char name[WORKLOAD_NAME_BYTES_MAX])
{
	const struct word *word = &reader->words[index];

	if (word->len >= WORKLOAD_NAME_BYTES_MAX)
		return BWL_NAME;
	/* As a workload file: a NUL would cut the name, and names are printed. */
	for (size_t i = 0; i < word->len; i++)
		if (word->text[i] <= ' ' || word->text[i] > '~')
			return BWL_NAME;
	bytes_copy(name, word->text, word->len);
	name[word->len] = '\0';
	return BWL_FINE;
}

static enum bwl_reason read_duration(struct reader *reader)
{
	if (reader->task != NULL)
		return BWL_ORDER;
	if (word_is(reader, 1, "never")) {
		reader->workload->duration_ns = TIME_NEVER;
		return BWL_FINE;
	}
	return number_read(reader, 1, UINT64_MAX - 1, &reader->workload->duration_ns);
}

static enum bwl_reason read_object(struct reader *reader)
{
	struct workload_object *object;
	uint32_t kind = WORKLOAD_OBJECT_NONE + 1;
	enum bwl_reason reason;

	if (reader->task != NULL)
		return BWL_ORDER;
	if (reader->used.objects == reader->declared.objects)
		return BWL_COUNTS;
	while (kind < WORKLOAD_OBJECT_COUNT &&
	       !word_is(reader, 1, workload_object_word((enum workload_object_kind)kind)))
		kind++;
	if (kind == WORKLOAD_OBJECT_COUNT)
		return BWL_WORD;
	object = &reader->arrays->objects[reader->used.objects++];
	*object = (struct workload_object){.kind = (enum workload_object_kind)kind};
	reason = name_read(reader, 2, object->name);
	if (reason == BWL_FINE)
		reason = u32_read(reader, 3, UINT32_MAX, &object->users);
	return reason;
}

/* Index of a group that was defined before, or "none". */
static enum bwl_reason group_ref(const struct reader *reader, uint32_t index, uint32_t *group)
{
	enum bwl_reason reason = BWL_FINE;

	*group = WORKLOAD_GROUP_NONE;
	if (word_is(reader, index, "none"))
		return BWL_FINE;
	reason = u32_read(reader, index, UINT32_MAX - 1, group);
	if (reason == BWL_FINE && *group >= reader->used.groups)
		reason = BWL_REF;
	return reason;
}

static uint32_t group_depth(const struct reader *reader, uint32_t group)
{
	uint32_t depth = 0;

	/* Parents come first, so this ends. */
	for (; group != WORKLOAD_GROUP_NONE; group = reader->arrays->groups[group].parent)
		depth++;
	return depth;
}

static enum bwl_reason read_group(struct reader *reader)
{
	struct workload_group *group;
	enum bwl_reason reason;

	if (reader->task != NULL)
		return BWL_ORDER;
	if (reader->used.groups == reader->declared.groups)
		return BWL_COUNTS;
	group = &reader->arrays->groups[reader->used.groups];
	*group = (struct workload_group){.parent = WORKLOAD_GROUP_NONE};
	reason = name_read(reader, 1, group->name);
	if (reason == BWL_FINE)
		reason = group_ref(reader, 2, &group->parent);
	if (reason == BWL_FINE)
		reason = u32_read(reader, 3, WEIGHT_LARGEST, &group->weight);
	if (reason == BWL_FINE)
		reason = number_read(reader, 4, UINT64_MAX, &group->quota_ns);
	if (reason == BWL_FINE)
		reason = number_read(reader, 5, WORKLOAD_GROUP_PERIOD_NS_MAX, &group->period_ns);
	if (reason != BWL_FINE)
		return reason;
	if (group->weight == 0 || group->period_ns < WORKLOAD_GROUP_PERIOD_NS_MIN ||
	    (group->quota_ns != 0 && group->quota_ns < WORKLOAD_GROUP_QUOTA_NS_MIN))
		return BWL_NUMBER;
	if (group_depth(reader, reader->used.groups) > WORKLOAD_GROUP_DEPTH_MAX)
		return BWL_DEPTH;
	reader->used.groups++;
	return BWL_FINE;
}

static bool parts_complete(const struct reader *reader)
{
	return (reader->task == NULL || reader->task->phase_count > 0) &&
	       (reader->phase == NULL || reader->phase->event_count > 0);
}

static enum bwl_reason read_task(struct reader *reader)
{
	if (!parts_complete(reader))
		return BWL_EMPTY;
	if (reader->used.tasks == reader->declared.tasks)
		return BWL_COUNTS;
	reader->task = &reader->arrays->tasks[reader->used.tasks++];
	reader->phase = NULL;
	*reader->task = (struct workload_task){
		.loop = WORKLOAD_LOOP_FOREVER,
		.start = true,
		.params = workload_params_default(),
	};
	return name_read(reader, 1, reader->task->name);
}

static enum bwl_reason read_phase(struct reader *reader)
{
	enum bwl_reason reason;

	if (reader->task == NULL)
		return BWL_ORDER;
	if (reader->phase != NULL && reader->phase->event_count == 0)
		return BWL_EMPTY;
	if (reader->used.phases == reader->declared.phases)
		return BWL_COUNTS;
	reader->phase = &reader->arrays->phases[reader->used.phases++];
	*reader->phase = (struct workload_phase){.params = workload_params_default()};
	if (reader->task->phase_count++ == 0)
		reader->task->phases = reader->phase;
	reason = name_read(reader, 1, reader->phase->name);
	return reason == BWL_FINE ? loop_read(reader, 2, &reader->phase->loop) : reason;
}

/* Lines that belong to a task as a whole. */
static enum bwl_reason read_task_field(struct reader *reader)
{
	uint32_t start = 0;
	enum bwl_reason reason;

	if (reader->task == NULL || reader->phase != NULL)
		return BWL_ORDER;
	if (word_is(reader, 0, "instance"))
		return u32_read(reader, 1, UINT32_MAX, &reader->task->instance);
	if (word_is(reader, 0, "delay_ns"))
		return number_read(reader, 1, UINT64_MAX, &reader->task->delay_ns);
	if (word_is(reader, 0, "loop"))
		return loop_read(reader, 1, &reader->task->loop);
	reason = u32_read(reader, 1, 1, &start);
	reader->task->start = start != 0;
	return reason;
}

static enum bwl_reason read_policy(struct reader *reader, struct workload_params *params)
{
	for (uint32_t i = 0; i < WORKLOAD_POLICY_COUNT; i++) {
		if (!word_is(reader, 1, workload_policy_word((enum workload_policy)i)))
			continue;
		params->policy = (enum workload_policy)i;
		params->set |= WORKLOAD_SET_POLICY;
		return BWL_FINE;
	}
	return BWL_WORD;
}

static enum bwl_reason read_nice(struct reader *reader, struct workload_params *params)
{
	const struct word *word = &reader->words[1];
	int64_t nice;

	if (parse_i64(word->text, word->len, &nice) != ERR_OK || nice < NICE_LOWEST ||
	    nice > NICE_HIGHEST)
		return BWL_NUMBER;
	params->nice = (int32_t)nice;
	params->set |= WORKLOAD_SET_NICE;
	return BWL_FINE;
}

static enum bwl_reason params_line(struct reader *reader, struct workload_params *params)
{
	const struct word *word = &reader->words[1];

	if (word_is(reader, 0, "nice"))
		return read_nice(reader, params);
	if (word_is(reader, 0, "policy"))
		return read_policy(reader, params);
	if (word_is(reader, 0, "cpus")) {
		params->set |= WORKLOAD_SET_CPUS;
		return parse_cpu_list(word->text, word->len, CPUS_MAX, &params->cpus) == ERR_OK
			       ? BWL_FINE
			       : BWL_CPUS;
	}
	if (word_is(reader, 0, "slice_ns")) {
		params->set |= WORKLOAD_SET_SLICE;
		return number_read(reader, 1, UINT64_MAX - 1, &params->slice_ns);
	}
	if (word_is(reader, 0, "period_ns")) {
		params->set |= WORKLOAD_SET_PERIOD;
		return number_read(reader, 1, UINT64_MAX - 1, &params->period_ns);
	}
	if (word_is(reader, 0, "in")) {
		params->set |= WORKLOAD_SET_GROUP;
		return group_ref(reader, 1, &params->group);
	}
	if (word_is(reader, 0, "priority")) {
		params->set |= WORKLOAD_SET_PRIORITY;
		return u32_read(reader, 1, 99, &params->priority);
	}
	params->set |= WORKLOAD_SET_WEIGHT;
	if (u32_read(reader, 1, WEIGHT_LARGEST, &params->weight) != BWL_FINE || params->weight == 0)
		return BWL_NUMBER;
	return BWL_FINE;
}

/* Lines that belong to a phase if one has begun, else to the task. */
static enum bwl_reason read_params(struct reader *reader)
{
	struct workload_params *params;
	enum bwl_reason reason;

	if (reader->task == NULL || (reader->phase != NULL && reader->phase->event_count > 0))
		return BWL_ORDER;
	params = reader->phase != NULL ? &reader->phase->params : &reader->task->params;
	reason = params_line(reader, params);
	if (reason == BWL_FINE)
		params->weight = workload_params_weight(params);
	return reason;
}

static enum bwl_reason object_ref(const struct reader *reader, uint32_t index,
				  enum workload_object_kind kind, uint32_t *ref)
{
	enum bwl_reason reason = u32_read(reader, index, UINT32_MAX, ref);

	if (reason != BWL_FINE)
		return reason;
	if (*ref >= reader->used.objects || reader->arrays->objects[*ref].kind != kind)
		return BWL_REF;
	return BWL_FINE;
}

static enum bwl_reason timer_operands(const struct reader *reader, struct workload_event *event)
{
	enum bwl_reason reason = number_read(reader, 1, UINT64_MAX - 1, &event->ns);

	if (reason == BWL_FINE)
		reason = object_ref(reader, 2, WORKLOAD_OBJECT_TIMER, &event->ref);
	event->absolute = word_is(reader, 3, "absolute");
	if (reason == BWL_FINE && !event->absolute && !word_is(reader, 3, "relative"))
		reason = BWL_WORD;
	return reason;
}

static enum bwl_reason event_operands(const struct reader *reader, struct workload_event *event)
{
	static const uint32_t words[] = {1, 2, 4, 2, 3, 2};
	enum workload_operand operand = workload_event_operand(event->kind);
	enum workload_object_kind object = workload_event_object(event->kind);
	enum bwl_reason reason;

	if (reader->word_count != words[operand])
		return BWL_LINE;
	switch (operand) {
	case WORKLOAD_OPERAND_NS:
		return number_read(reader, 1, UINT64_MAX - 1, &event->ns);
	case WORKLOAD_OPERAND_TIMER:
		return timer_operands(reader, event);
	case WORKLOAD_OPERAND_OBJECT:
		return object_ref(reader, 1, object, &event->ref);
	case WORKLOAD_OPERAND_WAIT:
		reason = object_ref(reader, 1, object, &event->ref);
		if (reason == BWL_FINE)
			reason = object_ref(reader, 2, WORKLOAD_OBJECT_MUTEX, &event->mutex);
		return reason;
	case WORKLOAD_OPERAND_TASK:
		reason = u32_read(reader, 1, UINT32_MAX, &event->ref);
		if (reason == BWL_FINE && event->ref >= reader->declared.tasks)
			reason = BWL_REF;
		return reason;
	default:
		return BWL_FINE;
	}
}

/* The line's first word is an event's. */
static enum bwl_reason read_event(struct reader *reader, enum workload_event_kind kind)
{
	struct workload_event *event;

	if (reader->phase == NULL)
		return BWL_ORDER;
	if (reader->used.events == reader->declared.events)
		return BWL_COUNTS;
	event = &reader->arrays->events[reader->used.events++];
	*event = (struct workload_event){.kind = kind};
	if (reader->phase->event_count++ == 0)
		reader->phase->events = event;
	return event_operands(reader, event);
}

static enum bwl_reason line_read(struct reader *reader)
{
	static const struct {
		const char *word;
		uint32_t words;
		enum bwl_reason (*read)(struct reader *reader);
	} lines[] = {
		{"duration_ns", 2, read_duration},
		{"object", 4, read_object},
		{"group", 6, read_group},
		{"task", 2, read_task},
		{"phase", 3, read_phase},
		{"instance", 2, read_task_field},
		{"delay_ns", 2, read_task_field},
		{"loop", 2, read_task_field},
		{"start", 2, read_task_field},
		{"nice", 2, read_params},
		{"weight", 2, read_params},
		{"slice_ns", 2, read_params},
		{"period_ns", 2, read_params},
		{"cpus", 2, read_params},
		{"in", 2, read_params},
		{"policy", 2, read_params},
		{"priority", 2, read_params},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (word_is(reader, 0, lines[i].word))
			return reader->word_count == lines[i].words ? lines[i].read(reader)
								    : BWL_LINE;
	for (uint32_t i = 0; i < WORKLOAD_EVENT_COUNT; i++)
		if (word_is(reader, 0, workload_event_word((enum workload_event_kind)i)))
			return read_event(reader, (enum workload_event_kind)i);
	return BWL_LINE;
}

static enum bwl_reason head_read(struct reader *reader)
{
	if (!line_next(reader) || reader->word_count != 2 || !word_is(reader, 0, "bwl") ||
	    !word_is(reader, 1, "1"))
		return BWL_NOT_BWL;
	if (!line_next(reader) || reader->word_count < 5 || reader->word_count > 6 ||
	    !word_is(reader, 0, "counts") ||
	    u32_read(reader, 1, UINT32_MAX, &reader->declared.tasks) != BWL_FINE ||
	    u32_read(reader, 2, UINT32_MAX, &reader->declared.phases) != BWL_FINE ||
	    u32_read(reader, 3, UINT32_MAX, &reader->declared.events) != BWL_FINE ||
	    u32_read(reader, 4, UINT32_MAX, &reader->declared.objects) != BWL_FINE ||
	    (reader->word_count == 6 &&
	     u32_read(reader, 5, WORKLOAD_GROUPS_MAX, &reader->declared.groups) != BWL_FINE))
		return BWL_NO_COUNTS;
	return BWL_FINE;
}

enum error bwl_count(const char *text, size_t len, struct bwl_counts *counts,
		     struct bwl_fault *fault)
{
	struct reader reader = {.text = text, .len = len};

	fault->reason = head_read(&reader);
	fault->line = reader.line;
	*counts = reader.declared;
	return fault->reason == BWL_FINE ? ERR_OK : ERR_FORMAT;
}

static enum bwl_reason end_check(const struct reader *reader)
{
	if (!parts_complete(reader))
		return BWL_EMPTY;
	if (reader->used.tasks != reader->declared.tasks ||
	    reader->used.phases != reader->declared.phases ||
	    reader->used.events != reader->declared.events ||
	    reader->used.objects != reader->declared.objects ||
	    reader->used.groups != reader->declared.groups)
		return BWL_COUNTS;
	return BWL_FINE;
}

static bool arrays_hold(const struct bwl_counts *max, const struct bwl_counts *counts)
{
	return counts->tasks <= max->tasks && counts->phases <= max->phases &&
	       counts->events <= max->events && counts->objects <= max->objects &&
	       counts->groups <= max->groups;
}

static enum bwl_reason body_read(struct reader *reader)
{
	enum bwl_reason reason;

	while (line_next(reader)) {
		if (reader->word_count == 1 && word_is(reader, 0, "end"))
			return end_check(reader);
		reason = line_read(reader);
		if (reason != BWL_FINE)
			return reason;
	}
	return BWL_NO_END;
}

enum error bwl_read(const char *text, size_t len, const struct bwl_arrays *arrays,
		    struct workload *workload, struct bwl_fault *fault)
{
	struct reader reader = {.text = text, .len = len, .arrays = arrays, .workload = workload};

	*workload = (struct workload){
		.duration_ns = TIME_NEVER,
		.tasks = arrays->tasks,
		.objects = arrays->objects,
		.groups = arrays->groups,
	};
	fault->reason = head_read(&reader);
	if (fault->reason == BWL_FINE && !arrays_hold(&arrays->max, &reader.declared))
		fault->reason = BWL_LIMIT;
	if (fault->reason == BWL_FINE)
		fault->reason = body_read(&reader);
	fault->line = reader.line;
	if (fault->reason == BWL_LIMIT)
		return ERR_LIMIT;
	if (fault->reason != BWL_FINE)
		return ERR_FORMAT;
	workload->task_count = reader.used.tasks;
	workload->object_count = reader.used.objects;
	workload->group_count = reader.used.groups;
	return ERR_OK;
}
