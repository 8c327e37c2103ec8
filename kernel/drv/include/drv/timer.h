/* SPDX-License-Identifier: BSD-2-Clause */
/* The architecture's virtual timer and counter. */
#pragma once

#include <abi/types.h>

/* Boot CPU: find the frequency and the factors to ns, into machine.  False: it is not set. */
bool timer_init(void);
/* Every CPU: timer off, not masked. */
void timer_init_cpu(void);
/* Off until it is set again; the interrupt was taken. */
void timer_disarm(void);
