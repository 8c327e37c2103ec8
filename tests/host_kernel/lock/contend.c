/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One lock, many CPUs that are threads of the host, more than it has processors: what it guards stays
 * whole, and everybody gets in.  First one CPU hands it to another that has waited for it: the race
 * detector judges the order of the slow wait, which the crowd may take by chance only.
 *
 * usage: contend CPUS ROUNDS [study]    TAP; study: CPUs wait as virtual ones do, which the host takes
 *                                       away at any time, and the time that it took is printed
 */
#include <kern/core.h>
#include <kern/spin.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CPUS_ASKED_MAX 64u

struct cpu cpus[CPUS_MAX];

static struct spin lock;
static bool studied;
static bool handing;
static bool has_waited; /* atomic */
static unsigned rounds;

/* Guarded by the lock. */
static uint64_t counter;
static unsigned last;
static uint64_t row, row_max; /* acquisitions by one CPU in a row, while the others wanted it */
static unsigned running;

static pthread_barrier_t together;
static _Thread_local struct cpu *this_cpu_block;

struct cpu *arch_this_cpu(void)
{
	return this_cpu_block;
}

void arch_spin_pause(void)
{
	/* Relaxed, here and below: nothing but the lock shall order what it guards. */
	if (handing)
		__atomic_store_n(&has_waited, true, __ATOMIC_RELAXED);
	if (!studied)
		sched_yield();
}

static void *take_after_wait(void *argument)
{
	this_cpu_block = argument;
	pthread_barrier_wait(&together);
	spin_take(&lock);
	counter++;
	spin_give(&lock);
	return NULL;
}

/* True if what the first one wrote is seen. */
static bool hand_over(void)
{
	pthread_t other;
	bool seen;

	handing = true;
	this_cpu_block = &cpus[0];
	pthread_barrier_init(&together, NULL, 2);
	if (pthread_create(&other, NULL, take_after_wait, &cpus[1]) != 0)
		abort();
	spin_take(&lock);
	pthread_barrier_wait(&together);
	while (!__atomic_load_n(&has_waited, __ATOMIC_RELAXED))
		sched_yield();
	counter++;
	spin_give(&lock);
	pthread_join(other, NULL);
	seen = counter == 2;
	counter = 0;
	handing = false;
	return seen;
}

static void *take_often(void *argument)
{
	unsigned self = (unsigned)(uintptr_t)argument;

	this_cpu_block = &cpus[self];
	pthread_barrier_wait(&together);
	for (unsigned i = 0; i < rounds; i++) {
		spin_take(&lock);
		counter++;
		row = self == last ? row + 1 : 1;
		last = self;
		if (row > row_max && running > 1)
			row_max = row;
		if (i + 1 == rounds)
			running--;
		spin_give(&lock);
	}
	return NULL;
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	static pthread_t threads[CPUS_ASKED_MAX];
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 4;
	double start;
	bool seen;

	rounds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1000;
	studied = argc > 3 && strcmp(argv[3], "study") == 0;
	if (count == 0 || count > CPUS_ASKED_MAX || rounds == 0) {
		printf("Bail out! 1 to %u CPUs, 1 round or more\n", CPUS_ASKED_MAX);
		return 1;
	}
	running = count;
	seen = hand_over();
	printf("1..3\n%s 1 - %s: who waited sees what was guarded\n", seen ? "ok" : "not ok",
	       SPIN_NAME);
	pthread_barrier_init(&together, NULL, count);
	start = seconds();
	for (unsigned i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, take_often, (void *)(uintptr_t)i) != 0)
			abort();
	for (unsigned i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	if (studied)
		printf("# %s: %u CPUs, %u rounds each: %.2f s, at most %lu in a row\n", SPIN_NAME,
		       count, rounds, seconds() - start, (unsigned long)row_max);
	printf("%s 2 - Z10 %s: no increment is lost\n",
	       counter == (uint64_t)count * rounds ? "ok" : "not ok", SPIN_NAME);
	printf("%s 3 - Z09 %s: nobody is inside\n", spin_taken(&lock) ? "not ok" : "ok", SPIN_NAME);
	return seen && counter == (uint64_t)count * rounds && !spin_taken(&lock) ? 0 : 1;
}
