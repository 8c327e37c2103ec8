/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device that the boot argument device=PROGRAM:NODE gives to a program of that name:
 * servers/proc/README.md.
 *
 *     object_new(OBJ_NOTIFICATION, &interrupted);
 *     device_open(0, &device);
 *     irq_handler_set_notification(device.interrupt, interrupted);
 *     for (;;) {
 *             sys_wait(interrupted, &word);
 *             ...                                 make the device stop asking
 *             irq_handler_ack(device.interrupt);  the next interrupt may come
 *     }
 *
 * The process has it until it ends.
 */
#pragma once

#include <libsys/objects.h>

struct device {
	volatile uint8_t *registers; /* mapped as device memory */
	size_t bytes;
	cptr_t interrupt; /* handler, for the irq_handler_* methods; level-triggered */
};

/*
 * @cpu takes the interrupt.  ERR_NOT_FOUND: the machine has no such device, or device= was not given (the
 * kernel said what is wrong with it).  ERR_PERMISSION: it is for another program, or the caller is
 * confined.  ERR_BUSY: a process, perhaps this one, has it.  ERR_RANGE: no such CPU.
 */
MUST_CHECK enum error device_open(word_t cpu, struct device *device);

static inline uint32_t device_read32(const struct device *device, size_t offset)
{
	return *(const volatile uint32_t *)(const volatile void *)(device->registers + offset);
}

static inline void device_write32(const struct device *device, size_t offset, uint32_t value)
{
	*(volatile uint32_t *)(volatile void *)(device->registers + offset) = value;
}
