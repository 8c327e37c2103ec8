/* SPDX-License-Identifier: BSD-2-Clause */
/* Small kernel objects that a process asks for; they are freed when it ends.  Service thread. */
#pragma once

#include "state.h"

void object_request(struct process *process, struct msg *m);
