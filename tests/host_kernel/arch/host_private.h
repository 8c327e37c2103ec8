/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the fake architecture. */
#pragma once

#include <stddef.h>

void host_memory_reset(size_t ram_bytes);
void host_tlb_reset(unsigned asids);
void host_interrupts_reset(void);
