/* SPDX-License-Identifier: BSD-2-Clause */
/* Without frame pointers there is nothing to follow. */
#include <arch/exception.h>

void backtrace_print(uint64_t frame)
{
	(void)frame;
}
