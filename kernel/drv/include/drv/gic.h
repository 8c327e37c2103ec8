/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt controllers, and the table of functions that the two versions differ in. */
#pragma once

#include <abi/types.h>

struct platform;

#define GIC_SGI_IPI      0u /* the one inter-processor interrupt */
#define GIC_SPI_FIRST    32u
#define GIC_IRQ_SPECIAL  1020u /* from here on: nothing is pending */
#define GIC_PRIORITY     0xa0u
#define GIC_LINES(typer) (32u * (((typer)&0x1fu) + 1u))

struct gic_ops {
	/* Boot CPU: distributor, all shared lines masked.  Returns the number of interrupt numbers. */
	uint32_t (*init)(const struct platform *platform);
	/* Every CPU: its interface, the IPI and the timer's private line enabled. */
	void (*init_cpu)(unsigned cpu, uint64_t mpidr, uint32_t timer_irq);
	void (*unmask)(uint32_t irq);
	void (*route)(uint32_t irq, unsigned cpu);
	void (*ipi)(unsigned cpu);
};

/* Done at each interrupt, and without a call through the table. */
uint32_t gicv2_acknowledge(void); /* raw; compare number bits with GIC_IRQ_SPECIAL */
uint32_t gicv3_acknowledge(void); /* no other bits */
void gicv2_end(uint32_t acknowledged);
void gicv3_end(uint32_t acknowledged);
void gicv2_mask(uint32_t irq);
void gicv3_mask(uint32_t irq);

extern const struct gic_ops gicv2_ops;
extern const struct gic_ops gicv3_ops;

/* Boot CPU, once; then every CPU, itself. */
void irq_init(const struct platform *platform);
void irq_init_cpu(unsigned cpu);
