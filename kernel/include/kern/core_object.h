/* SPDX-License-Identifier: BSD-2-Clause */
/* Invocations of Core capabilities, and the slot that holds each Core's supervisor notification. */
#pragma once

#include <kern/cap.h>

/* The supervisor notification of the Core is being revoked.  Derivation lock. */
void core_supervisor_drop(const struct cap_slot *slot);
