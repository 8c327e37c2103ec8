/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The boot CPU between start.S and kernel_main: read the device tree, map the machine, bring up the
 * drivers.  What is missing is said on the console, and ends the machine with status 1.
 */
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/mmu.h>
#include <base/bootargs.h>
#include <base/bytes.h>
#include <base/dt_device.h>
#include <board/board.h>
#include <drv/gic.h>
#include <drv/pl011.h>
#include <drv/psci.h>
#include <drv/timer.h>
#include <kern/arch_if.h>
#include <kern/core.h>
#include <kern/entry.h>
#include <kern/machine.h>
#include <kern/memmap.h>

#define BOOT_FAILED_STATUS 1u
#define UART_BYTES         0x1000u

static struct platform platform;

_Static_assert(BOARD_KERNEL_VIRT == KERNEL_IMAGE, "the board's link address is the layout's");

static _Noreturn void boot_fail(const char *what, const char *reason)
{
	kprintf("Baton cannot start: %s: %s\n", what, reason);
	arch_power_off(BOOT_FAILED_STATUS);
}

static void model_read(const struct fdt *fdt)
{
	struct fdt_prop prop;
	const char *model = NULL;
	size_t length;

	if (fdt_prop_find(fdt, fdt_root(fdt), "model", &prop) ||
	    fdt_prop_find(fdt, fdt_root(fdt), "compatible", &prop))
		model = fdt_prop_string(&prop, 0);
	if (model == NULL)
		model = "unknown";
	length = str_len_max(model, MACHINE_MODEL_BYTES - 1);
	bytes_copy(machine.model, model, length);
	machine.model[length] = '\0';
}

static bool gic_usable(const struct platform_gic *gic)
{
	if (gic->kind == GIC_KIND_NONE || gic->dist.size_bytes == 0)
		return false;
	return gic->kind == GIC_KIND_V2 ? gic->cpu.size_bytes > 0 : gic->redist_count > 0;
}

/* All that nobody can do without.  Anything else that is wrong is told, and done without. */
static bool platform_usable(void)
{
	return platform.memory_count > 0 && platform.cpu_count > 0 && gic_usable(&platform.gic) &&
	       platform.timer_virtual_irq != PLATFORM_IRQ_NONE;
}

/* Boot argument device=PROGRAM:NODE; proc reads the program's name. */
static void device_read(const struct fdt *fdt)
{
	static const struct bootarg_key key = {"device", BOOTARG_STRING, 0, 0};
	enum dt_device_reason reason;
	struct bootarg_value value;
	char shown[64] = "";

	/* proc says what is wrong with the words themselves. */
	(void)!bootargs_parse(platform.bootargs, sizeof(platform.bootargs), &key, &value, 1, NULL);
	if (!value.present)
		return;
	reason = dt_device_read(&platform, fdt, value.text, value.len);
	bytes_copy(shown, value.text, value.len < sizeof(shown) ? value.len : sizeof(shown) - 1);
	if (reason != DT_DEVICE_FINE)
		kprintf("boot argument \"device=%s\": %s\n", shown, dt_device_reason_text(reason));
}

/* What is said goes to the board's own until the one of the tree is known to be one. */
static void uart_use(void)
{
	volatile uint8_t *registers = mmu_map_device(platform.uart.base, UART_BYTES);

	if (pl011_is_at(registers)) {
		pl011_use(registers);
		return;
	}
	kprintf("device tree: no PL011 answers at %lx; the board's own is used\n",
		(unsigned long)platform.uart.base);
	platform.uart = (struct platform_region){0};
	platform.uart_irq = PLATFORM_IRQ_NONE;
}

static void platform_read(uint64_t tree)
{
	enum platform_reason platform_reason = PLATFORM_FINE;
	enum fdt_reason fdt_reason = FDT_FINE;
	enum error error;
	struct fdt fdt;
	size_t bytes_max = 0;
	const void *bytes = mmu_map_tree(tree, &bytes_max);

	if (bytes == NULL)
		boot_fail("the boot loader gave no usable device tree address", "see x0 at entry");
	if (fdt_open(&fdt, bytes, bytes_max, &fdt_reason) != ERR_OK)
		boot_fail("the device tree is damaged", fdt_reason_text(fdt_reason));
	error = dt_platform_read(&platform, &fdt, &platform_reason);
	if (platform.uart.size_bytes > 0)
		uart_use();
	psci_init(&platform);
	if (error != ERR_OK) {
		if (!platform_usable())
			boot_fail("the device tree lacks something",
				  platform_reason_text(platform_reason));
		kprintf("device tree: %s\n", platform_reason_text(platform_reason));
	}
	device_read(&fdt);
	model_read(&fdt);
	mmu_unmap_tree();
}

static bool memory_answers(uint64_t paddr)
{
	volatile uint64_t *word = arch_phys_to_virt(paddr);
	const uint64_t before = *word;
	bool answers;

	*word = ~before;
	/* Not the cache instead of it. */
	__asm__ volatile("dc civac, %0\n\tdsb sy" : : "r"(word) : "memory");
	answers = *word == ~before;
	*word = before;
	return answers;
}

/*
 * A tree may promise memory that is not there.  It is found out here, where this CPU has a stack in the
 * image: without one an exception says nothing.
 */
static void memory_probe(void)
{
	uint32_t i = 0;

	while (i < memmap.count) {
		const uint64_t base = memmap.region[i].base;
		const uint64_t bytes = memmap.region[i].size_bytes;

		if (memory_answers(base) && memory_answers(base + bytes - PAGE_SIZE)) {
			i++;
			continue;
		}
		kprintf("device tree: no memory answers from %lx to %lx; it is not used\n",
			(unsigned long)base, (unsigned long)(base + bytes - 1));
		memmap_remove(&memmap, base, bytes);
	}
}

static void memory_init(void)
{
	memmap_init(&memmap, &platform, mmu_image_paddr(), mmu_image_bytes(), KERNEL_WINDOW_BYTES);
	mmu_map_window(&platform);
	memory_probe();
	if (memmap.count == 0)
		boot_fail("memory", "all of it is in use or reserved");
	for (unsigned i = 0; i < cpus_count; i++)
		cpus[i].core.kernel_stack = mmu_map_stack(i);
}

const struct platform *arch_boot(uint64_t tree, uint64_t entered_el, uint64_t image,
				 uint64_t sctlr_before)
{
	mmu_init(image);
	machine.entered_el = (uint32_t)entered_el;
	pl011_use(mmu_map_device(BOARD_PANIC_UART_PHYS, UART_BYTES));
	platform_read(tree);
	if (!timer_init())
		boot_fail("the timer", "firmware has not set the frequency of its counter");
	cpu_table_fill(&platform);
	memory_init();
	irq_init(&platform);
	cpu_init(0, sctlr_before);
	timer_init_cpu();
	irq_init_cpu(0);
	return &platform;
}
