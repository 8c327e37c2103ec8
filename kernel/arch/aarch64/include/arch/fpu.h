/* SPDX-License-Identifier: BSD-2-Clause */
/* Save and load of the floating-point registers, fpu.S. */
#pragma once

#include <kern/context.h>

_Static_assert(offsetof(struct fpu_state, fpsr) == 512, "fpu.S");
_Static_assert(offsetof(struct fpu_state, fpcr) == 516, "fpu.S");

void fpu_save(struct fpu_state *state);
void fpu_load(const struct fpu_state *state);
