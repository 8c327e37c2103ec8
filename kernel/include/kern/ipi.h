/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests between CPUs.  One word per Core; the poster that changes it from zero sends the one IPI.
 *
 *   posting CPU                                    target CPU
 *   P1 old = requests |= bit   (acq_rel)           T1 bits = requests &= ~taken (acq_rel)
 *   P2 old == 0 and online: IPI                    T2 acts on bits
 *
 * What P wrote before P1 is seen after T1 if T1 took the bit.  If old != 0 an earlier poster's IPI is
 * on its way or the target is between its IPI and T1, so the bit is taken without another one.
 *
 * Who is interrupted and finds no bit goes on with what it did: an IPI too many costs time, nothing
 * else.
 *
 * A CPU that is not online gets no IPI, and no request: the boot CPU waits until all are online before
 * it creates anybody who could post one.
 */
#pragma once

#include <kern/core.h>

/* Any lock may be held.  For the own Core: only the bit, which kernel exit takes. */
void core_post(struct core *core, uint32_t bit);

/*
 * core_post() only: interrupt a Core that is online and not this CPU's.  Build option directed_ipi:
 * ipi_directed.c interrupts that one, ipi_broadcast.c all that are online.
 */
void ipi_send(struct core *self, const struct core *core);

/* Owner, no lock held: take and serve all requests. */
void core_serve(struct core *core);

/* Owner: acknowledge grace and nothing else (inside a waiting loop). */
void core_serve_grace(struct core *core);
