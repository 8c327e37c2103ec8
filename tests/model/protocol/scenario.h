/* SPDX-License-Identifier: BSD-2-Clause */
/* What all scenarios use. */
#pragma once

#include "model.h"

#include <abi/ipc.h>
#include <abi/object.h>
#include <abi/syscall.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/thread.h>

#define SYSCALL(n, ...) ((struct instruction){.number = (n), .x = {__VA_ARGS__}})
#define FUNCTION(f, ...) \
	((struct instruction){.number = NUMBER_FUNCTION, .function = (f), .x = {__VA_ARGS__}})

extern const struct scenario scenario_wake, scenario_wake_bound;
