/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests and faults as they arrive at mm, over the simulated kernel.  A test defines mm_panic(). */
#pragma once

#include <abi/error.h>
#include <abi/types.h>

/* `w` holds words 0 to 3 of the request, and of the answer afterwards. */
enum error request_of(word_t badge, word_t label, uint32_t pid, word_t w[4], word_t w4, word_t w6);
/* Touch a byte as the hardware would, with faults; NULL: forwarded, the reason in *why. */
uint8_t *touch(uint32_t pid, uint32_t vspace, uint64_t vaddr, uint32_t access, enum error *why);
