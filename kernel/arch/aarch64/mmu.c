/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's address space: window over RAM, stacks, devices.  start.S has mapped the image.
 *
 * Invariants: nothing is writable and executable; the image's text and read-only data are mapped
 * once, read-only; entries only ever change from invalid to valid (but for the device tree's slot),
 * so the TLB needs no flush.
 * Bad at: RAM above 510 GiB, which is left out; many small memory nodes (tables come from a fixed
 * pool, since the window is what makes other memory reachable).
 */
#include <arch/layout.h>
#include <arch/mmu.h>
#include <arch/sysreg.h>
#include <base/dt_platform.h>
#include <kern/arch_if.h>
#include <kern/entry.h>
#include <kern/memmap.h>

#define L1_SHIFT     30
#define L2_SHIFT     21
#define L3_SHIFT     12
#define BLOCK_BYTES  (1ull << L2_SHIFT)
#define TABLE_POOL   40u
#define INDEX(va, s) (((va) >> (s)) & 511)

/* start.S and the linker script. */
extern uint64_t kernel_l1[512];
extern uint64_t fixed_l2[FIXED_SLOTS];
extern uint64_t stacks_l3[STACK_TABLES * 512];
extern const char image_start[];
extern const char rodata_end[];
extern const uint64_t image_header_bytes; /* the image's end itself is too far away to name */

static _Alignas(PAGE_SIZE) uint64_t table_pool[TABLE_POOL][512];
static unsigned table_pool_used;
static unsigned device_slot_next = FIXED_SLOT_DEVICE;

_Static_assert(CPUS_MAX *STACK_SLOT_BYTES <= STACK_TABLES * BLOCK_BYTES, "all stacks are mapped");
_Static_assert(FIXED_SLOT_STACKS + STACK_TABLES <= FIXED_SLOT_TREE,
	       "stacks have slots of their own");

uint64_t mmu_image_bytes(void)
{
	return image_header_bytes;
}

static uint64_t table_entry(const void *table)
{
	return arch_virt_to_phys(table) | PTE_VALID | PTE_TABLE;
}

static uint64_t *table_new(void)
{
	if (table_pool_used == TABLE_POOL)
		panic("the memory layout needs more than %u kernel page tables", TABLE_POOL);
	return table_pool[table_pool_used++];
}

/* The pool's tables lie in the image. */
static uint64_t *table_below(uint64_t *entry)
{
	if ((*entry & PTE_VALID) == 0)
		*entry = table_entry(table_new());
	else if ((*entry & PTE_TABLE) == 0)
		panic("memory regions overlap in the kernel window");
	return (uint64_t *)((*entry & PTE_ADDRESS_MASK) - mmu_image_paddr() + KERNEL_IMAGE);
}

/* One entry of the largest size that fits at pa; returns its size. */
static uint64_t window_map_one(uint64_t pa, uint64_t end)
{
	uint64_t va = KERNEL_WINDOW + pa;
	uint64_t *entry = &kernel_l1[INDEX(va, L1_SHIFT)];
	uint64_t bytes = 1ull << L1_SHIFT;

	if ((pa & (bytes - 1)) == 0 && end - pa >= bytes && (*entry & PTE_VALID) == 0) {
		*entry = pa | PTE_KERNEL_DATA;
		return bytes;
	}
	entry = &table_below(entry)[INDEX(va, L2_SHIFT)];
	bytes = BLOCK_BYTES;
	if ((pa & (bytes - 1)) == 0 && end - pa >= bytes && (*entry & PTE_VALID) == 0) {
		*entry = pa | PTE_KERNEL_DATA;
		return bytes;
	}
	entry = &table_below(entry)[INDEX(va, L3_SHIFT)];
	*entry = pa | PTE_KERNEL_DATA | PTE_TABLE;
	return PAGE_SIZE;
}

static void window_map(uint64_t start, uint64_t end)
{
	while (start < end)
		start += window_map_one(start, end);
}

void mmu_map_window(const struct platform *platform)
{
	uint64_t hole_start = mmu_image_paddr();
	uint64_t hole_end = hole_start + (uint64_t)(rodata_end - image_start);

	for (uint32_t i = 0; i < platform->memory_count; i++) {
		uint64_t start = platform->memory[i].base;
		uint64_t end = start + platform->memory[i].size_bytes;

		start = (start + PAGE_SIZE - 1) & ~(uint64_t)(PAGE_SIZE - 1);
		if (end > KERNEL_WINDOW_BYTES) {
			kprintf("memory above %lx is not used\n",
				(unsigned long)KERNEL_WINDOW_BYTES);
			end = KERNEL_WINDOW_BYTES;
		}
		end &= ~(uint64_t)(PAGE_SIZE - 1);
		if (start < hole_end && hole_start < end) {
			window_map(start, hole_start);
			window_map(hole_end, end);
		} else {
			window_map(start, end);
		}
	}
	arch_pte_publish();
}

static uint64_t fixed_address(unsigned slot)
{
	return KERNEL_FIXED + slot * BLOCK_BYTES;
}

volatile uint8_t *mmu_map_device(uint64_t paddr, uint64_t size_bytes)
{
	uint64_t block = paddr & ~(BLOCK_BYTES - 1);
	uint64_t end = paddr + size_bytes;
	uint64_t offset = paddr - block;
	unsigned first = device_slot_next;

	if (end < paddr || end > PTE_ADDRESS_MASK)
		panic("a device at %lx is out of reach", (unsigned long)paddr);
	for (; block < end; block += BLOCK_BYTES) {
		if (device_slot_next == FIXED_SLOTS)
			panic("no room to map the device at %lx", (unsigned long)paddr);
		fixed_l2[device_slot_next++] = block | PTE_KERNEL_DEVICE;
	}
	arch_pte_publish();
	return (volatile uint8_t *)(fixed_address(first) + offset);
}

const void *mmu_map_tree(uint64_t paddr, size_t *bytes_max)
{
	uint64_t block = paddr & ~(BLOCK_BYTES - 1);

	/* The boot protocol: 8-byte aligned, and not across a 2 MiB boundary. */
	if (paddr == 0 || (paddr & 7) != 0 || paddr > PTE_ADDRESS_MASK)
		return NULL;
	fixed_l2[FIXED_SLOT_TREE] = block | PTE_KERNEL_RODATA;
	arch_pte_publish();
	*bytes_max = BLOCK_BYTES - (paddr - block);
	return (const void *)(fixed_address(FIXED_SLOT_TREE) + (paddr - block));
}

void mmu_unmap_tree(void)
{
	fixed_l2[FIXED_SLOT_TREE] = 0;
	barrier_dsb(ishst);
	__asm__ volatile("tlbi vmalle1is" : : : "memory");
	barrier_dsb(ish);
	barrier_isb();
}

uint64_t mmu_map_stack(unsigned cpu)
{
	uint64_t offset = cpu * (uint64_t)STACK_SLOT_BYTES;
	uint64_t bytes = STACK_SLOT_BYTES - STACK_GUARD_BYTES;
	uint64_t paddr;

	if (memmap_take(&memmap, bytes, PAGE_SIZE, &paddr) != ERR_OK)
		panic("no memory for the stack of CPU %u", cpu);
	for (unsigned i = 0; i < STACK_TABLES; i++)
		fixed_l2[FIXED_SLOT_STACKS + i] = table_entry(&stacks_l3[512 * i]);
	for (uint64_t i = 0; i < bytes; i += PAGE_SIZE)
		stacks_l3[(offset + STACK_GUARD_BYTES + i) / PAGE_SIZE] = (paddr + i) |
									  PTE_KERNEL_DATA |
									  PTE_TABLE;
	arch_pte_publish();
	return fixed_address(FIXED_SLOT_STACKS) + offset + STACK_TOP_OFFSET;
}
