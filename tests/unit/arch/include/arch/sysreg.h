/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's header, with registers that fake_machine.c keeps and barriers that it notes. */
#pragma once

#define barrier_isb barrier_isb_of_the_machine
#include_next <arch/sysreg.h>
#undef barrier_isb
#undef barrier_dsb
#undef sysreg_read
#undef sysreg_write

#include "../../fake_machine.h"

#define barrier_isb()            fake_write("isb", 0, 0)
#define barrier_dsb(domain)      fake_write("dsb", 0, 0)
#define sysreg_read(name)        fake_register(#name)
#define sysreg_write(name, word) fake_register_set(#name, (uint64_t)(word))
