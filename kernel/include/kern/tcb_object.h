/* SPDX-License-Identifier: BSD-2-Clause */
/* TCBs as objects: the capabilities that a thread holds. */
#pragma once

#include <kern/cap.h>

struct tcb;

/* Give up everything that a destroyed thread holds; false: call again.  Derivation lock. */
bool tcb_release_caps(struct tcb *tcb) LOCK_REQUIRES(derivation_held);
