/* SPDX-License-Identifier: BSD-2-Clause */
/* PL011 UART: polled output.  A user-level driver may use the same UART: both wait for room first. */
#pragma once

#include <abi/types.h>

/* Whether what is there says that it is one. */
bool pl011_is_at(volatile uint8_t *registers);

/* From now on arch_console_put() writes there. */
void pl011_use(volatile uint8_t *registers);
