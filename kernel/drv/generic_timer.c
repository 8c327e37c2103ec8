/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer.  The clock is the virtual counter (EL2 has set its offset to 0), scaled:
 *
 *   ns    = ticks * mult >> shift           mult = floor(10^9 * 2^shift / hz)
 *   ticks = the smallest t with ns(t) >= deadline
 *
 * Rounding mult down makes the clock slow by less than 2^-32 of a second per second.  The product
 * has 128 bits, so the clock does not wrap before the counter does.  The inverse starts from a
 * 128-bit estimate that is never too large, and counts up at most a few ticks, so that the timer
 * never fires before the deadline that it was set to.
 */
#include <arch/sysreg.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/machine.h>

#define NS_PER_S    1000000000ull
#define TIME_SHIFT  32u
#define TICKS_SHIFT 32u
#define CTL_ENABLE  1u
#define HZ_MIN      1000u
#define HZ_MAX      (1u << 31) /* mult then still has more than 30 bits */

/* Constant after timer_init(). */
static uint64_t time_mult;
static uint64_t ticks_mult; /* ticks per ns, times 2^TICKS_SHIFT, rounded down */

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * time_mult) >> TIME_SHIFT);
}

static uint64_t ns_to_ticks(uint64_t ns)
{
	uint64_t ticks = (uint64_t)(((unsigned __int128)ns * ticks_mult) >> TICKS_SHIFT);

	/* The estimate is short by ns / 2^32 ticks at most: correct it in one step, then exactly. */
	ticks += (uint64_t)(((unsigned __int128)(ns - ticks_to_ns(ticks)) * ticks_mult) >>
			    TICKS_SHIFT);
	while (ticks_to_ns(ticks) < ns)
		ticks++;
	return ticks;
}

boot_only bool timer_init(void)
{
	uint64_t hz = sysreg_read(cntfrq_el0);

	if (hz < HZ_MIN || hz > HZ_MAX)
		return false;
	time_mult = (NS_PER_S << TIME_SHIFT) / hz;
	ticks_mult = (hz << TICKS_SHIFT) / NS_PER_S;
	machine.timer_hz = hz;
	machine.time_mult = time_mult;
	machine.time_shift = TIME_SHIFT;
	return true;
}

boot_only void timer_init_cpu(void)
{
	timer_disarm();
}

void timer_disarm(void)
{
	sysreg_write(cntv_ctl_el0, 0);
	barrier_isb();
}

time_ns_t arch_now(void)
{
	uint64_t ticks;

	/* The counter may be read early: not before what this CPU has done so far. */
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0" : "=r"(ticks) : : "memory");
	return ticks_to_ns(ticks);
}

void arch_timer_set(time_ns_t deadline)
{
	/* Counters have 56 bits or more; what is beyond the reach of the clock never comes. */
	if (deadline >= ticks_to_ns(1ull << 56)) {
		sysreg_write(cntv_ctl_el0, 0);
		return;
	}
	sysreg_write(cntv_cval_el0, ns_to_ticks(deadline));
	sysreg_write(cntv_ctl_el0, CTL_ENABLE);
}
