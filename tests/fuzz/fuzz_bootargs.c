/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot arguments, and the numbers and CPU lists in them, against the C library and against themselves. */
#include "fuzz.h"

#include <base/bootargs.h>
#include <base/parse.h>
#include <errno.h>

static const struct bootarg_key keys[] = {
	{"cpus", BOOTARG_NUMBER, 1, CPUS_MAX}, {"sched", BOOTARG_STRING, 0, 0},
	{"log", BOOTARG_FLAG, 0, 0},           {"isolate", BOOTARG_CPUS, 0, 0},
	{"few", BOOTARG_CPUS, 0, 3},           {"big", BOOTARG_NUMBER, 0, UINT64_MAX},
	{"c", BOOTARG_STRING, 0, 0},
};
#define KEYS (sizeof(keys) / sizeof(keys[0]))

struct words {
	const char *text;
	size_t len;
	unsigned reports;
};

static void report(void *context, enum bootarg_reason reason, const char *word, size_t len)
{
	struct words *words = context;

	fuzz_check(reason > BOOTARG_FINE && reason < BOOTARG_REASON_COUNT);
	fuzz_touch(bootarg_reason_text(reason), 1);
	fuzz_check(word >= words->text && len <= words->len &&
		   (size_t)(word - words->text) <= words->len - len);
	fuzz_touch(word, len);
	words->reports++;
}

static void check_value(const struct words *words, const struct bootarg_key *key,
			const struct bootarg_value *value)
{
	if (!value->present)
		return;
	if (value->text != NULL)
		fuzz_check(value->text >= words->text &&
			   value->text + value->len <= words->text + words->len);
	fuzz_touch(value->text, value->len);
	if (key->kind == BOOTARG_NUMBER)
		fuzz_check(value->number >= key->min && value->number <= key->max);
	if (key->kind == BOOTARG_FLAG)
		fuzz_check(value->number <= 1);
	if (key->kind == BOOTARG_CPUS)
		for (uint32_t cpu = key->max == 0 ? CPUS_MAX : (uint32_t)key->max; cpu < CPUS_MAX;
		     cpu++)
			fuzz_check(!cpumask_test(&value->cpus, cpu));
}

static void check_arguments(const char *text, size_t len)
{
	struct words words = {.text = text, .len = len};
	const struct bootarg_report reporter = {report, &words};
	struct bootarg_value values[KEYS];
	struct bootarg_value again[KEYS];
	enum error error = bootargs_parse(text, len, keys, values, KEYS, &reporter);

	fuzz_check((error == ERR_OK) == (words.reports == 0) &&
		   (error == ERR_OK || error == ERR_ARG));
	for (size_t i = 0; i < KEYS; i++)
		check_value(&words, &keys[i], &values[i]);
	fuzz_check(bootargs_parse(text, len, keys, again, KEYS, NULL) == error);
	for (size_t i = 0; i < KEYS; i++)
		fuzz_check(again[i].present == values[i].present &&
			   again[i].text == values[i].text);
}

/* The oracle takes signs, blanks and octal, which the reader must not. */
static void check_number(const char *text, size_t len)
{
	char copy[64];
	char *end;
	uint64_t value;
	int64_t signed_value;
	bool hex = len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	enum error error = parse_u64(text, len, &value);

	if (parse_i64(text, len, &signed_value) == ERR_OK && signed_value >= 0 && text[0] != '-')
		fuzz_check(error == ERR_OK && value == (uint64_t)signed_value);
	if (len == 0 || len >= sizeof(copy)) {
		fuzz_check(len > 0 || error == ERR_FORMAT);
		return;
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (hex ? 2 + strspn(copy + 2, "0123456789abcdefABCDEF") != len
		: strspn(copy, "0123456789") != len) {
		fuzz_check(error == ERR_FORMAT || error == ERR_RANGE);
		return;
	}
	errno = 0;
	uint64_t expected = strtoull(hex ? copy + 2 : copy, &end, hex ? 16 : 10);

	if (*end != '\0')
		fuzz_check(error != ERR_OK);
	else if (errno == ERANGE)
		fuzz_check(error == ERR_RANGE);
	else
		fuzz_check(error == ERR_OK && value == expected);
}

static void check_cpus(const char *text, size_t len)
{
	char list[CPU_LIST_BYTES_MAX];
	struct cpumask mask;
	struct cpumask again;
	size_t bytes;

	for (uint32_t cpus = 1; cpus <= CPUS_MAX; cpus = cpus * 5 + 3) {
		if (parse_cpu_list(text, len, cpus, &mask) != ERR_OK)
			continue;
		for (uint32_t cpu = cpus; cpu < CPUS_MAX; cpu++)
			fuzz_check(!cpumask_test(&mask, cpu));
		bytes = format_cpu_list(&mask, list);
		fuzz_check(bytes < CPU_LIST_BYTES_MAX && list[bytes] == '\0');
		fuzz_check(parse_cpu_list(list, bytes, cpus, &again) == ERR_OK);
		fuzz_check(memcmp(&mask, &again, sizeof(mask)) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	const char *value = memchr(data, '=', size);
	size_t len;

	check_arguments(text, size);
	check_number(text, size);
	check_cpus(text, size);
	if (value == NULL)
		return 0;
	value++;
	len = size - (size_t)(value - text);
	check_number(value, len);
	check_cpus(value, len);
	return 0;
}
