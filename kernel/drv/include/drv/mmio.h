/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers: one access each, in program order. */
#pragma once

#include <abi/types.h>

static inline uint32_t mmio_read32(const volatile uint8_t *base, uint32_t offset)
{
	return *(const volatile uint32_t *)(base + offset);
}

static inline void mmio_write32(volatile uint8_t *base, uint32_t offset, uint32_t value)
{
	*(volatile uint32_t *)(base + offset) = value;
}

static inline uint64_t mmio_read64(const volatile uint8_t *base, uint32_t offset)
{
	return *(const volatile uint64_t *)(base + offset);
}

static inline void mmio_write64(volatile uint8_t *base, uint32_t offset, uint64_t value)
{
	*(volatile uint64_t *)(base + offset) = value;
}
