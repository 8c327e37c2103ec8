/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Device interrupts as notifications.  A line has at most one handler object (a capability count in
 * a static table; no memory of its own).  The line is masked while it has no notification and from
 * each delivery to the next acknowledgement.
 */
#pragma once

#include <kern/cap.h>

#define IRQ_LINES_MAX 1024u

/* From the interrupt handler, after arch_irq_take returned a line: signal its notification. */
void irq_deliver(uint32_t irq);

/* Where the notification of a line is, irq < IRQ_LINES_MAX; read without a lock. */
const struct cap_slot *irq_notification(uint32_t irq);

/* Capability count of a handler.  Derivation lock. */
uint32_t *irq_handler_count(uint32_t irq);

/* The last handler capability goes away: masked, forgotten, free.  False: call again.  Derivation
 * lock. */
bool irq_handler_destroy(uint32_t irq) LOCK_REQUIRES(derivation_held);

/* The notification slot of a line is being revoked.  Derivation lock. */
void irq_notification_drop(const struct cap_slot *slot);
