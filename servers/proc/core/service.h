/* SPDX-License-Identifier: BSD-2-Clause */
/* The service thread: receives all requests and faults, passive, one at a time. */
#pragma once

#include <abi/types.h>

void service_thread(word_t a0, word_t a1, word_t a2, word_t a3);
