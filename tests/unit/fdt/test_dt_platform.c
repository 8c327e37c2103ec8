/* SPDX-License-Identifier: BSD-2-Clause */
/* What the kernel learns from a tree, and which fault it names when something is missing. */
#include "fdt_oracle.h"

#include <base/dt_device.h>
#include <criterion/criterion.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct platform platform;

static enum platform_reason platform_of(const void *blob, size_t size)
{
	enum fdt_reason fdt_reason;
	enum platform_reason reason;
	enum error err;
	struct fdt fdt;

	cr_assert_eq(fdt_open(&fdt, blob, size, &fdt_reason), ERR_OK);
	err = dt_platform_read(&platform, &fdt, &reason);
	cr_assert((err == ERR_OK) == (reason == PLATFORM_FINE));
	return reason;
}

static void load(const char *name)
{
	size_t size;
	void *blob = tree_load(name, &size);
	enum platform_reason reason = platform_of(blob, size);

	cr_assert_eq(reason, PLATFORM_FINE, "%s: %s", name, platform_reason_text(reason));
	free(blob);
}

static void expect_virt(uint32_t cpus)
{
	cr_expect_eq(platform.cpu_count, cpus);
	cr_expect_eq(platform.cpus_found, cpus);
	for (uint32_t i = 0; i < cpus; i++) {
		cr_expect_eq(platform.cpus[i].mpidr, i);
		cr_expect_eq(platform.cpus[i].method, cpus > 1 ? CPU_ENABLE_PSCI : CPU_ENABLE_NONE);
	}
	cr_expect_eq(platform.memory_count, 1);
	cr_expect(platform.memory[0].base == 0x40000000 &&
		  platform.memory[0].size_bytes == 0x20000000);
	cr_expect_eq(platform.reserved_count, 0);
	cr_expect(platform.uart.base == 0x9000000 && platform.uart.size_bytes == 0x1000);
	cr_expect_eq(platform.uart_irq, 33);
	cr_expect_eq(platform.timer_virtual_irq, 27);
	cr_expect_eq(platform.timer_physical_irq, 30);
	cr_expect_eq(platform.psci.conduit, PSCI_CONDUIT_HVC);
	cr_expect_eq(platform.psci.cpu_on, 0xc4000003);
	cr_expect_eq(platform.psci.system_off, 0x84000008);
	cr_expect_eq(platform.rng_seed_bytes, 32);
	cr_expect_str_eq(platform.bootargs, "");
	cr_expect_eq(platform.initrd_end, 0);
}

Test(dt_platform, reads_virt_gicv2)
{
	for (uint32_t cpus = 1; cpus <= 8; cpus += 7) {
		load(cpus == 1 ? "virt-gicv2-cpus1" : "virt-gicv2-cpus8");
		expect_virt(cpus);
		cr_expect_eq(platform.gic.kind, GIC_KIND_V2);
		cr_expect_eq(platform.gic.dist.base, 0x8000000);
		cr_expect_eq(platform.gic.cpu.base, 0x8010000);
		cr_expect_eq(platform.gic.cpu.size_bytes, 0x10000);
	}
}

Test(dt_platform, reads_virt_gicv3)
{
	load("virt-gicv3-cpus4");
	expect_virt(4);
	cr_expect_eq(platform.gic.kind, GIC_KIND_V3);
	cr_expect_eq(platform.gic.dist.base, 0x8000000);
	cr_expect_eq(platform.gic.redist_count, 1);
	cr_expect_eq(platform.gic.redist[0].base, 0x80a0000);
	cr_expect_eq(platform.gic.redist[0].size_bytes, 0xf60000);
	cr_expect_eq(platform.gic.redist_stride_bytes, 0);
}

Test(dt_platform, reads_a_board_with_buses)
{
	load("soc");
	cr_expect_eq(platform.cpu_count, 3);
	cr_expect_eq(platform.cpus[0].mpidr, 0);
	cr_expect_eq(platform.cpus[0].method, CPU_ENABLE_SPIN_TABLE);
	cr_expect_eq(platform.cpus[0].release_addr, 0x8000fff8);
	cr_expect_eq(platform.cpus[1].mpidr, 0x100);
	cr_expect_eq(platform.cpus[1].method, CPU_ENABLE_PSCI);
	cr_expect_eq(platform.cpus[2].mpidr, 0x100000100);
	cr_expect_eq(platform.cpus[2].release_addr, 0x8000fff0);
	cr_expect_eq(platform.memory_count, 2);
	cr_expect_eq(platform.memory[1].base, 0x800000000);
	cr_expect_eq(platform.memory[1].size_bytes, 0x100000000);
	cr_expect_eq(platform.reserved_count, 3);
	cr_expect_eq(platform.reserved[0].base, 0x80000000);
	cr_expect_eq(platform.reserved[2].base, 0x90000000);
	cr_expect_eq(platform.uart.base, 0x100201000);
	cr_expect_eq(platform.uart_irq, 40);
	cr_expect_eq(platform.timer_virtual_irq, 27);
	cr_expect_eq(platform.timer_physical_irq, 30);
	cr_expect_eq(platform.psci.conduit, PSCI_CONDUIT_SMC);
	cr_expect_eq(platform.psci.cpu_on, 0x95c1ba5f);
	cr_expect_eq(platform.psci.system_off, 0);
	cr_expect_eq(platform.gic.dist.base, 0x100010000);
	cr_expect_eq(platform.gic.redist_count, 2);
	cr_expect_eq(platform.gic.redist[1].base, 0x70040000);
	cr_expect_eq(platform.gic.redist_stride_bytes, 0x20000);
	cr_expect_str_eq(platform.bootargs, "sched=eevdf place=idlest");
	cr_expect_eq(platform.initrd_start, 0x84000000);
	cr_expect_eq(platform.initrd_end, 0x84123456);
}

/* One change to a good tree: an empty property name removes the node; no value removes the
 * property. */
struct change {
	const char *path;
	const char *prop;
	const char *value;
	int value_len;
	enum platform_reason expected;
};

static const struct change changes[] = {
	{"/soc/apb", "", NULL, 0, PLATFORM_NO_UART},
	{"/memory@80000000", "", NULL, 0, PLATFORM_NO_MEMORY},
	{"/memory@80000000", "reg", NULL, 0, PLATFORM_BAD_MEMORY},
	{"/memory@80000000", "reg", "\0\0\0\1", 4, PLATFORM_BAD_MEMORY},
	{"/memory@80000000", "reg", "\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\2", 16,
	 PLATFORM_MEMORY_WRAPS},
	{"/memory@80000000", "reg", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, PLATFORM_NO_MEMORY},
	{"/reserved-memory", "ranges", NULL, 0, PLATFORM_BAD_RESERVED},
	{"/cpus", "", NULL, 0, PLATFORM_NO_CPU},
	{"/cpus/cpu@100", "reg", NULL, 0, PLATFORM_BAD_CPU},
	{"/cpus/cpu@100", "reg", "\0\0\0\0\x80\0\0\0", 8, PLATFORM_BAD_CPU},
	{"/cpus/cpu@100", "reg", "\0\0\0\0\0\0\0\0", 8, PLATFORM_SAME_CPU},
	{"/soc/interrupt-controller", "", NULL, 0, PLATFORM_NO_GIC},
	{"/soc/interrupt-controller", "status", "disabled", 9, PLATFORM_NO_GIC},
	{"/soc/interrupt-controller", "reg", "\0\1\0\0\0\1\0\0", 8, PLATFORM_BAD_GIC},
	{"/soc/interrupt-controller", "#redistributor-regions", "\0\0\0\3", 4, PLATFORM_BAD_GIC},
	{"/timer", "", NULL, 0, PLATFORM_NO_TIMER},
	{"/timer", "interrupts", NULL, 0, PLATFORM_NO_TIMER},
	{"/timer", "interrupt-names", "phys\0other", 11, PLATFORM_NO_TIMER},
	{"/timer", "interrupts", "\0\0\0\2\0\0\0\1\0\0\0\4", 12, PLATFORM_BAD_INTERRUPT},
	{"/psci", "", NULL, 0, PLATFORM_NO_PSCI},
	{"/psci", "method", "call", 5, PLATFORM_BAD_PSCI},
	{"/psci", "cpu_on", NULL, 0, PLATFORM_BAD_PSCI},
	{"/chosen", "bootargs", "abc", 3, PLATFORM_BAD_BOOTARGS},
	{"/chosen", "linux,initrd-end", NULL, 0, PLATFORM_BAD_INITRD},
	{"/chosen", "linux,initrd-end", "\0\0\0\1", 4, PLATFORM_BAD_INITRD},
	/* Changes that do no harm. */
	{"/chosen", "stdout-path", NULL, 0, PLATFORM_FINE},
	{"/chosen", "", NULL, 0, PLATFORM_FINE},
	{"/cpus/cpu@100", "", NULL, 0, PLATFORM_FINE},
};

Test(dt_platform, names_what_is_missing)
{
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		const struct change *change = &changes[i];
		size_t size;
		void *blob = tree_load("soc", &size);
		void *work = malloc(TREE_BYTES_MAX);
		enum platform_reason reason;
		int node;

		cr_assert(fdt_open_into(blob, work, (int)TREE_BYTES_MAX) == 0);
		node = fdt_path_offset(work, change->path);
		cr_assert(node >= 0);
		if (change->prop[0] == '\0')
			cr_assert(fdt_del_node(work, node) == 0);
		else if (change->value == NULL)
			cr_assert(fdt_delprop(work, node, change->prop) == 0);
		else
			cr_assert(fdt_setprop(work, node, change->prop, change->value,
					      change->value_len) == 0);
		reason = platform_of(work, TREE_BYTES_MAX);
		cr_expect_eq(reason, change->expected, "change %zu (%s %s): %s", i, change->path,
			     change->prop, platform_reason_text(reason));
		/* The console must be there to say it. */
		cr_expect(reason == PLATFORM_NO_UART || platform.uart.base != 0);
		free(work);
		free(blob);
	}
}

static void *tree_with_cpus(uint32_t cpus)
{
	size_t size;
	void *blob = tree_load("virt-gicv3-cpus4", &size);
	void *work = malloc(TREE_BYTES_MAX);
	char name[32];

	cr_assert(fdt_open_into(blob, work, (int)TREE_BYTES_MAX) == 0);
	free(blob);
	for (uint32_t i = 4; i < cpus; i++) {
		int node;

		snprintf(name, sizeof(name), "cpu@%x", i);
		node = fdt_add_subnode(work, fdt_path_offset(work, "/cpus"), name);
		cr_assert(node >= 0);
		cr_assert(fdt_setprop_string(work, node, "device_type", "cpu") == 0);
		cr_assert(fdt_setprop_u32(work, node, "reg", i << 8) == 0);
		cr_assert(fdt_setprop_string(work, node, "enable-method", "psci") == 0);
	}
	return work;
}

Test(dt_platform, counts_more_cpus_than_fit)
{
	void *work = tree_with_cpus(CPUS_MAX + 3);

	cr_assert_eq(platform_of(work, TREE_BYTES_MAX), PLATFORM_FINE);
	cr_expect_eq(platform.cpu_count, CPUS_MAX);
	cr_expect_eq(platform.cpus_found, CPUS_MAX + 3);
	free(work);
}

Test(dt_platform, bounds_bootargs_and_regions)
{
	char text[PLATFORM_BOOTARGS_BYTES_MAX + 1];
	fdt64_t regions[2 * (PLATFORM_MEMORY_MAX + 1)];
	void *work = tree_with_cpus(4);

	memset(text, 'x', sizeof(text));
	for (size_t len = PLATFORM_BOOTARGS_BYTES_MAX; len <= sizeof(text); len++) {
		text[len - 1] = '\0';
		cr_assert(fdt_setprop(work, fdt_path_offset(work, "/chosen"), "bootargs", text,
				      (int)len) == 0);
		cr_expect_eq(platform_of(work, TREE_BYTES_MAX), len <= PLATFORM_BOOTARGS_BYTES_MAX
									? PLATFORM_FINE
									: PLATFORM_BOOTARGS_LIMIT);
		cr_expect_eq(strlen(platform.bootargs),
			     len <= PLATFORM_BOOTARGS_BYTES_MAX ? len - 1 : 0);
		text[len - 1] = 'x';
	}
	/* What is too long is cut between two words. */
	memcpy(text, "run=hello ", 10);
	text[sizeof(text) - 1] = '\0';
	cr_assert(fdt_setprop(work, fdt_path_offset(work, "/chosen"), "bootargs", text,
			      (int)sizeof(text)) == 0);
	cr_expect_eq(platform_of(work, TREE_BYTES_MAX), PLATFORM_BOOTARGS_LIMIT);
	cr_expect_str_eq(platform.bootargs, "run=hello");
	cr_assert(fdt_delprop(work, fdt_path_offset(work, "/chosen"), "bootargs") == 0);
	for (size_t i = 0; i <= PLATFORM_MEMORY_MAX; i++) {
		regions[2 * i] = cpu_to_fdt64(0x100000000ull * i);
		regions[2 * i + 1] = cpu_to_fdt64(0x1000);
	}
	cr_assert(fdt_setprop(work, fdt_path_offset(work, "/memory@40000000"), "reg", regions,
			      (int)sizeof(regions)) == 0);
	cr_expect_eq(platform_of(work, TREE_BYTES_MAX), PLATFORM_MEMORY_LIMIT);
	cr_expect_eq(platform.memory_count, PLATFORM_MEMORY_MAX);
	free(work);
}

/* ---- A device for a program ------------------------------------------------------------------- */

static enum dt_device_reason device_of(const void *blob, const char *word)
{
	enum fdt_reason fdt_reason;
	enum platform_reason reason;
	enum dt_device_reason device_reason;
	struct fdt fdt;

	cr_assert_eq(fdt_open(&fdt, blob, TREE_BYTES_MAX, &fdt_reason), ERR_OK);
	cr_assert_eq(dt_platform_read(&platform, &fdt, &reason), ERR_OK);
	cr_assert_eq(platform.device.irq, PLATFORM_IRQ_NONE);
	device_reason = dt_device_read(&platform, &fdt, word, strlen(word));
	cr_expect_eq(device_reason == DT_DEVICE_FINE, platform.device.irq != PLATFORM_IRQ_NONE);
	return device_reason;
}

static const struct {
	const char *word;
	const char *prop; /* of /pl031, set first; NULL: none */
	const char *value;
	int value_len;
	enum dt_device_reason expected;
} devices[] = {
	{"p:/pl031", NULL, NULL, 0, DT_DEVICE_FINE},
	{"p:/pl031@9010000", NULL, NULL, 0, DT_DEVICE_FINE},
	{"p:/pl061", NULL, NULL, 0, DT_DEVICE_FINE},
	{"", NULL, NULL, 0, DT_DEVICE_BAD_WORD},
	{"p", NULL, NULL, 0, DT_DEVICE_BAD_WORD},
	{"p:", NULL, NULL, 0, DT_DEVICE_BAD_WORD},
	{":/pl031", NULL, NULL, 0, DT_DEVICE_BAD_WORD},
	{"p:/pl031@9020000", NULL, NULL, 0, DT_DEVICE_NO_NODE},
	{"p:/timer", NULL, NULL, 0, DT_DEVICE_NO_REGISTERS},
	{"p:/pl011", NULL, NULL, 0, DT_DEVICE_TAKEN},
	{"p:/intc", NULL, NULL, 0, DT_DEVICE_TAKEN},
	{"p:/memory", NULL, NULL, 0, DT_DEVICE_TAKEN},
	{"p:/virtio_mmio@a000000", NULL, NULL, 0, DT_DEVICE_NO_PAGES},
	{"p:/pl031", "status", "disabled", 9, DT_DEVICE_DISABLED},
	{"p:/pl031", "reg", "\0\0\0\0\x09\1\0\0\0\0\0\0\0\0\0\0", 16, DT_DEVICE_NO_REGISTERS},
	{"p:/pl031", "reg", "\0\0\0\0\x09\1\0\0\0\0\0\0\0\1\0\0", 16, DT_DEVICE_FINE},
	{"p:/pl031", "reg", "\0\0\0\0\x09\1\0\0\0\0\0\0\0\2\0\0", 16, DT_DEVICE_NO_PAGES},
	{"p:/pl031", "reg", "\0\0\0\0\x09\1\0\0\0\0\0\0\0\0\x30\0", 16, DT_DEVICE_NO_PAGES},
	{"p:/pl031", "reg", "\0\0\0\0\x09\1\x10\0\0\0\0\0\0\0\x20\0", 16, DT_DEVICE_NO_PAGES},
	/* The console's page and the next one; and one in the middle of memory. */
	{"p:/pl031", "reg", "\0\0\0\0\x09\0\0\0\0\0\0\0\0\0\x20\0", 16, DT_DEVICE_TAKEN},
	{"p:/pl031", "reg", "\0\0\0\0\x48\0\0\0\0\0\0\0\0\0\x10\0", 16, DT_DEVICE_TAKEN},
	{"p:/pl031", "interrupts", "\0\0\0\0\0\0\0\1\0\0\0\4", 12, DT_DEVICE_TAKEN},
	{"p:/pl031", "interrupts", "\0\0\0\1\0\0\0\2\0\0\0\4", 12, DT_DEVICE_NO_INTERRUPT},
	{"p:/pl031", "interrupts", "\0\0\0\0\0\0\3\xdc\0\0\0\4", 12, DT_DEVICE_NO_INTERRUPT},
	{"p:/pl031", "interrupts", "\0\0\0\2", 4, DT_DEVICE_NO_INTERRUPT},
};

Test(dt_platform, finds_a_device_for_a_program)
{
	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		size_t size;
		void *blob = tree_load("virt-gicv3-cpus4", &size);
		void *work = malloc(TREE_BYTES_MAX);
		enum dt_device_reason reason;
		int node;

		cr_assert(fdt_open_into(blob, work, (int)TREE_BYTES_MAX) == 0);
		node = fdt_path_offset(work, "/pl031@9010000");
		if (devices[i].prop != NULL)
			cr_assert(fdt_setprop(work, node, devices[i].prop, devices[i].value,
					      devices[i].value_len) == 0);
		reason = device_of(work, devices[i].word);
		cr_expect_eq(reason, devices[i].expected, "%zu: %s: %s", i, devices[i].word,
			     dt_device_reason_text(reason));
		free(work);
		free(blob);
	}
	size_t size;
	void *blob = tree_load("virt-gicv3-cpus4", &size);

	blob = realloc(blob, TREE_BYTES_MAX);
	cr_assert_eq(device_of(blob, "p:/pl031"), DT_DEVICE_FINE);
	cr_expect_eq(platform.device.irq, 34);
	cr_expect_eq(platform.device.region.base, 0x9010000);
	cr_expect_eq(platform.device.region.size_bytes, 0x1000);
	free(blob);
}
