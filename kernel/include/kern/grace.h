/* SPDX-License-Identifier: BSD-2-Clause */
/* Grace periods: the owner's half.  grace_wait() and its proof: grace.c. */
#pragma once

#include <kern/core.h>

/* Owner, holding no pointer to an object: acknowledge. */
void grace_acknowledge(struct core *core);
