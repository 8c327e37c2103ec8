/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods of VSpace, page table and frame capabilities. */
#include <kern/frame.h>
#include <kern/invocation.h>
#include <kern/mapping.h>
#include <kern/page_table.h>
#include <kern/vspace.h>

/* A VSpace given as argument, with the right to change it. */
static enum error decode_vspace(struct invocation *inv, cptr_t cptr)
{
	enum error error = cap_lookup_type(inv->caller, cptr, OBJ_VSPACE, RIGHT_CONTROL,
					   &inv->arg_cap);

	if (error == ERR_OK)
		inv->object = (struct vspace *)(uintptr_t)inv->arg_cap.object;
	return error;
}

/* ---- VSPACE ---------------------------------------------------------------------------------- */

static enum invoke_step invoke_vspace_info(struct invocation *inv)
{
	struct vspace *vspace = (struct vspace *)(uintptr_t)inv->cap.object;

	spin_lock(&vspace->lock);
	inv->results[0] = vspace->asid;
	inv->results[1] = vspace->pages_mapped;
	inv->result_words = 2;
	spin_unlock(&vspace->lock);
	return STEP_DONE;
}

static const struct method_entry vspace_table[] = {
	{METHOD_VSPACE_INFO, 0, 0, 0, decode_nothing, invoke_vspace_info},
};

const struct method_table vspace_methods = {vspace_table,
					    sizeof(vspace_table) / sizeof(vspace_table[0])};

/* ---- UNMAP, of both kinds ------------------------------------------------------------------------- */

static enum error decode_unmap(struct invocation *inv)
{
	return mapping_exists(inv->slot) ? ERR_OK : ERR_NOT_MAPPED;
}

static enum invoke_step invoke_unmap(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	mapping_remove(inv->slot);
	return STEP_DONE;
}

/* ---- PAGE_TABLE ------------------------------------------------------------------------------ */

static enum error decode_table_map(struct invocation *inv)
{
	enum error error;

	if (mapping_exists(inv->slot))
		return ERR_MAPPED;
	error = decode_vspace(inv, inv->args[0]);
	if (error != ERR_OK)
		return error;
	if (!vspace_range_ok(inv->args[1], 1))
		return ERR_RANGE;
	/* Tables change under the derivation lock only, so what is found here stays. */
	inv->level = vspace_missing_table(inv->object, inv->args[1], &inv->entry);
	return inv->level != 0 ? ERR_OK : ERR_MAPPED;
}

static enum invoke_step invoke_table_map(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	page_table_map(inv->slot, inv->object, inv->args[1], inv->level, inv->entry);
	inv->results[0] = inv->level;
	inv->result_words = 1;
	return STEP_DONE;
}

static const struct method_entry table_table[] = {
	{METHOD_PAGE_TABLE_MAP, RIGHT_CONTROL, METHOD_LOCKED, 2, decode_table_map,
	 invoke_table_map},
	{METHOD_PAGE_TABLE_UNMAP, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_unmap, invoke_unmap},
};

const struct method_table page_table_methods = {table_table,
						sizeof(table_table) / sizeof(table_table[0])};

/* ---- FRAME ----------------------------------------------------------------------------------- */

static enum error decode_map_flags(struct invocation *inv)
{
	uint64_t flags = inv->args[2];
	unsigned rights = 0;

	if ((flags & ~(uint64_t)(MAP_READ | MAP_WRITE | MAP_EXECUTE | MAP_DEVICE)) != 0)
		return ERR_ARG;
	if ((flags & MAP_READ) == 0 ||
	    (flags & (MAP_WRITE | MAP_EXECUTE)) == (MAP_WRITE | MAP_EXECUTE))
		return ERR_ARG;
	if ((inv->slot->flags & FRAME_CAP_DEVICE) != 0) {
		if ((flags & MAP_EXECUTE) != 0)
			return ERR_ARG;
		inv->args[2] |= MAP_DEVICE;
	} else if ((flags & MAP_DEVICE) != 0) {
		return ERR_ARG;
	}
	rights |= RIGHT_READ;
	rights |= (flags & MAP_WRITE) != 0 ? RIGHT_WRITE : 0u;
	rights |= (flags & MAP_EXECUTE) != 0 ? RIGHT_EXECUTE : 0u;
	return (inv->slot->rights & rights) == rights ? ERR_OK : ERR_CAP_RIGHTS;
}

/* The entry for a new mapping, or the one that this capability has at the same place. */
static enum error decode_map_entry(struct invocation *inv)
{
	const struct vspace *vspace = inv->object;
	bool mapped = mapping_exists(inv->slot);
	unsigned missing = 0;

	if (mapped && (inv->slot->aux != vspace_name(vspace) || inv->slot->badge != inv->args[1]))
		return ERR_MAPPED;
	inv->entry = vspace_entry(vspace, inv->args[1], frame_level(inv->type), &missing);
	if (inv->entry == NULL && missing != 0) {
		inv->results[0] = missing;
		inv->result_words = 1;
		return ERR_NO_TABLE;
	}
	if (inv->entry == NULL || (arch_pte_is_valid(*inv->entry) && !mapped))
		return ERR_MAPPED;
	return ERR_OK;
}

static enum error decode_map(struct invocation *inv)
{
	enum error error = decode_vspace(inv, inv->args[0]);
	uint64_t bytes;

	if (error != ERR_OK)
		return error;
	inv->type = (enum object_type)inv->slot->type;
	bytes = 1ull << frame_bits(inv->type);
	if ((inv->args[1] & (bytes - 1)) != 0)
		return ERR_ALIGN;
	if (!vspace_range_ok(inv->args[1], bytes))
		return ERR_RANGE;
	error = decode_map_flags(inv);
	return error == ERR_OK ? decode_map_entry(inv) : error;
}

/* Code was written through data mappings: instruction fetch must see it. */
static enum invoke_step invoke_map(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	uint32_t flags = (uint32_t)inv->args[2];

	if ((flags & MAP_EXECUTE) != 0)
		arch_code_publish(arch_phys_to_virt(inv->slot->object),
				  (size_t)1 << frame_bits(inv->type));
	frame_map(inv->slot, inv->object, inv->args[1], flags, inv->entry);
	return STEP_DONE;
}

static enum invoke_step invoke_frame_info(struct invocation *inv)
{
	bool mapped = mapping_exists(inv->slot);

	inv->results[0] = inv->slot->object;
	inv->results[1] = frame_bits((enum object_type)inv->slot->type);
	inv->results[2] = mapped ? inv->slot->badge : 0;
	inv->result_words = 3;
	return STEP_DONE;
}

static const struct method_entry frame_table[] = {
	{METHOD_FRAME_MAP, 0, METHOD_LOCKED, 3, decode_map, invoke_map},
	{METHOD_FRAME_UNMAP, 0, METHOD_LOCKED, 0, decode_unmap, invoke_unmap},
	{METHOD_FRAME_INFO, 0, METHOD_LOCKED, 0, decode_nothing, invoke_frame_info},
};

const struct method_table frame_methods = {frame_table,
					   sizeof(frame_table) / sizeof(frame_table[0])};
