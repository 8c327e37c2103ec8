/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locks, and the judge of their use.  Each misuse is said, with the locks and the places, on any CPU,
 * before there is any thread, and without taking a lock itself.  Then this machine ends, as most
 * cases here want it; a real one goes on, as those called Z28 do.
 */
#include <host_arch.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/lock.h>
#include <kern/machine.h>
#include <kern/thread.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define RAM (8ull << 20)

static struct spinlock derivation, notification, endpoint, reply, space, core[3], console;
static jmp_buf panicked;
static uint64_t panic_status;

static void power_off(uint64_t status)
{
	panic_status = status;
	longjmp(panicked, 1);
}

static void begin(void)
{
	host_machine_reset(RAM, 256);
	host_on_power_off = power_off;
	spin_init(&derivation, LOCK_DERIVATION);
	spin_init(&notification, LOCK_NOTIFICATION);
	spin_init(&endpoint, LOCK_ENDPOINT);
	spin_init(&reply, LOCK_REPLY);
	spin_init(&space, LOCK_VSPACE);
	for (unsigned i = 0; i < 3; i++)
		spin_init(&core[i], LOCK_CORE);
	spin_init(&console, LOCK_CONSOLE);
}

TestSuite(lock, .init = begin);

/* The panic is complete, and says each of these. */
static void said(const char *first, const char *second)
{
	cr_assert_eq(panic_status, 101);
	cr_assert_neq(strstr(host_console, first), NULL, "not \"%s\" in:\n%s", first, host_console);
	cr_assert_neq(strstr(host_console, second), NULL, "not \"%s\" in:\n%s", second,
		      host_console);
}

#define PANICS(action)                              \
	do {                                        \
		if (setjmp(panicked) == 0) {        \
			action;                     \
			cr_assert_fail("no panic"); \
		}                                   \
	} while (0)

Test(lock, the_whole_order_is_accepted)
{
	spin_lock(&derivation);
	spin_lock(&notification);
	spin_lock(&endpoint);
	spin_lock(&reply);
	spin_lock(&core[0]);
	spin_lock(&core[2]);
	/* In any order. */
	spin_unlock(&notification);
	spin_unlock(&derivation);
	spin_unlock(&core[0]);
	spin_unlock(&reply);
	spin_unlock(&endpoint);
	spin_unlock(&core[2]);
	lock_none_held();
	spin_lock(&derivation);
	spin_lock(&space);
	spin_lock(&console);
	spin_unlock(&console);
	spin_unlock(&space);
	spin_unlock(&derivation);
	lock_none_held();
}

Test(lock, who_waits_for_a_grace_period_holds_none)
{
	spin_lock(&derivation);
	PANICS(grace_wait());
	said("derivation, taken at test_lock.c:", "is still held at grace.c:");
}

/* Every pair of classes: exactly what docs/locking.md allows. */
Test(lock, every_pair_is_judged)
{
	struct spinlock *const all[] = {&derivation, &notification, &endpoint, &reply,
					&space,      &core[0],      &console};
	/* Row: held; column: taken; '+': allowed. */
	static const char *const allowed[] = {".++++++", "..++.++", "...+.++", ".....++",
					      "......+", "......+", "......."};

	for (volatile unsigned outer = 0; outer < 7; outer++)
		for (volatile unsigned inner = 0; inner < 7; inner++) {
			volatile bool fine = false;

			if (inner == outer)
				continue;
			spin_lock(all[outer]);
			if (setjmp(panicked) == 0) {
				lock_taking(all[inner], "here", 1);
				fine = true;
			}
			spin_unlock(all[outer]);
			cr_assert_eq(fine, allowed[outer][inner] == '+', "%u inside %u", inner,
				     outer);
		}
}

Test(lock, cores_in_order_of_their_index)
{
	spin_lock(&core[1]);
	PANICS(spin_lock(&core[0]));
	said("wrong order: Core is taken at test_lock.c:", "inside Core, taken at test_lock.c:");
}

Test(lock, against_the_order)
{
	spin_lock(&endpoint);
	PANICS(spin_lock(&notification));
	said("wrong order: notification is taken at test_lock.c:",
	     "inside endpoint, taken at test_lock.c:");
}

Test(lock, taken_twice)
{
	spin_lock(&reply);
	PANICS(spin_lock(&reply));
	said("reply is taken twice: at test_lock.c:", "and before at test_lock.c:");
}

Test(lock, given_back_twice)
{
	spin_lock(&reply);
	spin_unlock(&reply);
	PANICS(spin_unlock(&reply));
	said("reply is given back at test_lock.c:", "and nobody holds it");
}

Test(lock, without_a_class)
{
	static struct spinlock forgotten;

	PANICS(spin_lock(&forgotten));
	said("taken at test_lock.c:", "has no class");
}

Test(lock, held_where_the_kernel_is_left)
{
	spin_lock(&space);
	PANICS(kernel_exit());
	said("address space, taken at test_lock.c:", "is still held at switch.c:");
}

Test(lock, M03_not_with_interrupts_on)
{
	host_interrupts_on = true;
	PANICS(spin_lock(&derivation));
	said("derivation is taken with interrupts on", "test_lock.c:");
}

/* What was misused is said, and then all is as it would be without. */
static void survived(unsigned misused, const char *first, const char *second)
{
	struct spinlock *const all[] = {&derivation, &notification, &endpoint, &reply,  &space,
					&core[0],    &core[1],      &core[2],  &console};

	cr_assert_eq(lock_misused(0), misused);
	cr_assert_neq(strstr(host_console, first), NULL, "not \"%s\" in:\n%s", first, host_console);
	cr_assert_neq(strstr(host_console, second), NULL, "not \"%s\" in:\n%s", second,
		      host_console);
	lock_none_held();
	cr_assert_eq(lock_misused(0), misused);
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		cr_assert_not(spin_held(all[i]));
		cr_assert_eq(all[i]->owner, 0);
	}
}

Test(lock, Z28_wrong_order_is_survived)
{
	host_misuse_survives = true;
	spin_lock(&endpoint);
	spin_lock(&notification);
	cr_assert(spin_held(&endpoint) && spin_held(&notification));
	spin_unlock(&endpoint);
	spin_unlock(&notification);
	survived(1, "lock misuse (CPU 0): wrong order: notification is taken at test_lock.c:",
		 "inside endpoint, taken at test_lock.c:");
}

/* The holder does not wait for itself, and others wait until it has unlocked as often as it locked. */
Test(lock, Z28_taken_twice_is_survived, .timeout = 10)
{
	host_misuse_survives = true;
	spin_lock(&reply);
	spin_lock(&reply);
	spin_lock(&reply);
	spin_unlock(&reply);
	spin_unlock(&reply);
	cr_assert(spin_held(&reply));
	spin_unlock(&reply);
	survived(2, "reply is taken twice: at test_lock.c:", "and before at test_lock.c:");
}

Test(lock, Z28_tried_twice_is_survived)
{
	host_misuse_survives = true;
	cr_assert(spin_try_lock(&reply));
	cr_assert(spin_try_lock(&reply));
	spin_unlock(&reply);
	cr_assert(spin_held(&reply));
	spin_unlock(&reply);
	survived(1, "reply is taken twice: at test_lock.c:", "and before at test_lock.c:");
}

/* Z26: both ways, also where a claim is all that stands in the way. */
Test(lock, Z26_try_takes_what_is_free_and_nothing_else)
{
	cr_assert(spin_try_lock(&endpoint));
	host_cpu_enter(1);
	cr_assert_not(spin_try_lock(&endpoint));
	host_cpu_enter(0);
	cr_assert_eq(endpoint.owner, lock_owner_name(0));
	spin_unlock(&endpoint);
	host_cpu_enter(1);
	cr_assert(spin_try_lock(&endpoint));
	cr_assert_eq(endpoint.owner, lock_owner_name(1));
	spin_unlock(&endpoint);
	lock_none_held();
}

Test(lock, Z28_foreign_unlock_is_survived)
{
	host_misuse_survives = true;
	host_cpu_enter(3);
	spin_lock(&endpoint);
	host_cpu_enter(0);
	spin_unlock(&endpoint);
	cr_assert(spin_held(&endpoint));
	host_cpu_enter(3);
	spin_unlock(&endpoint);
	host_cpu_enter(0);
	spin_unlock(&endpoint);
	survived(2, "endpoint is given back at test_lock.c:", "and nobody holds it");
	cr_assert_eq(lock_misused(3), 0);
}

Test(lock, Z28_forgotten_locks_are_given_back)
{
	host_misuse_survives = true;
	spin_lock(&derivation);
	spin_lock(&space);
	lock_none_held();
	survived(2, "derivation, taken at test_lock.c:", "address space, taken at test_lock.c:");
}

Test(lock, Z28_without_a_class_is_survived)
{
	static struct spinlock forgotten, damaged = {.class = 0xfff0};

	host_misuse_survives = true;
	spin_lock(&forgotten);
	spin_lock(&damaged);
	spin_unlock(&damaged);
	spin_unlock(&forgotten);
	cr_assert_not(spin_held(&forgotten) || spin_held(&damaged));
	survived(2, "taken at test_lock.c:", "has no class");
}

/* More than a CPU has room to remember: they are locks all the same. */
Test(lock, Z28_too_many_are_survived)
{
	static struct spinlock many[9];

	host_misuse_survives = true;
	for (unsigned i = 0; i < 9; i++) {
		spin_init(&many[i], LOCK_CORE);
		spin_lock(&many[i]);
	}
	for (unsigned i = 0; i < 9; i++) {
		cr_assert(spin_held(&many[i]));
		spin_unlock(&many[i]);
		cr_assert_not(spin_held(&many[i]));
	}
	survived(3, "Core, taken at test_lock.c:", "is one more than a CPU may hold");
}

Test(lock, Z28_complaints_without_end_are_counted)
{
	const char *at = host_console;
	unsigned lines = 0;

	host_misuse_survives = true;
	for (unsigned i = 0; i < 1000; i++)
		spin_unlock(&reply);
	cr_assert_eq(lock_misused(0), 1000);
	while ((at = strstr(at, "lock misuse")) != NULL)
		at++, lines++;
	cr_assert_eq(lines, 32);
}

/* CPU 1 stops in the middle of a line and never gives the console back. */
static sem_t in_the_middle;

void __real_arch_console_put(char c);
void __wrap_arch_console_put(char c);
void __wrap_arch_console_put(char c)
{
	if (host_cpu_index() == 1) {
		sem_post(&in_the_middle);
		for (;;)
			pause();
	}
	__real_arch_console_put(c);
}

static void *print_for_ever(void *argument)
{
	host_cpu_enter(1);
	kprintf("a line\n");
	return argument;
}

Test(lock, G02_the_complaint_takes_no_lock, .timeout = 10)
{
	pthread_t printer;

	sem_init(&in_the_middle, 0, 0);
	cr_assert_eq(pthread_create(&printer, NULL, print_for_ever, NULL), 0);
	sem_wait(&in_the_middle);
	spin_lock(&core[0]);
	PANICS(spin_lock(&endpoint));
	said("wrong order: endpoint", "inside Core");
	cr_assert_neq(strstr(host_console, "CPU 0: "), NULL, "%s", host_console);
}

Test(lock, G06_owners_are_told_apart_up_to_the_last_cpu)
{
	char holder[40];

	host_cpu_enter(CPUS_MAX - 1);
	spin_lock(&endpoint);
	for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
		cr_assert_neq(lock_owner_name(cpu), 0);
		cr_assert_eq(lock_owner_cpu(lock_owner_name(cpu)), cpu);
		cr_assert_eq(endpoint.owner == lock_owner_name(cpu), cpu == CPUS_MAX - 1);
	}
	host_cpu_enter(0);
	PANICS(spin_unlock(&endpoint));
	snprintf(holder, sizeof(holder), "and CPU %u holds it", CPUS_MAX - 1);
	said(holder, "endpoint is given back at test_lock.c:");
}
