/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Endpoint: where senders and receivers meet.  Its queue holds senders or receivers, never both.
 * A queued receiver without a payer is passive: it can be called, not sent to.
 * Bad at: many plain senders in front of many passive receivers (the search is linear).
 */
#pragma once

#include <kern/waitable.h>

struct endpoint {
	struct waitable wait;
};

_Static_assert(sizeof(struct endpoint) <= 64, "OBJECT_LIST gives an endpoint 64 bytes");
