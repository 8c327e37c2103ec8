/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake architecture: what a test does to the machine, and what it may look at.  It implements
 * <kern/arch_if.h> for the host, with the kernel's real translation table entries (pte.c).
 *
 *   memory      one arena; physical address = HOST_RAM_BASE + offset; kernel address = arena + offset
 *   CPUs        the calling thread is CPU host_cpu_enter(n)
 *   time        stands still until the test moves it
 *   interrupts  raised by the test or by arch_ipi_send, taken by arch_irq_take
 *   TLB         remembers what host_tlb_touch() walked, forgets what is flushed: stale entries show
 *
 * Bad at: being a memory model.  The race detector and the host's own ordering are all there is.
 */
#pragma once

#include <kern/arch_if.h>

#define HOST_RAM_BASE 0x40000000ull
#define HOST_IRQS     64u /* device lines 32..63 are valid */

struct host_counters {
	uint64_t tlb_page_flushes;
	uint64_t tlb_asid_flushes;
	uint64_t pte_publishes;
	uint64_t ipis;
	uint64_t switches;
	uint64_t zeroed_bytes;
	uint64_t code_bytes;
};

extern struct host_counters host_counters; /* atomic */

/* A machine with this much RAM (filled with 0xa5) and an ASID space of this many numbers, all else
 * reset. */
void host_machine_reset(size_t ram_bytes, unsigned asids);

/* The calling thread is CPU index from now on. */
void host_cpu_enter(unsigned index);
unsigned host_cpu_index(void);

/* What arch_switch made current on a CPU. */
struct vspace *host_cpu_vspace(unsigned index);

/* What the calling CPU answers when it is asked whether its interrupts are masked: no. */
extern _Thread_local bool host_interrupts_on;

/* A lock that is misused ends the machine, unless this is set. */
extern bool host_misuse_survives;

void host_time_set(time_ns_t now);
void host_irq_raise(uint32_t irq);
bool host_irq_masked(uint32_t irq);
unsigned host_irq_route_of(uint32_t irq);

/* Wake whoever sits in arch_wait_for_interrupt, for ever after. */
void host_machine_stop(void);
bool host_machine_stopped(void);

/* What arch_power_off calls; must not return.  NULL: end the process. */
extern void (*host_on_power_off)(uint64_t status);

/* What the console got; emptied by host_machine_reset. */
extern char host_console[65536];
extern size_t host_console_bytes;

/*
 * Translate like a CPU that runs in this address space: from the TLB, else by a walk that is then
 * cached.  False: fault.
 */
bool host_tlb_touch(const struct vspace *vspace, uint64_t vaddr, paddr_t *paddr);
/* Cached translations into [base, base + bytes). */
unsigned host_tlb_entries_to(paddr_t base, uint64_t bytes);
/* Cached translations of an identifier. */
unsigned host_tlb_entries_of(uint16_t asid);
