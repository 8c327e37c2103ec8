/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts between CPUs go to all that are online, whoever they are for.  A machine that hangs with
 * directed ones and not with these sends one to the wrong CPU, or loses the bits of another.
 *
 * Bad at: cost.  A wake elsewhere interrupts everybody, so shares and latencies say little.
 */
#include <kern/ipi.h>

void ipi_send(struct core *self, const struct core *core)
{
	(void)core;
	for (unsigned i = 0; i < cpus_count; i++) {
		const struct core *other = &cpus[i].core;

		if (other == self || __atomic_load_n(&other->online, __ATOMIC_ACQUIRE) == 0)
			continue;
		counter_add(&self->stats.ipis_sent, 1);
		arch_ipi_send(i);
	}
}
