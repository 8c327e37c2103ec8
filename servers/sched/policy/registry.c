/* SPDX-License-Identifier: BSD-2-Clause */
/* The policies that this build knows, and the table of nice values. */
#include "policy.h"

const struct policy_ops *const policies[] = {&policy_eevdf, &policy_rr, &policy_fifo};
const uint32_t policies_count = sizeof(policies) / sizeof(policies[0]);

static bool name_equal(const char *name, const char *other, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (name[i] == '\0' || name[i] != other[i])
			return false;
	}
	return name[length] == '\0';
}

const struct policy_ops *policy_find(const char *name, size_t length)
{
	for (uint32_t i = 0; i < policies_count; i++) {
		if (name_equal(policies[i]->name, name, length))
			return policies[i];
	}
	return NULL;
}

/* Each step is worth about 10 % of CPU: neighbours differ by a factor of 1.25.  The same numbers as
 * everywhere in the field, so that shares can be compared. */
static const uint32_t weights[40] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548,  7620,  6100,  4904,  3906,  3121,  2501,  1991,  1586,  1277,
	1024,  820,   655,   526,   423,   335,   272,   215,   172,   137,
	110,   87,    70,    56,    45,    36,    29,    23,    18,    15,
};

uint32_t policy_weight_of_nice(int nice)
{
	if (nice < -20)
		nice = -20;
	if (nice > 19)
		nice = 19;
	return weights[nice + 20];
}
