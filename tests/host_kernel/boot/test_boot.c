/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From kernel_main() to the first task on a machine of paper: what the task finds, which CPUs are
 * online, and what is said when it cannot be.
 */
#include "boot_machine.h"

#include <abi/bootinfo.h>
#include <kern/cnode.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/tcb.h>
#include <kern/vspace.h>
#include <kern/waitable.h>

#include <criterion/criterion.h>
#include <string.h>

static struct boot_machine boot;

static void runs(void)
{
	cr_assert_eq(boot_machine_run(&boot), BOOT_RUNS, "%s", host_console);
}

static void fails(uint64_t status, const char *why)
{
	cr_assert_eq(boot_machine_run(&boot), BOOT_POWER_OFF, "%s", host_console);
	cr_assert_eq(boot.status, status, "%s", host_console);
	cr_assert_neq(strstr(host_console, why), NULL, "%s", host_console);
}

static const struct cap_slot *slot(unsigned index)
{
	const struct cnode *cnode =
		(const struct cnode *)(uintptr_t)cpus[0].core.current->cspace.object;

	return &cnode->slots[index];
}

static const unsigned char *page_of(uint64_t vaddr)
{
	paddr_t paddr = 0;

	cr_assert(host_tlb_touch(cpus[0].core.current->vspace, vaddr, &paddr), "%lx is not mapped",
		  (unsigned long)vaddr);
	return arch_phys_to_virt(paddr);
}

static const struct bootinfo *bootinfo(void)
{
	return (const struct bootinfo *)(const void *)page_of(BOOTINFO_VADDR);
}

Test(boot, first_thread_has_its_registers_and_space)
{
	const struct tcb *tcb;

	boot_machine_init(&boot, 1);
	runs();
	tcb = cpus[0].core.current;
	cr_assert_eq(tcb->context.pc, BOOT_ENTRY);
	cr_assert_eq(tcb->context.sp, BOOT_STACK_TOP);
	cr_assert_eq(tcb->context.x[0], BOOTINFO_VADDR);
	cr_assert_eq(tcb_state(tcb), THREAD_READY);
	cr_assert_eq(tcb->home, &cpus[0].core);
	cr_assert_eq(page_of(0x401000)[0], 0x11);
	cr_assert_eq(page_of(0x401000)[4095], 0x22);
	cr_assert_eq(page_of(0x402000)[16], 0x33);
	cr_assert_eq(page_of(0x402000)[15 + 984], 0x44);
	for (unsigned i = 16 + 984; i < PAGE_SIZE; i++)
		cr_assert_eq(page_of(0x402000)[i], 0, "byte %u behind the file's", i);
	cr_assert_eq(page_of(0x403000)[0], 0);
	cr_assert_not(host_tlb_touch(tcb->vspace, 0x404000, NULL), "behind the program");
	(void)page_of(BOOT_STACK_TOP - 1);
	(void)page_of(BOOT_STACK_TOP - BOOT_STACK_BYTES);
	cr_assert_not(host_tlb_touch(tcb->vspace, BOOT_STACK_TOP - BOOT_STACK_BYTES - 1, NULL));
	(void)page_of(BOOT_IPC_BUFFER_VADDR);
}

Test(boot, first_task_holds_everything_once)
{
	boot_machine_init(&boot, 1);
	runs();
	cr_assert_eq(slot(BOOT_SLOT_CNODE)->type, OBJ_CNODE);
	cr_assert_eq(slot(BOOT_SLOT_TCB)->type, OBJ_TCB);
	cr_assert_eq(slot(BOOT_SLOT_VSPACE)->type, OBJ_VSPACE);
	cr_assert_eq(slot(BOOT_SLOT_IPC_BUFFER)->type, OBJ_FRAME);
	cr_assert_eq(slot(BOOT_SLOT_BOOTINFO)->type, OBJ_FRAME);
	cr_assert_eq(slot(BOOT_SLOT_IRQ_CONTROL)->type, OBJ_IRQ_CONTROL);
	cr_assert_eq(slot(BOOT_SLOT_SYSTEM)->type, OBJ_SYSTEM);
	cr_assert_eq(slot(BOOT_SLOT_SCHED)->type, OBJ_SCHED);
	cr_assert_eq(slot(BOOT_SLOT_ARCHIVE)->type, OBJ_UNTYPED);
	cr_assert_eq(slot(BOOT_SLOT_ARCHIVE)->flags & UNTYPED_PRESERVED, UNTYPED_PRESERVED);
	cr_assert_eq(slot(BOOT_SLOT_UART)->type, OBJ_UNTYPED);
	cr_assert_eq(slot(BOOT_SLOT_UART)->flags & UNTYPED_DEVICE, UNTYPED_DEVICE);
	cr_assert_eq(slot(BOOT_SLOT_CORE_FIRST)->type, OBJ_CORE);
	cr_assert_eq(slot(BOOT_SLOT_CORE_FIRST + 1)->type, OBJ_NULL);
	cr_assert_eq(slot(BOOT_SLOT_FREE_FIRST)->type, OBJ_NULL);
}

static enum cap_holder holder(const struct cap_slot *held)
{
	return (enum cap_holder)((held->flags & CAP_HELD_MASK) >> CAP_HELD_SHIFT);
}

/* As of any thread: who revokes its address space or buffer finds what to do. */
Test(boot, first_thread_holds_its_space_and_buffer)
{
	const struct tcb *tcb;

	boot_machine_init(&boot, 1);
	runs();
	tcb = cpus[0].core.current;
	cr_assert_eq(tcb->vspace_slot.parent, slot(BOOT_SLOT_VSPACE));
	cr_assert_eq(holder(&tcb->vspace_slot), CAP_HOLDER_TCB_VSPACE);
	cr_assert_eq(tcb->vspace_slot.object, (uintptr_t)tcb->vspace);
	cr_assert_eq(tcb->buffer_slot.parent, slot(BOOT_SLOT_IPC_BUFFER));
	cr_assert_eq(holder(&tcb->buffer_slot), CAP_HOLDER_TCB_BUFFER);
	cr_assert_eq(arch_phys_to_virt(tcb->buffer_slot.object), tcb->ipc_buffer);
}

/* Largest first, each naturally aligned, none over another or over the archive. */
Test(boot, untyped_memory_is_disjoint_and_nearly_all)
{
	const struct bootinfo *info;
	uint64_t sum = 0;

	boot_machine_init(&boot, 1);
	runs();
	info = bootinfo();
	cr_assert_gt(info->untyped_count, 0);
	for (unsigned i = 0; i < info->untyped_count; i++) {
		uint64_t base = info->untyped[i].paddr;
		uint64_t size = 1ull << info->untyped[i].size_bits;

		cr_assert_eq(base % size, 0);
		cr_assert_eq(slot(BOOT_SLOT_UNTYPED_FIRST + i)->object, base);
		cr_assert(base + size <= info->archive_paddr ||
			  base >= info->archive_paddr + info->archive_bytes);
		for (unsigned j = 0; j < i; j++)
			cr_assert(base + size <= info->untyped[j].paddr ||
				  base >= info->untyped[j].paddr +
						  (1ull << info->untyped[j].size_bits));
		sum += size;
	}
	/* besides the first task's slots the kernel and it need little */
	cr_assert_gt(sum, BOOT_RAM - (sizeof(struct cap_slot) << BOOT_CNODE_RADIX) - (8u << 20));
	cr_assert_eq(slot(BOOT_SLOT_UNTYPED_FIRST + info->untyped_count)->type, OBJ_NULL);
}

Test(boot, information_says_what_machine_it_is)
{
	const struct bootinfo *info;

	boot_machine_init(&boot, 1);
	strcpy(boot.platform.bootargs, "sched=rr run=hello");
	runs();
	info = bootinfo();
	cr_assert_eq(info->magic, BOOTINFO_MAGIC);
	cr_assert_eq(info->bytes, sizeof(*info));
	cr_assert_eq(info->cpus_online, 1);
	cr_assert_eq(info->uart_irq, 33);
	cr_assert_eq(info->uart_paddr, 0x9000000);
	cr_assert_eq(info->timer_hz, 62500000);
	cr_assert_eq(info->gic_version, 3);
	cr_assert_str_eq(info->bootargs, "sched=rr run=hello");
	cr_assert_str_eq(info->machine, "a machine of paper");
	cr_assert_neq(strstr(host_console, "on a machine of paper: 1 CPUs"), NULL);
}

Test(boot, without_a_console_there_is_no_capability_to_one)
{
	boot_machine_init(&boot, 1);
	boot.platform.uart.size_bytes = 0;
	runs();
	cr_assert_eq(slot(BOOT_SLOT_UART)->type, OBJ_NULL);
}

Test(boot, Z13_every_cpu_comes_before_the_first_task)
{
	boot_machine_init(&boot, 4);
	runs();
	cr_assert_eq(bootinfo()->cpus_online, 4);
	for (unsigned i = 0; i < 4; i++) {
		cr_assert_eq(cpus[i].core.online, 1);
		cr_assert_eq(slot(BOOT_SLOT_CORE_FIRST + i)->object, (uintptr_t)&cpus[i].core);
	}
}

Test(boot, G05_a_cpu_that_is_not_online_gets_no_interrupt)
{
	boot_machine_init(&boot, 4);
	boot.cpus_refused = 1;
	runs();
	cr_assert_eq(host_counters.ipis, 0);
	cr_assert_eq(cpus[1].core.online, 0);
}

Test(boot, cpus_behind_one_that_firmware_refuses_are_not_used)
{
	boot_machine_init(&boot, 4);
	boot.cpus_refused = 2;
	runs();
	cr_assert_eq(bootinfo()->cpus_online, 2);
	cr_assert_neq(strstr(host_console, "2 of 4 CPUs are used"), NULL);
}

Test(boot, argument_limits_the_cpus)
{
	boot_machine_init(&boot, 4);
	strcpy(boot.platform.bootargs, "cpus=2");
	runs();
	cr_assert_eq(bootinfo()->cpus_online, 2);
	cr_assert_neq(strstr(host_console, "CPU 3 (0) is left parked"), NULL, "%s", host_console);
}

Test(boot, more_cpus_than_the_build_supports_are_named)
{
	boot_machine_init(&boot, 2);
	boot.platform.cpus_found = CPUS_MAX + 1;
	runs();
	cr_assert_neq(strstr(host_console, "this build supports"), NULL);
	cr_assert_neq(strstr(host_console, "CPUs more are left parked"), NULL);
}

Test(boot, cpu_that_never_comes_ends_the_machine)
{
	boot_machine_init(&boot, 2);
	boot.cpus_mute = true;
	fails(101, "CPU 1 was started but does not come");
}

Test(boot, no_archive)
{
	boot_machine_init(&boot, 1);
	boot.platform.initrd_start = boot.platform.initrd_end = 0;
	fails(3, "there is no boot archive");
}

Test(boot, archive_outside_memory)
{
	boot_machine_init(&boot, 1);
	boot.platform.initrd_start = HOST_RAM_BASE + BOOT_RAM;
	boot.platform.initrd_end = HOST_RAM_BASE + BOOT_RAM + PAGE_SIZE;
	fails(3, "is not in memory");
}

Test(boot, damaged_archive_says_where)
{
	boot_machine_init(&boot, 1);
	memcpy(arch_phys_to_virt(BOOT_ARCHIVE_PADDR), "070709", 6);
	fails(3, "the boot archive cannot be read: an entry does not begin with 070701");
}

Test(boot, archive_without_the_first_program)
{
	boot_machine_init(&boot, 1);
	boot_program_put(&boot, "crop");
	fails(3, "holds no program \"proc\"");
}

Test(boot, first_program_that_is_none)
{
	boot_machine_init(&boot, 1);
	boot_archive_put(&boot, "proc", "#!/bin/sh\n", 10);
	fails(3, "cannot be started: fewer bytes than an ELF header has");
}

Test(boot, too_little_memory_for_the_first_task)
{
	boot_machine_init(&boot, 1);
	boot.platform.reserved_count = 1;
	boot.platform.reserved[0] = (struct platform_region){HOST_RAM_BASE + (17ull << 20),
							     BOOT_RAM - (17ull << 20)};
	boot.platform.memory[0] = (struct platform_region){HOST_RAM_BASE + (15ull << 20),
							   BOOT_RAM - (15ull << 20)};
	fails(3, "too little memory");
}

Test(boot, G10_panic_shows_every_cpu_and_ends_with_its_status)
{
	boot_machine_init(&boot, 2);
	boot.cpus_mute = true;
	fails(101, "PANIC: ");
	cr_assert_neq(strstr(host_console, "CPU 0: online"), NULL, "%s", host_console);
	cr_assert_neq(strstr(host_console, "CPU 1: not started"), NULL, "%s", host_console);
}
