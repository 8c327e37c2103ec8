/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first task: its CNode with a capability to everything, its address space with the program
 * "proc" of the boot archive, and the frame that tells it what there is.
 *
 * Its objects, tables and pages are carved out of free memory before the rest becomes untyped; no
 * capability to untyped memory covers them.  Boot CPU only, once, nothing else runs.
 */
#include <abi/bootinfo.h>
#include <base/bytes.h>
#include <base/cpio.h>
#include <base/dt_platform.h>
#include <base/elf.h>
#include <kern/boot.h>
#include <kern/boot_map.h>
#include <kern/boot_memory.h>
#include <kern/cnode.h>
#include <kern/core.h>
#include <kern/derive.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/tcb.h>
#include <kern/thread.h>
#include <kern/untyped.h>
#include <kern/vspace.h>

#define FIRST_PROGRAM "proc"

struct first_task {
	struct cnode *cnode;
	struct tcb *tcb;
	struct vspace *vspace;
	struct bootinfo *info;
	paddr_t info_paddr;
	paddr_t buffer_paddr;
};

_Static_assert(sizeof(((struct bootinfo *)0)->bootargs) == PLATFORM_BOOTARGS_BYTES_MAX,
	       "boot arguments fit the boot information");
_Static_assert(sizeof(((struct bootinfo *)0)->machine) == MACHINE_MODEL_BYTES,
	       "the model string fits the boot information");
_Static_assert((uint64_t)BOOT_SLOT_CORE_FIRST + CPUS_MAX <= BOOT_SLOT_UNTYPED_FIRST,
	       "Cores have slots of their own");
_Static_assert((uint64_t)BOOT_SLOT_UNTYPED_FIRST + BOOT_UNTYPED_MAX <= BOOT_SLOT_FREE_FIRST,
	       "untyped objects have slots of their own");

/* ---- The program ------------------------------------------------------------------------------ */

/* The loader says where the archive is; the kernel can read memory only. */
static bool archive_in_memory(const struct platform *platform)
{
	for (uint32_t i = 0; i < platform->memory_count; i++) {
		const struct platform_region *region = &platform->memory[i];

		if (platform->initrd_start >= region->base &&
		    platform->initrd_end - region->base <= region->size_bytes)
			return true;
	}
	return false;
}

static void open_program(const struct bootinfo *info, struct elf *elf)
{
	static const struct elf_limits limits = {.vaddr_min = USER_VADDR_MIN,
						 .vaddr_end = BOOT_STACK_TOP - BOOT_STACK_BYTES,
						 .page_bytes = PAGE_SIZE};
	const void *archive = arch_phys_to_virt(info->archive_paddr);
	struct cpio_entry entry;
	struct cpio cpio;
	enum cpio_reason why_archive;
	enum elf_reason why_program;

	if (cpio_open(&cpio, archive, info->archive_bytes, &why_archive) != ERR_OK)
		boot_fail("the boot archive cannot be read: %s (at byte %lu of %lu)",
			  cpio_reason_text(why_archive), (unsigned long)cpio.fault_off,
			  (unsigned long)info->archive_bytes);
	if (cpio_find(&cpio, FIRST_PROGRAM, &entry) != ERR_OK)
		boot_fail("the boot archive holds no program \"%s\" to start", FIRST_PROGRAM);
	if (elf_open(elf, entry.data, entry.data_bytes, &limits, &why_program) != ERR_OK)
		boot_fail("the program \"%s\" of the boot archive cannot be started: %s",
			  FIRST_PROGRAM, elf_reason_text(why_program));
}

/* ---- Objects ---------------------------------------------------------------------------------- */

static struct cap_slot *slot_at(const struct first_task *task, unsigned slot)
{
	kassert(task->cnode->slots[slot].type == OBJ_NULL);
	return &task->cnode->slots[slot];
}

/* A kernel object in memory of its own, with its capability in a slot. */
static void *make_object(struct first_task *task, enum object_type type, unsigned slot)
	LOCK_REQUIRES(derivation_held)
{
	struct cap cap;

	untyped_make_object(type, 0, 0, boot_take(untyped_object_bits(type, 0)), &cap);
	cap_insert(slot_at(task, slot), &cap, NULL);
	return (void *)(uintptr_t)cap.object;
}

static void make_cnode(struct first_task *task) LOCK_REQUIRES(derivation_held)
{
	struct cap cap;

	untyped_make_object(OBJ_CNODE, BOOT_CNODE_RADIX, 0,
			    boot_take(untyped_object_bits(OBJ_CNODE, BOOT_CNODE_RADIX)), &cap);
	task->cnode = (struct cnode *)(uintptr_t)cap.object;
	cap_insert(slot_at(task, BOOT_SLOT_CNODE), &cap, NULL);
}

static void insert_simple(const struct first_task *task, unsigned slot, struct cap cap)
	LOCK_REQUIRES(derivation_held)
{
	cap.rights = RIGHT_ALL;
	cap_insert(slot_at(task, slot), &cap, NULL);
}

/* A frame that is mapped already: the capability says where, and can unmap it. */
static void insert_frame(const struct first_task *task, unsigned slot, paddr_t paddr,
			 uint64_t vaddr, uint32_t flags) LOCK_REQUIRES(derivation_held)
{
	boot_map(task->vspace, vaddr, paddr, PAGE_SIZE, flags);
	insert_simple(task, slot,
		      (struct cap){.type = OBJ_FRAME,
				   .aux = vspace_name(task->vspace),
				   .badge = vaddr,
				   .object = paddr});
}

static void insert_untyped(const struct first_task *task, unsigned slot, uint64_t paddr,
			   unsigned bits, unsigned flags) LOCK_REQUIRES(derivation_held)
{
	insert_simple(task, slot,
		      (struct cap){.type = OBJ_UNTYPED,
				   .bits = (uint8_t)bits,
				   .flags = (uint8_t)flags,
				   .object = paddr});
}

static void insert_capabilities(const struct first_task *task, const struct platform *platform)
	LOCK_REQUIRES(derivation_held)
{
	const struct bootinfo *info = task->info;

	insert_simple(task, BOOT_SLOT_IRQ_CONTROL, (struct cap){.type = OBJ_IRQ_CONTROL});
	insert_simple(task, BOOT_SLOT_SYSTEM, (struct cap){.type = OBJ_SYSTEM});
	insert_simple(task, BOOT_SLOT_SCHED, (struct cap){.type = OBJ_SCHED});
	insert_untyped(task, BOOT_SLOT_ARCHIVE, info->archive_page_paddr,
		       info->archive_untyped_bits, UNTYPED_PRESERVED);
	if (platform->uart.size_bytes != 0)
		insert_untyped(task, BOOT_SLOT_UART,
			       platform->uart.base & ~(uint64_t)(PAGE_SIZE - 1), PAGE_BITS,
			       UNTYPED_DEVICE);
	if (platform->device.irq != PLATFORM_IRQ_NONE)
		insert_untyped(task, BOOT_SLOT_DEVICE, platform->device.region.base,
			       info->device_bits, UNTYPED_DEVICE);
	for (unsigned i = 0; i < info->cpus_online; i++)
		insert_simple(task, BOOT_SLOT_CORE_FIRST + i,
			      (struct cap){.type = OBJ_CORE,
					   .object = (uint64_t)(uintptr_t)&cpus[i].core});
	for (unsigned i = 0; i < info->untyped_count; i++)
		insert_untyped(task, BOOT_SLOT_UNTYPED_FIRST + i, info->untyped[i].paddr,
			       info->untyped[i].size_bits, 0);
}

/* ---- Boot information ------------------------------------------------------------------------- */

static void fill_info(struct bootinfo *info, const struct platform *platform, uint32_t cpus_online)
{
	info->magic = BOOTINFO_MAGIC;
	info->bytes = sizeof(*info);
	info->cpus_online = cpus_online;
	info->cpus_found = platform->cpus_found;
	info->uart_irq = platform->uart_irq;
	info->uart_paddr = platform->uart.base;
	if (platform->device.irq != PLATFORM_IRQ_NONE) {
		info->device_irq = platform->device.irq;
		while (1ull << info->device_bits < platform->device.region.size_bytes)
			info->device_bits++;
	}
	info->timer_hz = machine.timer_hz;
	info->time_mult = machine.time_mult;
	info->time_shift = machine.time_shift;
	info->gic_version = machine.gic_version;
	info->entered_el = machine.entered_el;
	bytes_copy(info->bootargs, platform->bootargs, sizeof(info->bootargs) - 1);
	bytes_copy(info->machine, machine.model, sizeof(info->machine) - 1);
}

/* ---- The thread ------------------------------------------------------------------------------- */

static void start_thread(const struct first_task *task, uint64_t entry)
	LOCK_REQUIRES(derivation_held)
{
	struct tcb *tcb = task->tcb;
	struct cap cnode;
	enum error error;

	cap_read(&task->cnode->slots[BOOT_SLOT_CNODE], &cnode);
	cnode_set_root(tcb, &cnode);
	error = cap_hold(&tcb->vspace_slot, &task->cnode->slots[BOOT_SLOT_VSPACE],
			 CAP_HOLDER_TCB_VSPACE);
	if (error == ERR_OK)
		error = cap_hold(&tcb->buffer_slot, &task->cnode->slots[BOOT_SLOT_IPC_BUFFER],
				 CAP_HOLDER_TCB_BUFFER);
	tcb->vspace = task->vspace;
	tcb->ipc_buffer = arch_phys_to_virt(task->buffer_paddr);
	tcb->ipc_buffer_vaddr = BOOT_IPC_BUFFER_VADDR;
	tcb->context.pc = entry;
	tcb->context.sp = BOOT_STACK_TOP;
	tcb->context.x[0] = BOOTINFO_VADDR;
	task->info->boot_ns_first_task = arch_now();
	if (error == ERR_OK)
		error = tcb_first_home(tcb, &cpus[0].core);
	if (error == ERR_OK)
		error = thread_resume(tcb);
	if (error != ERR_OK)
		panic("the first thread cannot be started: error %d", (int)error);
}

static void make_task(struct first_task *task) LOCK_REQUIRES(derivation_held)
{
	make_cnode(task);
	task->tcb = make_object(task, OBJ_TCB, BOOT_SLOT_TCB);
	task->vspace = make_object(task, OBJ_VSPACE, BOOT_SLOT_VSPACE);
	task->info_paddr = boot_take(PAGE_BITS);
	task->buffer_paddr = boot_take(PAGE_BITS);
	task->info = arch_phys_to_virt(task->info_paddr);
	for (uint64_t offset = 0; offset < BOOT_STACK_BYTES; offset += PAGE_SIZE)
		boot_map(task->vspace, BOOT_STACK_TOP - BOOT_STACK_BYTES + offset,
			 boot_take(PAGE_BITS), PAGE_SIZE, MAP_READ | MAP_WRITE);
	insert_frame(task, BOOT_SLOT_BOOTINFO, task->info_paddr, BOOTINFO_VADDR, MAP_READ);
	insert_frame(task, BOOT_SLOT_IPC_BUFFER, task->buffer_paddr, BOOT_IPC_BUFFER_VADDR,
		     MAP_READ | MAP_WRITE);
}

void boot_first_task(const struct platform *platform, uint32_t cpus_online)
{
	struct first_task task = {0};
	struct bootinfo archive;
	struct elf elf;
	uint64_t lost_bytes;

	if (platform->initrd_end <= platform->initrd_start)
		boot_fail("there is no boot archive; load one beside the kernel "
			  "(QEMU: -initrd FILE) that holds the program \"%s\"",
			  FIRST_PROGRAM);
	if (!archive_in_memory(platform))
		boot_fail("the boot archive at %lx is not in memory",
			  (unsigned long)platform->initrd_start);
	if (boot_cover_archive(&memmap, platform->initrd_start, platform->initrd_end, &archive) !=
	    ERR_OK)
		boot_fail("too little memory beside the boot archive of %lu KiB",
			  (unsigned long)((platform->initrd_end - platform->initrd_start) >> 10));
	open_program(&archive, &elf);

	derivation_lock();
	make_task(&task);
	boot_load(task.vspace, &elf);
	fill_info(task.info, platform, cpus_online);
	task.info->archive_paddr = archive.archive_paddr;
	task.info->archive_bytes = archive.archive_bytes;
	task.info->archive_page_paddr = archive.archive_page_paddr;
	task.info->archive_untyped_bits = archive.archive_untyped_bits;
	/* From here on nothing is taken from the map. */
	lost_bytes = boot_cut_untyped(&memmap, task.info);
	insert_capabilities(&task, platform);
	start_thread(&task, elf.entry);
	derivation_unlock();
	if (lost_bytes >= LARGE_PAGE_SIZE)
		kprintf("boot: %lu KiB of memory are in pieces too small to hand out\n",
			(unsigned long)(lost_bytes >> 10));
}
