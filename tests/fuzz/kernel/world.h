/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the fuzzed machine. */
#pragma once

#include <kern/tcb.h>

#define WORLD_RAM_BYTES (32u << 20)
#define WORLD_ASIDS     16u

void machine_boot(void);

/* The first thread, before the CPUs start. */
void janitor_make(void);
extern struct tcb *janitor;

/* All links of the derivation tree below a slot, and what the slots say of their objects. */
void tree_check(const struct cap_slot *slot);

/* All that was ever derived from the janitor's capabilities. */
void world_check(void);
