/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests between CPUs.  See <kern/ipi.h>. */
#include <kern/bind.h>
#include <kern/grace.h>
#include <kern/ipi.h>
#include <kern/stop.h>
#include <kern/successor.h>
#include <kern/timer.h>
#include <kern/trace.h>

#define CORE_REQUESTS_ALL                                                                 \
	(CORE_REQUEST_KICK | CORE_REQUEST_STOP | CORE_REQUEST_GRACE | CORE_REQUEST_HALT | \
	 CORE_REQUEST_BIND | CORE_REQUEST_TIMER | CORE_REQUEST_FIRST)

void core_post(struct core *core, uint32_t bit)
{
	struct core *self = this_core();
	/* Release: what was written before is seen by who takes the bit.  Seq_cst, because the idle
	 * CPU reads requests after it published idle, and the grace period reads idle after this. */
	uint32_t old = __atomic_fetch_or(&core->requests, bit, __ATOMIC_SEQ_CST);

	if (old != 0 || core == self || __atomic_load_n(&core->online, __ATOMIC_ACQUIRE) == 0)
		return;
	trace_record(TRACE_IPI, bit, core->index);
	ipi_send(self, core);
}

/* Acquire: what the posters wrote before; release: nothing of ours moves above the taking. */
static uint32_t core_take(struct core *core, uint32_t bits)
{
	return __atomic_fetch_and(&core->requests, ~bits, __ATOMIC_ACQ_REL) & bits;
}

void core_serve(struct core *core)
{
	uint32_t requests = core_take(core, CORE_REQUESTS_ALL);

	if ((requests & CORE_REQUEST_HALT) != 0)
		arch_halt();
	if ((requests & CORE_REQUEST_GRACE) != 0)
		grace_acknowledge(core);
	if ((requests & CORE_REQUEST_STOP) != 0)
		stop_serve(core);
	if ((requests & CORE_REQUEST_BIND) != 0)
		bind_serve(core);
	if ((requests & CORE_REQUEST_KICK) != 0)
		core->reasons |= 1u << REASON_KICK;
	if ((requests & CORE_REQUEST_TIMER) != 0)
		timer_update(core);
	if ((requests & CORE_REQUEST_FIRST) != 0)
		first_run(core);
}

void core_serve_grace(struct core *core)
{
	if ((__atomic_load_n(&core->requests, __ATOMIC_RELAXED) & CORE_REQUEST_HALT) != 0)
		arch_halt();
	if ((__atomic_load_n(&core->requests, __ATOMIC_RELAXED) & CORE_REQUEST_GRACE) == 0)
		return;
	(void)core_take(core, CORE_REQUEST_GRACE);
	grace_acknowledge(core);
}
