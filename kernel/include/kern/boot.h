/* SPDX-License-Identifier: BSD-2-Clause */
/* What kernel_main (core/main.c) calls, in this order, on the boot CPU. */
#pragma once

#include <abi/types.h>

/* Code that runs while booting only; kept out of .text. */
#define boot_only __attribute__((section(".init.text"), cold))

struct core;
struct platform;

/* Empty lists, index, fallback reason BOOT; called for every CPU of the table before any of them
 * does anything. */
void core_init(struct core *core, uint32_t index);

/* Create the first task from the boot archive, with all capabilities, ready at Core 0.
 * cpus_online CPUs are running.  Panics if there is no archive or no program to start in it. */
void boot_first_task(const struct platform *platform, uint32_t cpus_online);

/* Boot argument selftest: each CPU in turn shows what a machine that works never shows.  No lock held; the
 * console is used.  Without the argument: nothing. */
void self_test_ask(void);
void self_test(unsigned cpu);

/* A part of it: misuse locks. */
void lock_self_test(unsigned cpu);
