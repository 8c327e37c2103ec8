/* SPDX-License-Identifier: BSD-2-Clause */
/* What the loads of metric.c and others of their kind share. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct metric {
	_Atomic bool stop;
};

extern struct metric metric;

/* The calling thread, the program's first, is to be more urgent than all that a load starts; on CPU 0. */
void metric_begin(void);

/* The priority of a thread of a load, and so many above it. */
void metric_priority(unsigned above);

/* Instructions for each of what @count counted in a while; *@n: how many.  Then the load is over. */
double metric_window(uint64_t (*count)(void), uint64_t *n);

static inline bool metric_over(void)
{
	return atomic_load_explicit(&metric.stop, memory_order_relaxed);
}
