/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_machine.h"

#include <arch/cpu.h>
#include <arch/exception.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <drv/semihost.h>
#include <kern/core.h>
#include <kern/debug.h>
#include <kern/entry.h>
#include <kern/machine.h>

#include <string.h>

#define REGISTERS_MAX 32u
#define DEVICES_MAX   4u
#define DEVICE_BYTES  0x100000u
#define WRITES_MAX    8192u

struct cpu cpus[CPUS_MAX];
unsigned cpus_count = CPUS_MAX;
struct cpu_registers cpu_registers;
struct machine machine;
struct fake_fault fake_fault;

static struct {
	const char *name;
	uint64_t value;
} registers[REGISTERS_MAX];

static struct {
	uint64_t paddr;
	const char *name;
} devices[DEVICES_MAX];

static _Alignas(8) volatile uint8_t device_memory[DEVICES_MAX][DEVICE_BYTES];

static struct {
	const char *what;
	uint64_t offset;
	uint64_t value;
} writes[WRITES_MAX];

static unsigned writes_count;

static struct {
	const volatile uint8_t *at;
	uint32_t mask;
	unsigned looks;
} fading;

void fake_reset(void)
{
	memset(cpus, 0, sizeof(cpus));
	memset(registers, 0, sizeof(registers));
	for (unsigned i = 0; i < DEVICES_MAX && devices[i].name != NULL; i++)
		for (unsigned j = 0; j < DEVICE_BYTES; j++)
			device_memory[i][j] = 0;
	memset(devices, 0, sizeof(devices));
	memset(&fading, 0, sizeof(fading));
	memset(&fake_fault, 0, sizeof(fake_fault));
	writes_count = 0;
}

void fake_write(const char *what, uint64_t offset, uint64_t value)
{
	if (writes_count == WRITES_MAX)
		panic("more than %u writes", WRITES_MAX);
	writes[writes_count].what = what;
	writes[writes_count].offset = offset;
	writes[writes_count++].value = value;
}

int fake_when(const char *what, uint64_t offset, uint64_t value)
{
	for (unsigned i = writes_count; i-- > 0;)
		if (strcmp(writes[i].what, what) == 0 && writes[i].offset == offset &&
		    writes[i].value == value)
			return (int)i;
	return FAKE_NEVER;
}

unsigned fake_count(const char *what, uint64_t offset)
{
	unsigned count = 0;

	for (unsigned i = 0; i < writes_count; i++)
		count += strcmp(writes[i].what, what) == 0 && writes[i].offset == offset;
	return count;
}

/* --- System registers --- */

static uint64_t *register_named(const char *name)
{
	for (unsigned i = 0; i < REGISTERS_MAX; i++) {
		if (registers[i].name == NULL)
			registers[i].name = name;
		if (strcmp(registers[i].name, name) == 0)
			return &registers[i].value;
	}
	panic("more than %u registers", REGISTERS_MAX);
}

uint64_t fake_register(const char *name)
{
	return *register_named(name);
}

void fake_register_set(const char *name, uint64_t value)
{
	*register_named(name) = value;
	fake_write(name, 0, value);
}

/* --- Devices --- */

volatile uint8_t *fake_device(uint64_t paddr, const char *name)
{
	for (unsigned i = 0; i < DEVICES_MAX; i++) {
		if (devices[i].name == NULL) {
			devices[i].paddr = paddr;
			devices[i].name = name;
		}
		if (devices[i].paddr == paddr)
			return device_memory[i];
	}
	panic("more than %u devices", DEVICES_MAX);
}

volatile uint8_t *mmu_map_device(uint64_t paddr, uint64_t size_bytes)
{
	if (size_bytes > DEVICE_BYTES)
		panic("a device of %lx bytes", (unsigned long)size_bytes);
	return fake_device(paddr, "?");
}

uint64_t fake_device_read(const volatile uint8_t *base, uint32_t offset, unsigned bytes)
{
	volatile uint8_t *at = (volatile uint8_t *)(uintptr_t)base + offset;

	if (at == fading.at && fading.looks++ > 0)
		*(volatile uint32_t *)at &= ~fading.mask;
	return bytes == 8 ? *(volatile uint64_t *)at : *(volatile uint32_t *)at;
}

void fake_device_write(volatile uint8_t *base, uint32_t offset, uint64_t value, unsigned bytes)
{
	const size_t place = (size_t)(base - device_memory[0]);

	if (bytes == 8)
		*(volatile uint64_t *)(base + offset) = value;
	else
		*(volatile uint32_t *)(base + offset) = (uint32_t)value;
	fake_write(devices[place / DEVICE_BYTES].name, place % DEVICE_BYTES + offset, value);
}

void fake_bits_fade(volatile uint8_t *at, uint32_t mask)
{
	fading.at = at;
	fading.mask = mask;
	fading.looks = 0;
	*(volatile uint32_t *)at |= mask;
}

/* --- The rest of the kernel --- */

struct cpu *arch_this_cpu(void)
{
	return &cpus[0];
}

void kernel_fault(enum fault kind, uint64_t address, uint32_t access, uint64_t esr)
{
	fake_fault = (struct fake_fault){fake_fault.count + 1, 0, kind, address, access, esr};
}

void kernel_fpu_trap(void)
{
	fake_fault.fpu_traps++;
}

void fpu_save(struct fpu_state *state)
{
	fake_write("fpu_save", 0, (uint64_t)(uintptr_t)state);
}

void fpu_load(const struct fpu_state *state)
{
	fake_write("fpu_load", 0, (uint64_t)(uintptr_t)state);
}

void backtrace_print(uint64_t frame)
{
	(void)frame;
}

void panic_begin(void)
{
}

void kprintf(const char *format, ...)
{
	(void)format;
}
