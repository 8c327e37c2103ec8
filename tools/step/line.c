/* SPDX-License-Identifier: BSD-2-Clause */
/* baton-step: `operation key=value key=value ...  # comment` */
#include "step.h"
#include <base/math.h>
#include <stdlib.h>
#include <string.h>

static const char *const op_names[] = {
	[STEP_NONE] = "",           [STEP_ENQUEUE] = "enqueue",   [STEP_RUN] = "run",
	[STEP_DEQUEUE] = "dequeue", [STEP_REWEIGHT] = "reweight", [STEP_SLICE] = "slice",
};

enum key {
	KEY_TID,
	KEY_WEIGHT,
	KEY_SLICE,
	KEY_LAG,
	KEY_NS,
	KEY_NEW,
	KEY_CLASS,
	KEY_PRIORITY,
	KEYS
};

static const char *const key_names[KEYS] = {
	"tid", "weight", "slice_ns", "lag_ns", "ns", "new", "class", "priority",
};

#define NS_MAX (UINT64_C(1) << 50) /* of a run, and of a lag either way: 13 days */

/* What a value looks like. */
static const char *const key_values[KEYS] = {
	[KEY_TID] = "a whole number",           [KEY_WEIGHT] = "a whole number",
	[KEY_SLICE] = "a whole number",         [KEY_LAG] = "a decimal number, -2^50 to 2^50",
	[KEY_NS] = "a whole number, 0 to 2^50", [KEY_NEW] = "0 or 1",
	[KEY_CLASS] = "normal or background",   [KEY_PRIORITY] = "a whole number",
};

#define KEY_BIT(key) (1u << (key))

static const struct {
	uint32_t needed;
	uint32_t allowed;
} op_keys[] = {
	[STEP_NONE] = {0, 0},
	[STEP_ENQUEUE] = {KEY_BIT(KEY_TID), KEY_BIT(KEY_TID) | KEY_BIT(KEY_WEIGHT) |
						    KEY_BIT(KEY_SLICE) | KEY_BIT(KEY_LAG) |
						    KEY_BIT(KEY_NEW) | KEY_BIT(KEY_CLASS) |
						    KEY_BIT(KEY_PRIORITY)},
	[STEP_RUN] = {KEY_BIT(KEY_TID) | KEY_BIT(KEY_NS), KEY_BIT(KEY_TID) | KEY_BIT(KEY_NS)},
	[STEP_DEQUEUE] = {KEY_BIT(KEY_TID), KEY_BIT(KEY_TID)},
	[STEP_REWEIGHT] = {KEY_BIT(KEY_TID) | KEY_BIT(KEY_WEIGHT),
			   KEY_BIT(KEY_TID) | KEY_BIT(KEY_WEIGHT)},
	[STEP_SLICE] = {KEY_BIT(KEY_TID) | KEY_BIT(KEY_SLICE),
			KEY_BIT(KEY_TID) | KEY_BIT(KEY_SLICE)},
};

const char *step_op_name(enum step_op op)
{
	return op_names[op];
}

/* Digits up to the first other character; false if there are none or too many. */
static bool digits_parse(const char **text, uint64_t *value)
{
	const char *at = *text;
	uint64_t result = 0;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(result, UINT64_C(10), &result) ||
		    __builtin_add_overflow(result, (uint64_t)(*at - '0'), &result))
			return false;
	}
	const bool any = at != *text;
	*text = at;
	*value = result;
	return any;
}

static bool u64_parse(const char *text, uint64_t *value)
{
	return digits_parse(&text, value) && *text == '\0';
}

/* A decimal, to nine digits after the point, with or without an exponent. */
static bool decimal_parse(const char *text, uint64_t *whole, uint64_t *billionths)
{
	const char *const start = text;
	*billionths = 0;
	if (!digits_parse(&text, whole))
		return false;
	if (*text == '.') {
		uint64_t scale = 100000000;
		const char *const point = text;
		for (text++; *text >= '0' && *text <= '9'; text++, scale /= 10)
			*billionths += (uint64_t)(*text - '0') * scale;
		if (text == point + 1)
			return false;
	}
	if (*text == 'e' || *text == 'E') {
		char *end;
		const long double all = strtold(start, &end);
		if (*end != '\0' || all > (long double)NS_MAX)
			return false;
		*whole = (uint64_t)all;
		*billionths = (uint64_t)((all - (long double)*whole) * 1e9L);
		return true;
	}
	return *text == '\0';
}

static bool number_parse(const char *text, struct policy_number *number)
{
	const bool negative = *text == '-';
	uint64_t whole;
	uint64_t billionths;
	if (!decimal_parse(negative ? text + 1 : text, &whole, &billionths) || whole > NS_MAX)
		return false;
	const uint64_t frac = ((billionths << 32) + 500000000u) / 1000000000u;
	int128_t value = ((int128_t)whole << 32) + (int128_t)frac;
	value = negative ? -value : value;
	number->whole = (int64_t)(value >> 32);
	number->frac = (uint32_t)value;
	return true;
}

static bool value_parse(enum key key, const char *text, struct step_line *line)
{
	uint64_t number;
	if (key == KEY_LAG)
		return number_parse(text, &line->lag_ns);
	if (key == KEY_CLASS) {
		line->background = strcmp(text, "background") == 0;
		return line->background || strcmp(text, "normal") == 0;
	}
	if (!u64_parse(text, &number))
		return false;
	switch (key) {
	case KEY_TID:
		line->tid = number;
		return true;
	case KEY_WEIGHT:
		line->weight = number;
		return true;
	case KEY_SLICE:
		line->slice_ns = number;
		return true;
	case KEY_NS:
		line->ns = number;
		return number <= NS_MAX;
	case KEY_PRIORITY:
		line->priority = number;
		return true;
	default:
		line->new = number == 1;
		return number <= 1;
	}
}

/* "tid, weight, ..." */
static const char *keys_of(enum step_op op, char *text, size_t bytes)
{
	size_t length = 0;

	for (uint32_t key = 0; key < KEYS && length < bytes; key++)
		if ((op_keys[op].allowed & KEY_BIT(key)) != 0)
			length += (size_t)snprintf(text + length, bytes - length, "%s%s",
						   length == 0 ? "" : ", ", key_names[key]);
	return text;
}

static bool pair_parse(char *pair, struct step_line *line, uint32_t *seen, char *message,
		       size_t message_bytes)
{
	char *equals = strchr(pair, '=');
	if (equals == NULL) {
		snprintf(message, message_bytes, "\"%.40s\" is not of the form key=value", pair);
		return false;
	}
	*equals = '\0';
	uint32_t key = 0;
	while (key < KEYS && strcmp(pair, key_names[key]) != 0)
		key++;
	if (key == KEYS || (op_keys[line->op].allowed & KEY_BIT(key)) == 0) {
		char keys[80];

		snprintf(message, message_bytes, "%s takes no key \"%.40s\"; its keys are %s",
			 op_names[line->op], pair, keys_of(line->op, keys, sizeof(keys)));
		return false;
	}
	if ((*seen & KEY_BIT(key)) != 0) {
		snprintf(message, message_bytes, "key \"%s\" is given twice", pair);
		return false;
	}
	*seen |= KEY_BIT(key);
	if (value_parse((enum key)key, equals + 1, line))
		return true;
	snprintf(message, message_bytes, "\"%.40s\" is no value for %s: %s", equals + 1, pair,
		 key_values[key]);
	return false;
}

static enum step_op op_parse(const char *word)
{
	for (uint32_t op = STEP_ENQUEUE; op <= STEP_SLICE; op++) {
		if (strcmp(word, op_names[op]) == 0)
			return (enum step_op)op;
	}
	return STEP_NONE;
}

bool step_line_parse(char *text, struct step_line *line, char *message, size_t message_bytes)
{
	static const char blanks[] = " \t\r\n";
	char *rest = NULL;
	uint32_t seen = 0;
	*line = (struct step_line){
		.weight = POLICY_WEIGHT_NICE_0,
		.slice_ns = POLICY_SLICE_NS_DEFAULT,
		.priority = POLICY_PRIORITY_DEFAULT,
	};
	text[strcspn(text, "#")] = '\0';
	const char *word = strtok_r(text, blanks, &rest);
	if (word == NULL)
		return true;
	line->op = op_parse(word);
	if (line->op == STEP_NONE) {
		snprintf(message, message_bytes,
			 "unknown operation \"%.40s\"; known: enqueue run dequeue reweight slice",
			 word);
		return false;
	}
	for (char *pair; (pair = strtok_r(NULL, blanks, &rest)) != NULL;) {
		if (!pair_parse(pair, line, &seen, message, message_bytes))
			return false;
	}
	const uint32_t missing = op_keys[line->op].needed & ~seen;
	if (missing != 0) {
		snprintf(message, message_bytes, "%s needs %s=", word,
			 key_names[__builtin_ctz(missing)]);
		return false;
	}
	if (line->background && (seen & KEY_BIT(KEY_WEIGHT)) == 0)
		line->weight = POLICY_WEIGHT_BACKGROUND;
	return true;
}
