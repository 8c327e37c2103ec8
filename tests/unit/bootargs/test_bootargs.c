/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot arguments: what is understood, what is reported and how. */
#include <base/bootargs.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCHED, TICKS, TRACE, CPUS, KEYS };

static const struct bootarg_key keys[KEYS] = {
	[SCHED] = {.name = "sched", .kind = BOOTARG_STRING},
	[TICKS] = {.name = "sched.slice_us", .kind = BOOTARG_NUMBER, .min = 10, .max = 5000},
	[TRACE] = {.name = "trace", .kind = BOOTARG_FLAG},
	[CPUS] = {.name = "cpus", .kind = BOOTARG_CPUS, .max = 8},
};

static struct bootarg_value values[KEYS];
static char reported[512];

static void report(void *context, enum bootarg_reason reason, const char *word, size_t len)
{
	size_t used = strlen(reported);

	cr_assert_eq(context, (void *)values);
	cr_assert(bootarg_reason_text(reason)[0] != '\0');
	snprintf(reported + used, sizeof(reported) - used, "%d:%.*s;", (int)reason, (int)len, word);
}

static enum error parse(const char *text)
{
	const struct bootarg_report reporter = {report, values};
	size_t len = strlen(text);
	/* Exact size, no NUL: a read too far is seen. */
	char *exact = malloc(len > 0 ? len : 1);
	enum error err;

	memcpy(exact, text, len);
	reported[0] = '\0';
	err = bootargs_parse(exact, len, keys, values, KEYS, &reporter);
	cr_assert((err == ERR_OK) == (reported[0] == '\0'));
	for (size_t i = 0; i < KEYS; i++)
		if (values[i].present && values[i].text != NULL)
			cr_assert(values[i].text >= exact &&
				  values[i].text + values[i].len <= exact + len);
	free(exact);
	return err;
}

static void expect_report(const char *text, const char *expected)
{
	cr_expect_eq(parse(text), ERR_ARG);
	cr_expect_str_eq(reported, expected, "%s: %s", text, reported);
}

Test(bootargs, reads_each_kind)
{
	const char *text = "  sched=eevdf\tsched.slice_us=0x100 trace\ncpus=0-2,7 ";

	cr_assert_eq(bootargs_parse(text, strlen(text), keys, values, KEYS, NULL), ERR_OK);
	cr_expect(values[SCHED].present && values[SCHED].len == 5 &&
		  memcmp(values[SCHED].text, "eevdf", 5) == 0);
	cr_expect_eq(values[TICKS].number, 256);
	cr_expect(values[TRACE].present && values[TRACE].number == 1);
	cr_expect(values[CPUS].cpus.bits[0] == 0x87 && values[CPUS].cpus.bits[1] == 0);
}

Test(bootargs, reads_nothing_from_nothing)
{
	cr_expect_eq(parse(""), ERR_OK);
	cr_expect_eq(parse(" \t\n "), ERR_OK);
	for (size_t i = 0; i < KEYS; i++)
		cr_expect(!values[i].present);
	cr_expect_eq(bootargs_parse("sched=a\0sched=b", 15, keys, values, KEYS, NULL), ERR_OK,
		     "a NUL ends the text");
}

Test(bootargs, flags_and_quotes)
{
	const char *text = "sched=\"a b=c\" trace=off";

	cr_assert_eq(bootargs_parse(text, strlen(text), keys, values, KEYS, NULL), ERR_OK);
	cr_expect(values[SCHED].len == 5 && memcmp(values[SCHED].text, "a b=c", 5) == 0);
	cr_expect(values[TRACE].present && values[TRACE].number == 0);
	cr_expect_eq(parse("trace=yes"), ERR_OK);
	cr_expect_eq(values[TRACE].number, 1);
}

Test(bootargs, reports_faults_and_goes_on)
{
	char text[64];

	expect_report("console=ttyAMA0 sched=rr", "1:console=ttyAMA0;");
	cr_expect(values[SCHED].present);
	expect_report("sched=rr sched=fifo", "2:sched=fifo;");
	cr_expect_eq(values[SCHED].len, 4);
	expect_report("=7 trace", "3:=7;");
	cr_expect(values[TRACE].present);
	expect_report("sched", "4:sched;");
	expect_report("sched=", "4:sched=;");
	expect_report("sched.slice_us=ten", "5:sched.slice_us=ten;");
	expect_report("sched.slice_us=-1", "5:sched.slice_us=-1;");
	expect_report("sched.slice_us=9", "6:sched.slice_us=9;");
	cr_expect(!values[TICKS].present);
	expect_report("sched.slice_us=5001", "6:sched.slice_us=5001;");
	snprintf(text, sizeof(text), "sched.slice_us=%s", "18446744073709551617");
	cr_expect_eq(parse(text), ERR_ARG);
	cr_expect(strncmp(reported, "6:", 2) == 0);
	expect_report("trace=maybe", "7:trace=maybe;");
	expect_report("cpus=0,,1", "8:cpus=0,,1;");
	expect_report("cpus=8", "6:cpus=8;");
	expect_report("trace sched=\"eevdf rr", "9:sched=\"eevdf rr;");
	cr_expect(values[TRACE].present);
	/* A key that another begins with is another key. */
	expect_report("sche=rr schedx=rr", "1:sche=rr;1:schedx=rr;");
}

Test(bootargs, survives_noise)
{
	static const char alphabet[] = "sched.slice_us=traceon 0123456789x,-\"\t=cpus ";
	uint64_t state = 3;
	char text[80];

	for (int round = 0; round < 50000; round++) {
		size_t len;

		state = state * 6364136223846793005u + 1442695040888963407u;
		len = (state >> 40) % (sizeof(text) - 1);
		for (size_t i = 0; i < len; i++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			text[i] = alphabet[(state >> 33) % (sizeof(alphabet) - 1)];
		}
		text[len] = '\0';
		if (parse(text) != ERR_OK)
			cr_assert(reported[0] != '\0');
	}
}
