/* SPDX-License-Identifier: BSD-2-Clause */
/* PL011: the kernel's console.  Firmware has set the line. */
#include <drv/mmio.h>
#include <drv/pl011.h>
#include <kern/arch_if.h>

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_TXFF 0x20u

static volatile uint8_t *uart; /* NULL: no console (yet) */

void pl011_use(volatile uint8_t *registers)
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
