/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge of locks: what each CPU holds, and what it may take on top of that.
 *
 * Invariant: held[cpu] is read and written by that CPU alone, interrupts masked, so it needs no lock
 * and is right before there is any thread.  It knows CPUs by the register that the first
 * instructions set.  A complaint is a panic, which takes no lock either (debug/panic.c).
 *
 * Bad at: orders that never happen.  It judges what is done, not what could be; the analysis of the lint
 * suite (tests/lint/locks.py) reads all paths.
 */
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/lock.h>

#define LOCK_DEPTH_MAX 6u /* derivation, notification, endpoint, reply, two Cores */

struct lock_use {
	const struct spinlock *lock;
	const char *file;
	unsigned line;
};

static struct lock_held {
	struct lock_use use[LOCK_DEPTH_MAX];
	unsigned depth;
	uint64_t judged;
} held[CPUS_MAX];

#define WITHIN(class) (1u << LOCK_##class)

/* What may be held already when a lock of this class is taken. */
static const struct lock_rule {
	const char *name;
	unsigned within;
} rules[LOCK_CLASSES] = {
	[LOCK_NONE] = {"a lock without a class", 0},
	[LOCK_DERIVATION] = {"derivation", 0},
	[LOCK_NOTIFICATION] = {"notification", WITHIN(DERIVATION)},
	[LOCK_ENDPOINT] = {"endpoint", WITHIN(DERIVATION) | WITHIN(NOTIFICATION)},
	[LOCK_REPLY] = {"reply", WITHIN(DERIVATION) | WITHIN(NOTIFICATION) | WITHIN(ENDPOINT)},
	[LOCK_VSPACE] = {"address space", WITHIN(DERIVATION)},
	[LOCK_CORE] = {"Core", WITHIN(DERIVATION) | WITHIN(NOTIFICATION) | WITHIN(ENDPOINT) |
				       WITHIN(REPLY) | WITHIN(CORE)},
	[LOCK_CONSOLE] = {"console", ~(WITHIN(CONSOLE) | WITHIN(NONE))},
};

static const struct lock_rule *rule_of(const struct spinlock *lock)
{
	return &rules[lock->class < LOCK_CLASSES ? lock->class : LOCK_NONE];
}

static unsigned this_cpu(void)
{
	return (unsigned)(arch_this_cpu() - cpus);
}

static bool may_take(const struct spinlock *lock, const struct spinlock *holding)
{
	if ((rule_of(lock)->within & 1u << holding->class) == 0)
		return false;
	return lock->class != holding->class || lock > holding;
}

void lock_taking(const struct spinlock *lock, const char *file, unsigned line)
{
	const struct lock_held *mine = &held[this_cpu()];
	const char *name = rule_of(lock)->name;

	if (lock->class == LOCK_NONE || lock->class >= LOCK_CLASSES)
		panic("lock %p, taken at %s:%u, has no class", (const void *)lock, file, line);
	if (!arch_interrupts_masked())
		panic("lock %s is taken with interrupts on at %s:%u", name, file, line);
	for (unsigned i = 0; i < mine->depth; i++) {
		const struct lock_use *use = &mine->use[i];

		if (use->lock == lock)
			panic("lock %s is taken twice: at %s:%u, and before at %s:%u", name, file,
			      line, use->file, use->line);
		if (!may_take(lock, use->lock))
			panic("lock order: %s is taken at %s:%u inside %s, taken at %s:%u", name,
			      file, line, rule_of(use->lock)->name, use->file, use->line);
	}
	if (mine->depth == LOCK_DEPTH_MAX)
		panic("lock %s, taken at %s:%u, is one more than a CPU may hold", name, file, line);
}

void lock_taken(struct spinlock *lock, const char *file, unsigned line)
{
	unsigned cpu = this_cpu();
	struct lock_held *mine = &held[cpu];

	mine->use[mine->depth++] = (struct lock_use){lock, file, line};
	mine->judged++;
	/* Atomic, because who gives back what it does not hold reads it without the lock. */
	__atomic_store_n(&lock->owner, lock_owner_name(cpu), __ATOMIC_RELAXED);
}

static _Noreturn void complain_not_held(const struct spinlock *lock, const char *file,
					unsigned line)
{
	uint16_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
	const char *name = rule_of(lock)->name;

	if (owner == 0)
		panic("lock %s is given back at %s:%u and nobody holds it", name, file, line);
	panic("lock %s is given back at %s:%u and CPU %u holds it", name, file, line,
	      lock_owner_cpu(owner));
}

void lock_giving(struct spinlock *lock, const char *file, unsigned line)
{
	struct lock_held *mine = &held[this_cpu()];
	unsigned at = 0;

	while (at < mine->depth && mine->use[at].lock != lock)
		at++;
	if (at == mine->depth)
		complain_not_held(lock, file, line);
	/* In any order: they need not be given back newest first. */
	for (mine->depth--; at < mine->depth; at++)
		mine->use[at] = mine->use[at + 1];
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
}

void lock_none_held_at(const char *file, unsigned line)
{
	const struct lock_held *mine = &held[this_cpu()];

	if (mine->depth != 0)
		panic("lock %s, taken at %s:%u, is still held at %s:%u",
		      rule_of(mine->use[0].lock)->name, mine->use[0].file, mine->use[0].line, file,
		      line);
}

uint64_t lock_judged(unsigned cpu)
{
	return held[cpu].judged;
}
