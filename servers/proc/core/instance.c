/* SPDX-License-Identifier: BSD-2-Clause */
#include "instance.h"

#include <abi/bootinfo.h>
#include <base/bytes.h>
#include <libsys/objects.h>
#include <proc/sched_start.h>

#include "archive.h"
#include "builder.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "register.h"
#include "server_thread.h"
#include "untyped.h"

#define SERVER_NAME "sched"
#define SLACK_PAGES 64u

static struct {
	uint32_t cpus;
	unsigned bits;  /* of the memory of one */
	uint64_t built; /* counts them all */
	struct {
		struct builder builder;
		cptr_t foreign_first; /* copies of capabilities that are not of its memory */
		cptr_t foreign_end;
		cptr_t groups_first; /* slots for groups: the untyped object, then frames and tables */
		bool groups_mapped;
	} set[2];
	bool groups_reserved; /* atomic: the service thread releases, the supervisor acquires */
} instances;

static cptr_t instance_slot(unsigned set, uint32_t which)
{
	return OWN_INSTANCE_FIRST + (cptr_t)set * OWN_INSTANCE_SLOTS + which;
}

static cptr_t thread_tcb(unsigned set, uint32_t n)
{
	return instance_slot(set, INSTANCE_TCB_FIRST) + n;
}

void instances_cnode_init(uint32_t cpus)
{
	const word_t badge = SCHED_BADGE_PRIVILEGED | sched_badge(0, SCHED_BADGE_WEIGHT_MASK);
	cptr_t untyped;

	must(untyped_alloc(SCHED_CNODE_RADIX + CNODE_SLOT_BITS, &untyped), "memory for a CNode");
	must(untyped_retype(untyped, OBJ_CNODE, SCHED_CNODE_RADIX, 1, 0, OWN_SCHED_CNODE),
	     "making the scheduler's CNode");
	must(cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_CNODE, RIGHT_ALL, 0, OWN_SCHED_CNODE),
	     "filling the scheduler's CNode");
	must(cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_SYSTEM, RIGHT_ALL, 0, BOOT_SLOT_SYSTEM),
	     "filling the scheduler's CNode");
	must(cnode_mint(BOOT_SLOT_CNODE, OWN_SCHED_PORT, RIGHT_ALL, 0, BOOT_SLOT_SCHED, badge),
	     "making a request port");
	must(cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_LOCAL, RIGHT_ALL, 0, OWN_SCHED_PORT),
	     "filling the scheduler's CNode");
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		must(cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_CORE_FIRST + (cptr_t)cpu, RIGHT_ALL, 0,
				BOOT_SLOT_CORE_FIRST + (cptr_t)cpu),
		     "filling the scheduler's CNode");
		must(core_port(BOOT_SLOT_CORE_FIRST + (cptr_t)cpu, badge, 0, OWN_PORT_FIRST + cpu),
		     "making a request port");
		must(cnode_copy(OWN_SCHED_CNODE, SCHED_SLOT_PORT_FIRST + (cptr_t)cpu, RIGHT_ALL, 0,
				OWN_PORT_FIRST + (cptr_t)cpu),
		     "filling the scheduler's CNode");
	}
}

/* Bytes of one instance, rounded up to a power of two. */
static unsigned instance_bits(const struct elf *elf, uint32_t cpus)
{
	const uint64_t per_thread = SCHED_STACK_BYTES / PAGE_SIZE + 2;
	const uint64_t pages = builder_elf_pages(elf) + 2ull * cpus * per_thread +
			       register_shared_pages() / 512 + SLACK_PAGES;
	unsigned bits = PAGE_BITS;

	while ((1ull << bits) < pages * PAGE_SIZE)
		bits++;
	return bits;
}

enum error instances_init(uint32_t cpus)
{
	struct elf elf;
	enum error error = archive_program(SERVER_NAME, &elf);

	if (error != ERR_OK)
		return error;
	instances.cpus = cpus;
	instances.bits = instance_bits(&elf, cpus);
	for (unsigned set = 0; set < 2; set++) {
		cptr_t untyped;

		error = untyped_alloc(instances.bits, &untyped);
		if (error != ERR_OK)
			return error;
		must(cnode_move(BOOT_SLOT_CNODE, instance_slot(set, INSTANCE_UNTYPED), 0, untyped),
		     "moving memory");
	}
	return ERR_OK;
}

/* All objects of the instance before, and the copies that it had. */
static void instance_clear(unsigned set)
{
	cptr_t slot = instances.set[set].foreign_first;

	for (; slot != instances.set[set].foreign_end; slot++)
		must(cnode_delete(BOOT_SLOT_CNODE, slot), "deleting an old instance's capability");
	must(cnode_revoke(BOOT_SLOT_CNODE, instance_slot(set, INSTANCE_UNTYPED)),
	     "revoking an old instance");
	if (instances.set[set].groups_mapped)
		must(cnode_revoke(BOOT_SLOT_CNODE, instances.set[set].groups_first),
		     "revoking an old instance's groups");
	instances.set[set].groups_mapped = false;
	instances.set[set].builder = (struct builder){
		.untyped = instance_slot(set, INSTANCE_UNTYPED),
		.vspace = instance_slot(set, INSTANCE_VSPACE),
		.slot_next = instance_slot(set, INSTANCE_REST),
		.slot_end = instance_slot(set, OWN_INSTANCE_SLOTS),
		.window = OWN_LOAD_VADDR_2};
	instances.set[set].foreign_first = 0;
	instances.set[set].foreign_end = 0;
}

static void start_page_fill(unsigned set, struct sched_start *start)
{
	*start = (struct sched_start){
		.magic = SCHED_START_MAGIC,
		.version = SCHED_START_VERSION,
		.bytes = sizeof(*start),
		.instance = ++instances.built,
		.cpus = instances.cpus,
		.threads_max = SCHED_THREADS_MAX,
		.balancer_tid_first = SCHED_TID_BALANCER_FIRST(set),
		.shared_vaddr = SCHED_SHARED_VADDR,
		.shared_bytes = sizeof(struct sched_shared),
		.decision_limit_ns = options.decision_ns_max,
		.starvation_limit_ns = options.starvation_ns_max,
		.log_level = options.log_level,
		.exact = options.sched_exact,
		.filter = options.sched_filter,
		.successor = options.sched_successor,
		.again = options.sched_again,
	};
	bytes_copy(start->policy, options.policy, sizeof(start->policy));
	bytes_copy(start->place, options.place, sizeof(start->place));
}

/* Shared memory and boot information: copies of capabilities, side by side. */
static enum error foreign_map(unsigned set)
{
	struct builder *builder = &instances.set[set].builder;
	const uint64_t pages = register_shared_pages();
	const cptr_t first = builder->slot_next;
	enum error error = ERR_OK;

	if (builder->slot_end - first < pages + 1)
		return ERR_NO_MEMORY;
	builder->slot_next += pages + 1;
	instances.set[set].foreign_first = first;
	for (uint64_t page = 0; page <= pages && error == ERR_OK; page++) {
		const bool info = page == pages;

		error = cnode_copy(BOOT_SLOT_CNODE, first + page, RIGHT_ALL, 0,
				   info ? BOOT_SLOT_BOOTINFO : OWN_SHARED_FIRST + page);
		if (error != ERR_OK)
			break;
		instances.set[set].foreign_end = first + page + 1;
		error = builder_map(builder, first + page,
				    info ? BOOTINFO_VADDR : SCHED_SHARED_VADDR + page * PAGE_SIZE,
				    info ? MAP_READ : MAP_READ | MAP_WRITE);
	}
	return error;
}

static enum error thread_build(unsigned set, uint32_t n, uint64_t entry)
{
	struct builder *builder = &instances.set[set].builder;
	const bool balancer = n >= instances.cpus;
	const uint32_t cpu = balancer ? n - instances.cpus : n;
	struct server_thread thread = {
		.tcb = thread_tcb(set, n),
		.cspace = OWN_SCHED_CNODE,
		.vspace = builder->vspace,
		.ipc_vaddr = sched_thread_ipc_buffer(n),
		.pc = entry,
		.sp = sched_thread_stack_top(n),
		.args = {SCHED_START_VADDR, balancer ? SCHED_ROLE_BALANCER : SCHED_ROLE_DISPATCHER,
			 cpu, n},
		.tag = balancer ? SCHED_TID_BALANCER_FIRST(set) + cpu : 0,
		.flags = TCB_FLAG_NO_FPU,
	};
	enum error error = builder_zero(builder, thread.sp - SCHED_STACK_BYTES, SCHED_STACK_BYTES,
					MAP_READ | MAP_WRITE);

	if (error == ERR_OK)
		error = builder_object(builder, OBJ_FRAME, PAGE_BITS, &thread.ipc_frame);
	if (error == ERR_OK)
		error = builder_map(builder, thread.ipc_frame, thread.ipc_vaddr,
				    MAP_READ | MAP_WRITE);
	if (error != ERR_OK)
		return error;
	server_thread_prepare(&thread);
	if (balancer) {
		const struct register_params params = {.affinity = cpumask_one(cpu)};
		const uint32_t tid = (uint32_t)thread.tag;

		error = register_thread(tid, thread.tcb, &params);
		register_shared()->params[tid].flags |= SCHED_THREAD_BALANCER;
		register_shared()->params[tid].cpu = cpu;
	}
	return error == ERR_OK ? tcb_set_home(thread.tcb, BOOT_SLOT_CORE_FIRST + (cptr_t)cpu)
			       : error;
}

enum error instance_build(unsigned set)
{
	static struct sched_start start; /* too large for a stack page; one builder at a time */
	struct builder *builder = &instances.set[set].builder;
	struct elf elf;
	enum error error = archive_program(SERVER_NAME, &elf);

	if (error != ERR_OK)
		return error;
	instance_clear(set);
	start_page_fill(set, &start);
	error = untyped_retype(builder->untyped, OBJ_TCB, 0, instances.cpus, 0, thread_tcb(set, 0));
	if (error == ERR_OK)
		error = untyped_retype(builder->untyped, OBJ_TCB, 0, instances.cpus, 0,
				       thread_tcb(set, instances.cpus));
	if (error == ERR_OK)
		error = untyped_retype(builder->untyped, OBJ_VSPACE, 0, 1, 0, builder->vspace);
	if (error == ERR_OK)
		error = builder_elf(builder, &elf);
	if (error == ERR_OK)
		error = builder_page(builder, SCHED_START_VADDR, 0, &start, sizeof(start),
				     MAP_READ);
	if (error == ERR_OK)
		error = foreign_map(set);
	for (uint32_t n = 0; n < 2 * instances.cpus && error == ERR_OK; n++)
		error = thread_build(set, n, elf.entry);
	return error == ERR_OK ? instance_groups_map(set) : error;
}

/* ---- memory for groups ------------------------------------------------------------------------ */

/* With a page table for each 2 MiB, and two above them. */
static uint32_t groups_pages(void)
{
	const uint32_t pages = instances.cpus * (SCHED_GROUP_CPU_BYTES / PAGE_SIZE);

	return pages + pages / 512 + 3;
}

enum error instance_groups_reserve(void)
{
	unsigned bits = PAGE_BITS;

	if (__atomic_load_n(&instances.groups_reserved, __ATOMIC_RELAXED))
		return ERR_OK;
	while ((1u << (bits - PAGE_BITS)) < groups_pages())
		bits++;
	for (unsigned set = 0; set < 2; set++) {
		enum error error = ERR_OK;
		cptr_t untyped;

		/* Not given back if there is too little for the second one: it is there next time. */
		if (instances.set[set].groups_first != 0)
			continue;
		error = untyped_alloc(bits, &untyped);
		if (error != ERR_OK)
			return error;
		instances.set[set].groups_first = own_slots_reserve(groups_pages() + 1);
		must(cnode_move(BOOT_SLOT_CNODE, instances.set[set].groups_first, 0, untyped),
		     "moving memory");
	}
	__atomic_store_n(&instances.groups_reserved, true, __ATOMIC_RELEASE);
	return ERR_BUSY;
}

bool instance_groups_wanted(void)
{
	return __atomic_load_n(&instances.groups_reserved, __ATOMIC_ACQUIRE) &&
	       register_shared()->groups_ready == 0;
}

enum error instance_groups_map(unsigned set)
{
	struct builder builder = instances.set[set].builder;
	enum error error;

	if (!__atomic_load_n(&instances.groups_reserved, __ATOMIC_ACQUIRE) ||
	    instances.set[set].groups_mapped)
		return ERR_OK;
	builder.untyped = instances.set[set].groups_first;
	builder.slot_next = builder.untyped + 1;
	builder.slot_end = builder.slot_next + groups_pages();
	instances.set[set].groups_mapped = true;
	error = builder_zero(&builder, SCHED_GROUPS_VADDR,
			     (uint64_t)instances.cpus * SCHED_GROUP_CPU_BYTES,
			     MAP_READ | MAP_WRITE);
	return error;
}

enum error instance_bind(unsigned set, uint32_t cpu)
{
	enum error error = core_bind(BOOT_SLOT_CORE_FIRST + (cptr_t)cpu, thread_tcb(set, cpu),
				     options.decision_ns_max, options.starvation_ns_max,
				     OWN_SUPERVISOR_FALLBACK);

	if (error != ERR_OK)
		return error;
	return tcb_resume(thread_tcb(set, instances.cpus + cpu));
}

void instance_retire(unsigned set)
{
	for (uint32_t cpu = 0; cpu < instances.cpus; cpu++) {
		const uint32_t tid = SCHED_TID_BALANCER_FIRST(set) + cpu;

		must(tcb_suspend(thread_tcb(set, instances.cpus + cpu)), "stopping a balancer");
		register_shared()->params[tid].flags = SCHED_THREAD_USED;
	}
}

void instance_stop(unsigned set)
{
	for (uint32_t n = 0; n < 2 * instances.cpus; n++)
		must(tcb_suspend(thread_tcb(set, n)), "stopping an instance");
}
