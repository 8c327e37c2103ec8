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

#define NUMBER_V2 0x3ffu /* the other bits name who sent it, and go back */

/* Constant after irq_init().  In one place, whose address an interrupt makes once. */
static struct {
	const struct gic_ops *ops;
	uint32_t irq_count;
	uint32_t timer_irq;
	bool v3;
} gic;

boot_only void irq_init(const struct platform *platform)
{
	bool v3 = platform->gic.kind == GIC_KIND_V3;

	gic.ops = v3 ? &gicv3_ops : &gicv2_ops;
	gic.v3 = v3;
	gic.timer_irq = platform->timer_virtual_irq;
	machine.gic_version = v3 ? 3 : 2;
	gic.irq_count = gic.ops->init(platform);
}

boot_only void irq_init_cpu(unsigned cpu)
{
	gic.ops->init_cpu(cpu, cpus[cpu].hw_id, gic.timer_irq);
}

uint32_t arch_irq_take(void)
{
	bool v3 = gic.v3;
	uint32_t acknowledged = v3 ? gicv3_acknowledge() : gicv2_acknowledge();
	uint32_t irq = v3 ? acknowledged : acknowledged & NUMBER_V2;

	if (irq >= GIC_IRQ_SPECIAL)
		return ARCH_IRQ_NONE;
	if (irq == gic.timer_irq) {
		/* The line is level-triggered: silence it before it can be pending again. */
		timer_disarm();
		irq = ARCH_IRQ_TIMER;
	} else if (irq == GIC_SGI_IPI) {
		irq = ARCH_IRQ_IPI;
	} else if (irq >= GIC_SPI_FIRST) {
		arch_irq_mask(irq);
	}
	if (v3)
		gicv3_end(acknowledged);
	else
		gicv2_end(acknowledged);
	return irq;
}

void arch_irq_mask(uint32_t irq)
{
	if (gic.v3)
		gicv3_mask(irq);
	else
		gicv2_mask(irq);
}

void arch_irq_unmask(uint32_t irq)
{
	gic.ops->unmask(irq);
}

bool arch_irq_valid(uint32_t irq)
{
	return irq >= GIC_SPI_FIRST && irq < gic.irq_count;
}

void arch_irq_route(uint32_t irq, unsigned cpu)
{
	gic.ops->route(irq, cpu);
}

void arch_ipi_send(unsigned cpu)
{
	gic.ops->ipi(cpu);
}
