/* SPDX-License-Identifier: BSD-2-Clause */
/* What threads, interrupt lines and Cores hold, and what becomes of it on revocation. */
#include "world.h"

#include <kern/core.h>
#include <kern/irq.h>
#include <kern/reap.h>
#include <kern/tcb.h>

#include <criterion/criterion.h>
#include <string.h>

static struct tcb *thread;

static void setup(void)
{
	world_reset();
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, 16), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, 17), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 1, 18), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 2, 19), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_NOTIFICATION, 0, 2, 21), ERR_OK);
	thread = (struct tcb *)(uintptr_t)slot_of(16)->object;
}

TestSuite(threads, .init = setup);

static enum error configure(void)
{
	return call(16, METHOD_TCB_CONFIGURE, 4, 0, 17, 18, 0x30000);
}

Test(threads, K_threads_configure_checks)
{
	word_t read = RIGHT_READ;

	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 17, 17, 18, 0x30000), ERR_CAP_TYPE);
	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 0, 18, 18, 0x30000), ERR_CAP_TYPE);
	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 0, 99, 18, 0x30000), ERR_CAP_INVALID);
	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 0, 17, 18, 0x30008), ERR_ALIGN);
	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 0, 17, 18, 0), ERR_RANGE);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 40 | read << 32, 0, 18), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_CONFIGURE, 4, 0, 17, 40, 0x30000), ERR_CAP_RIGHTS);
	cr_assert_null(thread->vspace);
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(configure(), ERR_OK, "again");
	cr_assert_eq((uint64_t)(uintptr_t)thread->vspace, slot_of(17)->object);
	cr_assert_eq(arch_virt_to_phys(thread->ipc_buffer), slot_of(18)->object);
	cr_assert_eq(call(16, METHOD_TCB_RESUME, 0), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_RESUME, 0), ERR_STATE);
	cr_assert_eq(configure(), ERR_STATE);
	cr_assert_eq(call(16, METHOD_TCB_START, 4, 1, 2, 3, 4), ERR_STATE);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_PASSIVE, 0), ERR_STATE);
	check_tree();
}

Test(threads, registers)
{
	cr_assert_eq(call(16, METHOD_TCB_START, 4, 0x1000, 0x2000, 7, 0x3000), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_READ_REGS, 0), ERR_OK);
	cr_assert_eq(world.result_words, 35);
	cr_assert_eq(world.result[0], 7);
	cr_assert_eq(world.buffer.msg[31], 0x2000);
	cr_assert_eq(world.buffer.msg[32], 0x1000);
	cr_assert_eq(world.buffer.msg[34], 0x3000);
	for (unsigned i = 4; i < 35; i++)
		world.buffer.msg[i] = 100 + i;
	world.buffer.msg[33] = UINT64_MAX;
	cr_assert_eq(call(16, METHOD_TCB_WRITE_REGS, 34, 1, 2, 3, 4), ERR_ARG);
	cr_assert_eq(call(16, METHOD_TCB_WRITE_REGS, 35, 1, 2, 3, 4), ERR_OK);
	cr_assert_eq(thread->context.x[0], 1);
	cr_assert_eq(thread->context.x[30], 130);
	cr_assert_eq(thread->context.pstate, 0xf0000000);
	cr_assert_eq(thread->context.tls, 134);
	cr_assert_eq(call(W_TCB, METHOD_TCB_READ_REGS, 0), ERR_STATE, "of a running thread");
	world.tcb->ipc_buffer = NULL;
	cr_assert_eq(call(16, METHOD_TCB_READ_REGS, 0), ERR_TRUNCATED);
	cr_assert_eq(call(16, METHOD_TCB_WRITE_REGS, 35, 1, 2, 3, 4), ERR_TRUNCATED);
}

/* What proc gives programs over their own threads has no schedule right. */
Test(threads, flags_about_order_need_the_schedule_right)
{
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_FALLBACK_FIRST, 0), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, 0, TCB_FLAG_FALLBACK_FIRST), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_SERVER, 0), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, 0, TCB_FLAG_SERVER), ERR_OK);
	slot_of(16)->rights &= (uint8_t)~RIGHT_SCHEDULE;
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_FALLBACK_FIRST, 0), ERR_CAP_RIGHTS);
	cr_assert_eq(thread->flags & TCB_FLAG_FALLBACK_FIRST, 0);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, 0, TCB_FLAG_FALLBACK_FIRST), ERR_CAP_RIGHTS,
		     "nor is it taken away without");
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_SERVER, 0), ERR_CAP_RIGHTS);
	cr_assert_eq(thread->flags & TCB_FLAG_SERVER, 0);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, 0, 1ull << 31), ERR_ARG);
	cr_assert_eq(call(16, METHOD_TCB_SET_FLAGS, 2, TCB_FLAG_NO_FPU, 0), ERR_OK);
	cr_assert_neq(thread->flags & TCB_FLAG_NO_FPU, 0);
}

/* The frame of an IPC buffer is held: deleting all its capabilities does not free it, revoking does. */
Test(threads, buffer_is_held)
{
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(delete_cap(18), ERR_OK);
	cr_assert_not_null(thread->ipc_buffer);
	cr_assert_eq(thread->buffer_slot.parent, slot_of(W_UNTYPED));
	cr_assert_eq(configure(), ERR_CAP_INVALID);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_eq(thread->buffer_slot.type, OBJ_NULL);
	check_tree();
}

Test(threads, revoked_buffer)
{
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(revoke(18), ERR_OK);
	cr_assert_null(thread->ipc_buffer);
	cr_assert_eq(thread->buffer_slot.type, OBJ_NULL);
	cr_assert_not_null(thread->vspace);
}

Test(threads, revoked_space_stops_the_thread)
{
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_RESUME, 0), ERR_OK);
	cr_assert_eq(delete_cap(17), ERR_OK);
	cr_assert_eq(thread->state, THREAD_RUNNING, "the thread keeps its address space");
	fakes.suspend_waits = 2;
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_geq(fakes.suspends, 3);
	cr_assert_null(thread->vspace);
	cr_assert_eq(thread->state, THREAD_STOPPED);
	cr_assert_null(slot_of(W_UNTYPED)->child);
	cr_assert(reap_idle());
	check_tree();
}

/* Page tables whose memory is about to be used again must not stay loaded, on this CPU either. */
Test(threads, revoked_space_is_left)
{
	struct tcb **const users[] = {&arch_this_cpu()->core.current,
				      &arch_this_cpu()->core.loaded};

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(configure(), ERR_OK);
		*users[i] = thread;
		cr_assert_eq(revoke(17), ERR_OK);
		cr_assert_eq(fakes.empty_switches, 1 + i);
		*users[i] = NULL;
	}
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(revoke(17), ERR_OK);
	cr_assert_eq(fakes.empty_switches, 2, "nobody has it here");
}

Test(threads, suspend_restarts_until_stopped)
{
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_RESUME, 0), ERR_OK);
	fakes.suspend_waits = 3;
	cr_assert_eq(call(16, METHOD_TCB_SUSPEND, 0), ERR_OK);
	cr_assert_eq(world.restarts, 3);
	cr_assert_eq(thread->state, THREAD_STOPPED);
}

Test(threads, fault_handlers)
{
	struct cap cap;
	word_t write = RIGHT_WRITE;

	cr_assert_eq(mint(30, 19, 77), ERR_OK);
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 31 | write << 32, 0, 19), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 31, 0), ERR_CAP_RIGHTS);
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 21, 0), ERR_CAP_TYPE);
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 30, 20), ERR_OK);
	cap_read(&thread->pager, &cap);
	cr_assert_eq(cap.badge, 77);
	cr_assert_eq(cap.object, slot_of(19)->object);
	cap_read(&thread->exception, &cap);
	cr_assert_eq(cap.object, slot_of(20)->object);
	cr_assert_eq(revoke(19), ERR_OK);
	cap_read(&thread->pager, &cap);
	cr_assert_eq(cap.type, OBJ_NULL);
	fakes.destroy_steps = 0;
	cr_assert_eq(delete_cap(20), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 0, "held by the thread");
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 0, 0), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 1);
	check_tree();
}

/* In whatever order they go: those that are left lose their root with it. */
Test(threads, a_root_goes_from_all_that_have_it)
{
	for (cptr_t gone = 40; gone < 43; gone++) {
		cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 4, 1, 30), ERR_OK);
		cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 3, 40), ERR_OK);
		for (cptr_t i = 40; i < 43; i++)
			cr_assert_eq(call(i, METHOD_TCB_CONFIGURE, 4, 30, 17, 18, 0x30000), ERR_OK);
		cr_assert_eq(delete_cap(gone), ERR_OK);
		cr_assert_eq(delete_cap(30), ERR_OK);
		for (cptr_t i = 40; i < 43; i++) {
			const struct tcb *tcb = (const struct tcb *)(uintptr_t)slot_of(i)->object;

			if (i == gone)
				continue;
			cr_assert_eq(tcb->cspace.type, OBJ_NULL, "%lu after %lu", i, gone);
			cr_assert_eq(tcb->cspace.bits, 0, "fast paths look at that only");
			cr_assert_eq(delete_cap(i), ERR_OK);
		}
	}
	check_tree();
}

/* Its dispatcher has not taken its last record, say. */
Test(threads, one_that_cannot_go_yet_holds_up_nobody)
{
	struct tcb *waits;

	fakes.thread_destroy_waits = 1000;
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, 40), ERR_OK);
	waits = (struct tcb *)(uintptr_t)slot_of(40)->object;
	fakes.thread_destroy_waits = 0;
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, 41), ERR_OK);
	cr_assert_eq(delete_cap(40), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 0);
	cr_assert_eq(delete_cap(41), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 1);
	cr_assert_not(reap_idle());
	waits->fault_words[0] = 0;
	cr_assert_eq(revoke(W_UNTYPED), ERR_OK);
	cr_assert_eq(fakes.threads_destroyed, 3, "that one, and the world's");
	cr_assert(reap_idle());
	check_tree();
}

/* An endpoint that only the thread holds goes with it, or when it is replaced, in as many steps as it
 * takes. */
Test(threads, last_holder_of_what_takes_long)
{
	const cptr_t held[] = {40, 41, 42};

	fakes.destroy_steps = 5;
	for (unsigned i = 0; i < 3; i++)
		cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, held[i]), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 40, 41), ERR_OK);
	cr_assert_eq(delete_cap(40), ERR_OK);
	cr_assert_eq(delete_cap(41), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 0);
	cr_assert_eq(call(16, METHOD_TCB_SET_FAULT, 2, 42, 42), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 2, "replaced");
	cr_assert_eq(thread->pager.object, slot_of(42)->object);
	cr_assert_eq(thread->exception.object, slot_of(42)->object);
	cr_assert_eq(delete_cap(42), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 2);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_eq(fakes.objects_destroyed, 3, "gone with the thread");
	cr_assert(reap_idle());
	check_tree();
}

Test(threads, bound_notification)
{
	cr_assert_eq(call(16, METHOD_TCB_BIND_NOTIFICATION, 1, 19), ERR_CAP_TYPE);
	cr_assert_eq(call(16, METHOD_TCB_BIND_NOTIFICATION, 1, 21), ERR_OK);
	cr_assert_eq(call(16, METHOD_TCB_BIND_NOTIFICATION, 1, 22), ERR_STATE);
	cr_assert_eq(call(W_TCB, METHOD_TCB_BIND_NOTIFICATION, 1, 21), ERR_STATE);
	cr_assert_eq(call(16, METHOD_TCB_UNBIND_NOTIFICATION, 0), ERR_OK);
	cr_assert_eq(call(W_TCB, METHOD_TCB_BIND_NOTIFICATION, 1, 21), ERR_OK);
	cr_assert_eq(revoke(21), ERR_OK);
	cr_assert_null(world.tcb->bound_notification);
	cr_assert_eq(call(16, METHOD_TCB_BIND_NOTIFICATION, 1, 21), ERR_OK);
	cr_assert_eq(delete_cap(16), ERR_OK);
	cr_assert_null(thread->bound_notification);
	cr_assert_eq(call(W_TCB, METHOD_TCB_BIND_NOTIFICATION, 1, 21), ERR_OK);
}

Test(threads, K_threads_scheduling_rights)
{
	word_t schedule = RIGHT_SCHEDULE;

	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 30 | schedule << 32, 0, 16), ERR_OK);
	cr_assert_eq(call(30, METHOD_TCB_SET_TAG, 1, 99), ERR_OK);
	cr_assert_eq(thread->key, 0);
	cr_assert_eq(call(30, METHOD_TCB_SET_KEY, 1, 77), ERR_OK);
	cr_assert_eq(thread->key, 77);
	cr_assert_eq(call(30, METHOD_TCB_SET_KEY, 0), ERR_ARG);
	cr_assert_eq(call(30, METHOD_TCB_SET_HOME, 1, W_CORE1), ERR_OK);
	cr_assert_eq(call(30, METHOD_TCB_SET_HOME, 1, W_SYSTEM), ERR_CAP_TYPE);
	cr_assert_eq(call(30, METHOD_TCB_ANSWER, 1, 0), ERR_STATE);
	cr_assert_eq(call(30, METHOD_TCB_RESUME, 0), ERR_CAP_RIGHTS);
	thread->cpu_ns = 12345;
	thread->seq = 678;
	cr_assert_eq(call(30, METHOD_TCB_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[0], THREAD_STOPPED | 1u << 8);
	cr_assert_eq(world.result[1], 99);
	cr_assert_eq(world.result[2], 12345);
	cr_assert_eq(world.result[3], 678);
}

/* Who has a CPU for itself is charged when it stops, but what it uses can be seen before. */
Test(threads, time_of_who_runs_is_up_to_now)
{
	struct core *core = &cpus[1].core;

	cr_assert_eq(call(16, METHOD_TCB_SET_HOME, 1, W_CORE1), ERR_OK);
	thread->cpu_ns = 12345;
	core->stats.busy_ns = 20000;
	core->stretch_ns = arch_now();
	host_time_set(arch_now() + 500);
	cr_assert_eq(call(16, METHOD_TCB_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], 12345, "another one runs, or none");
	cr_assert_eq(call(W_CORE1, METHOD_CORE_STATS, 0), ERR_OK);
	cr_assert_eq(world.result[offsetof(struct core_stats, busy_ns) / 8], 20000);
	core->payer = thread;
	cr_assert_eq(call(16, METHOD_TCB_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], 12345 + 500);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_STATS, 0), ERR_OK);
	cr_assert_eq(world.result[offsetof(struct core_stats, busy_ns) / 8], 20000 + 500);
	cr_assert_eq(thread->cpu_ns, 12345, "it is shown only");
	core->stretch_ns = arch_now() + 1;
	cr_assert_eq(call(16, METHOD_TCB_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[2], 12345, "clocks differ");
	core->payer = NULL;
}

Test(threads, interrupts)
{
	word_t read = RIGHT_READ, write = RIGHT_WRITE;

	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 5, 0, 30, 0), ERR_RANGE);
	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 40, 0, 30, 5), ERR_RANGE);
	arch_irq_unmask(40);
	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 40, 0, 30, 1), ERR_OK);
	cr_assert(host_irq_masked(40), "nobody would hear of it");
	cr_assert_eq(host_irq_route_of(40), 1);
	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 40, 0, 31, 1), ERR_EXISTS);
	cr_assert_eq(call(30, METHOD_IRQ_HANDLER_ACK, 0), ERR_STATE);
	cr_assert(host_irq_masked(40));
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 34 | read << 32, 0, 21), ERR_OK);
	cr_assert_eq(call(30, METHOD_IRQ_HANDLER_SET_NOTIFICATION, 1, 34), ERR_CAP_RIGHTS,
		     "a line signals: who may only wait cannot have it do so");
	cr_assert(host_irq_masked(40));
	cr_assert_eq(call(W_CNODE, METHOD_CNODE_COPY, 3, 35 | write << 32, 0, 21), ERR_OK);
	cr_assert_eq(call(30, METHOD_IRQ_HANDLER_SET_NOTIFICATION, 1, 35), ERR_OK);
	cr_assert_eq(mint(32, 21, 8), ERR_OK);
	cr_assert_eq(call(30, METHOD_IRQ_HANDLER_SET_NOTIFICATION, 1, 32), ERR_OK);
	cr_assert_not(host_irq_masked(40));
	irq_deliver(40);
	cr_assert_eq(fakes.signals, 1);
	cr_assert_eq(fakes.signal_badge, 8);
	cr_assert_eq(revoke(21), ERR_OK);
	cr_assert(host_irq_masked(40));
	irq_deliver(40);
	cr_assert_eq(fakes.signals, 1);
	cr_assert_eq(call(30, METHOD_IRQ_HANDLER_SET_NOTIFICATION, 1, 21), ERR_OK);
	cr_assert_eq(copy(33, 30), ERR_OK);
	cr_assert_eq(delete_cap(30), ERR_OK);
	cr_assert_not(host_irq_masked(40));
	cr_assert_eq(delete_cap(33), ERR_OK);
	cr_assert(host_irq_masked(40));
	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 40, 0, 30, 0), ERR_OK);
	check_tree();
}

Test(threads, K_core_core_and_its_supervisor)
{
	cr_assert_eq(configure(), ERR_OK);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_BIND, 4, 16, 1000, 0, 19), ERR_CAP_TYPE);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_BIND, 4, 16, 1000, 0, 21), ERR_OK);
	cr_assert_eq(cpus[1].core.dispatcher, thread);
	cr_assert_eq((uint64_t)(uintptr_t)cpus[1].core.supervisor, slot_of(21)->object);
	fakes.bind_error = ERR_STATE;
	cr_assert_eq(call(W_CORE1, METHOD_CORE_BIND, 4, 16, 1000, 0, 22), ERR_STATE);
	cr_assert_eq((uint64_t)(uintptr_t)cpus[1].core.supervisor, slot_of(21)->object,
		     "who is bound there still has it");
	fakes.bind_error = ERR_OK;
	cr_assert_eq(call(W_CORE1, METHOD_CORE_BIND, 4, 16, 1000, 0, 22), ERR_OK);
	cr_assert_eq(revoke(22), ERR_OK);
	cr_assert_null(cpus[1].core.supervisor);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_PORT, 3, 55, 0, 40), ERR_OK);
	cr_assert_eq(slot_of(40)->badge, 55);
	cr_assert_eq(slot_of(40)->object, (uint64_t)(uintptr_t)&cpus[1].core);
	cr_assert_eq(mint(41, 40, 56), ERR_ARG);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[0], 1);
	cr_assert_eq(world.result[1], CORE_BOUND | CORE_ONLINE);
	cpus[1].core.fallback = FALLBACK_FAULT;
	cpus[1].core.idle = 1;
	cr_assert_eq(call(W_CORE1, METHOD_CORE_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[1], CORE_BOUND | CORE_ONLINE | CORE_FALLBACK | CORE_IDLE);
	cr_assert_eq(world.result[2], FALLBACK_FAULT);
	cpus[1].core.stats.syscalls = 4711;
	cr_assert_eq(call(W_CORE1, METHOD_CORE_STATS, 0), ERR_OK);
	cr_assert_eq(world.result_words, sizeof(struct core_stats) / 8);
	cr_assert_eq(world.buffer.msg[offsetof(struct core_stats, syscalls) / 8], 4711);
	cr_assert_eq(call(W_CORE1, METHOD_CORE_UNBIND, 0), ERR_OK);
	cr_assert_null(cpus[1].core.dispatcher);
}

Test(threads, system)
{
	memcpy(&world.buffer.msg[4], "more", 4);
	cr_assert_eq(call(W_SYSTEM, METHOD_SYSTEM_DEBUG_WRITE, 4, 505), ERR_RANGE);
	cr_assert_eq(call(W_SYSTEM, METHOD_SYSTEM_DEBUG_WRITE, 4, 28, 0, 0, 0), ERR_TRUNCATED);
	cr_assert_eq(call(W_SYSTEM, METHOD_SYSTEM_DEBUG_WRITE, 5, 28, 0x6162636465666768,
			  0x6162636465666768, 0x6162636465666768),
		     ERR_OK);
	cr_assert_str_eq(host_console, "hgfedcbahgfedcbahgfedcbamore");
	cr_assert_eq(call(W_SYSTEM, METHOD_SYSTEM_DEBUG_WRITE, 64, 504, 0, 0, 0), ERR_OK);
	cr_assert_eq(call(W_SYSTEM, METHOD_SYSTEM_INFO, 0), ERR_OK);
	cr_assert_eq(world.result[0], 2);
}
