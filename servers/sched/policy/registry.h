/* SPDX-License-Identifier: BSD-2-Clause */
/* The policies of this build, in the order of help texts; the first one is the default.  A line
 * X(NAME) stands for a `const struct policy_ops policy_NAME` in NAME/. */
#pragma once

/* clang-format off */
#define POLICY_LIST(X) \
	X(eevdf) \
	X(rr) \
	X(fifo) \
	X(stride) \
	X(lottery) \
	X(edf) \
	X(central) \
	X(chaos)
/* clang-format on */
