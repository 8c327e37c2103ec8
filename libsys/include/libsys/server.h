/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a server (a program without a C library) provides.  It is started with the address of its
 * IPC buffer known from TPIDR_EL0, zeroed .bss, the stack that its starter chose, and no console:
 * sys_print_to() names one.
 */
#pragma once

#include <abi/types.h>

/* @arg: x0 at the start. */
_Noreturn void server_main(word_t arg);
