/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts between CPUs go to the CPU that they are for. */
#include <kern/ipi.h>

void ipi_send(struct core *self, const struct core *core)
{
	counter_add(&self->stats.ipis_sent, 1);
	arch_ipi_send(core->index);
}
