/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * GICv3, affinity routing, system registers for the CPU interface, no LPIs.  Each CPU finds its own
 * redistributor by walking the frames and comparing affinity; IPIs are sent by affinity.
 */
#include <arch/mmu.h>
#include <arch/sysreg.h>
#include <base/dt_platform.h>
#include <drv/gic.h>
#include <drv/mmio.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>

#define GICD_CTLR       0x0000
#define GICD_TYPER      0x0004
#define GICD_IGROUPR    0x0080
#define GICD_ISENABLER  0x0100
#define GICD_ICENABLER  0x0180
#define GICD_ICPENDR    0x0280
#define GICD_ICACTIVER  0x0380
#define GICD_IPRIORITYR 0x0400
#define GICD_IGRPMODR   0x0d00
#define GICD_IROUTER    0x6000
#define CTLR_GROUP1     0x03u /* the bit's place depends on the security state */
#define CTLR_AFFINITY   0x10u
#define CTLR_PENDING    (1u << 31)

#define GICR_CTLR         0x0000
#define GICR_TYPER        0x0008
#define GICR_WAKER        0x0014
#define GICR_SGI_FRAME    0x10000u
#define CTLR_RWP          (1u << 3)
#define TYPER_LAST        (1ull << 4)
#define TYPER_VLPIS       (1ull << 1)
#define TYPER_AFFINITY(t) ((t) >> 32)
#define WAKER_SLEEP       2u
#define WAKER_ASLEEP      4u
#define FRAME_BYTES_V3    0x20000u
#define FRAME_BYTES_V4    0x40000u

#define PRIORITY_ALL (GIC_PRIORITY * 0x01010101u)

struct redist_region {
	volatile uint8_t *base;
	uint64_t size_bytes;
};

static volatile uint8_t *dist;
static struct redist_region redist[PLATFORM_REDIST_MAX];
static uint32_t redist_count;
static uint64_t redist_stride_bytes;

static void dist_wait(void)
{
	while ((mmio_read32(dist, GICD_CTLR) & CTLR_PENDING) != 0)
		;
}

static boot_only uint32_t gicv3_init(const struct platform *platform)
{
	const struct platform_gic *gic = &platform->gic;
	uint32_t lines;

	dist = mmu_map_device(gic->dist.base, gic->dist.size_bytes);
	redist_count = gic->redist_count;
	redist_stride_bytes = gic->redist_stride_bytes;
	for (uint32_t i = 0; i < redist_count; i++) {
		redist[i].base = mmu_map_device(gic->redist[i].base, gic->redist[i].size_bytes);
		redist[i].size_bytes = gic->redist[i].size_bytes;
	}
	lines = GIC_LINES(mmio_read32(dist, GICD_TYPER));
	mmio_write32(dist, GICD_CTLR, 0);
	dist_wait();
	for (uint32_t irq = GIC_SPI_FIRST; irq < lines; irq += 32) {
		mmio_write32(dist, GICD_ICENABLER + irq / 8, ~0u);
		mmio_write32(dist, GICD_ICPENDR + irq / 8, ~0u);
		mmio_write32(dist, GICD_ICACTIVER + irq / 8, ~0u);
		mmio_write32(dist, GICD_IGROUPR + irq / 8, ~0u);
		mmio_write32(dist, GICD_IGRPMODR + irq / 8, 0);
	}
	for (uint32_t irq = GIC_SPI_FIRST; irq < lines; irq += 4)
		mmio_write32(dist, GICD_IPRIORITYR + irq, PRIORITY_ALL);
	dist_wait();
	mmio_write32(dist, GICD_CTLR, CTLR_AFFINITY | CTLR_GROUP1);
	dist_wait();
	return lines < GIC_IRQ_SPECIAL ? lines : GIC_IRQ_SPECIAL;
}

/* MPIDR's affinity fields as the redistributor packs them: aff3 follows aff2. */
static boot_only uint64_t affinity_packed(uint64_t mpidr)
{
	return (mpidr & 0xffffff) | (mpidr >> 32 & 0xff) << 24;
}

static boot_only volatile uint8_t *redist_find(uint64_t mpidr)
{
	for (uint32_t i = 0; i < redist_count; i++) {
		uint64_t offset = 0;

		while (offset + FRAME_BYTES_V3 <= redist[i].size_bytes) {
			volatile uint8_t *frame = redist[i].base + offset;
			uint64_t typer = mmio_read64(frame, GICR_TYPER);

			if (TYPER_AFFINITY(typer) == affinity_packed(mpidr))
				return frame;
			if ((typer & TYPER_LAST) != 0)
				break;
			if (redist_stride_bytes != 0)
				offset += redist_stride_bytes;
			else
				offset += (typer & TYPER_VLPIS) != 0 ? FRAME_BYTES_V4
								     : FRAME_BYTES_V3;
		}
	}
	return NULL;
}

static boot_only void redist_init(volatile uint8_t *frame, uint32_t timer_irq)
{
	volatile uint8_t *sgi = frame + GICR_SGI_FRAME;

	mmio_write32(frame, GICR_WAKER, mmio_read32(frame, GICR_WAKER) & ~WAKER_SLEEP);
	while ((mmio_read32(frame, GICR_WAKER) & WAKER_ASLEEP) != 0)
		;
	mmio_write32(sgi, GICD_ICENABLER, ~0u);
	while ((mmio_read32(frame, GICR_CTLR) & CTLR_RWP) != 0)
		;
	mmio_write32(sgi, GICD_ICPENDR, 0xffff0000u);
	mmio_write32(sgi, GICD_ICACTIVER, ~0u);
	mmio_write32(sgi, GICD_IGROUPR, ~0u);
	mmio_write32(sgi, GICD_IGRPMODR, 0);
	for (uint32_t irq = 0; irq < GIC_SPI_FIRST; irq += 4)
		mmio_write32(sgi, GICD_IPRIORITYR + irq, PRIORITY_ALL);
	mmio_write32(sgi, GICD_ISENABLER, (1u << GIC_SGI_IPI) | (1u << timer_irq));
}

static boot_only void gicv3_init_cpu(unsigned cpu, uint64_t mpidr, uint32_t timer_irq)
{
	volatile uint8_t *frame = redist_find(mpidr);

	if (frame == NULL)
		panic("CPU %u (%lx) has no GICv3 redistributor", cpu, (unsigned long)mpidr);
	redist_init(frame, timer_irq);
	sysreg_write(ICC_SRE_EL1, sysreg_read(ICC_SRE_EL1) | 1);
	barrier_isb();
	if ((sysreg_read(ICC_SRE_EL1) & 1) == 0)
		panic("CPU %u: firmware keeps the GICv3 system registers to itself", cpu);
	sysreg_write(ICC_PMR_EL1, 0xff);
	sysreg_write(ICC_BPR1_EL1, 0);
	sysreg_write(ICC_CTLR_EL1, 0);
	sysreg_write(ICC_IGRPEN1_EL1, 1);
	barrier_isb();
}

uint32_t gicv3_acknowledge(void)
{
	uint64_t acknowledged = sysreg_read(ICC_IAR1_EL1);

	barrier_dsb(sy);
	return (uint32_t)acknowledged;
}

void gicv3_end(uint32_t acknowledged)
{
	/* What was done to the device comes first. */
	barrier_dsb(sy);
	sysreg_write(ICC_EOIR1_EL1, acknowledged);
	barrier_isb();
}

void gicv3_mask(uint32_t irq)
{
	mmio_write32(dist, GICD_ICENABLER + irq / 32 * 4, 1u << irq % 32);
	dist_wait();
}

static void gicv3_unmask(uint32_t irq)
{
	mmio_write32(dist, GICD_ISENABLER + irq / 32 * 4, 1u << irq % 32);
}

static void gicv3_route(uint32_t irq, unsigned cpu)
{
	mmio_write64(dist, GICD_IROUTER + irq * 8, cpus[cpu].hw_id);
}

static void gicv3_ipi(unsigned cpu)
{
	uint64_t mpidr = cpus[cpu].hw_id;
	uint64_t aff0 = mpidr & 0xff;

	/* Stores before it are visible to the CPU that takes it. */
	barrier_dsb(ishst);
	sysreg_write(ICC_SGI1R_EL1, (mpidr >> 32 & 0xff) << 48 | (mpidr >> 16 & 0xff) << 32 |
					    (mpidr >> 8 & 0xff) << 16 | (aff0 / 16) << 44 |
					    (uint64_t)GIC_SGI_IPI << 24 | 1ull << aff0 % 16);
	barrier_isb();
}

const struct gic_ops gicv3_ops = {
	.init = gicv3_init,
	.init_cpu = gicv3_init_cpu,
	.unmask = gicv3_unmask,
	.route = gicv3_route,
	.ipi = gicv3_ipi,
};
