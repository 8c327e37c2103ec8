/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory, console, power of the fake machine. */
#include "host_arch.h"
#include "host_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_ALIGN (64ull << 20)

struct host_counters host_counters;
void (*host_on_power_off)(uint64_t status);
char host_console[65536];
size_t host_console_bytes;

static unsigned char *arena;
static size_t arena_bytes;
static void *mapping;
static size_t mapping_bytes;

void host_memory_reset(size_t ram_bytes)
{
	if (mapping != NULL)
		munmap(mapping, mapping_bytes);
	mapping_bytes = ram_bytes + ARENA_ALIGN;
	mapping = mmap(NULL, mapping_bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mapping == MAP_FAILED) {
		perror("host machine");
		exit(1);
	}
	arena = (unsigned char *)(((uintptr_t)mapping + ARENA_ALIGN - 1) & ~(ARENA_ALIGN - 1));
	arena_bytes = ram_bytes;
	memset(arena, 0xa5, ram_bytes);
	memset(&host_counters, 0, sizeof(host_counters));
	memset(host_console, 0, sizeof(host_console));
	host_console_bytes = 0;
}

static void check_paddr(paddr_t pa)
{
	if (pa >= HOST_RAM_BASE && pa - HOST_RAM_BASE < arena_bytes)
		return;
	fprintf(stderr, "host machine: physical address %#lx is not memory\n", (unsigned long)pa);
	abort();
}

void *arch_phys_to_virt(paddr_t pa)
{
	check_paddr(pa);
	return arena + (pa - HOST_RAM_BASE);
}

paddr_t arch_virt_to_phys(const void *va)
{
	paddr_t pa = (paddr_t)((const unsigned char *)va - arena) + HOST_RAM_BASE;

	check_paddr(pa);
	return pa;
}

void arch_zero(void *va, size_t bytes)
{
	if (bytes % 64 != 0) {
		fprintf(stderr, "arch_zero: %zu bytes is not a multiple of 64\n", bytes);
		abort();
	}
	__atomic_add_fetch(&host_counters.zeroed_bytes, bytes, __ATOMIC_RELAXED);
	memset(va, 0, bytes);
}

void arch_code_publish(void *va, size_t bytes)
{
	(void)va;
	__atomic_add_fetch(&host_counters.code_bytes, bytes, __ATOMIC_RELAXED);
}

void arch_console_put(char c)
{
	if (host_console_bytes < sizeof(host_console) - 1)
		host_console[host_console_bytes++] = c;
	if (getenv("HOST_CONSOLE") != NULL)
		fputc(c, stderr);
}

bool arch_trace_create(const char *name, size_t bytes)
{
	(void)name;
	(void)bytes;
	return false;
}

void arch_trace_write(const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

_Noreturn void arch_power_off(uint64_t status)
{
	if (host_on_power_off != NULL)
		host_on_power_off(status);
	exit((int)status);
}
