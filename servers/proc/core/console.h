/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The console.  Output goes through the kernel's console, which puts whole pieces in order with the
 * kernel's own lines; input comes from a driver thread, byte by byte.  Service thread unless said.
 *
 * What was printed since the last line end is the prompt; other output appears above it.
 * What is typed is edited into lines while somebody reads; Ctrl-C kills the foreground group.
 */
#pragma once

#include "state.h"

void console_init(void);
void console_write(const char *text, uint32_t bytes);
bool console_read(struct process *process, word_t bytes_max, struct msg *m);
/* Who is confined passes on what was given to its realm, within that; group 0 is its own.  ERR_PERMISSION. */
__attribute__((warn_unused_result)) enum error console_foreground(const struct process *caller,
								  uint32_t group);
/* The same, if the caller may read itself. */
void console_give(const struct process *caller, uint32_t group);
/* A process has another group: who waits for a line and may no more is told. */
void console_check(void);
/* Drop what was typed and not read; how much it was. */
void console_keys(struct msg *m);
/* OWN_REQ_INPUT */
void console_input(struct msg *m);

/* console_driver.c: the first thread ends in it.  Reads the UART; never returns. */
_Noreturn void console_driver(const struct bootinfo *info);
