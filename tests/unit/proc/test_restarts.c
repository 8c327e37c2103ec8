/* SPDX-License-Identifier: BSD-2-Clause */
/* How often a scheduler server that fails is replaced.  <restarts.h> */
#include <criterion/criterion.h>

#include "restarts.h"

#define S     1000000000ull
#define LIMIT (1 * S)

/* Failures in a row, `gap` apart from `now` on, that are followed by a replacement; at most `most`. */
static unsigned allowed(struct restarts *restarts, uint64_t now, uint64_t gap, uint64_t limit,
			unsigned most)
{
	unsigned count = 0;

	while (count < most && restarts_allow(restarts, now + count * gap, limit))
		count++;
	return count;
}

Test(restarts, failures_at_once_are_given_up)
{
	struct restarts restarts = {0};

	cr_assert_eq(allowed(&restarts, 5, 1000, LIMIT, 100), RESTARTS_MAX);
}

/* Each of them holds the CPUs for the whole limit, on one CPU after the other. */
Test(restarts, failures_that_take_the_limit_are_given_up)
{
	for (uint64_t limit = S / 10; limit <= 100 * S; limit *= 10) {
		struct restarts restarts = {0};

		cr_assert_eq(allowed(&restarts, 0, limit, limit, 100), RESTARTS_MAX);
		restarts = (struct restarts){0};
		cr_assert_eq(allowed(&restarts, 0, 3 * limit, limit, 100),
			     3 * limit * RESTARTS_MAX <= RESTARTS_NS + 16 * limit ? RESTARTS_MAX
										  : 100);
	}
}

Test(restarts, one_now_and_then_is_replaced_for_ever)
{
	struct restarts restarts = {0};

	cr_assert_eq(allowed(&restarts, 0, 4 * S, LIMIT, 1000), 1000);
}

Test(restarts, given_up_is_until_the_window_ends)
{
	struct restarts restarts = {0};

	cr_assert_eq(allowed(&restarts, 7 * S, 1, LIMIT, 100), RESTARTS_MAX);
	cr_assert_not(restarts_allow(&restarts, 7 * S + RESTARTS_NS + 16 * LIMIT, LIMIT));
	cr_assert(restarts_allow(&restarts, 7 * S + RESTARTS_NS + 16 * LIMIT + 1, LIMIT));
	cr_assert_eq(allowed(&restarts, 40 * S, 1, LIMIT, 100), RESTARTS_MAX - 1);
}

Test(restarts, no_limit_is_too_great)
{
	struct restarts restarts = {0};

	cr_assert_eq(allowed(&restarts, 0, UINT64_MAX / 100, UINT64_MAX, 100), RESTARTS_MAX);
}
