/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of this machine that the architecture and drivers found before kernel_main: written once by
 * the boot CPU, read-only afterwards.  The rest is in struct platform (<base/dt_platform.h>).
 */
#pragma once

#include <abi/types.h>

#define MACHINE_MODEL_BYTES 64u

struct machine {
	uint64_t timer_hz;
	uint64_t time_mult; /* now_ns = (counter * time_mult) >> time_shift, in 128 bits */
	uint32_t time_shift;
	uint32_t gic_version;
	uint32_t entered_el;             /* exception level at entry: 1 or 2 */
	char model[MACHINE_MODEL_BYTES]; /* NUL-terminated; "unknown" if the tree has none */
};

extern struct machine machine;
