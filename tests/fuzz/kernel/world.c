/* SPDX-License-Identifier: BSD-2-Clause */
/* The janitor, and what it makes of each input's world.  See machine.h. */
#include "world.h"

#include "../fuzz.h"
#include "machine.h"

#include <host_arch.h>
#include <host_objects.h>
#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

#define JANITOR_RADIX 6u
#define RESTARTS_MAX  20000u
#define WORLD_BITS    21u
#define DEVICE_BITS   16u
#define LIMIT_NS      1000000u

/* Slots of the janitor's CNode. */
enum {
	J_CNODE = 1,
	J_TCB,
	J_VSPACE,
	J_UNTYPED,
	J_DEVICE,
	J_IRQ_CONTROL,
	J_SYSTEM,
	J_CORE0,
	J_CORE1,
	J_SCHED,
	J_BOOT_END,
	J_WORLD = J_BOOT_END, /* the world's CNode */
	J_SPARE,
};

struct tcb *janitor;
static struct host_objects boot; /* its CNode is the janitor's */
static unsigned asids_at_boot;

/* ---- Boot ------------------------------------------------------------------------------------ */

void janitor_make(void)
{
	struct cap cnode;

	host_cpu_enter(0);
	derivation_lock();
	boot = host_objects_make(WORLD_RAM_BYTES);
	host_objects_new(&boot, OBJ_CNODE, JANITOR_RADIX, J_CNODE);
	janitor = host_objects_new(&boot, OBJ_TCB, 0, J_TCB);
	janitor->vspace = host_objects_new(&boot, OBJ_VSPACE, 0, J_VSPACE);
	host_objects_give_untyped(&boot, J_UNTYPED, WORLD_BITS, 0);
	host_objects_give_untyped(&boot, J_DEVICE, DEVICE_BITS, UNTYPED_DEVICE);
	host_objects_give(&boot, J_IRQ_CONTROL, (struct cap){.type = OBJ_IRQ_CONTROL});
	host_objects_give(&boot, J_SYSTEM, (struct cap){.type = OBJ_SYSTEM});
	host_objects_give(&boot, J_CORE0,
			  (struct cap){.type = OBJ_CORE, .object = (uintptr_t)&cpus[0].core});
	host_objects_give(&boot, J_CORE1,
			  (struct cap){.type = OBJ_CORE, .object = (uintptr_t)&cpus[1].core});
	host_objects_give(&boot, J_SCHED, (struct cap){.type = OBJ_SCHED});
	cap_read(&boot.cnode->slots[J_CNODE], &cnode);
	cnode_set_root(janitor, &cnode);
	janitor->flags = TCB_FLAG_FALLBACK_FIRST;
	janitor->ipc_buffer = arch_phys_to_virt(host_objects_carve(&boot, PAGE_SIZE));
	tcb_set_tag(janitor, 0x7a717);
	fuzz_check(tcb_first_home(janitor, &cpus[0].core) == ERR_OK);
	fuzz_check(thread_resume(janitor) == ERR_OK);
	derivation_unlock();
	asids_at_boot = vspace_asids_free();
}

/* ---- The janitor's system calls -------------------------------------------------------------- */

/* It is what CPU 0 runs; a call that the kernel wants again is made again. */
static enum error janitor_call(cptr_t cptr, enum method method, uint64_t w0, uint64_t w1,
			       uint64_t w2, uint64_t w3)
{
	const uint64_t x[9] = {cptr,    msg_info((word_t)method, 4, 0), w0, w1, w2, w3, 0, 0,
			       SYS_CALL};
	unsigned restarts = 0;

	fuzz_check(machine_current(0) == janitor);
	janitor->context.pc = 0;
	do {
		machine_syscall(0, x);
		machine_settle();
		for (unsigned i = 0; machine_current(0) != janitor; i++) {
			/* Its slice was over. */
			fuzz_check(i < 100 && janitor->state != THREAD_STOPPED);
			machine_advance(20000000);
			machine_settle();
		}
		fuzz_check(restarts++ < RESTARTS_MAX);
	} while (janitor->context.pc % 16 == 0);
	return (enum error)(-(int64_t)janitor->context.x[0]);
}

#define must(...) fuzz_check(janitor_call(__VA_ARGS__) == ERR_OK)

static void retype_bits(cptr_t untyped, enum object_type type, unsigned bits, unsigned count,
			cptr_t cnode, cptr_t slot)
{
	must(untyped, METHOD_UNTYPED_RETYPE, (word_t)type | (word_t)bits << 8 | (word_t)count << 16,
	     cnode, slot, 0);
}

static void retype(enum object_type type, unsigned count, cptr_t slot)
{
	retype_bits(J_UNTYPED, type, 0, count, J_WORLD, slot);
}

static void copy(cptr_t dest, cptr_t source, unsigned rights)
{
	must(J_WORLD, METHOD_CNODE_COPY, dest | (word_t)rights << 32, 0, source, 0);
}

static void mint(cptr_t dest, cptr_t source, word_t badge)
{
	must(J_WORLD, METHOD_CNODE_MINT, dest | (word_t)RIGHT_ALL << 32, J_WORLD, source, badge);
}

/* The methods take slots of the caller's own CNode: bring one there and take it away again. */
static cptr_t borrow(cptr_t slot)
{
	static cptr_t next = J_SPARE;

	next = next + 1 < (1u << JANITOR_RADIX) - 1 ? next + 1 : J_SPARE;
	(void)!janitor_call(J_CNODE, METHOD_CNODE_DELETE, next, 0, 0, 0);
	must(J_CNODE, METHOD_CNODE_COPY, next | (word_t)RIGHT_ALL << 32, J_WORLD, slot, 0);
	return next;
}

static void thread_make(unsigned n, bool dispatcher, bool passive)
{
	cptr_t tcb = borrow(WORLD_THREAD(n));

	must(tcb, METHOD_TCB_CONFIGURE, J_WORLD, borrow(SLOT_VSPACE), borrow(SLOT_BUFFER + n),
	     0x10000 + n * PAGE_SIZE);
	must(tcb, METHOD_TCB_SET_TAG, n + 1, 0, 0, 0);
	must(tcb, METHOD_TCB_START, 0x20004, 0, 0, 0);
	if (n == 1)
		must(tcb, METHOD_TCB_SET_FAULT, borrow(SLOT_ENDPOINT), borrow(SLOT_ENDPOINT + 1), 0,
		     0);
	if (n == 2)
		must(tcb, METHOD_TCB_BIND_NOTIFICATION, borrow(SLOT_NOTIFICATION), 0, 0, 0);
	if (passive)
		must(tcb, METHOD_TCB_SET_FLAGS, TCB_FLAG_PASSIVE, 0, 0, 0);
	if (dispatcher)
		return;
	must(tcb, METHOD_TCB_SET_HOME, J_CORE0 + n % MACHINE_CPUS, 0, 0, 0);
	must(tcb, METHOD_TCB_RESUME, 0, 0, 0, 0);
}

static void objects_make(void)
{
	retype_bits(J_UNTYPED, OBJ_CNODE, WORLD_RADIX, 1, 0, J_WORLD);
	copy(SLOT_CNODE, J_WORLD, RIGHT_ALL);
	retype_bits(J_UNTYPED, OBJ_UNTYPED, 18, 1, J_WORLD, SLOT_UNTYPED);
	retype_bits(J_DEVICE, OBJ_UNTYPED, 14, 1, J_WORLD, SLOT_DEVICE);
	retype(OBJ_VSPACE, 1, SLOT_VSPACE);
	copy(SLOT_IRQ_CONTROL, J_IRQ_CONTROL, RIGHT_ALL);
	/* Not the right to end the machine. */
	copy(SLOT_SYSTEM, J_SYSTEM, RIGHT_WRITE);
	copy(SLOT_CORE0, J_CORE0, RIGHT_ALL);
	copy(SLOT_CORE1, J_CORE1, RIGHT_ALL);
	copy(SLOT_SCHED, J_SCHED, RIGHT_ALL);
	retype(OBJ_TCB, WORLD_THREADS, SLOT_TCB);
	retype(OBJ_ENDPOINT, 2, SLOT_ENDPOINT);
	mint(SLOT_ENDPOINT + 2, SLOT_ENDPOINT, 0xe0);
	mint(SLOT_ENDPOINT + 3, SLOT_ENDPOINT + 1, 0xe1);
	retype(OBJ_NOTIFICATION, 2, SLOT_NOTIFICATION);
	mint(SLOT_NOTIFICATION + 2, SLOT_NOTIFICATION, 4);
	retype(OBJ_REPLY, 2, SLOT_REPLY);
	retype(OBJ_FRAME, WORLD_THREADS + 2, SLOT_BUFFER);
	retype(OBJ_PAGE_TABLE, 3, SLOT_TABLE);
	must(J_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 40, J_WORLD, SLOT_IRQ, 0);
}

void world_make(unsigned kind)
{
	static bool booted;

	if (!booted)
		machine_boot();
	booted = true;
	objects_make();
	for (unsigned n = 0; n < WORLD_THREADS; n++)
		thread_make(n, n >= WORLD_THREADS - MACHINE_CPUS, n == 3 && (kind & 4) != 0);
	/* Last CPU first: a dispatcher of CPU 0 does not know the janitor. */
	for (unsigned cpu = MACHINE_CPUS; cpu-- > 0;)
		if ((kind >> cpu & 1) != 0 && cpu != 0)
			must(J_CORE0 + cpu, METHOD_CORE_BIND,
			     borrow(WORLD_THREAD(WORLD_THREADS - MACHINE_CPUS + cpu)), LIMIT_NS, 0,
			     0);
	if ((kind & 1) != 0) {
		cptr_t tcb = borrow(WORLD_THREAD(WORLD_THREADS - MACHINE_CPUS));
		const uint64_t x[9] = {
			J_CORE0, msg_info(METHOD_CORE_BIND, 4, 0), tcb, LIMIT_NS, 0, 0, 0, 0,
			SYS_CALL};

		machine_syscall(0, x);
		machine_settle();
	}
	host_cpu_enter(0);
	fuzz_check(thread_suspend(janitor) || thread_suspend(janitor));
	machine_interrupt(0);
	machine_settle();
	fuzz_check(janitor->state == THREAD_STOPPED);
}

/* ---- The end --------------------------------------------------------------------------------- */

static void janitor_wake(void)
{
	host_cpu_enter(0);
	for (unsigned i = 0; i < MACHINE_CPUS; i++)
		core_unbind(&cpus[i].core);
	machine_settle();
	/* Whoever has made himself first would go on for ever. */
	list_for_each (node, &cpus[0].core.homed) {
		struct tcb *tcb = container_of(node, struct tcb, home_link);

		if (tcb != janitor)
			tcb->flags &= ~TCB_FLAG_FALLBACK_FIRST;
	}
	host_cpu_enter(0);
	derivation_lock();
	fuzz_check(thread_resume(janitor) == ERR_OK);
	derivation_unlock();
	for (unsigned i = 0; machine_current(0) != janitor; i++) {
		fuzz_check(i < 100);
		machine_advance(20000000);
		machine_settle();
	}
}

void world_end(void)
{
	janitor_wake();
	for (cptr_t slot = J_UNTYPED; slot < J_BOOT_END; slot++)
		must(J_CNODE, METHOD_CNODE_REVOKE, slot, 0, 0, 0);
	for (cptr_t slot = J_BOOT_END; slot < 1u << JANITOR_RADIX; slot++)
		fuzz_check(boot.cnode->slots[slot].type == OBJ_NULL);
	fuzz_check(vspace_asids_free() == asids_at_boot && reap_idle());
	fuzz_check(host_tlb_entries_to(boot.cnode->slots[J_UNTYPED].object, 1u << WORLD_BITS) == 0);
	for (uint32_t irq = 32; irq < HOST_IRQS; irq++)
		fuzz_check(host_irq_masked(irq));
	for (unsigned i = 0; i < MACHINE_CPUS; i++) {
		const struct core *core = &cpus[i].core;

		fuzz_check(core->dispatcher == NULL && core->bind_next == NULL);
		fuzz_check(core->supervisor == NULL);
		/* A record that no dispatcher has taken waits for the next one. */
		list_for_each (node, &core->events)
			fuzz_check(node == &janitor->event_link);
		fuzz_check(list_empty(&core->homed) == (i != 0));
		fuzz_check(list_empty(&core->requests_waiting) &&
			   list_empty(&core->requests_delivered));
	}
	machine_check();
}

void world_check(void)
{
	for (cptr_t slot = J_CNODE; slot < J_BOOT_END; slot++)
		tree_check(&boot.cnode->slots[slot]);
}
