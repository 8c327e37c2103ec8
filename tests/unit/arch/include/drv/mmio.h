/* SPDX-License-Identifier: BSD-2-Clause */
/* Device registers are memory of fake_machine.c, which notes every write. */
#pragma once

#include "../../fake_machine.h"

static inline uint32_t mmio_read32(const volatile uint8_t *base, uint32_t offset)
{
	return (uint32_t)fake_device_read(base, offset, 4);
}

static inline void mmio_write32(volatile uint8_t *base, uint32_t offset, uint32_t value)
{
	fake_device_write(base, offset, value, 4);
}

static inline uint64_t mmio_read64(const volatile uint8_t *base, uint32_t offset)
{
	return fake_device_read(base, offset, 8);
}

static inline void mmio_write64(volatile uint8_t *base, uint32_t offset, uint64_t value)
{
	fake_device_write(base, offset, value, 8);
}
