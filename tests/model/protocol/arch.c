/* SPDX-License-Identifier: BSD-2-Clause */
/* The rest of <kern/arch_if.h>, which the protocols do not use: linked, hardly called. */
#include "model.h"

#include <kern/boot.h>
#include <kern/entry.h>
#include <kern/machine.h>

#include <stdlib.h>
#include <string.h>

struct machine machine;

bool arch_interrupts_masked(void)
{
	return true;
}

bool arch_cpu_start(unsigned index)
{
	(void)index;
	return false;
}

_Noreturn void arch_halt(void)
{
	violation("the CPU halts");
}

bool arch_trace_create(const char *name, size_t bytes)
{
	(void)name;
	(void)bytes;
	return false;
}

void arch_trace_write(const void *bytes, size_t count)
{
	(void)bytes;
	(void)count;
}

_Noreturn void arch_power_off(uint64_t status)
{
	(void)status;
	violation("the machine is switched off");
}

_Noreturn void arch_user_enter(void)
{
	abort();
}

void arch_irq_mask(uint32_t irq)
{
	(void)irq;
}

void arch_irq_unmask(uint32_t irq)
{
	(void)irq;
}

bool arch_irq_valid(uint32_t irq)
{
	(void)irq;
	return false;
}

void arch_irq_route(uint32_t irq, unsigned cpu)
{
	(void)irq;
	(void)cpu;
}

void arch_fpu_enable(struct tcb *current)
{
	(void)current;
}

/* Physical addresses are addresses of this program. */
void *arch_phys_to_virt(paddr_t pa)
{
	return (void *)(uintptr_t)pa;
}

paddr_t arch_virt_to_phys(const void *va)
{
	return (paddr_t)(uintptr_t)va;
}

void arch_pte_publish(void)
{
}

void arch_tlb_flush_page(uint16_t asid, uint64_t vaddr)
{
	(void)asid;
	(void)vaddr;
}

void arch_tlb_flush_asid(uint16_t asid)
{
	(void)asid;
}

unsigned arch_asid_count(void)
{
	return 256;
}

void arch_zero(void *va, size_t bytes)
{
	memset(va, 0, bytes);
}

void arch_code_publish(void *va, size_t bytes)
{
	(void)va;
	(void)bytes;
}

void arch_console_put(char c)
{
	(void)c;
}

/* ---- Linked with --wrap: no output, and a failed assertion is a violation. ---- */

void __wrap_kprintf(const char *format, ...);
void __wrap_kprintf(const char *format, ...)
{
	(void)format;
}

_Noreturn void __wrap_panic(const char *format, const char *file, int line, const char *condition);
_Noreturn void __wrap_panic(const char *format, const char *file, int line, const char *condition)
{
	(void)format;
	violation("%s:%d: assertion failed: %s", file, line, condition);
}
