/* SPDX-License-Identifier: BSD-2-Clause */
/* See boot_machine.h. */
#include "boot_machine.h"

#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/memmap.h>

/* After ours: the names of enum elf_reason do not clash with <elf.h>'s macros. */
#include <elf.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS   2
#define DATA_AT   8192u
#define DATA_SIZE 984u

struct machine machine;

static struct boot_machine *booting;
static jmp_buf boot_end;

/* ---- The program and its archive -------------------------------------------------------------- */

static const struct {
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr[HEADERS];
	unsigned char pad[4096 - sizeof(Elf64_Ehdr) - HEADERS * sizeof(Elf64_Phdr)];
	unsigned char text[4096];
	unsigned char data[16 + DATA_SIZE];
} program = {
	.ehdr = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT},
		 .e_type = ET_EXEC,
		 .e_machine = EM_AARCH64,
		 .e_version = EV_CURRENT,
		 .e_entry = BOOT_ENTRY,
		 .e_phoff = sizeof(Elf64_Ehdr),
		 .e_phentsize = sizeof(Elf64_Phdr),
		 .e_phnum = HEADERS},
	.phdr = {{.p_type = PT_LOAD,
		  .p_flags = PF_R | PF_X,
		  .p_offset = 4096,
		  .p_vaddr = 0x401000,
		  .p_filesz = 4096,
		  .p_memsz = 4096,
		  .p_align = 4096},
		 {.p_type = PT_LOAD,
		  .p_flags = PF_R | PF_W,
		  .p_offset = DATA_AT + 16,
		  .p_vaddr = 0x402010,
		  .p_filesz = DATA_SIZE,
		  .p_memsz = 5000,
		  .p_align = 4096}},
	.text = {[0] = 0x11, [4095] = 0x22},
	.data = {[16] = 0x33, [15 + DATA_SIZE] = 0x44},
};

static size_t entry_put(char *at, const char *name, const void *data, size_t bytes)
{
	size_t length = strlen(name) + 1;
	size_t head = (110 + length + 3) & ~3ull;

	memset(at, 0, head + ((bytes + 3) & ~3ull));
	(void)snprintf(at, 111, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1u,
		       0100755u, 0u, 0u, 1u, 0u, (unsigned)bytes, 0u, 0u, 0u, 0u, (unsigned)length,
		       0u);
	memcpy(at + 110, name, length);
	if (bytes != 0)
		memcpy(at + head, data, bytes);
	return head + ((bytes + 3) & ~3ull);
}

void boot_archive_put(struct boot_machine *target, const char *name, const void *data, size_t bytes)
{
	char *at = arch_phys_to_virt(BOOT_ARCHIVE_PADDR);
	size_t used = entry_put(at, name, data, bytes);

	used += entry_put(at + used, "TRAILER!!!", NULL, 0);
	target->platform.initrd_start = BOOT_ARCHIVE_PADDR;
	target->platform.initrd_end = BOOT_ARCHIVE_PADDR + used;
}

void boot_program_put(struct boot_machine *target, const char *name)
{
	boot_archive_put(target, name, &program, sizeof(program));
}

/* ---- The machine ------------------------------------------------------------------------------ */

void boot_machine_init(struct boot_machine *target, unsigned count)
{
	host_machine_reset(BOOT_RAM, 256);
	memset(target, 0, sizeof(*target));
	target->platform.cpu_count = count;
	target->platform.cpus_found = count;
	target->platform.memory_count = 1;
	target->platform.memory[0] = (struct platform_region){HOST_RAM_BASE, BOOT_RAM};
	target->platform.uart = (struct platform_region){0x9000000, PAGE_SIZE};
	target->platform.uart_irq = 33;
	cpus_count = count;
	machine = (struct machine){.timer_hz = 62500000,
				   .time_mult = 16,
				   .gic_version = 3,
				   .entered_el = 1,
				   .model = "a machine of paper"};
	boot_program_put(target, "proc");
}

static void *secondary(void *argument)
{
	host_cpu_enter((unsigned)(uintptr_t)argument);
	kernel_secondary();
	return NULL;
}

/* The fake machine's, linked with --wrap: CPUs that come. */
bool __wrap_arch_cpu_start(unsigned index);
bool __wrap_arch_cpu_start(unsigned index)
{
	pthread_t thread;

	if (booting->cpus_refused != 0 && index >= booting->cpus_refused)
		return false;
	if (booting->cpus_mute)
		return true;
	if (pthread_create(&thread, NULL, secondary, (void *)(uintptr_t)index) != 0)
		abort();
	pthread_detach(thread);
	return true;
}

/* A CPU that has nothing to do has arrived. */
void __wrap_arch_wait_for_interrupt(void);
void __wrap_arch_wait_for_interrupt(void)
{
	pthread_exit(NULL);
}

/* Time passes for who waits in a loop. */
void __wrap_arch_spin_pause(void);
void __wrap_arch_spin_pause(void)
{
	if (booting->cpus_mute)
		host_time_set(arch_now() + 1000000000ull);
	sched_yield();
}

_Noreturn void arch_user_enter(void)
{
	if (host_cpu_index() != 0)
		abort();
	longjmp(boot_end, 1 + BOOT_RUNS);
}

static void power_off(uint64_t status)
{
	booting->status = status;
	longjmp(boot_end, 1 + BOOT_POWER_OFF);
}

enum boot_end boot_machine_run(struct boot_machine *target)
{
	int end;

	memmap_init(&memmap, &target->platform, HOST_RAM_BASE, 1u << 20, HOST_RAM_BASE + BOOT_RAM);
	booting = target;
	host_on_power_off = power_off;
	end = setjmp(boot_end);
	if (end == 0)
		kernel_main(&target->platform);
	return (enum boot_end)(end - 1);
}
