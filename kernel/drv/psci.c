/* SPDX-License-Identifier: BSD-2-Clause */
/* Power State Coordination Interface, over HVC or SMC as the device tree says. */
#include <base/dt_platform.h>
#include <drv/psci.h>
#include <kern/boot.h>

static struct platform_psci psci;

boot_only void psci_init(const struct platform *platform)
{
	psci = platform->psci;
}

static int64_t psci_call(uint64_t function, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t x0 __asm__("x0") = function;
	register uint64_t x1 __asm__("x1") = a;
	register uint64_t x2 __asm__("x2") = b;
	register uint64_t x3 __asm__("x3") = c;

#define PSCI_CLOBBERS                                                                        \
	"x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", \
		"x17", "memory"
	if (psci.conduit == PSCI_CONDUIT_HVC)
		__asm__ volatile("hvc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : PSCI_CLOBBERS);
	else
		__asm__ volatile("smc #0"
				 : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)
				 :
				 : PSCI_CLOBBERS);
	return (int64_t)x0;
}

boot_only bool psci_cpu_on(uint64_t mpidr, uint64_t entry_paddr, uint64_t context, int64_t *result)
{
	*result = 0;
	if (psci.conduit == PSCI_CONDUIT_NONE || psci.cpu_on == 0)
		return false;
	*result = psci_call(psci.cpu_on, mpidr, entry_paddr, context);
	return *result == 0;
}

void psci_system_off(void)
{
	if (psci.conduit != PSCI_CONDUIT_NONE && psci.system_off != 0)
		(void)psci_call(psci.system_off, 0, 0, 0);
}
