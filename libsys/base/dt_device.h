/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One device of the device tree that a program drives itself: its registers and its interrupt.
 *
 * Its registers must be whole pages that nothing else is in, so that who gets them gets this device
 * only.  What the kernel and proc themselves need is refused: memory, the interrupt controller, the console.
 *
 * Bad at: devices with several register ranges or interrupts (the first ones are taken), interrupts
 * that go through another controller than the GIC, and devices that access memory themselves: no IOMMU holds
 * them, so whoever drives one of those can do anything.
 */
#pragma once

#include <base/dt_platform.h>

#define DT_DEVICE_BYTES_MAX 0x10000u

/* X(name, text) */
#define DT_DEVICE_REASON_LIST(X)                                                          \
	X(FINE, "no fault")                                                               \
	X(BAD_WORD, "is not PROGRAM:NODE")                                                \
	X(NO_NODE, "the device tree has no such node")                                    \
	X(DISABLED, "the device is disabled")                                             \
	X(NO_REGISTERS, "the device has no registers")                                    \
	X(NO_PAGES, "the device's registers are not 1, 2, 4, 8 or 16 pages of their own") \
	X(TAKEN, "the system itself needs that device")                                   \
	X(NO_INTERRUPT, "the device has no shared interrupt")

enum dt_device_reason {
#define X(name, text) DT_DEVICE_##name,
	DT_DEVICE_REASON_LIST(X)
#undef X
		DT_DEVICE_REASON_COUNT
};

const char *dt_device_reason_text(enum dt_device_reason reason);

/*
 * The device that the boot argument device=PROGRAM:NODE names; NODE is a path ("/pl031@9010000", "/pl031")
 * or begins with an alias.  @word is what follows "device=".  Fills @platform->device, whose irq is
 * PLATFORM_IRQ_NONE unless FINE is returned.  Cost: some walks over the tree.  Any context; no locks.
 */
__attribute__((warn_unused_result)) enum dt_device_reason
dt_device_read(struct platform *platform, const struct fdt *fdt, const char *word, size_t len);
