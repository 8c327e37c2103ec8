/* SPDX-License-Identifier: BSD-2-Clause */
#include <libsys/clock.h>
#include <libsys/syscall.h>

/* Written once at start, before there is a second thread. */
static uint64_t clock_mult;
static uint32_t clock_shift;

void clock_scale_set(uint64_t mult, uint32_t shift)
{
	clock_mult = mult;
	clock_shift = shift;
}

time_ns_t clock_now_ns(void)
{
	uint64_t ticks;

	if (clock_mult == 0)
		return sys_thread_clock().now_ns;
	/* The barrier keeps the counter from being read before what precedes it. */
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return (time_ns_t)(((unsigned __int128)ticks * clock_mult) >> clock_shift);
}
