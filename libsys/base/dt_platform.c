/* SPDX-License-Identifier: BSD-2-Clause */
/* Device tree to struct platform.  See dt_platform.h. */
#include <base/bytes.h>
#include <base/dt_platform.h>
#include <base/reason.h>

#define MPIDR_AFFINITY_MASK 0xff00ffffffull

const char *platform_reason_text(enum platform_reason reason)
{
	static const char *const texts[] = {PLATFORM_REASON_LIST(REASON_TEXT)};

	return reason_text(texts, PLATFORM_REASON_COUNT, (uint32_t)reason);
}

/* GIC binding: three cells, kind (0 shared, 1 per CPU), number, flags. */
static bool interrupt_read(const struct fdt *fdt, uint32_t node, uint32_t index, uint32_t *irq)
{
	struct fdt_prop prop;
	uint32_t kind;
	uint32_t number;

	if (!fdt_prop_find(fdt, node, "interrupts", &prop) ||
	    !fdt_prop_u32(&prop, 3 * index, &kind) || !fdt_prop_u32(&prop, 3 * index + 1, &number))
		return false;
	if (kind == 0 && number < 988)
		*irq = 32 + number;
	else if (kind == 1 && number < 16)
		*irq = 16 + number;
	else
		return false;
	return true;
}

/* stdout-path may carry options after a colon ("serial0:115200n8"). */
static uint32_t stdout_node(const struct fdt *fdt)
{
	uint32_t chosen = fdt_node_by_path(fdt, "/chosen", 7);
	struct fdt_prop prop;
	const char *path;
	size_t len = 0;

	if (chosen == FDT_NONE || (!fdt_prop_find(fdt, chosen, "stdout-path", &prop) &&
				   !fdt_prop_find(fdt, chosen, "linux,stdout-path", &prop)))
		return FDT_NONE;
	path = fdt_prop_string(&prop, 0);
	if (path == NULL)
		return FDT_NONE;
	while (path[len] != '\0' && path[len] != ':')
		len++;
	return fdt_node_by_path(fdt, path, len);
}

static bool uart_usable(const struct fdt *fdt, uint32_t node, struct platform_region *region)
{
	return node != FDT_NONE && fdt_node_is_compatible(fdt, node, "arm,pl011") &&
	       fdt_node_enabled(fdt, node) &&
	       fdt_reg_physical(fdt, node, 0, &region->base, &region->size_bytes) == ERR_OK &&
	       region->size_bytes > 0;
}

static enum platform_reason uart_find(struct platform *platform, const struct fdt *fdt)
{
	uint32_t node = stdout_node(fdt);

	if (!uart_usable(fdt, node, &platform->uart)) {
		node = FDT_NONE;
		do {
			node = fdt_node_by_compatible(fdt, node, "arm,pl011");
		} while (node != FDT_NONE && !uart_usable(fdt, node, &platform->uart));
	}
	if (node == FDT_NONE) {
		platform->uart = (struct platform_region){0, 0};
		return PLATFORM_NO_UART;
	}
	/* Without an interrupt the console still prints; input is then polled. */
	if (!interrupt_read(fdt, node, 0, &platform->uart_irq))
		platform->uart_irq = PLATFORM_IRQ_NONE;
	return PLATFORM_FINE;
}

/* Appends; a region without bytes is skipped. */
static enum platform_reason region_add(struct platform_region *regions, uint32_t *count,
				       uint32_t count_max, uint64_t base, uint64_t size_bytes,
				       enum platform_reason limit)
{
	if (size_bytes == 0)
		return PLATFORM_FINE;
	if (base > UINT64_MAX - (size_bytes - 1))
		return PLATFORM_MEMORY_WRAPS;
	if (*count == count_max)
		return limit;
	regions[*count] = (struct platform_region){base, size_bytes};
	(*count)++;
	return PLATFORM_FINE;
}

static enum platform_reason memory_add(struct platform *platform, const struct fdt *fdt,
				       uint32_t node)
{
	enum platform_reason reason = PLATFORM_FINE;
	uint64_t base;
	uint64_t size_bytes;
	enum error err;

	for (uint32_t i = 0; reason == PLATFORM_FINE; i++) {
		err = fdt_reg_physical(fdt, node, i, &base, &size_bytes);
		if (err == ERR_NOT_FOUND && i > 0)
			break;
		if (err == ERR_RANGE)
			return PLATFORM_MEMORY_WRAPS;
		if (err != ERR_OK)
			return PLATFORM_BAD_MEMORY;
		reason = region_add(platform->memory, &platform->memory_count, PLATFORM_MEMORY_MAX,
				    base, size_bytes, PLATFORM_MEMORY_LIMIT);
	}
	return reason;
}

static enum platform_reason memory_find(struct platform *platform, const struct fdt *fdt)
{
	enum platform_reason reason = PLATFORM_FINE;
	struct fdt_prop prop;
	int depth = 0;

	for (uint32_t node = fdt_root(fdt); node != FDT_NONE && reason == PLATFORM_FINE;
	     node = fdt_node_next(fdt, node, &depth))
		if (fdt_prop_find(fdt, node, "device_type", &prop) &&
		    fdt_prop_has_string(&prop, "memory") && fdt_node_enabled(fdt, node))
			reason = memory_add(platform, fdt, node);
	if (reason == PLATFORM_FINE && platform->memory_count == 0)
		reason = PLATFORM_NO_MEMORY;
	return reason;
}

static enum platform_reason reserved_add(struct platform *platform, uint64_t base,
					 uint64_t size_bytes)
{
	return region_add(platform->reserved, &platform->reserved_count, PLATFORM_RESERVED_MAX,
			  base, size_bytes, PLATFORM_RESERVED_LIMIT);
}

static enum platform_reason reserved_find(struct platform *platform, const struct fdt *fdt)
{
	enum platform_reason reason = PLATFORM_FINE;
	uint32_t node = fdt_node_by_path(fdt, "/reserved-memory", 16);
	uint64_t base;
	uint64_t size_bytes;
	enum error err;

	for (uint32_t i = 0;
	     reason == PLATFORM_FINE && fdt_reserve_get(fdt, i, &base, &size_bytes) == ERR_OK; i++)
		reason = reserved_add(platform, base, size_bytes);
	if (node == FDT_NONE)
		return reason;
	for (node = fdt_child_first(fdt, node); node != FDT_NONE && reason == PLATFORM_FINE;
	     node = fdt_sibling_next(fdt, node)) {
		struct fdt_prop prop;

		/* Without reg the region is a request for memory anywhere; nobody here makes it. */
		if (!fdt_node_enabled(fdt, node) || !fdt_prop_find(fdt, node, "reg", &prop))
			continue;
		for (uint32_t i = 0; reason == PLATFORM_FINE; i++) {
			err = fdt_reg_physical(fdt, node, i, &base, &size_bytes);
			if (err == ERR_NOT_FOUND && i > 0)
				break;
			reason = err == ERR_OK ? reserved_add(platform, base, size_bytes)
					       : PLATFORM_BAD_RESERVED;
		}
	}
	return reason;
}

static enum cpu_enable_method cpu_method(const struct fdt *fdt, uint32_t cpus, uint32_t node,
					 uint64_t *release_addr)
{
	struct fdt_prop prop;

	*release_addr = 0;
	/* The binding lets /cpus speak for all of its children. */
	if (!fdt_prop_find(fdt, node, "enable-method", &prop) &&
	    !fdt_prop_find(fdt, cpus, "enable-method", &prop))
		return CPU_ENABLE_NONE;
	if (fdt_prop_has_string(&prop, "psci"))
		return CPU_ENABLE_PSCI;
	if (fdt_prop_has_string(&prop, "spin-table") &&
	    fdt_prop_find(fdt, node, "cpu-release-addr", &prop) &&
	    fdt_prop_number(&prop, release_addr))
		return CPU_ENABLE_SPIN_TABLE;
	return CPU_ENABLE_NONE;
}

static enum platform_reason cpu_add(struct platform *platform, const struct fdt *fdt, uint32_t cpus,
				    uint32_t node)
{
	struct platform_cpu *cpu;
	uint64_t mpidr;
	uint64_t unused;

	if (fdt_reg(fdt, node, 0, &mpidr, &unused) != ERR_OK || (mpidr & ~MPIDR_AFFINITY_MASK) != 0)
		return PLATFORM_BAD_CPU;
	for (uint32_t i = 0; i < platform->cpu_count; i++)
		if (platform->cpus[i].mpidr == mpidr)
			return PLATFORM_SAME_CPU;
	platform->cpus_found++;
	if (platform->cpu_count == CPUS_MAX)
		return PLATFORM_FINE;
	cpu = &platform->cpus[platform->cpu_count++];
	cpu->mpidr = mpidr;
	cpu->method = cpu_method(fdt, cpus, node, &cpu->release_addr);
	return PLATFORM_FINE;
}

static enum platform_reason cpus_find(struct platform *platform, const struct fdt *fdt)
{
	uint32_t cpus = fdt_node_by_path(fdt, "/cpus", 5);
	enum platform_reason reason = PLATFORM_FINE;
	struct fdt_prop prop;

	if (cpus == FDT_NONE)
		return PLATFORM_NO_CPU;
	for (uint32_t node = fdt_child_first(fdt, cpus);
	     node != FDT_NONE && reason == PLATFORM_FINE; node = fdt_sibling_next(fdt, node)) {
		if (!fdt_prop_find(fdt, node, "device_type", &prop) ||
		    !fdt_prop_has_string(&prop, "cpu"))
			continue;
		/* "disabled" means parked, which is how any secondary CPU begins; "fail" is broken.
		 */
		if (fdt_prop_find(fdt, node, "status", &prop) && prop.len >= 4 &&
		    bytes_equal(prop.value, "fail", 4))
			continue;
		reason = cpu_add(platform, fdt, cpus, node);
	}
	if (reason == PLATFORM_FINE && platform->cpu_count == 0)
		reason = PLATFORM_NO_CPU;
	return reason;
}

static uint32_t gic_node(const struct fdt *fdt, enum gic_kind *kind)
{
	static const struct {
		const char *compatible;
		enum gic_kind kind;
	} known[] = {
		{"arm,gic-v3", GIC_KIND_V3},         {"arm,gic-400", GIC_KIND_V2},
		{"arm,cortex-a15-gic", GIC_KIND_V2}, {"arm,cortex-a9-gic", GIC_KIND_V2},
		{"arm,cortex-a7-gic", GIC_KIND_V2},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint32_t node = fdt_node_by_compatible(fdt, FDT_NONE, known[i].compatible);

		while (node != FDT_NONE && !fdt_node_enabled(fdt, node))
			node = fdt_node_by_compatible(fdt, node, known[i].compatible);
		*kind = known[i].kind;
		if (node != FDT_NONE)
			return node;
	}
	*kind = GIC_KIND_NONE;
	return FDT_NONE;
}

static bool gic_region(const struct fdt *fdt, uint32_t node, uint32_t index,
		       struct platform_region *region)
{
	return fdt_reg_physical(fdt, node, index, &region->base, &region->size_bytes) == ERR_OK &&
	       region->size_bytes > 0;
}

static enum platform_reason gic_find(struct platform_gic *gic, const struct fdt *fdt)
{
	uint32_t node = gic_node(fdt, &gic->kind);
	uint32_t regions = 1;
	struct fdt_prop prop;

	if (node == FDT_NONE)
		return PLATFORM_NO_GIC;
	if (!gic_region(fdt, node, 0, &gic->dist))
		return PLATFORM_BAD_GIC;
	if (gic->kind == GIC_KIND_V2)
		return gic_region(fdt, node, 1, &gic->cpu) ? PLATFORM_FINE : PLATFORM_BAD_GIC;
	if (fdt_prop_find(fdt, node, "#redistributor-regions", &prop) &&
	    (!fdt_prop_u32(&prop, 0, &regions) || regions == 0))
		return PLATFORM_BAD_GIC;
	if (fdt_prop_find(fdt, node, "redistributor-stride", &prop) &&
	    !fdt_prop_number(&prop, &gic->redist_stride_bytes))
		return PLATFORM_BAD_GIC;
	for (uint32_t i = 0; i < regions; i++) {
		if (i == PLATFORM_REDIST_MAX)
			return PLATFORM_GIC_REDIST_LIMIT;
		if (!gic_region(fdt, node, 1 + i, &gic->redist[i]))
			return PLATFORM_BAD_GIC;
		gic->redist_count++;
	}
	return PLATFORM_FINE;
}

static enum platform_reason timer_find(struct platform *platform, const struct fdt *fdt)
{
	uint32_t node = fdt_node_by_compatible(fdt, FDT_NONE, "arm,armv8-timer");
	/* Without names: secure physical, non-secure physical, virtual, hypervisor. */
	uint32_t physical = 1;
	uint32_t virtual = 2;
	struct fdt_prop prop;
	const char *name;

	if (node == FDT_NONE)
		return PLATFORM_NO_TIMER;
	if (fdt_prop_find(fdt, node, "interrupt-names", &prop)) {
		physical = UINT32_MAX / 8;
		virtual = UINT32_MAX / 8;
		for (uint32_t i = 0; (name = fdt_prop_string(&prop, i)) != NULL; i++) {
			if (str_equal(name, "phys"))
				physical = i;
			if (str_equal(name, "virt"))
				virtual = i;
		}
	}
	if (!interrupt_read(fdt, node, physical, &platform->timer_physical_irq))
		platform->timer_physical_irq = PLATFORM_IRQ_NONE;
	if (!fdt_prop_find(fdt, node, "interrupts", &prop))
		return PLATFORM_NO_TIMER;
	if (!interrupt_read(fdt, node, virtual, &platform->timer_virtual_irq))
		return prop.len / 12 > virtual ? PLATFORM_BAD_INTERRUPT : PLATFORM_NO_TIMER;
	return PLATFORM_FINE;
}

static void psci_functions(struct platform_psci *psci, const struct fdt *fdt, uint32_t node,
			   bool standard)
{
	struct fdt_prop prop;

	if (standard) {
		psci->version = 0x84000000u;
		psci->cpu_off = 0x84000002u;
		psci->cpu_on = 0xc4000003u;
		psci->affinity_info = 0xc4000004u;
		psci->system_off = 0x84000008u;
		psci->system_reset = 0x84000009u;
		return;
	}
	/* PSCI 0.1: the tree names the numbers. */
	if (fdt_prop_find(fdt, node, "cpu_on", &prop))
		(void)fdt_prop_u32(&prop, 0, &psci->cpu_on);
	if (fdt_prop_find(fdt, node, "cpu_off", &prop))
		(void)fdt_prop_u32(&prop, 0, &psci->cpu_off);
}

static enum platform_reason psci_find(struct platform *platform, const struct fdt *fdt)
{
	static const char *const known[] = {"arm,psci-1.0", "arm,psci-0.2", "arm,psci"};
	uint32_t node = FDT_NONE;
	size_t version = 0;
	struct fdt_prop prop;

	for (; version < 3 && node == FDT_NONE; version++)
		node = fdt_node_by_compatible(fdt, FDT_NONE, known[version]);
	if (node == FDT_NONE) {
		for (uint32_t i = 0; i < platform->cpu_count; i++)
			if (platform->cpus[i].method == CPU_ENABLE_PSCI)
				return PLATFORM_NO_PSCI;
		return PLATFORM_FINE;
	}
	/* The loop above has counted one further than the name that it found. */
	psci_functions(&platform->psci, fdt, node, version < 3);
	if (!fdt_prop_find(fdt, node, "method", &prop) || platform->psci.cpu_on == 0)
		return PLATFORM_BAD_PSCI;
	if (fdt_prop_has_string(&prop, "hvc"))
		platform->psci.conduit = PSCI_CONDUIT_HVC;
	else if (fdt_prop_has_string(&prop, "smc"))
		platform->psci.conduit = PSCI_CONDUIT_SMC;
	else
		return PLATFORM_BAD_PSCI;
	return PLATFORM_FINE;
}

static enum platform_reason bootargs_read(struct platform *platform, const struct fdt *fdt,
					  uint32_t chosen)
{
	struct fdt_prop prop;
	const char *text;
	size_t len;
	size_t fits;

	if (!fdt_prop_find(fdt, chosen, "bootargs", &prop) || prop.len == 0)
		return PLATFORM_FINE;
	text = (const char *)prop.value;
	len = str_len_max(text, prop.len);
	if (len == prop.len)
		return PLATFORM_BAD_BOOTARGS;
	fits = len < PLATFORM_BOOTARGS_BYTES_MAX ? len : PLATFORM_BOOTARGS_BYTES_MAX - 1;
	/* Whole words only: half of one may mean something else. */
	while (fits > 0 && fits < len && text[fits] != ' ')
		fits--;
	bytes_copy(platform->bootargs, text, fits);
	platform->bootargs[fits] = '\0';
	return fits == len ? PLATFORM_FINE : PLATFORM_BOOTARGS_LIMIT;
}

static enum platform_reason chosen_read(struct platform *platform, const struct fdt *fdt)
{
	uint32_t chosen = fdt_node_by_path(fdt, "/chosen", 7);
	struct fdt_prop start;
	struct fdt_prop end;
	bool has_start;
	bool has_end;

	if (chosen == FDT_NONE)
		return PLATFORM_FINE;
	if (fdt_prop_find(fdt, chosen, "rng-seed", &start)) {
		platform->rng_seed_bytes = start.len < PLATFORM_RNG_SEED_BYTES_MAX
						   ? start.len
						   : PLATFORM_RNG_SEED_BYTES_MAX;
		bytes_copy(platform->rng_seed, start.value, platform->rng_seed_bytes);
	}
	has_start = fdt_prop_find(fdt, chosen, "linux,initrd-start", &start);
	has_end = fdt_prop_find(fdt, chosen, "linux,initrd-end", &end);
	if (has_start || has_end) {
		if (!has_start || !has_end || !fdt_prop_number(&start, &platform->initrd_start) ||
		    !fdt_prop_number(&end, &platform->initrd_end) ||
		    platform->initrd_end < platform->initrd_start) {
			platform->initrd_start = 0;
			platform->initrd_end = 0;
			return PLATFORM_BAD_INITRD;
		}
	}
	return bootargs_read(platform, fdt, chosen);
}

static enum error reason_error(enum platform_reason reason)
{
	switch (reason) {
	case PLATFORM_FINE:
		return ERR_OK;
	case PLATFORM_NO_UART:
	case PLATFORM_NO_MEMORY:
	case PLATFORM_NO_CPU:
	case PLATFORM_NO_GIC:
	case PLATFORM_NO_TIMER:
	case PLATFORM_NO_PSCI:
		return ERR_NOT_FOUND;
	case PLATFORM_MEMORY_LIMIT:
	case PLATFORM_RESERVED_LIMIT:
	case PLATFORM_GIC_REDIST_LIMIT:
	case PLATFORM_BOOTARGS_LIMIT:
		return ERR_LIMIT;
	default:
		return ERR_FORMAT;
	}
}

enum error dt_platform_read(struct platform *platform, const struct fdt *fdt,
			    enum platform_reason *reason)
{
	enum platform_reason found[8];

	*platform = (struct platform){0};
	found[0] = uart_find(platform, fdt);
	found[1] = chosen_read(platform, fdt);
	found[2] = memory_find(platform, fdt);
	found[3] = reserved_find(platform, fdt);
	found[4] = cpus_find(platform, fdt);
	found[5] = gic_find(&platform->gic, fdt);
	found[6] = timer_find(platform, fdt);
	found[7] = psci_find(platform, fdt);
	*reason = PLATFORM_FINE;
	for (size_t i = 0; i < 8 && *reason == PLATFORM_FINE; i++)
		*reason = found[i];
	return reason_error(*reason);
}
