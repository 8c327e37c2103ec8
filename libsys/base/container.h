/* SPDX-License-Identifier: BSD-2-Clause */
/* From a member back to the structure that embeds it. */
#pragma once

#include <stddef.h>

#define container_of(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* The same for a pointer to const. */
#define container_of_const(pointer, type, member) \
	((const type *)(const void *)((const char *)(pointer)-offsetof(type, member)))
