/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any thread may run on any CPU (build without core_masks).  Masks are checked and stored, so that they
 * survive and another instance may heed them; who asks for its mask is told the truth.  A machine
 * that hangs with masks and not without has a thread waiting for a CPU that does not come.
 *
 * Bad at: what the masks were for.
 */
#include "mask.h"

const struct cpumask *sched_thread_mask(struct sched_server *server,
					const struct sched_thread *thread)
{
	static const struct cpumask any = {
		.bits = {[0 ... CPUMASK_WORDS - 1] = UINT64_MAX},
	};

	(void)server;
	(void)thread;
	return &any;
}
