/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory as programs see it: mm and the kernel's mappings. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libsys/file.h>
#include <libsys/memory.h>
#include <libsys/process.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

#define RW            (MM_PROT_READ | MM_PROT_WRITE)
#define RX            (MM_PROT_READ | MM_PROT_EXECUTE)
#define PAGES         32u
#define LONG_PAGES    (3 * MM_WORK_MAX + 1)
#define SPARSE_TABLES 8400u

/* Run this program again with an argument, and wait for it. */
static struct wait_result run_self(const char *how, const char *arg, word_t memory_bytes_max)
{
	char *const argv[] = {(char[]){"t_mem"}, (char *)(uintptr_t)how, (char *)(uintptr_t)arg,
			      NULL};
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	word_t pid;

	options.memory_bytes_max = memory_bytes_max;
	program_need("spawning", process_spawn("t_mem", argv, NULL, &options, &pid));
	return program_wait(pid);
}

static void memory_is_zero_at_first(void)
{
	void *at;

	for (unsigned round = 0; round < 3; round++) {
		tap_equal(memory_map(PAGES * PAGE_SIZE, RW, &at), ERR_OK);
		unsigned char *bytes = at;
		unsigned wrong = 0;

		for (unsigned i = 0; i < PAGES * PAGE_SIZE; i++)
			wrong += bytes[i] != 0;
		tap_equal(wrong, 0);
		memset(at, 0x5a, PAGES * PAGE_SIZE);
		tap_equal(memory_unmap(at, PAGES * PAGE_SIZE), ERR_OK);
	}
}

static void unmapping_splits(void)
{
	void *at;

	tap_equal(memory_map(3 * PAGE_SIZE, RW, &at), ERR_OK);
	char *bytes = at;

	bytes[0] = 1;
	bytes[PAGE_SIZE] = 2;
	bytes[2 * PAGE_SIZE] = 3;
	tap_equal(memory_unmap(bytes + PAGE_SIZE, PAGE_SIZE), ERR_OK);
	tap_equal(bytes[0], 1);
	tap_equal(bytes[2 * PAGE_SIZE], 3);
	void *again;

	tap_equal(memory_map_at((word_t)(bytes + PAGE_SIZE), PAGE_SIZE,
				MM_MAP_FLAGS(RW, MM_KIND_ANON), 0, 0, &again),
		  ERR_OK);
	tap_equal(bytes[PAGE_SIZE], 0);
	tap_equal(memory_unmap(at, 3 * PAGE_SIZE), ERR_OK);
}

static void wrong_requests_are_refused(void)
{
	void *at;

	tap_check(memory_map_at(1, PAGE_SIZE, MM_MAP_FLAGS(RW, MM_KIND_ANON), 0, 0, &at) != ERR_OK);
	tap_check(memory_map_at(0, PAGE_SIZE, MM_MAP_FLAGS(RW, 77), 0, 0, &at) != ERR_OK);
	tap_check(memory_map_at(1ull << 45, PAGE_SIZE, MM_MAP_FLAGS(RW, MM_KIND_ANON), 0, 0, &at) !=
		  ERR_OK);
	tap_check(memory_map(0, RW, &at) != ERR_OK);
	tap_check(memory_map(PAGE_SIZE, MM_PROT_WRITE | MM_PROT_EXECUTE | MM_PROT_READ, &at) !=
		  ERR_OK);
	tap_check(shared_map(123456789, PAGE_SIZE, RW, &at) != ERR_OK);
}

static void files_are_mapped_and_copied_on_write(void)
{
	const void *file;
	size_t bytes;
	struct file_stat stat;
	word_t fd;
	void *copy;

	tap_equal(file_map("hello", &file, &bytes), ERR_OK);
	tap_check(bytes > 64 && memcmp(file, "\177ELF", 4) == 0);
	tap_equal(file_open("hello", &fd, NULL), ERR_OK);
	tap_equal(file_stat(fd, &stat), ERR_OK);
	tap_equal(stat.bytes, bytes);
	tap_equal(memory_map_file(stat.archive_offset, bytes, RW, &copy), ERR_OK);
	tap_check(memcmp(copy, file, bytes) == 0);
	memset(copy, 0xee, bytes);
	tap_check(memcmp(file, "\177ELF", 4) == 0);
	tap_check(((const unsigned char *)file)[bytes - 1] != ((unsigned char *)copy)[bytes - 1] ||
		  ((const unsigned char *)file)[bytes - 1] == 0xee);

	/* What read() gives is what the mapping shows. */
	char *text = malloc(bytes);
	size_t at = 0;
	size_t got = 1;

	while (text && at < bytes && got > 0 &&
	       file_read(fd, text + at, bytes - at, &got) == ERR_OK)
		at += got;
	tap_equal(at, bytes);
	tap_check(text && memcmp(text, file, bytes) == 0);
	free(text);
	tap_equal(file_close(fd), ERR_OK);
	tap_equal(file_unmap(file, bytes), ERR_OK);
	tap_equal(file_unmap(copy, bytes), ERR_OK);
}

static void shared_memory_is_shared(void)
{
	word_t object;
	void *here;
	void *there;
	char number[24];

	tap_equal(shared_new(2 * PAGE_SIZE, &object), ERR_OK);
	tap_equal(shared_map(object, 2 * PAGE_SIZE, RW, &here), ERR_OK);
	tap_equal(shared_map(object, 2 * PAGE_SIZE, RW, &there), ERR_OK);
	uint64_t *a = here;
	uint64_t *b = there;

	a[0] = 41;
	b[600] = 43;
	tap_equal(b[0], 41);
	tap_equal(a[600], 43);
	snprintf(number, sizeof(number), "%lu", (unsigned long)object);
	tap_check(run_self("shared", number, 0).status != 0);
	tap_equal(shared_allow(object, 0), ERR_OK);
	tap_equal(run_self("shared", number, 0).status, 0);
	tap_equal(a[0], 42);
	tap_equal(memory_unmap(here, 2 * PAGE_SIZE), ERR_OK);
	tap_equal(memory_unmap(there, 2 * PAGE_SIZE), ERR_OK);
	tap_equal(shared_free(object), ERR_OK);
}

static int child_shared(const char *number)
{
	void *at;

	if (shared_map(strtoull(number, NULL, 10), 2 * PAGE_SIZE, RW, &at) != ERR_OK)
		return 9;
	++*(uint64_t *)at;
	return ((uint64_t *)at)[600] == 43 ? 0 : 8;
}

static void protection_is_enforced(void)
{
	tap_equal(run_self("write-read-only", NULL, 0).signal, PROC_SIGSEGV);
	tap_equal(run_self("read-unmapped", NULL, 0).signal, PROC_SIGSEGV);
	tap_equal(run_self("execute-data", NULL, 0).signal, PROC_SIGSEGV);
	tap_equal(run_self("write-long", NULL, 0).signal, PROC_SIGSEGV);
	tap_equal(run_self("read-long", NULL, 0).signal, PROC_SIGSEGV);
}

static void code_ends_with_its_page(void)
{
	tap_equal(run_self("execute-cleared", NULL, 0).signal, PROC_SIGILL);
}

static void other_cpus_forget_a_page(void)
{
	for (unsigned i = 0; i < 10; i++)
		tap_equal(run_self("read-elsewhere", NULL, 0).signal, PROC_SIGSEGV);
}

/* Each page of a long range, which mm does in parts. */
static int child_write_long(void)
{
	char *bytes;
	void *at;

	program_need("mapping", memory_map(LONG_PAGES * PAGE_SIZE, RW, &at));
	bytes = at;
	for (unsigned i = 0; i < LONG_PAGES; i++)
		bytes[i * PAGE_SIZE] = 1;
	program_need("protecting", memory_protect(at, LONG_PAGES * PAGE_SIZE, MM_PROT_READ));
	*(volatile char *)&bytes[(LONG_PAGES - 1) * PAGE_SIZE] = 2;
	return 8;
}

static int child_read_long(void)
{
	char *bytes;
	void *at;

	program_need("mapping", memory_map(LONG_PAGES * PAGE_SIZE, RW, &at));
	bytes = at;
	for (unsigned i = 0; i < LONG_PAGES; i++)
		bytes[i * PAGE_SIZE] = 1;
	program_need("unmapping", memory_unmap(at, LONG_PAGES * PAGE_SIZE));
	return *(volatile char *)&bytes[(LONG_PAGES - 1) * PAGE_SIZE];
}

static int child_write_read_only(void)
{
	void *at;

	program_need("mapping", memory_map(PAGE_SIZE, RW, &at));
	*(volatile int *)at = 1;
	program_need("protecting", memory_protect(at, PAGE_SIZE, MM_PROT_READ));
	if (*(volatile int *)at != 1)
		return 9;
	*(volatile int *)at = 2;
	return 8;
}

static int child_read_unmapped(void)
{
	void *at;

	program_need("mapping", memory_map(PAGE_SIZE, RW, &at));
	*(volatile int *)at = 1;
	program_need("unmapping", memory_unmap(at, PAGE_SIZE));
	return *(volatile int *)at;
}

struct reader {
	volatile int *at;
	atomic_bool has_read;
	atomic_bool unmapped;
};

/* Between the two reads it stays in user mode: only the invalidation makes its CPU forget the page. */
static int read_twice(void *arg)
{
	struct reader *reader = arg;

	if (!thread_pin(1))
		return 7;
	(void)*reader->at;
	atomic_store(&reader->has_read, true);
	while (!atomic_load(&reader->unmapped))
		__asm__ volatile("yield");
	(void)*reader->at;
	return 0;
}

static int child_read_elsewhere(void)
{
	struct reader reader = {0};
	struct crew crew;
	void *at;

	if (program_cpus() == 1)
		return child_read_unmapped();
	if (!thread_pin(0))
		return 7;
	program_need("mapping", memory_map(PAGE_SIZE, RW, &at));
	*(volatile int *)at = 1;
	reader.at = at;
	crew_start(&crew, 1, read_twice, &reader, 0);
	while (!atomic_load(&reader.has_read))
		thread_pause();
	program_need("unmapping", memory_unmap(at, PAGE_SIZE));
	atomic_store(&reader.unmapped, true);
	return crew_join(&crew);
}

static int child_execute_data(void)
{
	static uint32_t code[2] = {0xd65f03c0u /* ret */, 0};
	void (*volatile run)(void) = (void (*)(void))(uintptr_t)code;

	run();
	return 8;
}

/* In the middle of what is cleared at once, where translations of it were left. */
static int child_execute_cleared(void)
{
	static const uint32_t code[2] = {0x52800540u /* mov w0, #42 */, 0xd65f03c0u /* ret */};
	int (*run)(void);
	void *at;

	program_need("mapping", memory_map(PAGE_SIZE, RW, &at));
	memcpy((char *)at + PAGE_SIZE / 2 + sizeof(code), code, sizeof(code));
	program_need("making code of it", memory_protect(at, PAGE_SIZE, RX));
	run = (int (*)(void))((uintptr_t)at + PAGE_SIZE / 2 + sizeof(code));
	if (run() != 42)
		return 9;
	program_need("unmapping", memory_unmap(at, PAGE_SIZE));
	/* The frame that was given back last is the first to be given out. */
	program_need("mapping", memory_map_at((word_t)at, PAGE_SIZE, MM_MAP_FLAGS(RX, MM_KIND_ANON),
					      0, 0, &at));
	return run();
}

/* Each level looks at the one above, so that no compiler makes a loop of it. */
static unsigned deep(const volatile char *above, unsigned n)
{
	volatile char room[256];

	room[0] = (char)(n + (unsigned)above[0]);
	return n == 0 ? 0 : deep(room, n - 1) + (unsigned)room[0];
}

static int overflow_stack(void *arg)
{
	return (int)deep("", *(unsigned *)arg);
}

static void stacks_grow_and_are_guarded(void)
{
	struct thread *thread;
	unsigned depth = 150; /* about 48 KiB of 64 */

	tap_equal(thrd_create(&thread, overflow_stack, &depth), thrd_success);
	tap_equal(thrd_join(thread, NULL), thrd_success);
	tap_equal(run_self("stack", NULL, 0).signal, PROC_SIGSEGV);
	tap_equal(run_self("thread-stack", NULL, 0).signal, PROC_SIGSEGV);
}

static int child_thread_stack(void)
{
	struct thread *thread;
	unsigned depth = 1000000;

	if (thrd_create(&thread, overflow_stack, &depth) != thrd_success)
		return 9;
	thrd_join(thread, NULL);
	return 8;
}

static void limits_are_enforced(void)
{
	struct wait_result result = run_self("eat", NULL, 2u << 20);

	tap_check(result.signal != 0 || result.status == 7);
	tap_equal(run_self("eat", NULL, 0).status, 0);
}

/* Touch 8 MiB. */
static int child_eat(void)
{
	void *at;

	if (memory_map(8u << 20, RW, &at) != ERR_OK)
		return 7;
	for (unsigned i = 0; i < 8u << 20; i += PAGE_SIZE)
		((volatile char *)at)[i] = 1;
	return 0;
}

static void processes_give_all_back(void)
{
	struct mm_stats before;
	struct mm_stats after;

	tap_equal(run_self("nothing", NULL, 0).status, 0);
	tap_equal(machine_memory(&before), ERR_OK);
	for (unsigned i = 0; i < 5; i++) {
		tap_equal(run_self("eat", NULL, 0).status, 0);
		run_self("stack", NULL, 0);
	}
	tap_equal(machine_memory(&after), ERR_OK);
	tap_equal(after.frames_user, before.frames_user);
	tap_equal(after.spaces, before.spaces);
}

/* Many page tables: one page in each of 2 MiB. */
static int child_sparse(void)
{
	void *at;

	if (memory_map((size_t)SPARSE_TABLES << LARGE_PAGE_BITS, RW, &at) != ERR_OK)
		return 7;
	for (size_t i = 0; i < SPARSE_TABLES; i++)
		((volatile char *)at)[i << LARGE_PAGE_BITS] = 1;
	return 0;
}

/* The first time mm grows for what it keeps. */
static void page_tables_come_back(void)
{
	struct mm_stats before;
	struct mm_stats after;

	tap_equal(run_self("sparse", NULL, 0).status, 0);
	tap_equal(machine_memory(&before), ERR_OK);
	tap_equal(run_self("sparse", NULL, 0).status, 0);
	tap_equal(machine_memory(&after), ERR_OK);
	tap_equal(after.frames_free, before.frames_free);
}

static int child(const char *how, const char *arg)
{
	static const struct {
		const char *name;
		int (*body)(void);
	} bodies[] = {
		{"write-read-only", child_write_read_only},
		{"write-long", child_write_long},
		{"read-long", child_read_long},
		{"read-unmapped", child_read_unmapped},
		{"read-elsewhere", child_read_elsewhere},
		{"execute-data", child_execute_data},
		{"execute-cleared", child_execute_cleared},
		{"thread-stack", child_thread_stack},
		{"eat", child_eat},
		{"sparse", child_sparse},
	};

	if (strcmp(how, "shared") == 0)
		return child_shared(arg);
	if (strcmp(how, "stack") == 0)
		return (int)deep("", 100000000);
	for (unsigned i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		if (strcmp(how, bodies[i].name) == 0)
			return bodies[i].body();
	return 0;
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"memory is zero at first", memory_is_zero_at_first},
		{"unmapping splits regions", unmapping_splits},
		{"wrong requests are refused", wrong_requests_are_refused},
		{"files are mapped, and copied on write", files_are_mapped_and_copied_on_write},
		{"shared memory is shared, with whom it is allowed", shared_memory_is_shared},
		{"K_memory_protect: protection is enforced", protection_is_enforced},
		{"K_memory_shoot_down: a page unmapped on one CPU is gone on another",
		 other_cpus_forget_a_page},
		{"code is gone when its page is cleared", code_ends_with_its_page},
		{"stacks grow, and are guarded", stacks_grow_and_are_guarded},
		{"limits are enforced", limits_are_enforced},
		{"M10_frame_counts: processes give all their memory back", processes_give_all_back},
		{"page tables come back, however many", page_tables_come_back},
	};

	if (argc > 1)
		return child(argv[1], argc > 2 ? argv[2] : NULL);
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
