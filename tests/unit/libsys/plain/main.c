/* SPDX-License-Identifier: BSD-2-Clause */
#include "criterion/criterion.h"

struct plain_test *plain_tests;

int main(void)
{
	for (struct plain_test *test = plain_tests; test; test = test->next) {
		test->body();
		printf("%s\n", test->name);
	}
	return 0;
}
