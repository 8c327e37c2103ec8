/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel must know about the machine, read once from the device tree.
 *
 * dt_platform_read() fills everything that it can find and returns the first thing that is missing
 * or impossible, UART first, so that a kernel that cannot go on can still say why.
 *
 * Bad at: machines with several interrupt controllers or consoles; the first enabled one is taken.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/fdt.h>

#define PLATFORM_MEMORY_MAX         16u
#define PLATFORM_RESERVED_MAX       32u
#define PLATFORM_REDIST_MAX         16u
#define PLATFORM_BOOTARGS_BYTES_MAX 1024u /* with the NUL */
#define PLATFORM_RNG_SEED_BYTES_MAX 64u
#define PLATFORM_IRQ_NONE           0u /* interrupt numbers as the GIC counts: PPI 16.., SPI 32.. */

/* X(name, text) */
#define PLATFORM_REASON_LIST(X)                                                                 \
	X(FINE, "no fault")                                                                     \
	X(NO_UART, "no enabled arm,pl011 UART with a register range")                           \
	X(NO_MEMORY, "no memory node with a region that is not empty")                          \
	X(BAD_MEMORY, "a memory node's reg cannot be read")                                     \
	X(MEMORY_LIMIT, "more memory regions than this build supports")                         \
	X(MEMORY_WRAPS, "a memory or reserved region passes the end of the address space")      \
	X(BAD_RESERVED, "a reserved region cannot be read")                                     \
	X(RESERVED_LIMIT, "more reserved regions than this build supports")                     \
	X(NO_CPU, "no /cpus node or no CPU in it")                                              \
	X(BAD_CPU, "a CPU's reg is missing or is no MPIDR")                                     \
	X(SAME_CPU, "two CPUs have the same MPIDR")                                             \
	X(NO_GIC, "no enabled GICv2 or GICv3 interrupt controller")                             \
	X(BAD_GIC, "a register range of the interrupt controller is missing or empty")          \
	X(GIC_REDIST_LIMIT, "more GICv3 redistributor regions than this build supports")        \
	X(NO_TIMER, "no arm,armv8-timer node with a virtual timer interrupt")                   \
	X(BAD_INTERRUPT, "an interrupts property cannot be read")                               \
	X(NO_PSCI, "a CPU is to be started by PSCI, but there is no psci node")                 \
	X(BAD_PSCI, "the psci node has no method hvc or smc, or no function number for cpu_on") \
	X(BAD_BOOTARGS, "the boot arguments are not a string")                                  \
	X(BOOTARGS_LIMIT, "the boot arguments are longer than this build supports; cut")        \
	X(BAD_INITRD, "the boot archive's start and end are unreadable or in the wrong order")

enum platform_reason {
#define X(name, text) PLATFORM_##name,
	PLATFORM_REASON_LIST(X)
#undef X
		PLATFORM_REASON_COUNT
};

enum cpu_enable_method { CPU_ENABLE_NONE, CPU_ENABLE_PSCI, CPU_ENABLE_SPIN_TABLE };
enum gic_kind { GIC_KIND_NONE, GIC_KIND_V2, GIC_KIND_V3 };
enum psci_conduit { PSCI_CONDUIT_NONE, PSCI_CONDUIT_HVC, PSCI_CONDUIT_SMC };

struct platform_region {
	uint64_t base;
	uint64_t size_bytes;
};

struct platform_cpu {
	uint64_t mpidr;        /* affinity fields only, as PSCI takes them */
	uint64_t release_addr; /* of a spin table, else 0 */
	enum cpu_enable_method method;
};

struct platform_psci {
	enum psci_conduit conduit;
	/* Function numbers; 0 = not offered.  The standard ones from PSCI 0.2 on. */
	uint32_t version;
	uint32_t cpu_on;
	uint32_t cpu_off;
	uint32_t affinity_info;
	uint32_t system_off;
	uint32_t system_reset;
};

struct platform_gic {
	enum gic_kind kind;
	struct platform_region dist;
	struct platform_region cpu;                         /* v2 */
	struct platform_region redist[PLATFORM_REDIST_MAX]; /* v3 */
	uint32_t redist_count;
	uint64_t redist_stride_bytes; /* 0: as the architecture lays them out */
};

/* What one program may drive: base/dt_device.h. */
struct platform_device {
	struct platform_region region;
	uint32_t irq; /* or PLATFORM_IRQ_NONE: there is none */
};

struct platform {
	/* In the order of the device tree. */
	struct platform_cpu cpus[CPUS_MAX];
	uint32_t cpu_count;  /* entries of cpus[] */
	uint32_t cpus_found; /* CPUs in the tree; may exceed cpu_count */

	struct platform_region memory[PLATFORM_MEMORY_MAX];
	uint32_t memory_count;
	/* From the reservation block and /reserved-memory; neither the tree nor the archive. */
	struct platform_region reserved[PLATFORM_RESERVED_MAX];
	uint32_t reserved_count;

	struct platform_gic gic;
	struct platform_psci psci;

	struct platform_region uart;
	uint32_t uart_irq; /* or PLATFORM_IRQ_NONE */

	struct platform_device device; /* none until dt_device_read() */

	uint32_t timer_virtual_irq;
	uint32_t timer_physical_irq; /* non-secure physical timer, or PLATFORM_IRQ_NONE */

	uint64_t initrd_start; /* both 0: no boot archive */
	uint64_t initrd_end;
	char bootargs[PLATFORM_BOOTARGS_BYTES_MAX];
	uint8_t rng_seed[PLATFORM_RNG_SEED_BYTES_MAX];
	uint32_t rng_seed_bytes; /* 0: none */
};

const char *platform_reason_text(enum platform_reason reason);

/*
 * Fills all of *@platform from an opened tree.  *@reason (never null) is the first fault.
 * ERR_NOT_FOUND: something needed is missing.  ERR_FORMAT: something is unreadable.
 * ERR_LIMIT: there is more than fits (what fits is there).
 * Cost: some walks over the tree.  Any context; no locks.
 */
__attribute__((warn_unused_result)) enum error
dt_platform_read(struct platform *platform, const struct fdt *fdt, enum platform_reason *reason);
