/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine of paper for the kernel's code that talks to a real one: system registers by name, devices as
 * memory, and one list of all that was written, in order.
 */
#pragma once

#include <abi/fault.h>
#include <abi/types.h>

#define FAKE_NEVER (-1) /* no such write */

/* Each test begins with this. */
void fake_reset(void);

uint64_t fake_register(const char *name);
void fake_register_set(const char *name, uint64_t value);

/* Devices, by the physical address that the platform says: memory, and what writes to it are called. */
volatile uint8_t *fake_device(uint64_t paddr, const char *name);
uint64_t fake_device_read(const volatile uint8_t *base, uint32_t offset, unsigned bytes);
void fake_device_write(volatile uint8_t *base, uint32_t offset, uint64_t value, unsigned bytes);

/* A register of a device whose bits in @mask go out by themselves, at the second look. */
void fake_bits_fade(volatile uint8_t *at, uint32_t mask);

/* Note a write to @what. */
void fake_write(const char *what, uint64_t offset, uint64_t value);

/* When the last such write was: a number that grows, or FAKE_NEVER. */
int fake_when(const char *what, uint64_t offset, uint64_t value);
/* How often something was written there. */
unsigned fake_count(const char *what, uint64_t offset);

/* What trap_user() told the portable kernel. */
struct fake_fault {
	unsigned count;
	unsigned fpu_traps;
	enum fault kind;
	uint64_t address;
	uint32_t access;
	uint64_t esr;
};

extern struct fake_fault fake_fault;
