/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and the C library on the booted system; t_sync.c is about synchronisation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libsys/clock.h>
#include <libsys/process.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

#define MEMBERS 6u

/* --- Threads --- */

static int return_argument(void *arg)
{
	return *(int *)arg;
}

static void threads_return_values(void)
{
	int values[MEMBERS] = {1, 2, 3, 4, 5, 6};
	struct crew crew;

	crew_start(&crew, MEMBERS, return_argument, values, sizeof(values[0]));
	tap_equal(crew_join(&crew), 21);
}

static int exit_early(void *arg)
{
	(void)arg;
	thrd_exit(77);
}

static void threads_exit_early(void)
{
	struct thread *thread;
	int result = 0;

	tap_equal(thrd_create(&thread, exit_early, NULL), thrd_success);
	tap_equal(thrd_join(thread, &result), thrd_success);
	tap_equal(result, 77);
}

static struct semaphore detached_done = SEMAPHORE_INIT(0);

static int post_and_end(void *arg)
{
	(void)arg;
	semaphore_post(&detached_done);
	return 0;
}

static void threads_detach(void)
{
	for (unsigned i = 0; i < 20; i++) {
		struct thread *thread;

		tap_equal(thrd_create(&thread, post_and_end, NULL), thrd_success);
		tap_equal(thrd_detach(thread), thrd_success);
		semaphore_wait(&detached_done);
	}
}

static void threads_come_and_go(void)
{
	int value = 1;
	struct crew crew;

	for (unsigned i = 0; i < 30; i++) {
		crew_start(&crew, 4, return_argument, &value, 0);
		tap_equal(crew_join(&crew), 4);
	}
}

/* --- Waiting on words --- */

static void futex_values_and_times(void)
{
	futex_word word = 3;
	time_ns_t until = clock_now_ns() + 3 * NS_PER_MS;

	tap_equal(sys_futex_wait(&word, 2, TIME_NEVER), ERR_WOULD_BLOCK);
	tap_equal(sys_futex_wait(&word, 3, 0), ERR_TIMEOUT);
	tap_equal(sys_futex_wait(&word, 3, until), ERR_TIMEOUT);
	tap_check(clock_now_ns() >= until);
	tap_equal(sys_futex_wake(&word, FUTEX_ALL), 0);
}

/* --- Values of each thread --- */

static _Thread_local int local_value = 5;
static _Thread_local char local_zero[100];
static unsigned tss_key;
static _Atomic unsigned destroyed;

static void tss_destroy(void *value)
{
	atomic_fetch_add(&destroyed, (unsigned)(uintptr_t)value);
}

static int use_locals(void *arg)
{
	int bad = local_value != 5 || local_zero[99] != 0;

	(void)arg;
	for (int i = 0; i < 50; i++) {
		local_value = i;
		errno = 1000 + i;
		thrd_yield();
		bad += local_value != i || errno != 1000 + i;
	}
	tss_set(tss_key, (void *)3);
	return bad;
}

static void locals_are_local(void)
{
	struct crew crew;

	tap_equal(tss_create(&tss_key, tss_destroy), thrd_success);
	crew_start(&crew, MEMBERS, use_locals, NULL, 0);
	tap_equal(crew_join(&crew), 0);
	tap_equal(local_value, 5);
	tap_equal(atomic_load(&destroyed), 3 * MEMBERS);
	tss_delete(tss_key);
}

static struct once once = ONCE_FLAG_INIT;
static _Atomic unsigned once_calls;

static void once_body(void)
{
	thread_sleep_until(clock_now_ns() + NS_PER_MS);
	atomic_fetch_add(&once_calls, 1);
}

static int call_it_once(void *arg)
{
	(void)arg;
	call_once(&once, once_body);
	return (int)atomic_load(&once_calls);
}

static void once_is_once(void)
{
	struct crew crew;

	crew_start(&crew, MEMBERS, call_it_once, NULL, 0);
	tap_equal(crew_join(&crew), MEMBERS);
}

/* --- The C library --- */

static int use_heap(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg | 1;
	char *blocks[32] = {NULL};
	size_t sizes[32] = {0};
	int bad = 0;

	for (unsigned i = 0; i < 2000; i++) {
		unsigned at = (unsigned)(program_random(&seed) % 32);

		for (size_t j = 0; j < sizes[at]; j++)
			bad += blocks[at][j] != (char)(at + sizes[at]);
		free(blocks[at]);
		sizes[at] = (size_t)(program_random(&seed) % 200) + 1;
		blocks[at] = malloc(sizes[at]);
		if (!blocks[at])
			return 1;
		memset(blocks[at], (int)(at + sizes[at]), sizes[at]);
	}
	for (unsigned i = 0; i < 32; i++)
		free(blocks[i]);
	return bad;
}

static void heap_is_shared_by_threads(void)
{
	static char ids[MEMBERS];
	struct crew crew;

	crew_start(&crew, MEMBERS, use_heap, ids, 1);
	tap_equal(crew_join(&crew), 0);
	tap_check(malloc(1ull << 50) == NULL);
	char *large = calloc(1, 1u << 20);

	tap_check(large && large[0] == 0 && large[(1u << 20) - 1] == 0);
	free(large);
}

static void stdio_and_strings(void)
{
	char text[64];

	tap_equal(snprintf(text, sizeof(text), "%d %s %5.2f %lx", -3, "x", 2.5, 255ul), 13);
	tap_check(strcmp(text, "-3 x  2.50 ff") == 0);
	tap_equal(strtol("123z", NULL, 10), 123);
	FILE *file = fopen("hello", "r");

	tap_check(file != NULL);
	if (file) {
		tap_equal(fread(text, 1, 4, file), 4);
		tap_check(memcmp(text, "\177ELF", 4) == 0);
		fclose(file);
	}
	tap_check(fopen("no such file", "r") == NULL);
	tap_equal(errno, ENOENT);
	tap_check(getenv("NO_SUCH_NAME") == NULL);
	tap_equal(setenv("T_LIBSYS", "yes", 1), 0);
	tap_check(getenv("T_LIBSYS") && strcmp(getenv("T_LIBSYS"), "yes") == 0);
}

static void wrong_descriptors(void)
{
	char byte = 0;
	int ends[2];

	errno = 0;
	tap_check(close(77) == -1 && errno == EBADF);
	tap_check(read(-1, &byte, 1) == -1 && errno == EBADF);
	errno = 0;
	tap_check(write(77, &byte, 1) == -1 && errno == EBADF);
	errno = 0;
	tap_check(lseek(77, 0, SEEK_SET) == -1 && errno == EBADF);
	tap_equal(pipe(ends), 0);
	errno = 0;
	tap_check(write(ends[0], &byte, 1) == -1 && errno == EBADF);
	tap_check(lseek(ends[0], 0, SEEK_SET) == -1 && errno == ESPIPE);
	tap_equal(close(ends[0]), 0);
	tap_equal(close(ends[1]), 0);
	errno = 0;
	tap_check(close(ends[1]) == -1 && errno == EBADF);
}

static void stacks_that_cannot_be(void)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4096, SIZE_MAX / 2, (size_t)1 << 40};
	struct thread *thread;
	int value = 0;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const struct thread_options options = {.stack_bytes = sizes[i]};

		tap_check(thread_create(&thread, return_argument, &value, &options) !=
			  thrd_success);
	}
}

static void clocks_agree(void)
{
	struct timespec time;
	time_ns_t before = clock_now_ns();
	time_ns_t kernel = sys_thread_clock().now_ns;
	time_ns_t after = clock_now_ns();

	tap_check(before <= kernel && kernel <= after);
	tap_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
	tap_check(timespec_to_ns(&time) >= after);
	before = clock_now_ns();
	usleep(2000);
	tap_check(clock_now_ns() >= before + 2 * NS_PER_MS);
	time = (struct timespec){.tv_nsec = 1000000};
	before = clock_now_ns();
	tap_equal(nanosleep(&time, NULL), 0);
	tap_check(clock_now_ns() >= before + NS_PER_MS);
}

/* --- Floating point --- */

/* The same sum with and without moving around must be the same to the last bit. */
static double sum_of(unsigned seed, unsigned cpus, bool move)
{
	double sum = seed;
	double factor = 1.0 + 1.0 / (seed + 3.0);

	for (unsigned i = 1; i < 400; i++) {
		for (unsigned j = 1; j < 50; j++)
			sum = sum * factor + 1.0 / (i * j);
		if (sum > 1e6)
			sum *= 1e-6;
		if (move && i % 20 == 0)
			thread_pin((seed + i / 20) % cpus);
	}
	return sum;
}

static unsigned cpus;

static int compare_sums(void *arg)
{
	unsigned seed = *(unsigned *)arg;
	double still = sum_of(seed, cpus, false);
	double moved = sum_of(seed, cpus, true);

	return memcmp(&still, &moved, sizeof(still)) != 0;
}

static void floats_survive_moves(void)
{
	unsigned seeds[MEMBERS] = {1, 2, 3, 4, 5, 6};
	struct crew crew;

	cpus = program_cpus();
	crew_start(&crew, MEMBERS, compare_sums, seeds, sizeof(seeds[0]));
	tap_equal(crew_join(&crew), 0);
}

int main(void)
{
	static const struct tap_case cases[] = {
		{"threads return values to who joins them", threads_return_values},
		{"thrd_exit ends a thread early", threads_exit_early},
		{"detached threads end by themselves", threads_detach},
		{"threads come and go", threads_come_and_go},
		{"futex values and times", futex_values_and_times},
		{"thread-local values are local", locals_are_local},
		{"call_once calls once", once_is_once},
		{"the heap is shared by threads", heap_is_shared_by_threads},
		{"stdio, strings, environment", stdio_and_strings},
		{"wrong descriptors", wrong_descriptors},
		{"stacks that cannot be", stacks_that_cannot_be},
		{"Z02_clocks: agree on all CPUs and never run early", clocks_agree},
		{"K_threads_fpu: registers survive moves between CPUs", floats_survive_moves},
	};

	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
