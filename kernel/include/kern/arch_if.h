/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything that the portable kernel needs from an architecture and its drivers.  This file is the
 * porting manual: implement these functions and the kernel runs.  kernel/arch/aarch64 and
 * kernel/drv implement them for the machine, tests/host_kernel/arch for the host (each CPU a
 * thread).
 *
 * All are called with interrupts masked, on the calling CPU, and never sleep, unless stated
 * otherwise.
 */
#pragma once

#include <abi/types.h>
#include <kern/context.h>

struct tcb;
struct vspace;
struct cpu;

typedef uint64_t paddr_t;

/* ---- CPU
 * -------------------------------------------------------------------------------------------- */

/* Per-CPU block of this CPU (TPIDR_EL1).  Constant after start of the CPU. */
struct cpu *arch_this_cpu(void);

/* Hint in a spin loop (isb/yield). */
void arch_spin_pause(void);

/* Whether interrupts of this CPU are masked, as they are in all kernel code.  Asked by debug builds. */
bool arch_interrupts_masked(void);

/* Wait until an interrupt is pending (WFI); may return spuriously.  A pending masked interrupt ends
 * it, so a request posted between the caller's check and the WFI is not lost. */
void arch_wait_for_interrupt(void);

/* Ask firmware to start CPU index (already in the CPU table); false if firmware refuses.  Boot CPU
 * only. */
bool arch_cpu_start(unsigned index);

/* Stop this CPU for ever, interrupts masked. */
_Noreturn void arch_halt(void);

/*
 * A file of the host for traces (semihosting): create it, and append bytes.  Create is called once,
 * by the boot CPU, with a name of @bytes and no NUL; false if there is no host or it refuses.
 * Write: any CPU, whole calls are never mixed up.
 */
bool arch_trace_create(const char *name, size_t bytes);
void arch_trace_write(const void *bytes, size_t count);

/* End the machine with an exit status (semihosting, else PSCI SYSTEM_OFF). */
_Noreturn void arch_power_off(uint64_t status);

/* ---- Time
 * ------------------------------------------------------------------------------------------- */

/* The one monotonic clock in ns; equal on all CPUs.  Ordered after earlier memory accesses of this
 * CPU. */
time_ns_t arch_now(void);

/* Program the one-shot timer of this CPU; TIME_NEVER disarms it.  A past time fires at once. */
void arch_timer_set(time_ns_t deadline);

/* ---- Interrupts
 * --------------------------------------------------------------------------------------- */

#define ARCH_IRQ_NONE  0xffffffffu
#define ARCH_IRQ_TIMER 0xfffffffeu
#define ARCH_IRQ_IPI   0xfffffffdu

/* Acknowledge the highest pending interrupt: an IRQ number, or one of ARCH_IRQ_*.  The timer
 * interrupt is disarmed and IPI is deactivated here; a device interrupt is masked and deactivated
 * here, and stays masked until arch_irq_unmask. */
uint32_t arch_irq_take(void);
void arch_irq_mask(uint32_t irq);
void arch_irq_unmask(uint32_t irq);
bool arch_irq_valid(uint32_t irq); /* a shared device line of this machine? */
void arch_irq_route(uint32_t irq, unsigned cpu);

/* An interrupt is waiting to be taken by this CPU (ISR_EL1): long operations make room for it. */
bool arch_irq_pending(void);

/* Send the one IPI to a CPU.  Earlier stores of this CPU are visible there before it is taken
 * (DSB). */
void arch_ipi_send(unsigned cpu);

/* ---- Thread switch (called only by kernel/core/switch.c and fast paths)
 * ------------------------------------------------ */

/*
 * Make next's user state current: TTBR0/ASID, TPIDR_EL0, FPU trap.  Saves prev's TPIDR_EL0, and its
 * FPU state if it used the FPU since it was switched to (so a queued thread's state is always in
 * memory and it may go to any CPU). prev or next may be NULL (idle: the empty address space).
 */
void arch_switch(struct tcb *prev, struct tcb *next);

/*
 * The same for two threads, when prev has not used the FPU since it was switched to (core.fpu_live) and
 * space is next's, not NULL: what a call within a program or to a server costs at least.
 */
void arch_switch_short(struct tcb *prev, struct tcb *next, const struct vspace *space);

/* Leave to user mode with the registers of core.current of arch_this_cpu(), which is not NULL; the kernel
 * stack is empty afterwards.  The end of kernel_main and kernel_secondary: the vectors do the same
 * after every other entry. */
_Noreturn void arch_user_enter(void);

/* First FPU use since the switch: load the state of the current thread and stop trapping. */
void arch_fpu_enable(struct tcb *current);

/* ---- Address spaces
 * -------------------------------------------------------------------------------------- */

void *arch_phys_to_virt(paddr_t pa); /* kernel window over all RAM; constant time */
paddr_t arch_virt_to_phys(const void *va);

#define ARCH_PT_LEVELS \
	3u /* 39-bit user addresses, 4 KiB granule: levels 1, 2, 3; the root is level 1 */
#define ARCH_PT_ENTRIES     512u
#define ARCH_PT_ROOT_LEVEL  1u
#define ARCH_PT_LARGE_LEVEL 2u
#define ARCH_PT_LAST_LEVEL  3u

/* Pure page-table-entry functions (kernel/arch/aarch64/pte.c; no system registers). flags are
 * MAP_*. */
uint64_t arch_space_word(paddr_t root, uint16_t asid); /* what makes a space current */
uint64_t arch_pte_table(paddr_t table);
uint64_t arch_pte_leaf(paddr_t pa, unsigned level, uint32_t map_flags);
bool arch_pte_is_valid(uint64_t pte);
bool arch_pte_is_table(uint64_t pte, unsigned level);
paddr_t arch_pte_paddr(uint64_t pte);
unsigned arch_pte_index(uint64_t vaddr, unsigned level);

/* Make a stored entry visible to the table walkers (DSB ISHST; ISB). */
void arch_pte_publish(void);
/* Invalidate on all CPUs, completed on return (TLBI ..IS, DSB ISH). */
void arch_tlb_flush_page(uint16_t asid, uint64_t vaddr);
void arch_tlb_flush_asid(uint16_t asid);
/* Number of hardware ASIDs (256 or 65536); 0 is the idle address space. */
unsigned arch_asid_count(void);

/* Zero memory through the kernel window; bytes is a multiple of 64. */
void arch_zero(void *va, size_t bytes);
/* Make freshly written code in the kernel window visible to instruction fetch on all CPUs. */
void arch_code_publish(void *va, size_t bytes);

/* ---- Debug
 * --------------------------------------------------------------------------------------------- */

void arch_console_put(char c); /* polled; usable from the first instruction on and in panic */

/* Print the return addresses on this CPU's stack, newest first.  Only from a panic; optional: an
 * architecture without it is asked nothing. */
__attribute__((weak)) void arch_backtrace(void);

/* A lock was misused, and that was said.  Tests on a host end here; a machine goes on.  Optional. */
__attribute__((weak)) void arch_lock_misused(void);

/* Boot argument selftest: check this CPU's registers again and say so.  Optional. */
__attribute__((weak)) void arch_self_test(void);
