/* SPDX-License-Identifier: BSD-2-Clause */
#include <abi/bootinfo.h>

#include "untyped.h"

#include <libsys/objects.h>
#include <mm/protocol.h>

#include "log.h"
#include "own.h"

#define PIECES_MAX      8192u
#define GIVE_SPLIT_BITS 23u /* larger ones are split rather than kept */

struct piece {
	uint32_t slot;
	uint32_t next; /* number of the next piece + 1 */
};

static struct {
	uint32_t free_head[UNTYPED_BITS_MAX + 1]; /* number of a piece + 1 */
	uint32_t spare;                           /* unused entries of piece[] */
	uint32_t piece_count;
	struct piece piece[PIECES_MAX];
	uint64_t bytes_total;
	uint64_t bytes_free;
	cptr_t slot_next;
} pool;

cptr_t own_slot_new(void)
{
	if (pool.slot_next == OWN_ALLOC_END)
		proc_panic("taking a capability slot", ERR_NO_MEMORY);
	return pool.slot_next++;
}

cptr_t own_slots_reserve(uint32_t count)
{
	const cptr_t first = pool.slot_next;

	if (OWN_ALLOC_END - first < count)
		proc_panic("reserving capability slots", ERR_NO_MEMORY);
	pool.slot_next += count;
	return first;
}

void untyped_free(unsigned bits, cptr_t slot)
{
	uint32_t n = pool.spare;

	if (n != 0)
		pool.spare = pool.piece[n - 1].next;
	else if (pool.piece_count < PIECES_MAX)
		n = ++pool.piece_count;
	else
		return; /* the memory is lost until the machine ends */
	pool.piece[n - 1] = (struct piece){(uint32_t)slot, pool.free_head[bits]};
	pool.free_head[bits] = n;
	pool.bytes_free += 1ull << bits;
}

static bool piece_pop(unsigned bits, cptr_t *slot)
{
	uint32_t n = pool.free_head[bits];

	if (n == 0)
		return false;
	*slot = pool.piece[n - 1].slot;
	pool.free_head[bits] = pool.piece[n - 1].next;
	pool.piece[n - 1].next = pool.spare;
	pool.spare = n;
	pool.bytes_free -= 1ull << bits;
	return true;
}

/* One of 2^bits becomes two of half the size; one of them is in *slot, the other one free. */
static void piece_split(unsigned bits, cptr_t *slot)
{
	cptr_t first = own_slot_new();
	cptr_t second = own_slot_new();

	must(untyped_retype(*slot, OBJ_UNTYPED, bits - 1, 2, 0, first), "splitting memory");
	untyped_free(bits - 1, second);
	*slot = first;
}

enum error untyped_alloc(unsigned bits, cptr_t *slot)
{
	unsigned from = bits < UNTYPED_BITS_MIN ? UNTYPED_BITS_MIN : bits;

	bits = from;
	while (from <= UNTYPED_BITS_MAX && !piece_pop(from, slot))
		from++;
	if (from > UNTYPED_BITS_MAX)
		return ERR_NO_MEMORY;
	for (; from > bits; from--)
		piece_split(from, slot);
	return ERR_OK;
}

uint64_t untyped_bytes_total(void)
{
	return pool.bytes_total;
}

uint64_t untyped_bytes_free(void)
{
	return pool.bytes_free;
}

void untyped_init(const struct bootinfo *info)
{
	pool.slot_next = OWN_ALLOC_FIRST;
	for (uint32_t i = 0; i < info->untyped_count; i++) {
		if ((info->untyped[i].flags & (UNTYPED_DEVICE | UNTYPED_PRESERVED)) != 0)
			continue;
		untyped_free(info->untyped[i].size_bits, BOOT_SLOT_UNTYPED_FIRST + (cptr_t)i);
		pool.bytes_total += 1ull << info->untyped[i].size_bits;
	}
}

static void give(struct mm_start *start, unsigned bits, cptr_t slot)
{
	must(cnode_move(OWN_MM_CNODE, MM_SLOT_UNTYPED_FIRST + start->untyped_count, 0, slot),
	     "giving memory to mm");
	start->untyped[start->untyped_count++].size_bits = bits;
}

void untyped_give_to_mm(uint64_t keep, struct mm_start *start)
{
	for (unsigned bits = UNTYPED_BITS_MAX; bits > GIVE_SPLIT_BITS - 2; bits--) {
		cptr_t slot;

		while (start->untyped_count < MM_UNTYPED_MAX && piece_pop(bits, &slot)) {
			if (pool.bytes_free >= keep) {
				give(start, bits, slot);
				continue;
			}
			if (bits >= GIVE_SPLIT_BITS) {
				piece_split(bits, &slot);
				untyped_free(bits - 1, slot);
				continue;
			}
			untyped_free(bits, slot);
			return;
		}
	}
}
