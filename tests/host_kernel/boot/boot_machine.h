/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine to boot: memory, a boot archive, CPUs that come when they are started, and the ways in
 * which kernel_main() ends (a first thread, the power off, a panic), each of them handed back to the
 * test instead.
 */
#pragma once

#include <base/dt_platform.h>
#include <host_arch.h>

#define BOOT_RAM           (64ull << 20)
#define BOOT_ARCHIVE_PADDR (HOST_RAM_BASE + (16ull << 20))
#define BOOT_ENTRY         0x401010ull

enum boot_end {
	BOOT_RUNS,      /* the boot CPU enters its first thread */
	BOOT_POWER_OFF, /* boot_status says with what */
};

struct boot_machine {
	struct platform platform;
	unsigned cpus_refused; /* firmware does not start CPUs from this number on; 0: all come */
	bool cpus_mute;        /* ... are started and never seen */
	uint64_t status;
};

/* Memory, `cpus` CPUs and an archive with a good program; the test changes what it wants. */
void boot_machine_init(struct boot_machine *machine, unsigned cpus);

/* Put an archive with one file into memory at BOOT_ARCHIVE_PADDR. */
void boot_archive_put(struct boot_machine *machine, const char *name, const void *data,
		      size_t bytes);

/* The same with the good program: text, and data with memory behind it. */
void boot_program_put(struct boot_machine *machine, const char *name);

/* kernel_main() on CPU 0; threads of the host for the others, which end when they idle. */
enum boot_end boot_machine_run(struct boot_machine *machine);
