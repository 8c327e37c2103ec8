/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints.  See <kern/endpoint.h>. */
#include <kern/endpoint.h>
#include <kern/thread.h>

void endpoint_init(struct endpoint *endpoint)
{
	spin_init(&endpoint->wait.lock, LOCK_ENDPOINT);
	list_init(&endpoint->wait.queue);
}

bool endpoint_destroy(struct endpoint *endpoint)
{
	return wait_destroy(&endpoint->wait);
}
