/* SPDX-License-Identifier: BSD-2-Clause */
/* What right each method needs on what is invoked, and on what it is given. */
#include "world.h"

#include <criterion/criterion.h>

enum {
	R_TCB = W_FREE,
	R_VSPACE,
	R_FRAME,
	R_ENDPOINT,
	R_NOTIFICATION,
	R_CNODE,
	R_TABLE,
	R_IRQ,
};

static void setup(void)
{
	world_reset();
	cr_assert_eq(retype(W_UNTYPED, OBJ_TCB, 0, 1, R_TCB), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_VSPACE, 0, 1, R_VSPACE), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_FRAME, 0, 1, R_FRAME), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_ENDPOINT, 0, 1, R_ENDPOINT), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_NOTIFICATION, 0, 1, R_NOTIFICATION), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_CNODE, 4, 1, R_CNODE), ERR_OK);
	cr_assert_eq(retype(W_UNTYPED, OBJ_PAGE_TABLE, 0, 1, R_TABLE), ERR_OK);
	cr_assert_eq(call(W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, 4, 40, 0, R_IRQ, 0), ERR_OK);
}

TestSuite(rights, .init = setup);

static const struct {
	cptr_t slot;
	enum method method;
	unsigned right;
} methods[] = {
	{R_CNODE, METHOD_CNODE_COPY, RIGHT_CONTROL},
	{R_CNODE, METHOD_CNODE_MINT, RIGHT_CONTROL},
	{R_CNODE, METHOD_CNODE_MOVE, RIGHT_CONTROL},
	{R_CNODE, METHOD_CNODE_DELETE, RIGHT_CONTROL},
	{R_CNODE, METHOD_CNODE_REVOKE, RIGHT_CONTROL},
	{W_CORE0, METHOD_CORE_BIND, RIGHT_CONTROL},
	{W_CORE0, METHOD_CORE_UNBIND, RIGHT_CONTROL},
	{W_CORE0, METHOD_CORE_PORT, RIGHT_CONTROL},
	{W_IRQ_CONTROL, METHOD_IRQ_CONTROL_GET, RIGHT_CONTROL},
	{R_IRQ, METHOD_IRQ_HANDLER_SET_NOTIFICATION, RIGHT_CONTROL},
	{R_IRQ, METHOD_IRQ_HANDLER_ACK, RIGHT_CONTROL},
	{R_IRQ, METHOD_IRQ_HANDLER_CLEAR, RIGHT_CONTROL},
	{W_SYSTEM, METHOD_SYSTEM_DEBUG_WRITE, RIGHT_WRITE},
	{W_SYSTEM, METHOD_SYSTEM_POWER_OFF, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_CONFIGURE, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_SET_FAULT, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_START, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_WRITE_REGS, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_READ_REGS, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_RESUME, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_SUSPEND, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_BIND_NOTIFICATION, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_UNBIND_NOTIFICATION, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_SET_FLAGS, RIGHT_CONTROL},
	{R_TCB, METHOD_TCB_SET_TAG, RIGHT_SCHEDULE},
	{R_TCB, METHOD_TCB_SET_KEY, RIGHT_SCHEDULE},
	{R_TCB, METHOD_TCB_SET_HOME, RIGHT_SCHEDULE},
	{R_TCB, METHOD_TCB_ANSWER, RIGHT_SCHEDULE},
	{W_UNTYPED, METHOD_UNTYPED_RETYPE, RIGHT_CONTROL},
	{R_TABLE, METHOD_PAGE_TABLE_MAP, RIGHT_CONTROL},
	{R_TABLE, METHOD_PAGE_TABLE_UNMAP, RIGHT_CONTROL},
};

/* Without arguments: what else is wrong is found out later. */
Test(rights, K_rights_each_method_needs_its_own)
{
	for (unsigned i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct cap_slot *slot = slot_of(methods[i].slot);

		slot->rights = RIGHT_ALL & ~methods[i].right;
		cr_assert_eq(call(methods[i].slot, methods[i].method, 0), ERR_CAP_RIGHTS, "row %u",
			     i);
		slot->rights = (uint8_t)methods[i].right;
		cr_assert_neq(call(methods[i].slot, methods[i].method, 0), ERR_CAP_RIGHTS, "row %u",
			      i);
		slot->rights = RIGHT_ALL;
	}
}

static const struct {
	cptr_t given;
	unsigned right;
	cptr_t slot;
	enum method method;
	word_t words[6]; /* the first: how many */
} arguments[] = {
	{R_CNODE,
	 RIGHT_CONTROL,
	 R_TCB,
	 METHOD_TCB_CONFIGURE,
	 {4, R_CNODE, R_VSPACE, R_FRAME, 0x30000}},
	{R_VSPACE, RIGHT_CONTROL, R_TCB, METHOD_TCB_CONFIGURE, {4, 0, R_VSPACE, R_FRAME, 0x30000}},
	{R_FRAME, RIGHT_READ, R_TCB, METHOD_TCB_CONFIGURE, {4, 0, R_VSPACE, R_FRAME, 0x30000}},
	{R_FRAME, RIGHT_WRITE, R_TCB, METHOD_TCB_CONFIGURE, {4, 0, R_VSPACE, R_FRAME, 0x30000}},
	{R_ENDPOINT, RIGHT_WRITE, R_TCB, METHOD_TCB_SET_FAULT, {2, R_ENDPOINT, 0}},
	{R_ENDPOINT, RIGHT_WRITE, R_TCB, METHOD_TCB_SET_FAULT, {2, 0, R_ENDPOINT}},
	{R_NOTIFICATION, RIGHT_READ, R_TCB, METHOD_TCB_BIND_NOTIFICATION, {1, R_NOTIFICATION}},
	{W_CORE1, RIGHT_CONTROL, R_TCB, METHOD_TCB_SET_HOME, {1, W_CORE1}},
	{R_TCB, RIGHT_CONTROL, W_CORE0, METHOD_CORE_BIND, {4, R_TCB, 1000, 0, 0}},
	{R_NOTIFICATION,
	 RIGHT_WRITE,
	 W_CORE0,
	 METHOD_CORE_BIND,
	 {4, R_TCB, 1000, 0, R_NOTIFICATION}},
	{R_NOTIFICATION,
	 RIGHT_WRITE,
	 R_IRQ,
	 METHOD_IRQ_HANDLER_SET_NOTIFICATION,
	 {1, R_NOTIFICATION}},
	{R_VSPACE, RIGHT_CONTROL, R_FRAME, METHOD_FRAME_MAP, {3, R_VSPACE, 0x40000, MAP_READ}},
	{R_VSPACE, RIGHT_CONTROL, R_TABLE, METHOD_PAGE_TABLE_MAP, {2, R_VSPACE, 0x40000}},
};

Test(rights, K_rights_each_argument_needs_its_own)
{
	for (unsigned i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
		struct cap_slot *given = slot_of(arguments[i].given);
		const word_t *words = arguments[i].words;

		given->rights = RIGHT_ALL & ~arguments[i].right;
		cr_assert_eq(call_words(arguments[i].slot, arguments[i].method, words),
			     ERR_CAP_RIGHTS, "row %u", i);
		given->rights = RIGHT_ALL;
		cr_assert_neq(call_words(arguments[i].slot, arguments[i].method, words),
			      ERR_CAP_RIGHTS, "row %u", i);
	}
}
