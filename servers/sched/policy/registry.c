/* SPDX-License-Identifier: BSD-2-Clause */
/* The policies that this build knows. */
#include "policy.h"
#include <base/nice.h>

#define X(name) &policy_##name,
const struct policy_ops *const policies[] = {POLICY_LIST(X)};
#undef X
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

uint32_t policy_weight_of_nice(int nice)
{
	return nice_weight(nice);
}
