/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The judge of locks: what each CPU holds, and what it may take on top of that.
 *
 * Invariant: held[cpu] is read and written by that CPU alone, interrupts masked, so it needs no lock
 * and is right before there is any thread.  It knows CPUs by the register that the first
 * instructions set.  A complaint takes no lock either, not even the console's: its line may be mixed
 * with another.
 *
 * After a complaint the machine goes on with what does least harm:
 *
 *   taken against the order, with interrupts on, without a class   it is taken
 *   taken twice                 the holder does not wait for itself; the lock is free after as many
 *                               unlocks as there were locks
 *   given back by another       it stays with who holds it
 *   held where that must not be it is given back
 *
 * Bad at: orders that never happen.  It judges what is done, not what could be; the analysis of the lint
 * suite (tests/lint/locks.py) reads all paths.
 */
#include "../debug/console.h"

#include <kern/core.h>
#include <kern/entry.h>
#include <kern/lock.h>

#define LOCK_DEPTH_MAX  6u  /* derivation, notification, endpoint, reply, two Cores */
#define LOCK_MISUSE_MAX 32u /* complaints of one CPU that are shown; more are counted */

struct lock_use {
	struct spinlock *lock;
	const char *file;
	unsigned line;
	unsigned again; /* taken so often by who had it already */
};

static struct lock_held {
	struct lock_use use[LOCK_DEPTH_MAX];
	unsigned depth;
	unsigned misused;
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

static enum lock_class class_of(const struct spinlock *lock)
{
	return lock->class < LOCK_CLASSES ? (enum lock_class)lock->class : LOCK_NONE;
}

static const struct lock_rule *rule_of(const struct spinlock *lock)
{
	return &rules[class_of(lock)];
}

static unsigned this_cpu(void)
{
	return (unsigned)(arch_this_cpu() - cpus);
}

/* The places are those of the code that is wrong, so the line says all that a person needs. */
static __attribute__((format(printf, 1, 2))) void complain(const char *format, ...)
{
	unsigned cpu = this_cpu();
	va_list arguments;

	if (held[cpu].misused++ < LOCK_MISUSE_MAX) {
		va_start(arguments, format);
		console_print("lock misuse (CPU %u): ", cpu);
		console_print_list(format, arguments);
		console_print("\n");
		va_end(arguments);
	}
	if (arch_lock_misused != NULL)
		arch_lock_misused();
}

static bool may_take(const struct spinlock *lock, const struct spinlock *holding)
{
	if (class_of(lock) == LOCK_NONE)
		return true; /* that has been said already */
	if ((rule_of(lock)->within & 1u << class_of(holding)) == 0)
		return false;
	return lock->class != holding->class || lock > holding;
}

/* The order against one that is held; false: it is that one. */
static bool judge_pair(const struct spinlock *lock, struct lock_use *use, const char *file,
		       unsigned line)
{
	const char *name = rule_of(lock)->name;

	if (use->lock == lock) {
		complain("%s is taken twice: at %s:%u, and before at %s:%u", name, file, line,
			 use->file, use->line);
		use->again++;
		return false;
	}
	if (!may_take(lock, use->lock))
		complain("wrong order: %s is taken at %s:%u inside %s, taken at %s:%u", name, file,
			 line, rule_of(use->lock)->name, use->file, use->line);
	return true;
}

bool lock_taking(struct spinlock *lock, const char *file, unsigned line)
{
	struct lock_held *mine = &held[this_cpu()];
	const char *name = rule_of(lock)->name;

	if (class_of(lock) == LOCK_NONE)
		complain("%lx, taken at %s:%u, has no class", (unsigned long)lock, file, line);
	if (!arch_interrupts_masked())
		complain("%s is taken with interrupts on at %s:%u", name, file, line);
	for (unsigned i = 0; i < mine->depth; i++)
		if (!judge_pair(lock, &mine->use[i], file, line))
			return false;
	if (mine->depth == LOCK_DEPTH_MAX)
		complain("%s, taken at %s:%u, is one more than a CPU may hold", name, file, line);
	return true;
}

void lock_taken(struct spinlock *lock, const char *file, unsigned line)
{
	unsigned cpu = this_cpu();
	struct lock_held *mine = &held[cpu];

	if (mine->depth < LOCK_DEPTH_MAX)
		mine->use[mine->depth++] = (struct lock_use){lock, file, line, 0};
	mine->judged++;
	/* Atomic, because who gives back what it does not hold reads it without the lock. */
	__atomic_store_n(&lock->owner, lock_owner_name(cpu), __ATOMIC_RELAXED);
}

static void complain_not_held(const struct spinlock *lock, uint16_t owner, const char *file,
			      unsigned line)
{
	const char *name = rule_of(lock)->name;

	if (owner == 0)
		complain("%s is given back at %s:%u and nobody holds it", name, file, line);
	else
		complain("%s is given back at %s:%u and CPU %u holds it", name, file, line,
			 lock_owner_cpu(owner));
}

/* In any order: they need not be given back newest first. */
static void forget(struct lock_held *mine, unsigned at)
{
	for (mine->depth--; at < mine->depth; at++)
		mine->use[at] = mine->use[at + 1];
}

bool lock_giving(struct spinlock *lock, const char *file, unsigned line)
{
	unsigned cpu = this_cpu();
	struct lock_held *mine = &held[cpu];
	uint16_t owner = __atomic_load_n(&lock->owner, __ATOMIC_RELAXED);
	unsigned at = 0;

	if (owner != lock_owner_name(cpu)) {
		complain_not_held(lock, owner, file, line);
		return false;
	}
	while (at < mine->depth && mine->use[at].lock != lock)
		at++;
	if (at < mine->depth) {
		if (mine->use[at].again > 0) {
			mine->use[at].again--;
			return false;
		}
		forget(mine, at);
	}
	__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
	return true;
}

void lock_none_held_at(const char *file, unsigned line)
{
	struct lock_held *mine = &held[this_cpu()];

	while (mine->depth != 0) {
		struct lock_use *use = &mine->use[0];
		struct spinlock *lock = use->lock;

		complain("%s, taken at %s:%u, is still held at %s:%u", rule_of(lock)->name,
			 use->file, use->line, file, line);
		forget(mine, 0);
		__atomic_store_n(&lock->owner, 0, __ATOMIC_RELAXED);
		spin_give(&lock->spin);
	}
}

uint64_t lock_judged(unsigned cpu)
{
	return held[cpu].judged;
}

unsigned lock_misused(unsigned cpu)
{
	return held[cpu].misused;
}
