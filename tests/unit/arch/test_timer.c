/* SPDX-License-Identifier: BSD-2-Clause */
/* Clock and timer at frequencies of the counter that the emulator does not have. */
#include "fake_machine.h"

#include <criterion/criterion.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/machine.h>

#define NS_PER_S 1000000000ull

static const uint64_t frequencies[] = {1000,     32768,    1000000,    19200000,   24000000,
				       54000000, 62500000, 1000000000, 2147483647, 2147483648};

static uint64_t ns_at(uint64_t ticks)
{
	fake_register_set("cntvct_el0", ticks);
	return arch_now();
}

static void with_frequency(uint64_t hz)
{
	fake_reset();
	fake_register_set("cntfrq_el0", hz);
	cr_assert(timer_init(), "%lu Hz", hz);
	cr_assert_eq(machine.timer_hz, hz);
}

Test(timer, the_clock_is_the_counter_in_ns)
{
	for (unsigned i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++) {
		const uint64_t hz = frequencies[i];

		with_frequency(hz);
		cr_assert_eq(ns_at(0), 0);
		for (uint64_t seconds = 1; seconds < 1ull << 31; seconds = seconds * 7 + 1) {
			const uint64_t ns = ns_at(seconds * hz);

			/* Slow by less than 2^-32 s in a second. */
			cr_assert_leq(ns, seconds * NS_PER_S, "%lu Hz", hz);
			cr_assert_geq(ns, seconds * NS_PER_S - seconds * hz / (1ull << 32) - 1,
				      "%lu Hz", hz);
			cr_assert_eq(ns, (uint64_t)(((unsigned __int128)machine.time_mult *
						     (seconds * hz)) >>
						    machine.time_shift));
		}
	}
}

/* Not before the deadline, and at most a tick after the first tick that is not. */
static void fires_in_time(uint64_t hz, uint64_t deadline)
{
	uint64_t ticks;

	arch_timer_set(deadline);
	ticks = fake_register("cntv_cval_el0");
	cr_assert_eq(fake_register("cntv_ctl_el0"), 1, "on, and not masked");
	cr_assert_gt(fake_when("cntv_ctl_el0", 0, 1), fake_when("cntv_cval_el0", 0, ticks),
		     "not with what it was set to before");
	cr_assert_geq(ns_at(ticks), deadline, "%lu Hz, deadline %lu", hz, deadline);
	if (ticks >= 2)
		cr_assert_lt(ns_at(ticks - 2), deadline, "%lu Hz, deadline %lu", hz, deadline);
	cr_assert_eq(ticks >> 63, 0);
}

Test(timer, it_fires_at_the_deadline)
{
	for (unsigned i = 0; i < sizeof(frequencies) / sizeof(frequencies[0]); i++) {
		with_frequency(frequencies[i]);
		for (uint64_t ns = 1; ns >> 61 == 0; ns = ns * 3 + 1) {
			/* The list of writes is long enough for one deadline, not for all. */
			with_frequency(frequencies[i]);
			fires_in_time(frequencies[i], ns);
			fires_in_time(frequencies[i], ns - 1);
		}
		fires_in_time(frequencies[i], (1ull << 61) - 1);
	}
}

/* Where a tick is a whole number of ns, the answer is exact. */
Test(timer, at_62_5_mhz_nothing_is_rounded)
{
	with_frequency(62500000);
	for (uint64_t ticks = 1; ticks < 1ull << 50; ticks = ticks * 5 + 2) {
		with_frequency(62500000);
		arch_timer_set(16 * ticks);
		cr_assert_eq(fake_register("cntv_cval_el0"), ticks);
		arch_timer_set(16 * ticks + 1);
		cr_assert_eq(fake_register("cntv_cval_el0"), ticks + 1);
	}
}

/* The comparison is the hardware's: what is past is set like anything else, and fires at once. */
Test(timer, a_past_deadline_is_set)
{
	with_frequency(62500000);
	fake_register_set("cntvct_el0", 1000000);
	arch_timer_set(160);
	cr_assert_eq(fake_register("cntv_cval_el0"), 10);
	cr_assert_eq(fake_register("cntv_ctl_el0"), 1);
}

Test(timer, never_and_as_good_as_never_switch_it_off)
{
	const time_ns_t far[] = {TIME_NEVER, 1ull << 61, 1ull << 63, TIME_NEVER - 1};

	for (unsigned i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		with_frequency(62500000);
		arch_timer_set(1000);
		arch_timer_set(far[i]);
		cr_assert_eq(fake_register("cntv_ctl_el0"), 0);
	}
	with_frequency(62500000);
	arch_timer_set(1000);
	timer_disarm();
	cr_assert_eq(fake_register("cntv_ctl_el0"), 0);
	arch_timer_set(1000);
	timer_init_cpu();
	cr_assert_eq(fake_register("cntv_ctl_el0"), 0);
}

Test(timer, the_clock_is_read_after_what_went_before)
{
	with_frequency(62500000);
	arch_now();
	cr_assert_neq(fake_when("isb", 0, 0), FAKE_NEVER);
}

Test(timer, a_frequency_that_firmware_did_not_set_is_refused)
{
	const uint64_t bad[] = {0, 1, 999, (1ull << 31) + 1, UINT64_MAX};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_reset();
		fake_register_set("cntfrq_el0", bad[i]);
		cr_assert_not(timer_init(), "%lu Hz", bad[i]);
	}
}
