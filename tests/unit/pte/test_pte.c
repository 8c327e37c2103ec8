/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries against the architecture manual's bit positions, written out here again rather than taken
 * from the kernel's header.
 */
#include <abi/bootinfo.h>
#include <abi/object.h>
#include <criterion/criterion.h>
#include <kern/arch_if.h>

#define BIT(n)      (UINT64_C(1) << (n))
#define VALID       BIT(0)
#define TABLE       BIT(1)
#define USER        BIT(6)
#define READ_ONLY   BIT(7)
#define SHARE(pte)  (((pte) >> 8) & 3)
#define ACCESSED    BIT(10)
#define NOT_GLOBAL  BIT(11)
#define PXN         BIT(53)
#define UXN         BIT(54)
#define ATTR(pte)   (((pte) >> 2) & 7)
#define ADDRESS     UINT64_C(0x0000fffffffff000)
#define FLAGS_COUNT 16u

Test(pte, leaf_has_its_address_and_the_constant_bits)
{
	for (uint32_t flags = 0; flags < FLAGS_COUNT; flags++) {
		uint64_t pte = arch_pte_leaf(0x0000123456789000, 3, flags);

		cr_assert_eq(pte & ADDRESS, 0x0000123456789000);
		cr_assert_eq(pte & (VALID | TABLE), VALID | TABLE, "a page has both low bits");
		cr_assert(pte & ACCESSED);
		cr_assert(pte & NOT_GLOBAL, "user pages belong to one address space");
		cr_assert(pte & PXN, "the kernel never executes user pages");
		cr_assert_eq(arch_pte_paddr(pte), 0x0000123456789000);
	}
}

Test(pte, block_is_no_table)
{
	uint64_t pte = arch_pte_leaf(0x40200000, 2, MAP_READ | MAP_WRITE);

	cr_assert_eq(pte & (VALID | TABLE), VALID);
	cr_assert(arch_pte_is_valid(pte));
	cr_assert_not(arch_pte_is_table(pte, 2));
	cr_assert_eq(arch_pte_paddr(pte), 0x40200000);
}

Test(pte, table_is_told_from_page_by_level)
{
	uint64_t table = arch_pte_table(0x40201000);
	uint64_t page = arch_pte_leaf(0x40201000, 3, MAP_READ);

	cr_assert(arch_pte_is_table(table, 1));
	cr_assert(arch_pte_is_table(table, 2));
	cr_assert_not(arch_pte_is_table(page, 3));
	cr_assert_eq(arch_pte_paddr(table), 0x40201000);
	cr_assert_not(arch_pte_is_valid(0));
	cr_assert_not(arch_pte_is_table(0, 1));
}

Test(pte, protection_follows_the_flags)
{
	for (uint32_t flags = 0; flags < FLAGS_COUNT; flags++) {
		uint64_t pte = arch_pte_leaf(0x1000, 3, flags);
		bool access = (flags & (MAP_READ | MAP_WRITE | MAP_EXECUTE)) != 0;
		bool writable = (pte & READ_ONLY) == 0;
		bool executable = (pte & UXN) == 0;

		cr_assert_eq((pte & USER) != 0, access, "flags %u", flags);
		cr_assert_eq(writable, (flags & MAP_WRITE) != 0, "flags %u", flags);
		cr_assert_not(writable && executable, "flags %u", flags);
		if (executable)
			cr_assert(flags & MAP_EXECUTE, "flags %u", flags);
	}
	cr_assert_not(arch_pte_leaf(0, 3, MAP_READ | MAP_EXECUTE) & UXN);
}

Test(pte, device_memory_is_strongly_ordered_and_never_executable)
{
	uint64_t device = arch_pte_leaf(0x09000000, 3, MAP_READ | MAP_WRITE | MAP_DEVICE);
	uint64_t normal = arch_pte_leaf(0x40000000, 3, MAP_READ | MAP_WRITE);

	cr_assert_eq(ATTR(device), 0);
	cr_assert_eq(ATTR(normal), 2);
	cr_assert_eq(SHARE(normal), 3);
	cr_assert(arch_pte_leaf(0, 3, MAP_READ | MAP_EXECUTE | MAP_DEVICE) & UXN);
}

Test(pte, index_splits_39_bits)
{
	for (uint64_t vaddr = PAGE_SIZE; vaddr < USER_VADDR_MAX; vaddr = vaddr * 3 + PAGE_SIZE) {
		uint64_t page = vaddr & ~(uint64_t)(PAGE_SIZE - 1);
		uint64_t joined = 0;

		for (unsigned level = ARCH_PT_ROOT_LEVEL; level <= ARCH_PT_LAST_LEVEL; level++) {
			cr_assert_lt(arch_pte_index(vaddr, level), ARCH_PT_ENTRIES);
			joined = joined << 9 | arch_pte_index(vaddr, level);
		}
		cr_assert_eq(joined << PAGE_BITS, page);
	}
	cr_assert_eq(arch_pte_index(LARGE_PAGE_SIZE, ARCH_PT_LARGE_LEVEL), 1);
}
