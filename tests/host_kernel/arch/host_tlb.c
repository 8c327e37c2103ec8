/* SPDX-License-Identifier: BSD-2-Clause */
/* The TLB of the fake machine: all CPUs share one, of unlimited patience and limited size. */
#include "host_arch.h"
#include "host_private.h"

#include <kern/vspace.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRIES 8192u

struct tlb_entry {
	uint64_t page; /* 0: free */
	paddr_t paddr;
	uint16_t asid;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct tlb_entry entries[ENTRIES];
static unsigned used;
static unsigned asid_count = 256;

void host_tlb_reset(unsigned asids)
{
	memset(entries, 0, sizeof(entries));
	used = 0;
	asid_count = asids;
}

unsigned arch_asid_count(void)
{
	return asid_count;
}

void arch_pte_publish(void)
{
	__atomic_add_fetch(&host_counters.pte_publishes, 1, __ATOMIC_SEQ_CST);
}

static void flush(uint16_t asid, uint64_t page, bool all)
{
	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < used; i++)
		if (entries[i].asid == asid && (all || entries[i].page == page))
			entries[i--] = entries[--used];
	pthread_mutex_unlock(&mutex);
}

void arch_tlb_flush_page(uint16_t asid, uint64_t vaddr)
{
	uint64_t large = vaddr & ~(uint64_t)(LARGE_PAGE_SIZE - 1);

	__atomic_add_fetch(&host_counters.tlb_page_flushes, 1, __ATOMIC_RELAXED);
	flush(asid, vaddr & ~(uint64_t)(PAGE_SIZE - 1), false);
	flush(asid, large | 1, false);
}

void arch_tlb_flush_asid(uint16_t asid)
{
	__atomic_add_fetch(&host_counters.tlb_asid_flushes, 1, __ATOMIC_RELAXED);
	flush(asid, 0, true);
}

static void remember(uint16_t asid, uint64_t page, paddr_t paddr)
{
	if (used == ENTRIES) {
		fprintf(stderr, "host TLB: full\n");
		abort();
	}
	entries[used++] = (struct tlb_entry){.page = page, .paddr = paddr, .asid = asid};
}

/* A large page is cached under its first address with bit 0 set. */
static bool walk(const struct vspace *vspace, uint64_t vaddr, paddr_t *base, uint64_t *page)
{
	paddr_t table = vspace->root;

	for (unsigned level = ARCH_PT_ROOT_LEVEL;; level++) {
		const uint64_t *at = (const uint64_t *)arch_phys_to_virt(table) +
				     arch_pte_index(vaddr, level);
		uint64_t pte = __atomic_load_n(at, __ATOMIC_RELAXED);

		if (!arch_pte_is_valid(pte))
			return false;
		if (arch_pte_is_table(pte, level)) {
			table = arch_pte_paddr(pte);
			continue;
		}
		*base = arch_pte_paddr(pte);
		*page = level == ARCH_PT_LAST_LEVEL
				? vaddr & ~(uint64_t)(PAGE_SIZE - 1)
				: (vaddr & ~(uint64_t)(LARGE_PAGE_SIZE - 1)) | 1;
		return true;
	}
}

bool host_tlb_touch(const struct vspace *vspace, uint64_t vaddr, paddr_t *paddr)
{
	uint64_t small = vaddr & ~(uint64_t)(PAGE_SIZE - 1);
	uint64_t large = vaddr & ~(uint64_t)(LARGE_PAGE_SIZE - 1);
	uint64_t page = 0;
	paddr_t base = 0;
	bool found = false;

	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < used && !found; i++)
		if (entries[i].asid == vspace->asid &&
		    (entries[i].page == small || entries[i].page == (large | 1))) {
			page = entries[i].page;
			base = entries[i].paddr;
			found = true;
		}
	if (!found && walk(vspace, vaddr, &base, &page)) {
		remember(vspace->asid, page, base);
		found = true;
	}
	pthread_mutex_unlock(&mutex);
	if (found && paddr != NULL)
		*paddr = base + (vaddr - (page & ~1ull));
	return found;
}

unsigned host_tlb_entries_to(paddr_t base, uint64_t bytes)
{
	unsigned count = 0;

	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < used; i++)
		count += entries[i].paddr - base < bytes;
	pthread_mutex_unlock(&mutex);
	return count;
}

unsigned host_tlb_entries_of(uint16_t asid)
{
	unsigned count = 0;

	pthread_mutex_lock(&mutex);
	for (unsigned i = 0; i < used; i++)
		count += entries[i].asid == asid;
	pthread_mutex_unlock(&mutex);
	return count;
}
