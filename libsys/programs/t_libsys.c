/* SPDX-License-Identifier: BSD-2-Clause */
/* Threads and the C library on the booted system; t_sync.c is about synchronisation. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fcntl.h>
#include <time.h>
#include <unistd.h>

#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/objects.h>
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

static unsigned rounds;

/* Sets its value again, as one that makes what is destroyed after it. */
static void tss_destroy_again(void *value)
{
	rounds++;
	tss_set(tss_key, value);
}

static int use_a_value(void *arg)
{
	return tss_set(tss_key, arg) != thrd_success;
}

static void destructors_have_their_rounds(void)
{
	struct thread *thread;
	int result = 1;

	tap_equal(tss_create(&tss_key, tss_destroy_again), thrd_success);
	tap_equal(thrd_create(&thread, use_a_value, &rounds), thrd_success);
	tap_equal(thrd_join(thread, &result), thrd_success);
	tap_equal(result, 0);
	tap_equal(rounds, TSS_DTOR_ITERATIONS);
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

/* By addresses that the compiler does not know, or it would do it all itself. */
static void *(*volatile set)(void *, int, size_t) = memset;
static void *(*volatile copy)(void *, const void *, size_t) = memcpy;
static void *(*volatile shift)(void *, const void *, size_t) = memmove;
static int (*volatile compare)(const void *, const void *, size_t) = memcmp;
static int (*volatile compare_some)(const char *, const char *, size_t) = strncmp;
static char *(*volatile find)(const char *, int) = strchr;
static char *(*volatile find_last)(const char *, int) = strrchr;

#define BLOCK 1200u

/* Bytes of `block` that are not as they should be: `inside` from `at` on, 0x55 elsewhere. */
static unsigned spoilt(const unsigned char *block, size_t at, size_t bytes, int inside)
{
	unsigned bad = 0;

	for (size_t i = 0; i < BLOCK; i++)
		bad += block[i] != (i >= at && i - at < bytes ? inside : 0x55);
	return bad;
}

/* At each offset in a cache line, and about where it goes by words, lines and blocks. */
static void memory_is_set_and_copied(void)
{
	static const size_t sizes[] = {0, 1, 7, 8, 9, 63, 64, 65, 129, 511, 512, 513, 640, 1000};
	static unsigned char block[BLOCK], other[BLOCK];
	unsigned bad = 0;

	for (size_t at = 0; at < 70; at++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			set(block, 0x55, BLOCK);
			set(block + at, 0, sizes[i]);
			bad += spoilt(block, at, sizes[i], 0);
			set(other, 0x77, BLOCK);
			copy(block + at, other + i, sizes[i]);
			bad += spoilt(block, at, sizes[i], 0x77);
		}
	}
	tap_equal(bad, 0);
}

static void memory_moves_over_itself(void)
{
	unsigned char bytes[200];
	unsigned bad = 0;

	for (size_t distance = 0; distance < 100; distance++) {
		for (unsigned back = 0; back < 2; back++) {
			for (size_t i = 0; i < sizeof(bytes); i++)
				bytes[i] = (unsigned char)i;
			shift(bytes + (back ? 0 : distance), bytes + (back ? distance : 0), 100);
			for (size_t i = 0; i < 100; i++)
				bad += bytes[i + (back ? 0 : distance)] !=
				       i + (back ? distance : 0);
		}
	}
	tap_equal(bad, 0);
}

static void strings_end(void)
{
	const char word[] = "a\0x", same[] = "a\0y";

	tap_equal(compare_some(word, same, 4), 0);
	tap_check(compare_some("ab", "ac", 2) < 0 && compare_some("ab", "ac", 1) == 0);
	tap_check(compare_some("a", "ab", 9) < 0 && compare_some("\xff", "a", 1) > 0);
	tap_check(compare("a\0x", "a\0y", 3) < 0);
	tap_check(find(word, 'x') == NULL && find(word, '\0') == word + 1);
	tap_check(find_last(word, 'x') == NULL && find_last("aba", '\0') != NULL);
	tap_equal(strlen(find_last("abac", 'a')), 2);
}

static void files_have_positions(void)
{
	const int fd = open("hello", O_RDONLY);
	const off_t end = lseek(fd, 0, SEEK_END);
	char first[4] = "";

	tap_check(fd >= 0 && end > 100);
	tap_equal(lseek(fd, -end, SEEK_CUR), 0);
	tap_equal(read(fd, first, 4), 4);
	tap_check(memcmp(first, "\177ELF", 4) == 0);
	tap_equal(lseek(fd, 1, SEEK_CUR), 5);
	errno = 0;
	tap_check(lseek(fd, -6, SEEK_CUR) == -1 && errno == EINVAL);
	tap_equal(lseek(fd, 0, SEEK_CUR), 5);
	tap_equal(lseek(fd, -4, SEEK_END), end - 4);
	tap_equal(read(fd, first, 4), 4);
	tap_equal(read(fd, first, 4), 0);
	tap_equal(close(fd), 0);
}

/* More often than there is room for what would be left behind. */
static void nothing_is_left_behind(void)
{
	static char large[3000];
	char *const argv[] = {large, NULL};
	cptr_t slot;
	word_t pid;

	memset(large, 'x', sizeof(large) - 1);
	tap_equal(process_spawn("no such program", argv, NULL, NULL, &pid), ERR_NOT_FOUND);
	const char *heap = sbrk(0);

	for (unsigned i = 0; i < 600; i++) {
		if (process_spawn("no such program", argv, NULL, NULL, &pid) != ERR_NOT_FOUND ||
		    object_new(OBJ_NOTIFICATION, &slot) != ERR_OK) {
			tap_equal(i, 600);
			return;
		}
		object_free(slot);
	}
	tap_check(sbrk(0) == heap);
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
		{"destructors have their rounds", destructors_have_their_rounds},
		{"call_once calls once", once_is_once},
		{"the heap is shared by threads", heap_is_shared_by_threads},
		{"stdio, strings, environment", stdio_and_strings},
		{"memory is set and copied", memory_is_set_and_copied},
		{"memory moves over itself", memory_moves_over_itself},
		{"strings end", strings_end},
		{"files have positions", files_have_positions},
		{"nothing is left behind", nothing_is_left_behind},
		{"wrong descriptors", wrong_descriptors},
		{"stacks that cannot be", stacks_that_cannot_be},
		{"Z02_clocks: agree on all CPUs and never run early", clocks_agree},
		{"K_threads_fpu: registers survive moves between CPUs", floats_survive_moves},
	};

	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
