/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and CPU lists in text. */
#include <base/parse.h>
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void expect_u64(const char *text, enum error err, uint64_t expected)
{
	uint64_t value = 77;

	cr_expect_eq(parse_u64(text, strlen(text), &value), err, "%s", text);
	cr_expect_eq(value, err == ERR_OK ? expected : 77, "%s gave %" PRIu64, text, value);
}

Test(parse, numbers)
{
	expect_u64("0", ERR_OK, 0);
	expect_u64("007", ERR_OK, 7);
	expect_u64("18446744073709551615", ERR_OK, UINT64_MAX);
	expect_u64("18446744073709551616", ERR_RANGE, 0);
	expect_u64("99999999999999999999999", ERR_RANGE, 0);
	expect_u64("99999999999999999999999z", ERR_FORMAT, 0);
	expect_u64("0xffffffffffffffff", ERR_OK, UINT64_MAX);
	expect_u64("0x10000000000000000", ERR_RANGE, 0);
	expect_u64("0xAbC", ERR_OK, 0xabc);
	expect_u64("0x", ERR_FORMAT, 0);
	expect_u64("", ERR_FORMAT, 0);
	expect_u64("-1", ERR_FORMAT, 0);
	expect_u64("1 ", ERR_FORMAT, 0);
	expect_u64("1a", ERR_FORMAT, 0);
}

Test(parse, signed_numbers)
{
	int64_t value;

	cr_expect(parse_i64("-9223372036854775808", 20, &value) == ERR_OK && value == INT64_MIN);
	cr_expect(parse_i64("9223372036854775807", 19, &value) == ERR_OK && value == INT64_MAX);
	cr_expect_eq(parse_i64("9223372036854775808", 19, &value), ERR_RANGE);
	cr_expect_eq(parse_i64("-9223372036854775809", 20, &value), ERR_RANGE);
	cr_expect(parse_i64("-5", 2, &value) == ERR_OK && value == -5);
	cr_expect_eq(parse_i64("-", 1, &value), ERR_FORMAT);
	cr_expect_eq(parse_i64("--5", 3, &value), ERR_FORMAT);
}

static void expect_list(const char *text, uint32_t cpus, enum error err, uint64_t low)
{
	struct cpumask mask;

	cr_expect_eq(parse_cpu_list(text, strlen(text), cpus, &mask), err, "%s", text);
	if (err == ERR_OK)
		cr_expect_eq(mask.bits[0], low, "%s", text);
}

Test(parse, cpu_lists)
{
	expect_list("0", 1, ERR_OK, 1);
	expect_list("0-3,6", 8, ERR_OK, 0x4f);
	expect_list("6,0-3,2", 8, ERR_OK, 0x4f);
	expect_list("all", 4, ERR_OK, 0xf);
	expect_list("0-127", 128, ERR_OK, UINT64_MAX);
	expect_list("0-255", 1000, ERR_OK, UINT64_MAX);
	expect_list("256", 1000, ERR_RANGE, 0);
	expect_list("8", 8, ERR_RANGE, 0);
	expect_list("3-1", 8, ERR_RANGE, 0);
	expect_list("0-18446744073709551615", 8, ERR_RANGE, 0);
	expect_list("", 8, ERR_FORMAT, 0);
	expect_list(",", 8, ERR_FORMAT, 0);
	expect_list("1,", 8, ERR_FORMAT, 0);
	expect_list("1-", 8, ERR_FORMAT, 0);
	expect_list("-1", 8, ERR_FORMAT, 0);
	expect_list("1-2-3", 8, ERR_FORMAT, 0);
	expect_list("al", 8, ERR_FORMAT, 0);
}

Test(parse, cpu_lists_round_trip)
{
	uint64_t state = 11;
	char text[CPU_LIST_BYTES_MAX];

	for (int round = 0; round < 20000; round++) {
		struct cpumask mask = cpumask_none();
		struct cpumask back;
		size_t len;

		for (size_t word = 0; word < CPUMASK_WORDS; word++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			mask.bits[word] = round % 3 == 0 ? state & (state << 7)
							 : state | state >> 9;
		}
		if (round == 1)
			for (size_t word = 0; word < CPUMASK_WORDS; word++)
				mask.bits[word] = 0xaaaaaaaaaaaaaaaa;
		len = format_cpu_list(&mask, text);
		cr_assert(len == strlen(text) && len < CPU_LIST_BYTES_MAX);
		cr_assert(parse_cpu_list(text, len, CPUS_MAX, &back) == ERR_OK);
		cr_assert(cpumask_equal(&mask, &back));
	}
}
