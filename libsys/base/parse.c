/* SPDX-License-Identifier: BSD-2-Clause */
/* Numbers and CPU lists in text.  See parse.h. */
#include <base/bytes.h>
#include <base/parse.h>

static uint64_t digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (uint64_t)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (uint64_t)(c - 'a') + 10;
	if (c >= 'A' && c <= 'F')
		return (uint64_t)(c - 'A') + 10;
	return UINT64_MAX;
}

enum error parse_u64(const char *text, size_t len, uint64_t *value)
{
	uint64_t base = 10;
	uint64_t sum = 0;
	size_t i = 0;

	if (len > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		i = 2;
	}
	if (i == len)
		return ERR_FORMAT;
	for (; i < len; i++) {
		uint64_t digit = digit_of(text[i]);

		if (digit >= base)
			return ERR_FORMAT;
		if (sum > (UINT64_MAX - digit) / base) {
			/* Still a number only if the rest is digits too. */
			for (; i < len; i++)
				if (digit_of(text[i]) >= base)
					return ERR_FORMAT;
			return ERR_RANGE;
		}
		sum = sum * base + digit;
	}
	*value = sum;
	return ERR_OK;
}

enum error parse_i64(const char *text, size_t len, int64_t *value)
{
	bool negative = len > 0 && text[0] == '-';
	uint64_t magnitude;
	enum error err = parse_u64(text + negative, len - negative, &magnitude);

	if (err != ERR_OK)
		return err;
	if (magnitude > (uint64_t)INT64_MAX + negative)
		return ERR_RANGE;
	/* Negated as unsigned: INT64_MIN has no positive counterpart. */
	*value = (int64_t)(negative ? 0 - magnitude : magnitude);
	return ERR_OK;
}

/* One number or range, @text[0..len). */
static enum error cpu_range_add(const char *text, size_t len, uint32_t cpus, struct cpumask *mask)
{
	size_t dash = 0;
	uint64_t from = 0;
	uint64_t to;
	enum error err;

	while (dash < len && text[dash] != '-')
		dash++;
	err = parse_u64(text, dash, &from);
	to = from;
	if (err == ERR_OK && dash < len)
		err = parse_u64(text + dash + 1, len - dash - 1, &to);
	if (err != ERR_OK)
		return err;
	if (to < from || to >= cpus)
		return ERR_RANGE;
	for (uint32_t cpu = (uint32_t)from; cpu <= (uint32_t)to; cpu++)
		cpumask_set(mask, cpu);
	return ERR_OK;
}

enum error parse_cpu_list(const char *text, size_t len, uint32_t cpus, struct cpumask *mask)
{
	enum error err = ERR_OK;
	size_t start = 0;

	if (cpus > CPUS_MAX)
		cpus = CPUS_MAX;
	if (str_equal_n(text, len, "all")) {
		*mask = cpumask_first(cpus);
		return cpus > 0 ? ERR_OK : ERR_RANGE;
	}
	*mask = cpumask_none();
	while (err == ERR_OK && start <= len) {
		size_t end = start;

		while (end < len && text[end] != ',')
			end++;
		err = cpu_range_add(text + start, end - start, cpus, mask);
		start = end + 1;
	}
	return err;
}

size_t format_u64(uint64_t value, char text[20])
{
	char reversed[20];
	size_t len = 0;

	do {
		reversed[len++] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	for (size_t i = 0; i < len; i++)
		text[i] = reversed[len - 1 - i];
	return len;
}

size_t format_cpu_list(const struct cpumask *mask, char text[CPU_LIST_BYTES_MAX])
{
	size_t len = 0;
	uint32_t cpu = cpumask_next(mask, 0);

	/* At worst every second CPU: 64 numbers of at most three digits and a comma. */
	while (cpu < CPUS_MAX) {
		uint32_t last = cpu;

		while (last + 1 < CPUS_MAX && cpumask_test(mask, last + 1))
			last++;
		if (len > 0)
			text[len++] = ',';
		len += format_u64(cpu, text + len);
		if (last > cpu) {
			text[len++] = '-';
			len += format_u64(last, text + len);
		}
		cpu = cpumask_next(mask, last + 1);
	}
	text[len] = '\0';
	return len;
}
