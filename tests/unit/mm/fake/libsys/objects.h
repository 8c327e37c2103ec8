/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel calls that mm makes, as functions of a simulated kernel: fake_kernel.c. */
#pragma once

#include <abi/error.h>
#include <abi/object.h>
#include <abi/rights.h>
#include <abi/types.h>
#include <libsys/ipc.h>

enum error untyped_retype(cptr_t untyped, enum object_type type, unsigned size_bits, unsigned count,
			  cptr_t cnode, cptr_t first_slot);
enum error cnode_copy(cptr_t cnode, cptr_t dest, unsigned rights, cptr_t source_cnode,
		      cptr_t source);
enum error cnode_mint(cptr_t cnode, cptr_t dest, unsigned rights, cptr_t source_cnode,
		      cptr_t source, word_t badge);
enum error cnode_delete(cptr_t cnode, cptr_t slot);
enum error cnode_revoke(cptr_t cnode, cptr_t slot);
enum error page_table_map(cptr_t table, cptr_t vspace, word_t vaddr, unsigned *level);
enum error page_table_unmap(cptr_t table);
enum error frame_map(cptr_t frame, cptr_t vspace, word_t vaddr, unsigned flags, unsigned *missing);
enum error frame_unmap(cptr_t frame);
