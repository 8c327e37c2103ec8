/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot argument parser.  See bootargs.h. */
#include <base/bootargs.h>
#include <base/bytes.h>
#include <base/parse.h>
#include <base/reason.h>

const char *bootarg_reason_text(enum bootarg_reason reason)
{
	static const char *const texts[] = {BOOTARG_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, BOOTARG_REASON_COUNT, (uint32_t)reason);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static enum bootarg_reason flag_read(struct bootarg_value *value, bool has_value)
{
	static const struct {
		const char *word;
		uint64_t number;
	} words[] = {{"on", 1}, {"1", 1}, {"yes", 1}, {"off", 0}, {"0", 0}, {"no", 0}};

	value->number = 1;
	if (!has_value)
		return BOOTARG_FINE;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (str_equal_n(value->text, value->len, words[i].word)) {
			value->number = words[i].number;
			return BOOTARG_FINE;
		}
	}
	return BOOTARG_BAD_FLAG;
}

static enum bootarg_reason value_read(const struct bootarg_key *key, struct bootarg_value *value,
				      bool has_value)
{
	enum error err;

	if (key->kind == BOOTARG_FLAG)
		return flag_read(value, has_value);
	if (!has_value || value->len == 0)
		return BOOTARG_NO_VALUE;
	switch (key->kind) {
	case BOOTARG_NUMBER:
		err = parse_u64(value->text, value->len, &value->number);
		if (err == ERR_FORMAT)
			return BOOTARG_BAD_NUMBER;
		if (err != ERR_OK || value->number < key->min || value->number > key->max)
			return BOOTARG_OUT_OF_RANGE;
		return BOOTARG_FINE;
	case BOOTARG_CPUS:
		err = parse_cpu_list(value->text, value->len,
				     key->max == 0 || key->max > CPUS_MAX ? CPUS_MAX
									  : (uint32_t)key->max,
				     &value->cpus);
		if (err == ERR_FORMAT)
			return BOOTARG_BAD_CPUS;
		return err == ERR_OK ? BOOTARG_FINE : BOOTARG_OUT_OF_RANGE;
	default:
		return BOOTARG_FINE;
	}
}

/* One word without the white space around it. */
static enum bootarg_reason word_read(const char *word, size_t len, const struct bootarg_key *keys,
				     struct bootarg_value *values, size_t count)
{
	struct bootarg_value value = {.present = true};
	enum bootarg_reason reason;
	size_t key_len = 0;
	size_t i = 0;
	bool twice;

	while (key_len < len && word[key_len] != '=')
		key_len++;
	if (key_len == 0)
		return BOOTARG_NO_KEY;
	while (i < count && !str_equal_n(word, key_len, keys[i].name))
		i++;
	if (i == count)
		return BOOTARG_UNKNOWN_KEY;
	if (key_len < len) {
		value.text = word + key_len + 1;
		value.len = len - key_len - 1;
		if (value.len >= 2 && value.text[0] == '"' && value.text[value.len - 1] == '"') {
			value.text++;
			value.len -= 2;
		}
	}
	reason = value_read(&keys[i], &value, key_len < len);
	if (reason != BOOTARG_FINE)
		return reason;
	twice = values[i].present;
	values[i] = value;
	return twice ? BOOTARG_DUPLICATE : BOOTARG_FINE;
}

enum error bootargs_parse(const char *text, size_t len, const struct bootarg_key *keys,
			  struct bootarg_value *values, size_t count,
			  const struct bootarg_report *report)
{
	enum error err = ERR_OK;
	size_t at = 0;

	len = str_len_max(text, len);
	for (size_t i = 0; i < count; i++)
		values[i] = (struct bootarg_value){.present = false};
	for (;;) {
		enum bootarg_reason reason;
		bool quoted = false;
		size_t start;

		while (at < len && is_space(text[at]))
			at++;
		if (at == len)
			return err;
		start = at;
		for (; at < len && (quoted || !is_space(text[at])); at++)
			quoted = quoted != (text[at] == '"');
		reason = quoted ? BOOTARG_OPEN_QUOTE
				: word_read(text + start, at - start, keys, values, count);
		if (reason == BOOTARG_FINE)
			continue;
		err = ERR_ARG;
		if (report != NULL)
			report->call(report->context, reason, text + start, at - start);
	}
}
