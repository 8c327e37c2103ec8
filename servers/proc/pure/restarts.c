/* SPDX-License-Identifier: BSD-2-Clause */
#include "restarts.h"

#define LIMIT_NS_MAX ((UINT64_MAX - RESTARTS_NS) / (2ull * RESTARTS_MAX))

static uint64_t window_length(uint64_t limit_ns)
{
	if (limit_ns > LIMIT_NS_MAX)
		return UINT64_MAX;
	return RESTARTS_NS + 2ull * RESTARTS_MAX * limit_ns;
}

bool restarts_allow(struct restarts *restarts, uint64_t now_ns, uint64_t limit_ns)
{
	if (restarts->count == 0 || now_ns - restarts->window_ns > window_length(limit_ns)) {
		restarts->window_ns = now_ns;
		restarts->count = 0;
	}
	if (restarts->count == RESTARTS_MAX)
		return false;
	restarts->count++;
	return true;
}
