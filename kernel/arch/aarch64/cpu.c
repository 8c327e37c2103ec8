/* SPDX-License-Identifier: BSD-2-Clause */
/* The CPU that runs this: who it is, how it waits, how it stops. */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <base/dt_platform.h>
#include <drv/psci.h>
#include <drv/semihost.h>
#include <kern/arch_if.h>
#include <kern/boot.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>

#define MPIDR_AFFINITY 0xff00ffffffull
#define DAIF_IRQ       0x80ull

struct machine machine;

/* For start.S, which sets TPIDR_EL1 before any C code runs. */
extern const char vectors[];
extern const uint64_t cpu_block_bytes;
const uint64_t cpu_block_bytes = sizeof(struct cpu);

struct cpu *arch_this_cpu(void)
{
	struct cpu *cpu;

	/* Not volatile: it never changes, so the compiler may keep it. */
	__asm__("mrs %0, tpidr_el1" : "=r"(cpu));
	return cpu;
}

/*
 * YIELD rather than ISB, which holds some cores back better: an emulator that runs all CPUs on one
 * host thread goes on to the next CPU at a YIELD.  At an ISB it lets this one use up its turn, and
 * where turns are counted in instructions the CPU that is waited for may never get one.
 */
void arch_spin_pause(void)
{
	__asm__ volatile("yield" : : : "memory");
}

bool arch_interrupts_masked(void)
{
	return (sysreg_read(daif) & DAIF_IRQ) != 0;
}

void arch_wait_for_interrupt(void)
{
	/* Stores that others wait for must not linger while this CPU sleeps. */
	__asm__ volatile("dsb sy\n\twfi" : : : "memory");
}

_Noreturn void arch_halt(void)
{
	__asm__ volatile("msr daifset, #0xf" : : : "memory");
	for (;;)
		__asm__ volatile("wfi" : : : "memory");
}

bool arch_trace_create(const char *name, size_t bytes)
{
	return semihost_create(name, bytes);
}

void arch_trace_write(const void *bytes, size_t count)
{
	semihost_write(bytes, count);
}

_Noreturn void arch_power_off(uint64_t status)
{
	semihost_exit(status);
	psci_system_off();
	kprintf("the machine can be switched off now (status %lu)\n", (unsigned long)status);
	arch_halt();
}

static boot_only void register_check(const char *name, uint64_t value, uint64_t expected)
{
	if (value != expected)
		panic("%s is %lx, not %lx", name, (unsigned long)value, (unsigned long)expected);
}

/*
 * Every CPU against the same values, so that all are equal.  A frequency of the counter that firmware has
 * set on the boot CPU only would make clocks run apart.
 */
static boot_only unsigned registers_check(unsigned index)
{
	const struct {
		const char *name;
		uint64_t value, expected;
	} registers[] = {
		{"TPIDR_EL1", sysreg_read(tpidr_el1), (uint64_t)&cpus[index]},
		{"SCTLR_EL1", sysreg_read(sctlr_el1), cpu_registers.sctlr},
		{"TCR_EL1", sysreg_read(tcr_el1), cpu_registers.tcr},
		{"TTBR1_EL1", sysreg_read(ttbr1_el1), cpu_registers.ttbr1},
		{"TTBR0_EL1", sysreg_read(ttbr0_el1), cpu_registers.ttbr0_empty},
		{"MAIR_EL1", sysreg_read(mair_el1), MAIR_VALUE},
		{"VBAR_EL1", sysreg_read(vbar_el1), (uint64_t)vectors},
		{"CPACR_EL1", sysreg_read(cpacr_el1), CPACR_FPU_TRAP_USER},
		{"MDSCR_EL1", sysreg_read(mdscr_el1), MDSCR_VALUE},
		{"CONTEXTIDR_EL1", sysreg_read(contextidr_el1), 0},
		{"CNTKCTL_EL1", sysreg_read(cntkctl_el1), CNTKCTL_VALUE},
		{"CNTFRQ_EL0", sysreg_read(cntfrq_el0), machine.timer_hz},
		{"MPIDR_EL1", sysreg_read(mpidr_el1) & MPIDR_AFFINITY, cpus[index].hw_id},
		{"DAIF", sysreg_read(daif), 0x3c0},
	};
	unsigned count = sizeof(registers) / sizeof(registers[0]);

	for (unsigned i = 0; i < count; i++)
		register_check(registers[i].name, registers[i].value, registers[i].expected);
	return count;
}

boot_only void cpu_init(unsigned index, uint64_t sctlr_before)
{
	sysreg_write(tpidrro_el0, index);
	register_check("SCTLR at the start of a CPU, its bits M and C", sctlr_before & SCTLR_M_C,
		       0);
	(void)registers_check(index);
}

static boot_only void mapping_check(const char *what, uint64_t vaddr, bool reads, bool writes)
{
	uint64_t read_fails, write_fails;

	__asm__ volatile("at s1e1r, %0\n\tisb" : : "r"(vaddr) : "memory");
	read_fails = sysreg_read(par_el1) & 1;
	__asm__ volatile("at s1e1w, %0\n\tisb" : : "r"(vaddr) : "memory");
	write_fails = sysreg_read(par_el1) & 1;
	if ((read_fails == 0) != reads || (write_fails == 0) != writes)
		panic("%s at %lx can%s be read and can%s be written", what, (unsigned long)vaddr,
		      read_fails == 0 ? "" : "not", write_fails == 0 ? "" : "not");
}

/* What must not be there is not, and what is not to be changed cannot be; each CPU its own stack. */
static boot_only void mappings_check(unsigned index)
{
	const uint64_t stack = cpus[index].core.kernel_stack;
	const uint64_t text = (uint64_t)vectors;
	const uint64_t constant = (uint64_t)&cpu_block_bytes;

	mapping_check("text", text, true, false);
	mapping_check("text in the window", (uint64_t)arch_phys_to_virt(arch_virt_to_phys(vectors)),
		      false, false);
	mapping_check("read-only data", constant, true, false);
	mapping_check("read-only data in the window",
		      (uint64_t)arch_phys_to_virt(arch_virt_to_phys(&cpu_block_bytes)), false,
		      false);
	mapping_check("the guard page below the stack", stack - STACK_TOP_OFFSET, false, false);
	mapping_check("the end of the stack", stack - STACK_TOP_OFFSET + STACK_GUARD_BYTES, true,
		      true);
	mapping_check("the emergency stack", stack, true, true);
}

boot_only void arch_self_test(void)
{
	unsigned index = (unsigned)(arch_this_cpu() - cpus);

	kprintf("CPU %u: %u system registers are as on every CPU; it began with its caches off\n",
		index, registers_check(index));
	mappings_check(index);
}

boot_only void cpu_table_fill(const struct platform *platform)
{
	uint64_t self = sysreg_read(mpidr_el1) & MPIDR_AFFINITY;
	unsigned next = 1;

	cpus[0].hw_id = self;
	for (uint32_t i = 0; i < platform->cpu_count; i++) {
		if (platform->cpus[i].mpidr == self)
			continue;
		if (next == CPUS_MAX) /* the boot CPU is not among the first of the tree */
			break;
		cpus[next++].hw_id = platform->cpus[i].mpidr;
	}
	cpus_count = next;
}

bool arch_irq_pending(void)
{
	return sysreg_read(isr_el1) != 0;
}
