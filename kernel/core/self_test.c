/* SPDX-License-Identifier: BSD-2-Clause */
/* Boot argument selftest.  CPUs take turns, in the order of their indices, so that lines do not mix. */
#include <kern/arch_if.h>
#include <kern/boot.h>

static bool asked;    /* written before there is a second CPU */
static uint32_t turn; /* atomic: index of the CPU whose turn it is */

boot_only void self_test_ask(void)
{
	asked = true;
}

boot_only void self_test(unsigned cpu)
{
	if (!asked)
		return;
	while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != cpu)
		arch_spin_pause();
	if (arch_self_test != NULL)
		arch_self_test();
	lock_self_test(cpu);
	__atomic_store_n(&turn, cpu + 1, __ATOMIC_RELEASE);
}
