/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The generic timer.  The clock is the virtual counter (EL2 has set its offset to 0), scaled:
 *
 *   ns    = ticks * mult >> shift           mult = floor(10^9 * 2^shift / hz)
 *   ticks = the smallest t with ns(t) >= deadline, or one more
 *
 * Rounding mult down makes the clock slow by less than 2^-32 of a second per second.  The product
 * has 128 bits, so the clock does not wrap before the counter does.  The timer never fires before the
 * deadline that it was set to, and at most one tick late: with inverse = 2^94 / mult, rounded up, and
 * x = ns * 2^32 / mult, the estimate ns * inverse / 2^62 is at least x and less than x + ns / 2^62; so
 * rounded up it is the answer, or one more where that passes a whole number.  No step corrects that: a
 * tick is what rounding up costs anyway.  Where mult is a power of two (62.5 MHz) it is the answer.
 */
#include <arch/sysreg.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/machine.h>

#define NS_PER_S    1000000000ull
#define TIME_SHIFT  32u
#define TICKS_SHIFT 62u
#define REACH_SHIFT 61u /* 73 years in ns; its ticks still are no negative number */
#define CTL_ENABLE  1u
#define HZ_MIN      1000u
#define HZ_MAX      (1u << 31) /* mult then still has more than 30 bits */

/* Constant after timer_init(). */
static uint64_t time_mult;
static uint64_t inverse; /* ticks per ns, times 2^TICKS_SHIFT, rounded up */

static uint64_t ticks_to_ns(uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * time_mult) >> TIME_SHIFT);
}

static uint64_t ns_to_ticks(uint64_t ns)
{
	const unsigned __int128 up = ((unsigned __int128)1 << TICKS_SHIFT) - 1;

	return (uint64_t)(((unsigned __int128)ns * inverse + up) >> TICKS_SHIFT);
}

/* 2^(TIME_SHIFT + TICKS_SHIFT) / mult, rounded up: mult has 31 to 52 bits. */
static boot_only uint64_t inverse_of(uint64_t mult)
{
	uint64_t quotient = 0;
	uint64_t rest = 1;

	for (unsigned i = 0; i < TIME_SHIFT + TICKS_SHIFT; i++) {
		quotient <<= 1;
		rest <<= 1;
		if (rest >= mult) {
			rest -= mult;
			quotient++;
		}
	}
	return quotient + (rest != 0);
}

boot_only bool timer_init(void)
{
	uint64_t hz = sysreg_read(cntfrq_el0);

	if (hz < HZ_MIN || hz > HZ_MAX)
		return false;
	time_mult = (NS_PER_S << TIME_SHIFT) / hz;
	inverse = inverse_of(time_mult);
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
	/* The counter may be read early: not before what this CPU has done so far. */
	barrier_isb();
	return ticks_to_ns(sysreg_read(cntvct_el0));
}

void arch_timer_set(time_ns_t deadline)
{
	/* TIME_NEVER, and what is as good as that: a constant, for this is done twice per slice. */
	if (deadline >> REACH_SHIFT != 0) {
		sysreg_write(cntv_ctl_el0, 0);
		return;
	}
	sysreg_write(cntv_cval_el0, ns_to_ticks(deadline));
	sysreg_write(cntv_ctl_el0, CTL_ENABLE);
}
