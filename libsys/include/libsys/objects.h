/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel objects: one function for each method of <abi/object.h>.  Every function is one system
 * call; it returns the kernel's error (see docs/abi/error.md for what each means), results through
 * pointers, which are written on success only unless it says otherwise.
 *
 * The first argument is the capability that is invoked; it is never 0.  A further CNode argument of 0
 * means the caller's own root CNode.
 */
#pragma once

#include <abi/object.h>
#include <abi/rights.h>

#include <libsys/ipc.h>

/* Any method with up to four words; @m gets the results. */
MUST_CHECK static inline enum error object_invoke(cptr_t object, enum method method,
						  unsigned length, struct msg *m)
{
	m->info = msg_info(method, length, 0);
	return sys_call(object, m);
}

/* --- Untyped --- */

/* Create @count objects in consecutive empty slots.  @size_bits: untyped size, or CNode radix. */
MUST_CHECK static inline enum error untyped_retype(cptr_t untyped, enum object_type type,
						   unsigned size_bits, unsigned count, cptr_t cnode,
						   cptr_t first_slot)
{
	struct msg m = {.w = {(word_t)type | (word_t)size_bits << 8 | (word_t)count << 16, cnode,
			      first_slot}};

	return object_invoke(untyped, METHOD_UNTYPED_RETYPE, 3, &m);
}

MUST_CHECK static inline enum error untyped_info(cptr_t untyped, uint64_t *paddr,
						 word_t *bits_flags, uint64_t *free_bytes)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(untyped, METHOD_UNTYPED_INFO, 0, &m);

	if (error == ERR_OK) {
		*paddr = (uint64_t)(m.w[0]);
		*bits_flags = (word_t)(m.w[1]);
		*free_bytes = (uint64_t)(m.w[2]);
	}
	return error;
}

/* --- CNode --- */

MUST_CHECK static inline enum error cnode_copy(cptr_t cnode, cptr_t dest, unsigned rights,
					       cptr_t source_cnode, cptr_t source)
{
	struct msg m = {.w = {dest | (word_t)rights << 32, source_cnode, source}};

	return object_invoke(cnode, METHOD_CNODE_COPY, 3, &m);
}

MUST_CHECK static inline enum error cnode_mint(cptr_t cnode, cptr_t dest, unsigned rights,
					       cptr_t source_cnode, cptr_t source, word_t badge)
{
	struct msg m = {.w = {dest | (word_t)rights << 32, source_cnode, source, badge}};

	return object_invoke(cnode, METHOD_CNODE_MINT, 4, &m);
}

MUST_CHECK static inline enum error cnode_move(cptr_t cnode, cptr_t dest, cptr_t source_cnode,
					       cptr_t source)
{
	struct msg m = {.w = {dest, source_cnode, source}};

	return object_invoke(cnode, METHOD_CNODE_MOVE, 3, &m);
}

MUST_CHECK static inline enum error cnode_delete(cptr_t cnode, cptr_t slot)
{
	struct msg m = {.w = {slot}};

	return object_invoke(cnode, METHOD_CNODE_DELETE, 1, &m);
}

/* One bounded piece of a revoke: ERR_BUSY means there is more. */
MUST_CHECK static inline enum error cnode_revoke_once(cptr_t cnode, cptr_t slot)
{
	struct msg m = {.w = {slot}};

	return object_invoke(cnode, METHOD_CNODE_REVOKE, 1, &m);
}

/* Delete all descendants of a capability. */
MUST_CHECK static inline enum error cnode_revoke(cptr_t cnode, cptr_t slot)
{
	enum error error;

	do
		error = cnode_revoke_once(cnode, slot);
	while (error == ERR_BUSY);
	return error;
}

/* --- TCB --- */

MUST_CHECK static inline enum error tcb_configure(cptr_t tcb, cptr_t cspace, cptr_t vspace,
						  cptr_t ipc_frame, word_t ipc_vaddr)
{
	struct msg m = {.w = {cspace, vspace, ipc_frame, ipc_vaddr}};

	return object_invoke(tcb, METHOD_TCB_CONFIGURE, 4, &m);
}

MUST_CHECK static inline enum error tcb_set_fault(cptr_t tcb, cptr_t pager, cptr_t exception)
{
	struct msg m = {.w = {pager, exception}};

	return object_invoke(tcb, METHOD_TCB_SET_FAULT, 2, &m);
}

/* Set the first registers of a stopped thread; tcb_resume() then runs it. */
MUST_CHECK static inline enum error tcb_start(cptr_t tcb, word_t pc, word_t sp, word_t x0,
					      word_t tls)
{
	struct msg m = {.w = {pc, sp, x0, tls}};

	return object_invoke(tcb, METHOD_TCB_START, 4, &m);
}

/* Set all user registers of a stopped thread. */
MUST_CHECK static inline enum error tcb_write_regs(cptr_t tcb, const struct tcb_regs *regs)
{
	const unsigned words = sizeof(*regs) / sizeof(word_t);
	struct msg m = msg_make(METHOD_TCB_WRITE_REGS, words);

	for (unsigned i = 0; i < words; i++)
		msg_word_set(&m, i, ((const word_t *)regs)[i]);
	return sys_call(tcb, &m);
}

/* Read all user registers of a stopped or blocked thread. */
MUST_CHECK static inline enum error tcb_read_regs(cptr_t tcb, struct tcb_regs *regs)
{
	struct msg m = msg_make(METHOD_TCB_READ_REGS, 0);
	enum error error = sys_call(tcb, &m);

	if (error == ERR_OK)
		for (unsigned i = 0; i < sizeof(*regs) / sizeof(word_t); i++)
			((word_t *)regs)[i] = msg_word(&m, i);
	return error;
}

MUST_CHECK static inline enum error tcb_resume(cptr_t tcb)
{
	struct msg m = {.w = {0}};

	return object_invoke(tcb, METHOD_TCB_RESUME, 0, &m);
}

/* Synchronous: not one more instruction of the thread runs after return. */
MUST_CHECK static inline enum error tcb_suspend(cptr_t tcb)
{
	struct msg m = {.w = {0}};

	return object_invoke(tcb, METHOD_TCB_SUSPEND, 0, &m);
}

MUST_CHECK static inline enum error tcb_bind_notification(cptr_t tcb, cptr_t notification)
{
	struct msg m = {.w = {notification}};

	return object_invoke(tcb, METHOD_TCB_BIND_NOTIFICATION, 1, &m);
}

MUST_CHECK static inline enum error tcb_unbind_notification(cptr_t tcb)
{
	struct msg m = {.w = {0}};

	return object_invoke(tcb, METHOD_TCB_UNBIND_NOTIFICATION, 0, &m);
}

MUST_CHECK static inline enum error tcb_set_flags(cptr_t tcb, word_t set, word_t clear)
{
	struct msg m = {.w = {set, clear}};

	return object_invoke(tcb, METHOD_TCB_SET_FLAGS, 2, &m);
}

struct tcb_info {
	unsigned state; /* enum thread_state */
	unsigned home;
	unsigned flags;
	word_t tag;
	time_ns_t cpu_ns;
	word_t seq;
};

MUST_CHECK static inline enum error tcb_info(cptr_t tcb, struct tcb_info *info)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(tcb, METHOD_TCB_INFO, 0, &m);

	if (error == ERR_OK)
		*info = (struct tcb_info){.state = (unsigned)(m.w[0] & 0xff),
					  .home = (unsigned)(m.w[0] >> 8) & 0xffffff,
					  .flags = (unsigned)(m.w[0] >> 32),
					  .tag = m.w[1],
					  .cpu_ns = m.w[2],
					  .seq = m.w[3]};
	return error;
}

MUST_CHECK static inline enum error tcb_set_tag(cptr_t tcb, word_t tag)
{
	struct msg m = {.w = {tag}};

	return object_invoke(tcb, METHOD_TCB_SET_TAG, 1, &m);
}

MUST_CHECK static inline enum error tcb_set_key(cptr_t tcb, word_t key)
{
	struct msg m = {.w = {key}};

	return object_invoke(tcb, METHOD_TCB_SET_KEY, 1, &m);
}

MUST_CHECK static inline enum error tcb_set_home(cptr_t tcb, cptr_t core)
{
	struct msg m = {.w = {core}};

	return object_invoke(tcb, METHOD_TCB_SET_HOME, 1, &m);
}

/* Answer the request that the thread is blocked in; @answer is positive, as everywhere in C. */
MUST_CHECK static inline enum error tcb_answer(cptr_t tcb, enum error answer, word_t w1, word_t w2,
					       word_t w3)
{
	struct msg m = {.w = {(word_t)answer, w1, w2, w3}};

	return object_invoke(tcb, METHOD_TCB_ANSWER, 4, &m);
}

/* --- Address spaces and memory --- */

MUST_CHECK static inline enum error vspace_info(cptr_t vspace, word_t *asid, word_t *pages)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(vspace, METHOD_VSPACE_INFO, 0, &m);

	if (error == ERR_OK) {
		*asid = (word_t)(m.w[0]);
		*pages = (word_t)(m.w[1]);
	}
	return error;
}

/* Install a table at the first missing level of @vaddr; *@level is the level it was put at. */
MUST_CHECK static inline enum error page_table_map(cptr_t table, cptr_t vspace, word_t vaddr,
						   unsigned *level)
{
	struct msg m = {.w = {vspace, vaddr}};
	enum error error = object_invoke(table, METHOD_PAGE_TABLE_MAP, 2, &m);

	*level = (unsigned)m.w[0];
	return error;
}

MUST_CHECK static inline enum error page_table_unmap(cptr_t table)
{
	struct msg m = {.w = {0}};

	return object_invoke(table, METHOD_PAGE_TABLE_UNMAP, 0, &m);
}

/* ERR_NO_TABLE: *@missing (may be NULL) is the level of the table that is missing. */
MUST_CHECK static inline enum error frame_map(cptr_t frame, cptr_t vspace, word_t vaddr,
					      unsigned flags, unsigned *missing)
{
	struct msg m = {.w = {vspace, vaddr, flags}};
	enum error error = object_invoke(frame, METHOD_FRAME_MAP, 3, &m);

	if (missing)
		*missing = (unsigned)m.w[0];
	return error;
}

MUST_CHECK static inline enum error frame_unmap(cptr_t frame)
{
	struct msg m = {.w = {0}};

	return object_invoke(frame, METHOD_FRAME_UNMAP, 0, &m);
}

MUST_CHECK static inline enum error frame_info(cptr_t frame, uint64_t *paddr, unsigned *size_bits,
					       word_t *vaddr)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(frame, METHOD_FRAME_INFO, 0, &m);

	if (error == ERR_OK) {
		*paddr = (uint64_t)(m.w[0]);
		*size_bits = (unsigned)(m.w[1]);
		*vaddr = (word_t)(m.w[2]);
	}
	return error;
}

/* --- Interrupts --- */

MUST_CHECK static inline enum error irq_control_get(cptr_t control, word_t irq, cptr_t cnode,
						    cptr_t slot, word_t cpu)
{
	struct msg m = {.w = {irq, cnode, slot, cpu}};

	return object_invoke(control, METHOD_IRQ_CONTROL_GET, 4, &m);
}

MUST_CHECK static inline enum error irq_handler_set_notification(cptr_t handler,
								 cptr_t notification)
{
	struct msg m = {.w = {notification}};

	return object_invoke(handler, METHOD_IRQ_HANDLER_SET_NOTIFICATION, 1, &m);
}

MUST_CHECK static inline enum error irq_handler_ack(cptr_t handler)
{
	struct msg m = {.w = {0}};

	return object_invoke(handler, METHOD_IRQ_HANDLER_ACK, 0, &m);
}

MUST_CHECK static inline enum error irq_handler_clear(cptr_t handler)
{
	struct msg m = {.w = {0}};

	return object_invoke(handler, METHOD_IRQ_HANDLER_CLEAR, 0, &m);
}

/* --- Cores and the machine --- */

/* @starvation_ns 0: no limit.  @notification, or 0, is signalled when the CPU enters fallback. */
MUST_CHECK static inline enum error core_bind(cptr_t core, cptr_t tcb, time_ns_t decision_ns_max,
					      time_ns_t starvation_ns, cptr_t notification)
{
	struct msg m = {.w = {tcb, decision_ns_max, starvation_ns, notification}};

	return object_invoke(core, METHOD_CORE_BIND, 4, &m);
}

MUST_CHECK static inline enum error core_unbind(cptr_t core)
{
	struct msg m = {.w = {0}};

	return object_invoke(core, METHOD_CORE_UNBIND, 0, &m);
}

MUST_CHECK static inline enum error core_port(cptr_t core, word_t badge, cptr_t cnode, cptr_t slot)
{
	struct msg m = {.w = {badge, cnode, slot}};

	return object_invoke(core, METHOD_CORE_PORT, 3, &m);
}

MUST_CHECK static inline enum error core_info(cptr_t core, unsigned *cpu, unsigned *flags,
					      unsigned *reason, word_t *fallbacks)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(core, METHOD_CORE_INFO, 0, &m);

	if (error == ERR_OK) {
		*cpu = (unsigned)(m.w[0]);
		*flags = (unsigned)(m.w[1]);
		*reason = (unsigned)(m.w[2]);
		*fallbacks = (word_t)(m.w[3]);
	}
	return error;
}

/* Counters of the Core's CPU since boot. */
MUST_CHECK static inline enum error core_stats(cptr_t core, struct core_stats *stats)
{
	struct msg m = msg_make(METHOD_CORE_STATS, 0);
	enum error error = sys_call(core, &m);

	if (error == ERR_OK)
		for (unsigned i = 0; i < sizeof(*stats) / sizeof(word_t); i++)
			((word_t *)stats)[i] = msg_word(&m, i);
	return error;
}

/* Write up to SYSTEM_DEBUG_BYTES to the kernel's console. */
#define SYSTEM_DEBUG_BYTES 504u

MUST_CHECK enum error system_debug_write(cptr_t system, const char *text, size_t bytes);

/* Ends the machine; returns only on failure. */
MUST_CHECK static inline enum error system_power_off(cptr_t system, word_t status)
{
	struct msg m = {.w = {status}};

	return object_invoke(system, METHOD_SYSTEM_POWER_OFF, 1, &m);
}

MUST_CHECK static inline enum error system_info(cptr_t system, unsigned *cpus, word_t *flags)
{
	struct msg m = {.w = {0}};
	enum error error = object_invoke(system, METHOD_SYSTEM_INFO, 0, &m);

	if (error == ERR_OK) {
		*cpus = (unsigned)(m.w[0]);
		*flags = (word_t)(m.w[2]);
	}
	return error;
}
