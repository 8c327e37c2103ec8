/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv2: at most 8 CPUs, each known to the distributor by a bit that it reads from its own target
 * registers.  Set-enable and clear-enable registers make masking free of locks; target registers
 * are bytes, so routing is too.
 */
#include <arch/mmu.h>
#include <arch/sysreg.h>
#include <base/dt_platform.h>
#include <drv/gic.h>
#include <drv/mmio.h>
#include <kern/boot.h>
#include <kern/entry.h>

#define GICD_CTLR       0x000
#define GICD_TYPER      0x004
#define GICD_ISENABLER  0x100
#define GICD_ICENABLER  0x180
#define GICD_ICPENDR    0x280
#define GICD_ICACTIVER  0x380
#define GICD_IPRIORITYR 0x400
#define GICD_ITARGETSR  0x800
#define GICD_SGIR       0xf00
#define GICC_CTLR       0x000
#define GICC_PMR        0x004
#define GICC_BPR        0x008
#define GICC_IAR        0x00c
#define GICC_EOIR       0x010
#define PRIORITY_ALL    (GIC_PRIORITY * 0x01010101u)
#define CPUS_V2         8u

static volatile uint8_t *dist;
static volatile uint8_t *interface;
static uint8_t cpu_target[CPUS_V2]; /* bit of each CPU; written by that CPU when it starts */

static boot_only uint32_t gicv2_init(const struct platform *platform)
{
	uint32_t lines;

	dist = mmu_map_device(platform->gic.dist.base, platform->gic.dist.size_bytes);
	interface = mmu_map_device(platform->gic.cpu.base, platform->gic.cpu.size_bytes);
	lines = GIC_LINES(mmio_read32(dist, GICD_TYPER));
	mmio_write32(dist, GICD_CTLR, 0);
	for (uint32_t irq = GIC_SPI_FIRST; irq < lines; irq += 32) {
		mmio_write32(dist, GICD_ICENABLER + irq / 8, ~0u);
		mmio_write32(dist, GICD_ICPENDR + irq / 8, ~0u);
		mmio_write32(dist, GICD_ICACTIVER + irq / 8, ~0u);
	}
	for (uint32_t irq = GIC_SPI_FIRST; irq < lines; irq += 4) {
		mmio_write32(dist, GICD_IPRIORITYR + irq, PRIORITY_ALL);
		mmio_write32(dist, GICD_ITARGETSR + irq, 0);
	}
	mmio_write32(dist, GICD_CTLR, 1);
	return lines < GIC_IRQ_SPECIAL ? lines : GIC_IRQ_SPECIAL;
}

/* The target registers of private interrupts read as the bit of the CPU that reads. */
static boot_only uint8_t own_target(void)
{
	for (uint32_t irq = 0; irq < GIC_SPI_FIRST; irq += 4) {
		uint32_t mask = mmio_read32(dist, GICD_ITARGETSR + irq);

		mask |= mask >> 16;
		mask |= mask >> 8;
		if ((mask & 0xff) != 0)
			return (uint8_t)mask;
	}
	return 1; /* one CPU: the registers are zero */
}

static boot_only void gicv2_init_cpu(unsigned cpu, uint64_t mpidr, uint32_t timer_irq)
{
	(void)mpidr;
	if (cpu >= CPUS_V2)
		panic("CPU %u cannot be interrupted by a GICv2", cpu);
	cpu_target[cpu] = own_target();
	mmio_write32(dist, GICD_ICENABLER, 0xffff0000u);
	mmio_write32(dist, GICD_ICACTIVER, ~0u);
	for (uint32_t irq = 0; irq < GIC_SPI_FIRST; irq += 4)
		mmio_write32(dist, GICD_IPRIORITYR + irq, PRIORITY_ALL);
	mmio_write32(dist, GICD_ISENABLER, (1u << GIC_SGI_IPI) | (1u << timer_irq));
	mmio_write32(interface, GICC_PMR, 0xff);
	mmio_write32(interface, GICC_BPR, 0);
	mmio_write32(interface, GICC_CTLR, 1);
}

uint32_t gicv2_acknowledge(void)
{
	uint32_t acknowledged = mmio_read32(interface, GICC_IAR);

	barrier_dsb(sy);
	return acknowledged;
}

void gicv2_end(uint32_t acknowledged)
{
	/* What was done to the device comes first. */
	barrier_dsb(sy);
	mmio_write32(interface, GICC_EOIR, acknowledged);
}

void gicv2_mask(uint32_t irq)
{
	mmio_write32(dist, GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void gicv2_unmask(uint32_t irq)
{
	mmio_write32(dist, GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void gicv2_route(uint32_t irq, unsigned cpu)
{
	*(dist + GICD_ITARGETSR + irq) = cpu_target[cpu];
}

static void gicv2_ipi(unsigned cpu)
{
	/* Stores before it are visible to the CPU that takes it. */
	barrier_dsb(ishst);
	mmio_write32(dist, GICD_SGIR, ((uint32_t)cpu_target[cpu] << 16) | GIC_SGI_IPI);
}

const struct gic_ops gicv2_ops = {
	.init = gicv2_init,
	.init_cpu = gicv2_init_cpu,
	.unmask = gicv2_unmask,
	.route = gicv2_route,
	.ipi = gicv2_ipi,
};
