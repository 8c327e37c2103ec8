/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks of its own that a CPU misuses, before there is any thread.  Each misuse must be said, and do
 * no harm.
 */
#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/lock.h>

static boot_only unsigned misuse(void) LOCK_UNCHECKED
{
	struct spinlock core = {.class = LOCK_CORE};
	struct spinlock endpoint = {.class = LOCK_ENDPOINT};
	struct spinlock forgotten = {.class = LOCK_NONE};

	spin_lock(&core);
	spin_lock(&endpoint); /* 1: against the order */
	spin_lock(&core);     /* 2: taken twice */
	spin_unlock(&core);
	spin_unlock(&core);
	spin_unlock(&core);     /* 3: given back too often */
	lock_none_held();       /* 4: the endpoint */
	spin_unlock(&endpoint); /* 5: has been given back for it */
	spin_lock(&forgotten);  /* 6: of no class */
	spin_unlock(&forgotten);
	lock_none_held();
	return (unsigned)spin_held(&core) + (unsigned)spin_held(&endpoint) +
	       (unsigned)spin_held(&forgotten);
}

boot_only void lock_self_test(unsigned cpu)
{
	unsigned before = lock_misused(cpu);
	unsigned taken = misuse();

	kprintf("CPU %u: %u of 6 misuses of locks were noticed, %u locks stayed taken\n", cpu,
		lock_misused(cpu) - before, taken);
}
