/* SPDX-License-Identifier: BSD-2-Clause */
#include "nodes.h"

#include "memory.h"

static uint32_t node_new(void *context)
{
	(void)context;
	return frame_new(0);
}

static void node_free(void *context, uint32_t node)
{
	(void)context;
	frame_drop(node);
}

const struct pagemap_ops nodes_ops = {
	.node_new = node_new,
	.node_free = node_free,
	.nodes = (uint64_t *)MM_WINDOW_VADDR,
};
