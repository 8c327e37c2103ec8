/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Leaving the kernel: serve requests, choose, switch, idle.  The only caller of arch_switch().
 *
 * A thread's user state may still be live on the CPU that it last ran on when another CPU wants to
 * run it (a passive server that was called, a thread that was moved):
 *
 *   CPU that ran it                         CPU that runs it next
 *   L1 queues it, unlocks                   N1 takes it off a queue (same lock): current = it
 *   L2 arch_switch: saves its state         N2 on_cpu == 0 ?   (acquire), else serve requests, N2
 *   L3 on_cpu = 0  (release)                N3 on_cpu = 1, arch_switch: loads its state
 *
 * N3 comes after L3 and so sees what L2 saved.  Between L1 and L3 the first CPU waits for nobody,
 * and N2 serves requests, so this ends.  N2 to N3 needs no exchange: only one CPU has it as current.
 */
#pragma once

#include <kern/core.h>

/* Length of the system call instruction: starting it again is going back by this. */
#define INSTRUCTION_BYTES 4u
