/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting proc on the kernel of paper, and what of proc and libsys is not linked. */
#include <abi/object.h>
#include <libsys/clock.h>
#include <libsys/objects.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "../fuzz.h"
#include "archive.h"
#include "builder.h"
#include "console.h"
#include "device.h"
#include "kernel.h"
#include "log.h"
#include "options.h"
#include "register.h"
#include "server_thread.h"
#include "state.h"
#include "supervisor.h"
#include "untyped.h"

#define MEMORY_BITS 23u /* tids keep memory, up to 256 of them 8 KiB each */
#define OWN_BITS    23u

struct options options = {.device = "prog:/clock", .run = "prog,one,two", .sched = true};
struct builder own_builder;

void (*paper_console)(const char *text, size_t bytes);
void (*paper_log)(const char *line);

/* ---- What proc is linked with ----------------------------------------------------------------- */

time_ns_t clock_now_ns(void)
{
	return 1000;
}

struct thread_clock sys_thread_clock(void)
{
	return (struct thread_clock){.cpu = 0};
}

void log_line(unsigned level, const char *format, ...)
{
	char line[256];
	va_list arguments;

	(void)level;
	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (paper_log != NULL)
		paper_log(line);
}

_Noreturn void proc_panic(const char *what, enum error error)
{
	fprintf(stderr, "broken rule: proc gives up: %s: error %d\n", what, (int)error);
	abort();
}

enum error system_debug_write(cptr_t system, const char *text, size_t bytes)
{
	(void)system;
	fuzz_touch(text, bytes);
	if (paper_console != NULL)
		paper_console(text, bytes);
	return ERR_OK;
}

void supervisor_kill_server(void)
{
}

enum error supervisor_groups_want(void)
{
	return ERR_BUSY;
}

uint64_t supervisor_restarts(void)
{
	return 0;
}

/* ---- Once ------------------------------------------------------------------------------------ */

static void *map_at(uint64_t vaddr, size_t bytes)
{
	void *at = mmap((void *)(uintptr_t)vaddr, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_NORESERVE, -1, 0);

	fuzz_check(at != MAP_FAILED);
	return at;
}

/* proc's addresses lie in a gap that the address sanitizer protects otherwise. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "protect_shadow_gap=0";
}

static size_t entry_put(char *at, const char *name, const void *data, size_t bytes, unsigned mode)
{
	size_t name_bytes = strlen(name) + 1;
	size_t done = (size_t)sprintf(
		at, "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 1, mode, 0, 0, 1,
		0, (unsigned)bytes, 0, 0, 0, 0, (unsigned)name_bytes, 0);

	memcpy(at + done, name, name_bytes);
	done = (done + name_bytes + 3) & ~3ull;
	if (bytes != 0)
		memcpy(at + done, data, bytes);
	return (done + bytes + 3) & ~3ull;
}

static size_t archive_make(char *at)
{
	static const uint8_t header[64] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	uint8_t program[256] = {0};
	size_t bytes;

	memcpy(program, header, sizeof(header));
	program[16] = 2;   /* ET_EXEC */
	program[18] = 183; /* EM_AARCH64 */
	program[20] = 1;
	program[25] = 0x10, program[26] = 0x40; /* entry 0x401000 */
	program[32] = 64;                       /* program headers */
	program[52] = 64, program[54] = 56, program[56] = 1;
	program[64] = 1, program[68] = 5;       /* PT_LOAD, R and X */
	program[81] = 0x10, program[82] = 0x40; /* vaddr */
	program[89] = 0x10, program[90] = 0x40;
	program[96] = 200, program[104] = 200; /* in the file, in memory */
	program[113] = 0x10;                   /* alignment */
	bytes = entry_put(at, "prog", program, sizeof(program), 0100755);
	bytes += entry_put(at + bytes, "note", "a few words", 11, 0100644);
	return bytes + entry_put(at + bytes, "TRAILER!!!", NULL, 0, 0);
}

uint64_t proc_start(void)
{
	struct bootinfo *info;

	(void)map_at(BOOTINFO_VADDR, PAGE_SIZE);
	(void)map_at(OWN_BOUNCE_VADDR, MM_BOUNCE_BYTES);
	(void)map_at(OWN_ARCHIVE_VADDR, PAGE_SIZE);
	(void)map_at(OWN_SHARED_VADDR, register_shared_pages() * PAGE_SIZE);
	info = (struct bootinfo *)(uintptr_t)BOOTINFO_VADDR;
	*info = (struct bootinfo){.magic = BOOTINFO_MAGIC,
				  .cpus_online = PAPER_CPUS,
				  .cpus_found = PAPER_CPUS,
				  .device_irq = 34,
				  .device_bits = PAGE_BITS + 1};
	info->untyped_count = 4;
	info->untyped[0].size_bits = OWN_BITS;
	info->untyped[1].size_bits = MEMORY_BITS;
	/* Not for proc, which would have them first: they are the smallest. */
	info->untyped[2].size_bits = UNTYPED_BITS_MIN;
	info->untyped[2].flags = UNTYPED_DEVICE;
	info->untyped[3].size_bits = UNTYPED_BITS_MIN;
	info->untyped[3].flags = UNTYPED_PRESERVED;
	info->archive_bytes = archive_make((char *)(uintptr_t)OWN_ARCHIVE_VADDR);
	paper_start();
	paper_put(BOOT_SLOT_UNTYPED_FIRST, OBJ_UNTYPED, OWN_BITS, 0);
	paper_put(BOOT_SLOT_UNTYPED_FIRST + 1, OBJ_UNTYPED, MEMORY_BITS, 0);
	paper_put(BOOT_SLOT_ARCHIVE, OBJ_UNTYPED, PAGE_BITS, 0);
	for (unsigned i = 0; i < PAPER_CPUS; i++)
		paper_put(BOOT_SLOT_CORE_FIRST + i, OBJ_CORE, 0, 0);
	untyped_init(info);
	own_builder = (struct builder){.vspace = BOOT_SLOT_VSPACE};
	fuzz_check(untyped_alloc(OWN_BITS, &own_builder.untyped) == ERR_OK);
	own_builder.slot_next = own_slots_reserve(1024);
	own_builder.slot_end = own_builder.slot_next + 1024;
	archive_init(info, &own_builder);
	device_init(info);
	waiters_init();
	threads_init();
	processes_init();
	reap_init();
	console_init();
	register_init(PAPER_CPUS);
	return untyped_bytes_free();
}
