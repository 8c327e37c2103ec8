/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods of TCBs that concern registers, running and scheduling (tcb_methods.c). */
#pragma once

#include <abi/object.h>
#include <kern/invocation.h>

#define TCB_REGS_WORDS (sizeof(struct tcb_regs) / sizeof(word_t))

enum error decode_stopped(struct invocation *inv);
enum error decode_read_regs(struct invocation *inv);
enum error decode_set_flags(struct invocation *inv);
enum error decode_set_home(struct invocation *inv);
enum invoke_step invoke_start(struct invocation *inv);
enum invoke_step invoke_write_regs(struct invocation *inv);
enum invoke_step invoke_read_regs(struct invocation *inv);
enum invoke_step invoke_resume(struct invocation *inv);
enum invoke_step invoke_suspend(struct invocation *inv);
enum invoke_step invoke_set_flags(struct invocation *inv);
enum invoke_step invoke_tcb_info(struct invocation *inv);
enum invoke_step invoke_set_tag(struct invocation *inv);
enum invoke_step invoke_set_key(struct invocation *inv);
enum invoke_step invoke_set_home(struct invocation *inv);
enum invoke_step invoke_answer(struct invocation *inv);
