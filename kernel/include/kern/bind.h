/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Binding a dispatcher.  core_bind() and core_unbind() (<kern/thread.h>) only note what is wanted and
 * post a BIND request; the Core's own CPU carries it out at its next kernel exit.
 */
#pragma once

#include <kern/core.h>

/* Owner, no lock held. */
void bind_serve(struct core *core);
