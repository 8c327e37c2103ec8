/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is written to the interrupt controllers, in which order: on machines whose registers do not come up as
 * the emulator's do, and with more CPUs, groups of CPUs and redistributors than it has.
 */
#include "fake_machine.h"

#include <base/dt_platform.h>
#include <criterion/criterion.h>
#include <drv/gic.h>
#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/machine.h>

#include <signal.h>

#define DIST      0x1000000
#define INTERFACE 0x2000000
#define REDIST    0x3000000
#define REDIST2   0x4000000
#define TIMER_IRQ 27u
#define LINES     96u
#define PRIORITY  0xa0a0a0a0u

#define CTLR    0x000
#define TYPER   0x004
#define IGROUPR 0x080
#define ENABLE  0x100
#define DISABLE 0x180
#define UNPEND  0x280
#define DEACT   0x380
#define PRIO    0x400
#define TARGETS 0x800
#define GRPMOD  0xd00
#define SGIR    0xf00
#define IROUTER 0x6000
#define C_CTLR  0x000
#define C_PMR   0x004
#define C_BPR   0x008
#define C_IAR   0x00c
#define C_EOIR  0x010
#define WAKER   0x014
#define SGI     0x10000
#define LAST    (1u << 4)
#define VLPIS   (1u << 1)

static volatile uint8_t *dist;
static volatile uint8_t *interface;
static volatile uint8_t *redist;
static volatile uint8_t *redist2;
static struct platform platform;

static void word_set(volatile uint8_t *base, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(base + offset) = value;
}

static void begin(enum gic_kind kind)
{
	fake_reset();
	dist = fake_device(DIST, "dist");
	interface = fake_device(INTERFACE, "interface");
	redist = fake_device(REDIST, "redist");
	redist2 = fake_device(REDIST2, "redist2");
	platform = (struct platform){.gic = {.kind = kind,
					     .dist = {DIST, 0x10000},
					     .cpu = {INTERFACE, 0x2000},
					     .redist = {{REDIST, 0x80000}, {REDIST2, 0x80000}},
					     .redist_count = 2},
				     .timer_virtual_irq = TIMER_IRQ};
	word_set(dist, TYPER, LINES / 32 - 1);
}

static void begin_v2(void)
{
	begin(GIC_KIND_V2);
}

static void begin_v3(void)
{
	begin(GIC_KIND_V3);
}

/* Written, between the controller's being off and on. */
static void while_off(const char *what, uint32_t offset, uint64_t value, int off, int on)
{
	const int when = fake_when(what, offset, value);

	cr_assert_gt(when, off, "%s %x = %lx", what, offset, value);
	cr_assert_lt(when, on, "%s %x = %lx", what, offset, value);
}

static void lines_are_quiet(int off, int on)
{
	for (uint32_t irq = 32; irq < LINES; irq += 32) {
		while_off("dist", DISABLE + irq / 8, UINT32_MAX, off, on);
		while_off("dist", UNPEND + irq / 8, UINT32_MAX, off, on);
		while_off("dist", DEACT + irq / 8, UINT32_MAX, off, on);
	}
	for (uint32_t irq = 32; irq < LINES; irq += 4)
		while_off("dist", PRIO + irq, PRIORITY, off, on);
	cr_assert_eq(fake_count("dist", DISABLE + LINES / 8), 0, "no further than there are lines");
	cr_assert_eq(fake_count("dist", PRIO + LINES), 0);
}

static void lines_are_valid(void)
{
	cr_assert_not(arch_irq_valid(31), "of one CPU");
	cr_assert(arch_irq_valid(32));
	cr_assert(arch_irq_valid(LINES - 1));
	cr_assert_not(arch_irq_valid(LINES));
}

static void lines_are_masked_one_at_a_time(void)
{
	arch_irq_mask(34);
	cr_assert_neq(fake_when("dist", DISABLE + 4, 1u << 2), FAKE_NEVER);
	arch_irq_mask(95);
	cr_assert_neq(fake_when("dist", DISABLE + 8, 1u << 31), FAKE_NEVER);
	arch_irq_unmask(34);
	cr_assert_neq(fake_when("dist", ENABLE + 4, 1u << 2), FAKE_NEVER);
	arch_irq_unmask(95);
	cr_assert_neq(fake_when("dist", ENABLE + 8, 1u << 31), FAKE_NEVER);
}

/* What is done to the device comes after its interrupt was taken, and before it ends; it is masked then, the
 * first line of all, too. */
static void served_in_order(int ended, unsigned barriers_before, uint32_t irq)
{
	cr_assert_eq(fake_count("dsb", 0) - barriers_before, 2);
	cr_assert_gt(ended, fake_when("dsb", 0, 0));
	cr_assert_lt(fake_when("dist", DISABLE + 4, 1u << irq % 32), fake_when("dsb", 0, 0));
	cr_assert_neq(fake_when("dist", DISABLE + 4, 1u << irq % 32), FAKE_NEVER);
}

/* At most 1020, whatever the register says. */
static void lines_end_where_numbers_are_special(void)
{
	word_set(dist, TYPER, 0x1f);
	irq_init(&platform);
	cr_assert(arch_irq_valid(1019));
	cr_assert_not(arch_irq_valid(1020));
}

/* --- Version 2 --- */

Test(gic, v2_shared_lines_are_quiet_at_the_start, .init = begin_v2)
{
	irq_init(&platform);
	cr_assert_eq(machine.gic_version, 2);
	const int off = fake_when("dist", CTLR, 0);
	const int on = fake_when("dist", CTLR, 1);

	cr_assert_neq(off, FAKE_NEVER);
	lines_are_quiet(off, on);
	for (uint32_t irq = 32; irq < LINES; irq += 4)
		while_off("dist", TARGETS + irq, 0, off, on);
	lines_are_valid();
	lines_are_masked_one_at_a_time();
}

Test(gic, v2_lines_end_where_numbers_are_special, .init = begin_v2)
{
	lines_end_where_numbers_are_special();
}

Test(gic, v2_a_cpu_enables_its_two_interrupts, .init = begin_v2)
{
	irq_init(&platform);
	irq_init_cpu(0);
	const int ready = fake_when("interface", C_CTLR, 1);

	cr_assert_neq(fake_when("dist", DISABLE, 0xffff0000), FAKE_NEVER);
	cr_assert_neq(fake_when("dist", DEACT, UINT32_MAX), FAKE_NEVER);
	for (uint32_t irq = 0; irq < 32; irq += 4)
		cr_assert_neq(fake_when("dist", PRIO + irq, PRIORITY), FAKE_NEVER);
	cr_assert_gt(fake_when("dist", ENABLE, 1u | 1u << TIMER_IRQ),
		     fake_when("dist", DISABLE, 0xffff0000));
	cr_assert_lt(fake_when("interface", C_PMR, 0xff), ready);
	cr_assert_neq(fake_when("interface", C_PMR, 0xff), FAKE_NEVER);
	cr_assert_neq(fake_when("interface", C_BPR, 0), FAKE_NEVER);
}

/* Each CPU reads its own bit, in any byte of the registers of private interrupts, or none if it is alone. */
Test(gic, v2_goes_to_the_cpu_that_is_meant, .init = begin_v2)
{
	static const struct {
		uint32_t offset;
		uint32_t value;
		uint8_t bit;
	} own[] = {
		{0, 0x01010101, 1}, {8, 0x00400000, 0x40}, {28, 0x80000000, 0x80}, {4, 0x0400, 4}};

	irq_init(&platform);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		for (uint32_t irq = 0; irq < 32; irq += 4)
			word_set(dist, TARGETS + irq, 0);
		word_set(dist, TARGETS + own[cpu].offset, own[cpu].value);
		irq_init_cpu(cpu);
	}
	for (uint32_t irq = 0; irq < 32; irq += 4)
		word_set(dist, TARGETS + irq, 0);
	irq_init_cpu(7);
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		arch_irq_route(35, cpu);
		cr_assert_eq(dist[TARGETS + 35], own[cpu].bit);
		cr_assert_eq(dist[TARGETS + 34], 0, "its neighbour stays");
		arch_ipi_send(cpu);
		cr_assert_neq(fake_when("dist", SGIR, (uint32_t)own[cpu].bit << 16), FAKE_NEVER);
		cr_assert_eq(fake_when("dist", SGIR, (uint32_t)own[cpu].bit << 16),
			     fake_when("dsb", 0, 0) + 1, "what it is about is seen before");
	}
	arch_irq_route(36, 7);
	cr_assert_eq(dist[TARGETS + 36], 1);
}

Test(gic, v2_has_eight_cpus, .init = begin_v2, .signal = SIGABRT)
{
	irq_init(&platform);
	irq_init_cpu(8);
}

/* The number of who sent it goes back with it. */
Test(gic, v2_an_interrupt_ends_as_it_began, .init = begin_v2)
{
	irq_init(&platform);
	word_set(interface, C_IAR, 3u << 10);
	cr_assert_eq(arch_irq_take(), ARCH_IRQ_IPI);
	cr_assert_neq(fake_when("interface", C_EOIR, 3u << 10), FAKE_NEVER);

	fake_register_set("cntv_ctl_el0", 1);
	word_set(interface, C_IAR, TIMER_IRQ);
	cr_assert_eq(arch_irq_take(), ARCH_IRQ_TIMER);
	cr_assert_gt(fake_when("interface", C_EOIR, TIMER_IRQ), fake_when("cntv_ctl_el0", 0, 0));
	cr_assert_eq(fake_register("cntv_ctl_el0"), 0, "silent before it may come again");

	word_set(interface, C_IAR, 70);
	cr_assert_eq(arch_irq_take(), 70);
	cr_assert_gt(fake_when("interface", C_EOIR, 70), fake_when("dist", DISABLE + 8, 1u << 6));
	cr_assert_neq(fake_when("dist", DISABLE + 8, 1u << 6), FAKE_NEVER);

	for (uint32_t irq = 1020; irq < 1024; irq++) {
		word_set(interface, C_IAR, irq);
		cr_assert_eq(arch_irq_take(), ARCH_IRQ_NONE);
	}
	cr_assert_eq(fake_count("interface", C_EOIR), 3, "what was not taken does not end");
}

Test(gic, v2_waits_before_and_after_a_device_is_served, .init = begin_v2)
{
	irq_init(&platform);
	for (uint32_t irq = 32; irq < 34; irq++) {
		const unsigned before = fake_count("dsb", 0);

		word_set(interface, C_IAR, irq);
		cr_assert_eq(arch_irq_take(), irq);
		served_in_order(fake_when("interface", C_EOIR, irq), before, irq);
	}
}

/* --- Version 3 --- */

static uint64_t affinity(uint64_t aff3, uint64_t aff2, uint64_t aff1, uint64_t aff0)
{
	return aff3 << 32 | aff2 << 16 | aff1 << 8 | aff0;
}

/* A frame of a redistributor, asleep. */
static void frame(volatile uint8_t *at, uint64_t mpidr, uint32_t bits)
{
	word_set(at, 8, bits);
	word_set(at, 12, (uint32_t)((mpidr >> 32) << 24 | (mpidr & 0xffffff)));
	word_set(at, WAKER, 0x86); /* a bit of others, and both of ours */
}

Test(gic, v3_shared_lines_are_quiet_at_the_start, .init = begin_v3)
{
	irq_init(&platform);
	cr_assert_eq(machine.gic_version, 3);
	const int off = fake_when("dist", CTLR, 0);
	const int on = fake_when("dist", CTLR, 0x13);

	cr_assert_neq(off, FAKE_NEVER);
	lines_are_quiet(off, on);
	for (uint32_t irq = 32; irq < LINES; irq += 32) {
		while_off("dist", IGROUPR + irq / 8, UINT32_MAX, off, on);
		while_off("dist", GRPMOD + irq / 8, 0, off, on);
	}
	lines_are_valid();
	lines_are_masked_one_at_a_time();
}

Test(gic, v3_lines_end_where_numbers_are_special, .init = begin_v3)
{
	lines_end_where_numbers_are_special();
}

/* It writes on when the distributor has taken in what went before. */
Test(gic, v3_waits_for_the_distributor, .init = begin_v3)
{
	irq_init(&platform);
	fake_bits_fade(dist + CTLR, 1u << 31);
	arch_irq_mask(40);
	cr_assert_eq(*(volatile uint32_t *)(dist + CTLR) >> 31, 0);
}

static void sees_its_frame(volatile uint8_t *region, const char *name, uint32_t at, unsigned cpu)
{
	fake_bits_fade(region + at + WAKER, 4);
	irq_init_cpu(cpu);
	cr_assert_neq(fake_when(name, at + WAKER, 0x84), FAKE_NEVER, "the rest stays as it was");
	cr_assert_eq(*(volatile uint32_t *)(region + at + WAKER), 0x80,
		     "it waits until that is awake");
	cr_assert_eq(fake_count(name, at + SGI + ENABLE), 1);
}

/* A frame with room for virtual interrupts is twice as long; a region ends at the frame that says so. */
Test(gic, v3_each_cpu_finds_its_redistributor, .init = begin_v3)
{
	frame(redist, affinity(0, 0, 0, 0), 0);
	frame(redist + 0x20000, affinity(0, 0, 1, 0), VLPIS);
	word_set(redist + 0x40000, 8, LAST); /* no frame: the second half of one */
	frame(redist + 0x60000, affinity(1, 2, 3, 4), LAST);
	frame(redist2, affinity(0, 1, 0, 0), 0);
	frame(redist2 + 0x20000, affinity(0, 0, 0, 1), LAST);
	cpus[0].hw_id = affinity(0, 0, 0, 0);
	cpus[1].hw_id = affinity(0, 0, 1, 0);
	cpus[2].hw_id = affinity(1, 2, 3, 4);
	cpus[3].hw_id = affinity(0, 1, 0, 0);
	cpus[4].hw_id = affinity(0, 0, 0, 1);
	irq_init(&platform);
	sees_its_frame(redist, "redist", 0, 0);
	sees_its_frame(redist, "redist", 0x20000, 1);
	sees_its_frame(redist, "redist", 0x60000, 2);
	sees_its_frame(redist2, "redist2", 0, 3);
	sees_its_frame(redist2, "redist2", 0x20000, 4);
}

Test(gic, v3_frames_may_be_further_apart, .init = begin_v3)
{
	platform.gic.redist_stride_bytes = 0x60000;
	frame(redist, affinity(0, 0, 0, 0), 0);
	frame(redist + 0x60000, affinity(0, 0, 0, 1), LAST);
	cpus[1].hw_id = affinity(0, 0, 0, 1);
	irq_init(&platform);
	fake_bits_fade(redist + 0x60000 + WAKER, 4);
	irq_init_cpu(1);
	cr_assert_eq(fake_count("redist", 0x60000 + SGI + ENABLE), 1);
}

Test(gic, v3_a_cpu_without_redistributor, .init = begin_v3, .signal = SIGABRT)
{
	frame(redist, affinity(0, 0, 0, 1), LAST);
	frame(redist2, affinity(0, 0, 0, 2), LAST);
	irq_init(&platform);
	irq_init_cpu(0);
}

Test(gic, v3_a_cpu_enables_its_two_interrupts, .init = begin_v3)
{
	frame(redist, 0, LAST);
	irq_init(&platform);
	fake_bits_fade(redist + WAKER, 4);
	irq_init_cpu(0);
	const int enabled = fake_when("redist", SGI + ENABLE, 1u | 1u << TIMER_IRQ);
	const int ready = fake_when("ICC_IGRPEN1_EL1", 0, 1);

	while_off("redist", SGI + DISABLE, UINT32_MAX, FAKE_NEVER, enabled);
	while_off("redist", SGI + UNPEND, 0xffff0000, FAKE_NEVER, enabled);
	while_off("redist", SGI + DEACT, UINT32_MAX, FAKE_NEVER, enabled);
	while_off("redist", SGI + IGROUPR, UINT32_MAX, FAKE_NEVER, enabled);
	while_off("redist", SGI + GRPMOD, 0, FAKE_NEVER, enabled);
	for (uint32_t irq = 0; irq < 32; irq += 4)
		while_off("redist", SGI + PRIO + irq, PRIORITY, FAKE_NEVER, enabled);
	while_off("ICC_SRE_EL1", 0, 1, FAKE_NEVER, ready);
	while_off("ICC_PMR_EL1", 0, 0xff, FAKE_NEVER, ready);
	while_off("ICC_BPR1_EL1", 0, 0, FAKE_NEVER, ready);
	while_off("ICC_CTLR_EL1", 0, 0, FAKE_NEVER, ready);
}

/* By affinity: clusters of clusters, and 16 CPUs to a range. */
Test(gic, v3_goes_to_the_cpu_that_is_meant, .init = begin_v3)
{
	static const struct {
		uint64_t mpidr;
		uint64_t sgi;
	} all[] = {
		{0x0000000000, 0x0000000000000001}, {0x000000000f, 0x0000000000008000},
		{0x0000000300, 0x0000000000030001}, {0x0000000010, 0x0000100000000001},
		{0x00000000ff, 0x0000f00000008000}, {0x0000050000, 0x0000000500000001},
		{0x0700000000, 0x0007000000000001}, {0xfe00fdfc25, 0x00fe20fd00fc0020},
	};

	irq_init(&platform);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		cpus[i].hw_id = all[i].mpidr;
		arch_irq_route(35, i);
		cr_assert_neq(fake_when("dist", IROUTER + 8 * 35, cpus[i].hw_id), FAKE_NEVER);
		arch_ipi_send(i);
		cr_assert_eq(fake_register("ICC_SGI1R_EL1"), all[i].sgi, "%lx: %lx", all[i].mpidr,
			     fake_register("ICC_SGI1R_EL1"));
		cr_assert_eq(fake_when("ICC_SGI1R_EL1", 0, all[i].sgi), fake_when("dsb", 0, 0) + 1,
			     "what it is about is seen before");
	}
}

Test(gic, v3_an_interrupt_ends_as_it_began, .init = begin_v3)
{
	irq_init(&platform);
	fake_register_set("ICC_IAR1_EL1", 0);
	cr_assert_eq(arch_irq_take(), ARCH_IRQ_IPI);
	cr_assert_neq(fake_when("ICC_EOIR1_EL1", 0, 0), FAKE_NEVER);

	fake_register_set("cntv_ctl_el0", 1);
	fake_register_set("ICC_IAR1_EL1", TIMER_IRQ);
	cr_assert_eq(arch_irq_take(), ARCH_IRQ_TIMER);
	cr_assert_eq(fake_register("cntv_ctl_el0"), 0);
	cr_assert_gt(fake_when("ICC_EOIR1_EL1", 0, TIMER_IRQ), fake_when("cntv_ctl_el0", 0, 0));

	fake_register_set("ICC_IAR1_EL1", 70);
	cr_assert_eq(arch_irq_take(), 70);
	cr_assert_neq(fake_when("dist", DISABLE + 8, 1u << 6), FAKE_NEVER);
	cr_assert_gt(fake_when("ICC_EOIR1_EL1", 0, 70), fake_when("dist", DISABLE + 8, 1u << 6));

	fake_register_set("ICC_IAR1_EL1", 1023);
	cr_assert_eq(arch_irq_take(), ARCH_IRQ_NONE);
	cr_assert_eq(fake_count("ICC_EOIR1_EL1", 0), 3);
}

Test(gic, v3_waits_before_and_after_a_device_is_served, .init = begin_v3)
{
	irq_init(&platform);
	for (uint32_t irq = 32; irq < 34; irq++) {
		const unsigned before = fake_count("dsb", 0);

		fake_register_set("ICC_IAR1_EL1", irq);
		cr_assert_eq(arch_irq_take(), irq);
		served_in_order(fake_when("ICC_EOIR1_EL1", 0, irq), before, irq);
	}
}
