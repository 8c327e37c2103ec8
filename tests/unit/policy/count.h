/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions of the host, one by one: what a cost is judged by, since times depend on the machine's load.
 *
 * Bad at: speed, about a million a second.
 */
#pragma once

#include <stdint.h>

/* How many instructions this takes, in a process of its own; UINT64_MAX if the host lets nobody trace. */
uint64_t count_instructions(void (*function)(void *argument), void *argument);
