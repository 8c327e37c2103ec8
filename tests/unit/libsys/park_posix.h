/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

#include <pthread.h>

#include <abi/types.h>

/* Called, once, when this thread looks at the time next: what others do at that moment. */
extern _Thread_local void (*park_meanwhile)(void);
