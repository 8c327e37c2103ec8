/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A second, simple account of what capability operations do: an array of slots with parent indices,
 * everything by searching.  It knows nothing of batches, anchors or versions.
 */
#pragma once

#include "world.h"

#define MODEL_SLOTS 512u /* node 0: the root CNode's slots 0..63; then CNodes of 8 slots */
#define MODEL_ROOT  64u
#define MODEL_CNODE 8u
#define MODEL_NODES ((MODEL_SLOTS - MODEL_ROOT) / MODEL_CNODE)
#define MODEL_NONE  0xffffffffu
#define MODEL_RADIX 3u

struct model_slot {
	enum object_type type;
	unsigned rights;
	unsigned bits;
	uint64_t badge; /* not of untyped memory */
	uint64_t watermark;
	uint64_t object;
	unsigned parent; /* index, or MODEL_NONE */
	unsigned node;   /* CNODE: where its slots are */
};

struct model {
	struct model_slot slots[MODEL_SLOTS];
	bool node_used[MODEL_NODES];
	unsigned destroyed; /* endpoints and notifications */
	unsigned threads;
};

extern struct model model;

void model_init(void);
unsigned model_node_slot(unsigned node, unsigned index);
bool model_has_children(unsigned slot);
enum error model_copy(unsigned dest, unsigned src, unsigned rights, bool mint, uint64_t badge);
enum error model_move(unsigned dest, unsigned src);
void model_delete(unsigned slot);
void model_revoke(unsigned slot);
enum error model_retype(unsigned untyped, enum object_type type, unsigned bits, unsigned count,
			unsigned dest);

/* Every slot of the model against the kernel's. */
void model_compare(void);
