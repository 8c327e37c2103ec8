/* SPDX-License-Identifier: BSD-2-Clause */
/* Objects of a storm, and what must hold of them.  See storm.h. */
#include "storm.h"

#include <host_arch.h>
#include <host_objects.h>
#include <kern/boot.h>
#include <kern/cnode.h>
#include <kern/derive.h>
#include <kern/endpoint.h>
#include <kern/entry.h>
#include <kern/ipc.h>
#include <kern/irq.h>
#include <kern/machine.h>
#include <kern/notification.h>
#include <kern/reap.h>
#include <kern/thread.h>
#include <kern/trace.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

#include "../../fuzz/fuzz.h"
#include "../../fuzz/kernel/machine.h"
#include "../../fuzz/kernel/world.h"

#define RAM_BYTES      (4u << 20)
#define ASIDS          64u
#define ROOT_BITS      21u
#define BUILDER_BITS   16u
#define JANITOR_RADIX  4u
#define LIMIT_NS       1000000000ull
#define J_UNTYPED      4u
#define J_WORLD        5u
#define DISPATCHER_TAG 0xd00u

struct tcb *janitor;
struct storm_thread storm_threads[STORM_THREADS + 1];
struct storm_cell_state storm_cells[STORM_BUILDERS][STORM_CELLS];
struct storm_totals storm_totals;
uint64_t storm_seed;

static struct cnode *janitor_cnode;
static struct cnode *world_cnode;
static struct host_objects boot;
static unsigned asids_at_boot;
static struct storm_dispatcher dispatchers[STORM_CPUS_MAX][STORM_STANDBYS];
static struct tcb *standbys[STORM_CPUS_MAX][STORM_STANDBYS];
static struct tcb *threads[STORM_THREADS + 1]; /* those that stay */

/* ---- Making ---------------------------------------------------------------------------------- */

static void *make_in(struct cap_slot *slot, struct cap_slot *parent, enum object_type type,
		     unsigned bits)
{
	uint64_t bytes = 1ull << untyped_object_bits(type, bits);
	paddr_t paddr = host_objects_carve(&boot, bytes);
	struct cap cap;

	if (type != OBJ_UNTYPED)
		arch_zero(arch_phys_to_virt(paddr), bytes);
	untyped_make_object(type, bits, 0, paddr, &cap);
	if (slot != NULL)
		cap_insert(slot, &cap, parent);
	return (void *)(uintptr_t)cap.object;
}

static struct cap_slot *slot_at(cptr_t slot)
{
	fuzz_check(slot < 1u << STORM_RADIX);
	return &world_cnode->slots[slot];
}

static void *make(cptr_t slot, enum object_type type, unsigned bits)
{
	return make_in(slot_at(slot), &janitor_cnode->slots[J_UNTYPED], type, bits);
}

static void give(cptr_t slot, enum object_type type, void *object, word_t badge)
{
	const struct cap cap = {.type = (uint8_t)type,
				.rights = RIGHT_ALL,
				.badge = badge,
				.object = (uintptr_t)object};

	cap_insert(slot_at(slot), &cap, NULL);
}

/* A copy with a badge, as MINT makes it. */
static void mint(cptr_t dest, cptr_t source, word_t badge)
{
	struct cap cap;

	fuzz_check(cap_derive(slot_at(source), RIGHT_ALL, &cap) == ERR_OK);
	cap.badge = badge;
	cap_derive_into(slot_at(source), &cap, slot_at(dest));
}

void janitor_make(void)
{
	struct cap cap;
	struct cnode *cnode = make_in(NULL, NULL, OBJ_CNODE, JANITOR_RADIX);

	janitor_cnode = cnode;
	cap = (struct cap){.type = OBJ_CNODE,
			   .rights = RIGHT_ALL,
			   .bits = JANITOR_RADIX,
			   .object = (uintptr_t)cnode};
	cap_insert(&cnode->slots[1], &cap, NULL);
	janitor = make_in(&cnode->slots[2], NULL, OBJ_TCB, 0);
	janitor->vspace = make_in(&cnode->slots[3], NULL, OBJ_VSPACE, 0);
	cnode_set_root(janitor, &cap);
	janitor->flags = TCB_FLAG_FALLBACK_FIRST;
	janitor->ipc_buffer = arch_phys_to_virt(host_objects_carve(&boot, PAGE_SIZE));
	fault_first_space =
		janitor->vspace; /* or the machine ends with the first unhandled fault */
	tcb_set_tag(janitor, STORM_JANITOR);
	fuzz_check(tcb_first_home(janitor, &cpus[0].core) == ERR_OK);
	asids_at_boot = vspace_asids_free();
	cap = (struct cap){.type = OBJ_UNTYPED, .rights = RIGHT_ALL, .bits = ROOT_BITS};
	cap.object = host_objects_carve(&boot, 1ull << ROOT_BITS);
	boot.next = cap.object;
	cap.badge = 1ull << ROOT_BITS; /* all of it is used, by what follows */
	cap_insert(&cnode->slots[J_UNTYPED], &cap, NULL);
}

static struct tcb *thread_make(cptr_t slot, word_t tag)
{
	struct tcb *tcb = make(slot, OBJ_TCB, 0);
	struct cap cap;

	tcb_set_tag(tcb, tag);
	tcb_set_key(tcb, tag);
	cap_read(slot_at(STORM_SLOT_CNODE), &cap);
	cnode_set_root(tcb, &cap);
	fuzz_check(cap_hold(&tcb->vspace_slot, slot_at(STORM_SLOT_VSPACE), CAP_HOLDER_TCB_VSPACE) ==
		   ERR_OK);
	tcb->vspace = (struct vspace *)(uintptr_t)tcb->vspace_slot.object;
	untyped_make_object(OBJ_FRAME, 0, 0, host_objects_carve(&boot, PAGE_SIZE), &cap);
	arch_zero(arch_phys_to_virt(cap.object), PAGE_SIZE);
	cap.flags = (uint8_t)(CAP_HOLDER_TCB_BUFFER << CAP_HELD_SHIFT);
	cap_insert(&tcb->buffer_slot, &cap, &janitor_cnode->slots[J_UNTYPED]);
	tcb->ipc_buffer = arch_phys_to_virt(cap.object);
	return tcb;
}

static void ends_make(void)
{
	for (unsigned i = 0; i < STORM_SERVERS; i++) {
		for (unsigned n = 0; n < STORM_REPLIES; n++)
			make(STORM_SLOT_REPLY(i, n), OBJ_REPLY, 0);
		make(STORM_SLOT_ENDPOINT(i), OBJ_ENDPOINT, 0);
		slot_at(STORM_SLOT_ENDPOINT(i))->badge = STORM_BADGE_ENDPOINT(i);
	}
	for (unsigned i = 0; i < STORM_SIGNALS; i++) {
		make(STORM_SLOT_SIGNAL(i), OBJ_NOTIFICATION, 0);
		mint(STORM_SLOT_SIGNALLER(i), STORM_SLOT_SIGNAL(i), STORM_SIGNAL_BITS & (16u << i));
	}
	for (unsigned i = 0; i < STORM_BUILDERS; i++)
		make(STORM_SLOT_UNTYPED(i), OBJ_UNTYPED, BUILDER_BITS);
	for (unsigned i = 0; i < cpus_count; i++) {
		give(STORM_SLOT_CORE(i), OBJ_CORE, &cpus[i].core, 0);
		give(STORM_SLOT_SCHED(i), OBJ_SCHED, &cpus[i].core, 8);
	}
	give(STORM_SLOT_SCHED(STORM_CPUS_MAX), OBJ_SCHED, NULL, 7);
	give(STORM_SLOT_IRQ_CONTROL, OBJ_IRQ_CONTROL, NULL, 0);
}

static void threads_make(void)
{
	for (unsigned tag = 1; tag < STORM_CHILD; tag++) {
		struct tcb *tcb = thread_make(STORM_SLOT_TCB(tag), tag);

		threads[tag] = tcb;
		if (tag == STORM_SERVER + SERVER_FRONT || tag == STORM_SERVER + SERVER_BACK ||
		    tag == STORM_SERVER + SERVER_EXCEPTION)
			tcb->flags |= TCB_FLAG_PASSIVE | TCB_FLAG_SERVER;
		if (tag < STORM_SERVER)
			fuzz_check(cap_hold(&tcb->pager, slot_at(STORM_SLOT_ENDPOINT(SERVER_PAGER)),
					    CAP_HOLDER_TCB_PAGER) == ERR_OK &&
				   cap_hold(&tcb->exception,
					    slot_at(STORM_SLOT_ENDPOINT(SERVER_EXCEPTION)),
					    CAP_HOLDER_TCB_EXCEPTION) == ERR_OK);
	}
	for (unsigned i = 0; i < cpus_count; i++)
		for (unsigned n = 0; n < STORM_STANDBYS; n++) {
			standbys[i][n] = thread_make(STORM_SLOT_STANDBY(i, n),
						     DISPATCHER_TAG + i * STORM_STANDBYS + n);
			dispatchers[i][n].cpu = i;
		}
}

static void threads_start(void)
{
	for (unsigned i = 0; i < cpus_count; i++) {
		host_cpu_enter(i);
		fuzz_check(core_bind(&cpus[i].core, standbys[i][0], LIMIT_NS, 0, NULL) == ERR_OK);
	}
	for (unsigned tag = 1; tag < STORM_CHILD; tag++) {
		host_cpu_enter(tag % cpus_count);
		fuzz_check(tcb_first_home(threads[tag], &cpus[tag % cpus_count].core) == ERR_OK);
		fuzz_check(thread_resume(threads[tag]) == ERR_OK);
	}
}

void storm_world_make(uint64_t seed, unsigned cpus_wanted)
{
	struct cap cap;

	storm_seed = seed;
	/* With all of them on, the fast paths never set a timer by themselves. */
	trace_mask = (storm_random(0, 0) & 1) != 0 ? ~0u : 0;
	host_machine_reset(RAM_BYTES, ASIDS);
	storm_lines_reset();
	boot = host_objects_make(RAM_BYTES);
	cpus_count = cpus_wanted;
	oracle_reset();
	for (unsigned i = 0; i < cpus_count; i++) {
		core_init(&cpus[i].core, i);
		cpus[i].core.online = 1;
	}
	host_cpu_enter(0);
	derivation_lock();
	janitor_make();
	world_cnode = make_in(&janitor_cnode->slots[J_WORLD], &janitor_cnode->slots[J_UNTYPED],
			      OBJ_CNODE, STORM_RADIX);
	fuzz_check(cap_derive(&janitor_cnode->slots[J_WORLD], RIGHT_ALL, &cap) == ERR_OK);
	cap_derive_into(&janitor_cnode->slots[J_WORLD], &cap, slot_at(STORM_SLOT_CNODE));
	make(STORM_SLOT_VSPACE, OBJ_VSPACE, 0);
	ends_make();
	threads_make();
	threads_start();
	host_cpu_enter(0);
	derivation_unlock();
}

struct storm_dispatcher *storm_dispatcher_of(const struct tcb *tcb)
{
	word_t n = tcb->tag - DISPATCHER_TAG;

	return n < STORM_CPUS_MAX * STORM_STANDBYS
		       ? &dispatchers[n / STORM_STANDBYS][n % STORM_STANDBYS]
		       : NULL;
}

bool storm_homed(unsigned tag, unsigned cpu)
{
	return tag < STORM_CHILD &&
	       __atomic_load_n(&threads[tag]->home, __ATOMIC_ACQUIRE) == &cpus[cpu].core;
}

const unsigned char *storm_frame(unsigned builder, unsigned cell)
{
	const struct cap_slot *slot = slot_at(STORM_SLOT_CELL(builder, cell));

	return slot->type == OBJ_FRAME ? arch_phys_to_virt(slot->object) : NULL;
}

/* ---- Checking -------------------------------------------------------------------------------- */

void world_check(void)
{
	for (cptr_t slot = 1; slot <= J_WORLD; slot++)
		tree_check(&janitor_cnode->slots[slot]);
}

/* What a parked dispatcher believes of a thread is so, or a record says otherwise. */
static void check_view(const struct core *core, const struct storm_dispatcher *dispatcher)
{
	list_for_each (node, &core->homed) {
		const struct tcb *tcb = container_of_const(node, struct tcb, home_link);
		const struct storm_view *view;

		if (tcb->tag == 0 || tcb->tag >= STORM_CHILD || list_linked(&tcb->event_link))
			continue;
		view = &dispatcher->view[tcb->tag];
		if (!view->refused)
			fuzz_check(view->ready ==
				   (tcb->sched == SCHED_READY || tcb->sched == SCHED_RUNNING));
	}
}

static void check_views(void)
{
	for (unsigned i = 0; i < cpus_count; i++) {
		const struct core *core = &cpus[i].core;

		if (core->dispatcher != NULL && !core->dispatcher_running &&
		    core->fallback == FALLBACK_NONE && core->rebind_next == NULL)
			check_view(core, storm_dispatcher_of(core->dispatcher));
	}
}

/* Nobody waits for what is there. */
static void check_waits(void)
{
	for (unsigned i = 0; i < STORM_SIGNALS; i++) {
		const struct notification *notification = (const struct notification *)(uintptr_t)
								  slot_at(STORM_SLOT_SIGNAL(i))
									  ->object;

		fuzz_check(list_empty(&notification->wait.queue) || notification->word == 0);
	}
}

void storm_world_check(void)
{
	machine_check();
	check_views();
	check_waits();
}

void storm_janitor_start(void)
{
	/* As a CPU that there is not: all others are at work from the first of these on. */
	host_cpu_enter(STORM_CPUS_MAX);
	for (unsigned i = 0; i < cpus_count; i++)
		core_unbind(&cpus[i].core);
	derivation_lock();
	fuzz_check(thread_resume(janitor) == ERR_OK);
	derivation_unlock();
}

void storm_janitor(struct tcb *tcb)
{
	if (tcb->context.pc == STORM_SVC_PC + 4) {
		fuzz_check(storm_error(tcb) == ERR_OK);
		storm_phase_set(PHASE_OVER);
		return;
	}
	storm_invoke(tcb, 1, METHOD_CNODE_REVOKE, J_UNTYPED, 0, 0, 0);
}

void storm_world_check_end(void)
{
	fuzz_check(janitor_cnode->slots[J_WORLD].type == OBJ_NULL);
	fuzz_check(janitor_cnode->slots[J_UNTYPED].child == NULL && reap_idle());
	fuzz_check(vspace_asids_free() == asids_at_boot);
	for (unsigned i = 0; i < STORM_IRQS; i++)
		fuzz_check(storm_device_masked(i) && *irq_handler_count(STORM_IRQ_FIRST + i) == 0);
	for (unsigned i = 0; i < cpus_count; i++) {
		const struct core *core = &cpus[i].core;

		fuzz_check(core->dispatcher == NULL && core->bind_next == NULL);
		fuzz_check(core->supervisor == NULL && list_empty(&core->requests_waiting) &&
			   list_empty(&core->requests_delivered));
		list_for_each (node, &core->homed)
			fuzz_check(node == &janitor->home_link);
	}
}
