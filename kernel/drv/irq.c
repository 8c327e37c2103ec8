/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of either controller as the portable kernel sees them. */
#include <base/dt_platform.h>
#include <drv/gic.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>

#define ACKNOWLEDGED_V2 0x3ffu

/* Constant after irq_init(). */
static const struct gic_ops *gic;
static uint32_t irq_count;
static uint32_t timer_irq;
static uint32_t number_mask;

boot_only void irq_init(const struct platform *platform)
{
	bool v3 = platform->gic.kind == GIC_KIND_V3;

	gic = v3 ? &gicv3_ops : &gicv2_ops;
	number_mask = v3 ? 0xffffffu : ACKNOWLEDGED_V2;
	timer_irq = platform->timer_virtual_irq;
	machine.gic_version = v3 ? 3 : 2;
	irq_count = gic->init(platform);
}

boot_only void irq_init_cpu(unsigned cpu)
{
	gic->init_cpu(cpu, cpus[cpu].hw_id, timer_irq);
}

uint32_t arch_irq_take(void)
{
	uint32_t acknowledged = gic->acknowledge();
	uint32_t irq = acknowledged & number_mask;

	if (irq >= GIC_IRQ_SPECIAL)
		return ARCH_IRQ_NONE;
	if (irq == timer_irq) {
		/* The line is level-triggered: silence it before it can be pending again. */
		timer_disarm();
		gic->end(acknowledged);
		return ARCH_IRQ_TIMER;
	}
	if (irq == GIC_SGI_IPI) {
		gic->end(acknowledged);
		return ARCH_IRQ_IPI;
	}
	if (irq >= GIC_SPI_FIRST)
		gic->mask(irq);
	gic->end(acknowledged);
	return irq;
}

void arch_irq_mask(uint32_t irq)
{
	gic->mask(irq);
}

void arch_irq_unmask(uint32_t irq)
{
	gic->unmask(irq);
}

bool arch_irq_valid(uint32_t irq)
{
	return irq >= GIC_SPI_FIRST && irq < irq_count;
}

void arch_irq_route(uint32_t irq, unsigned cpu)
{
	gic->route(irq, cpu);
}

void arch_ipi_send(unsigned cpu)
{
	gic->ipi(cpu);
}
