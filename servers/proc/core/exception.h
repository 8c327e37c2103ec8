/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults of threads that nobody resolved: one line on the console, and the process is killed. */
#pragma once

#include "state.h"

/* Always false: the thread is not answered. */
bool exception_handle(struct msg *m);
