/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm's own addresses where a host program with the address sanitizer has room for them; what
 * processes see stays as it is.
 */
#pragma once

#include_next <mm/protocol.h>

#undef MM_START_VADDR
#undef MM_BOUNCE_VADDR
#undef MM_ARCHIVE_VADDR
#undef MM_WINDOW_VADDR
#undef MM_FRAMES_VADDR
#define MM_START_VADDR   0x200000000000ull
#define MM_BOUNCE_VADDR  0x200000100000ull
#define MM_ARCHIVE_VADDR 0x200010000000ull
#define MM_WINDOW_VADDR  0x210000000000ull
#define MM_FRAMES_VADDR  0x220000000000ull
