/* SPDX-License-Identifier: BSD-2-Clause */
/* PL011: the kernel's console.  Firmware has set the line. */
#include <drv/mmio.h>
#include <drv/pl011.h>
#include <kern/arch_if.h>
#include <kern/boot.h>

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF 0x20u
#define UART_ID      0xfe0

static volatile uint8_t *uart; /* NULL: no console (yet) */

boot_only bool pl011_is_at(volatile uint8_t *registers)
{
	/* Part 0x011 of designer 0x41, any revision; then what every PrimeCell has. */
	static const uint8_t id[8] = {0x11, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

	for (unsigned i = 0; i < sizeof(id); i++) {
		const uint32_t mask = i == 2 ? 0x0f : 0xff;

		if ((mmio_read32(registers, UART_ID + 4 * i) & mask) != id[i])
			return false;
	}
	return true;
}

boot_only void pl011_use(volatile uint8_t *registers)
{
	uart = registers;
}

void arch_console_put(char c)
{
	volatile uint8_t *base = uart;

	if (base == NULL)
		return;
	while ((mmio_read32(base, UART_FR) & UART_FR_TXFF) != 0)
		arch_spin_pause();
	mmio_write32(base, UART_DR, (uint8_t)c);
}
