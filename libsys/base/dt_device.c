/* SPDX-License-Identifier: BSD-2-Clause */
/* See dt_device.h. */
#include <base/bytes.h>
#include <base/dt_device.h>

const char *dt_device_reason_text(enum dt_device_reason reason)
{
	static const char *const texts[] = {
#define X(name, text) text,
		DT_DEVICE_REASON_LIST(X)
#undef X
	};

	return (unsigned int)reason < DT_DEVICE_REASON_COUNT ? texts[reason] : "unknown reason";
}

/* Neither wraps: dt_platform.c and fdt_reg_physical() see to that. */
static bool overlaps(const struct platform_region *a, const struct platform_region *b)
{
	return a->size_bytes > 0 && b->size_bytes > 0 && a->base <= b->base + (b->size_bytes - 1) &&
	       b->base <= a->base + (a->size_bytes - 1);
}

static bool overlaps_any(const struct platform_region *region, const struct platform_region *others,
			 uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (overlaps(region, &others[i]))
			return true;
	return false;
}

/* The console's UART takes its whole page. */
static bool taken(const struct platform *platform, const struct platform_region *region)
{
	const struct platform_gic *gic = &platform->gic;
	const struct platform_region uart = {platform->uart.base & ~(PAGE_SIZE - 1ull),
					     platform->uart.size_bytes > 0 ? PAGE_SIZE : 0};

	return overlaps(region, &gic->dist) || overlaps(region, &gic->cpu) ||
	       overlaps(region, &uart) || overlaps_any(region, gic->redist, gic->redist_count) ||
	       overlaps_any(region, platform->memory, platform->memory_count) ||
	       overlaps_any(region, platform->reserved, platform->reserved_count);
}

/* GIC binding: kind (0 shared), number, flags. */
static uint32_t shared_interrupt(const struct fdt *fdt, uint32_t node)
{
	struct fdt_prop prop;
	uint32_t kind;
	uint32_t number;

	if (!fdt_prop_find(fdt, node, "interrupts", &prop) || !fdt_prop_u32(&prop, 0, &kind) ||
	    !fdt_prop_u32(&prop, 1, &number) || prop.len % 12 != 0 || kind != 0 || number >= 988)
		return PLATFORM_IRQ_NONE;
	return 32 + number;
}

static enum dt_device_reason region_check(const struct platform *platform,
					  const struct platform_region *region)
{
	const uint64_t bytes = region->size_bytes;

	if (bytes == 0)
		return DT_DEVICE_NO_REGISTERS;
	if (taken(platform, region))
		return DT_DEVICE_TAKEN;
	/* An untyped object has a power of two of bytes and lies at a multiple of it. */
	if (bytes < PAGE_SIZE || bytes > DT_DEVICE_BYTES_MAX || (bytes & (bytes - 1)) != 0 ||
	    (region->base & (bytes - 1)) != 0)
		return DT_DEVICE_NO_PAGES;
	return DT_DEVICE_FINE;
}

enum dt_device_reason dt_device_read(struct platform *platform, const struct fdt *fdt,
				     const char *word, size_t len)
{
	struct platform_region region;
	enum dt_device_reason reason;
	size_t path = 0;
	uint32_t node;
	uint32_t irq;

	platform->device = (struct platform_device){.irq = PLATFORM_IRQ_NONE};
	while (path < len && word[path] != ':')
		path++;
	if (path == 0 || path + 1 >= len)
		return DT_DEVICE_BAD_WORD;
	path++;
	node = fdt_node_by_path(fdt, word + path, len - path);
	if (node == FDT_NONE)
		return DT_DEVICE_NO_NODE;
	if (!fdt_node_enabled(fdt, node))
		return DT_DEVICE_DISABLED;
	if (fdt_reg_physical(fdt, node, 0, &region.base, &region.size_bytes) != ERR_OK)
		return DT_DEVICE_NO_REGISTERS;
	reason = region_check(platform, &region);
	if (reason != DT_DEVICE_FINE)
		return reason;
	irq = shared_interrupt(fdt, node);
	if (irq == PLATFORM_IRQ_NONE)
		return DT_DEVICE_NO_INTERRUPT;
	if (irq == platform->uart_irq)
		return DT_DEVICE_TAKEN;
	platform->device = (struct platform_device){.region = region, .irq = irq};
	return DT_DEVICE_FINE;
}
