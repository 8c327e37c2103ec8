/* SPDX-License-Identifier: BSD-2-Clause */
/* Firmware calls: start a CPU, switch the machine off. */
#pragma once

#include <abi/types.h>

struct platform;

void psci_init(const struct platform *platform);

/* False: there is no PSCI, or it refused; *result is its answer (0 if there is none). */
bool psci_cpu_on(uint64_t mpidr, uint64_t entry_paddr, uint64_t context, int64_t *result);

/* Returns if there is no PSCI that can. */
void psci_system_off(void);
