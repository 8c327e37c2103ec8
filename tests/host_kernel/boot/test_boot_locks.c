/* SPDX-License-Identifier: BSD-2-Clause */
/* The locks that are taken while the machine boots are judged, on every CPU. */
#include "boot_machine.h"

#include <kern/core.h>
#include <kern/lock.h>

#include <criterion/criterion.h>
#include <sched.h>
#include <string.h>

#define CPUS 4u

static struct boot_machine boot;

Test(boot, G01_locks_are_judged_on_every_cpu_before_any_thread_runs)
{
	boot_machine_init(&boot, CPUS);
	cr_assert_eq(boot_machine_run(&boot), BOOT_RUNS, "%s", host_console);
	for (unsigned i = 0; i < CPUS; i++) {
		/* It arrives on its own time. */
		while (i != 0 && __atomic_load_n(&cpus[i].core.idle, __ATOMIC_SEQ_CST) == 0)
			sched_yield();
		cr_assert_neq(lock_judged(i), 0, "CPU %u", i);
		cr_assert_eq(cpus[i].core.lock.owner, 0);
	}
}

/* Taken before the kernel has said a word, by a CPU that has no thread. */
Test(boot, G01_a_lock_from_before_the_boot_is_known)
{
	static struct spinlock early;

	boot_machine_init(&boot, 1);
	spin_init(&early, LOCK_CORE);
	spin_lock(&early);
	cr_assert_eq(boot_machine_run(&boot), BOOT_POWER_OFF, "%s", host_console);
	cr_assert_eq(boot.status, 101);
	cr_assert_neq(strstr(host_console, "inside Core, taken at test_boot_locks.c:"), NULL, "%s",
		      host_console);
}
