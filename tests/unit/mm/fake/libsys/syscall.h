/* SPDX-License-Identifier: BSD-2-Clause */
/* The system calls that mm makes outside of objects.h. */
#pragma once

#include <abi/error.h>
#include <abi/ipc.h>
#include <abi/types.h>

#include <libsys/msg.h>

enum error sys_wait(cptr_t notification, word_t *word);
enum error sys_signal(cptr_t notification);
