/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Input side of the PL011: takes bytes at each interrupt and calls the service thread with them.
 * Without a UART that the boot information names there is no input, and this thread sleeps.
 */
#include <libsys/objects.h>

#include "builder.h"
#include "bytes_msg.h"
#include "console.h"
#include "log.h"
#include "own.h"
#include "server_thread.h"

#define UART_DR        0x000u
#define UART_FR        0x018u
#define UART_IMSC      0x038u
#define UART_ICR       0x044u
#define FR_RXFE        (1u << 4)
#define INT_RX         (1u << 4)
#define INT_RX_TIMEOUT (1u << 6)

static volatile uint32_t *uart_register(uint32_t offset)
{
	return (volatile uint32_t *)(uintptr_t)(OWN_UART_VADDR + offset);
}

static enum error uart_map(const struct bootinfo *info)
{
	enum error error;

	if (info->uart_paddr == 0 || info->uart_irq == 0)
		return ERR_NOT_FOUND;
	error = untyped_retype(BOOT_SLOT_UART, OBJ_FRAME, PAGE_BITS, 1, 0, OWN_UART_FRAME);
	if (error == ERR_OK)
		error = builder_map(&own_builder, OWN_UART_FRAME, OWN_UART_VADDR,
				    MAP_READ | MAP_WRITE | MAP_DEVICE);
	if (error == ERR_OK)
		error = irq_control_get(BOOT_SLOT_IRQ_CONTROL, info->uart_irq, 0, OWN_UART_IRQ, 0);
	if (error == ERR_OK)
		error = irq_handler_set_notification(OWN_UART_IRQ, OWN_UART_INPUT);
	return error;
}

/* What has arrived, as one request. */
static void uart_forward(void)
{
	uint8_t typed[64];
	uint32_t bytes = 0;
	struct msg m;

	while (bytes < sizeof(typed) && (*uart_register(UART_FR) & FR_RXFE) == 0)
		typed[bytes++] = (uint8_t)*uart_register(UART_DR);
	if (bytes == 0)
		return;
	m.w[0] = bytes;
	msg_words_put(&m, 1, typed, bytes);
	m.info = msg_info(OWN_REQ_INPUT, 1 + msg_words_of(bytes), 0);
	must(server_call(OWN_SERVICE_PORT, &m), "passing on console input");
}

_Noreturn void console_driver(const struct bootinfo *info)
{
	const enum error error = uart_map(info);
	word_t word;

	if (error != ERR_OK) {
		log_line(LOG_ERROR, "no console input: %s", error_text(error));
		for (;;)
			must(sys_wait(OWN_UART_SIGNAL, &word), "waiting for ever");
	}
	*uart_register(UART_ICR) = 0x7ff;
	*uart_register(UART_IMSC) |= INT_RX | INT_RX_TIMEOUT;
	for (;;) {
		must(irq_handler_ack(OWN_UART_IRQ), "acknowledging the UART's interrupt");
		/* The first time: what was typed during the boot, whose interrupt was cleared. */
		while ((*uart_register(UART_FR) & FR_RXFE) == 0)
			uart_forward();
		must(sys_wait(OWN_UART_SIGNAL, &word), "waiting for the UART");
		/* Cleared before the look above: what arrives after it raises it again. */
		*uart_register(UART_ICR) = INT_RX | INT_RX_TIMEOUT;
	}
}
