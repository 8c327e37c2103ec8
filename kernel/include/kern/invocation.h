/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of invocations (object/X_methods.c): what a method's functions see, and the tables.
 *
 * One run of a method: arguments are read again, the capability is looked up again, decode, invoke.
 * A method that answers AGAIN or WORK is run again from the start, so decode must accept the state
 * that invoke left.
 */
#pragma once

#include <abi/ipc.h>
#include <kern/cap.h>
#include <kern/derive.h>

struct core;
struct notification;
struct tcb;
struct vspace;

enum invoke_step {
	STEP_DONE,
	STEP_AGAIN, /* a bounded piece is done */
	STEP_WORK,  /* the same, and inv->work is to be done with no lock held */
	STEP_STALL, /* nothing can be done before others have run: restart the system call */
};

/* The most that a method returns: the registers of a thread. */
#define RESULT_WORDS_MAX (sizeof(struct tcb_regs) / sizeof(word_t))

struct invocation {
	struct tcb *caller;
	cptr_t cptr;
	struct cap cap;            /* what is invoked */
	struct cap_slot *slot;     /* its slot; METHOD_LOCKED only */
	struct ipc_buffer *buffer; /* of the caller, or NULL */

	/* In. */
	unsigned length;
	word_t args[MSG_REGS];

	/* Out: words, and how many.  A method with more than MSG_REGS asks for a buffer in decode. */
	word_t results[RESULT_WORDS_MAX];
	unsigned result_words;

	/* From decode to invoke. */
	struct cap arg_cap;        /* capability that is derived, or given as argument */
	struct cap_slot *src_slot; /* slots that it works on */
	struct cap_slot *dest_slot;
	void *object; /* object found by argument */
	uint64_t *entry;
	uint64_t size_bytes;
	uint64_t offset;
	unsigned bits;
	unsigned count;
	unsigned level;
	enum object_type type;
	bool wait_for_reap;

	/* Verdict of an operation of another module that checks and acts under a lock of its own; set
	 * by invoke, which then has changed nothing. */
	enum error error;

	/* Kept over the runs of one system call (not over a restart). */
	struct cap_work work;
	bool keep_going;   /* a restart would lose what the work achieved: run once more first */
	bool work_stalled; /* the work of the last run made no progress */
	uint64_t grace_version; /* untyped slot version that a grace period was waited for */
};

#define METHOD_LOCKED 1u /* decode and invoke under one hold of the derivation lock */

struct method_entry {
	uint16_t number;
	uint8_t rights; /* needed on the invoked capability */
	uint8_t flags;  /* METHOD_* */
	uint8_t words;  /* arguments */
	enum error (*decode)(struct invocation *inv);
	enum invoke_step (*invoke)(struct invocation *inv);
};

struct method_table {
	const struct method_entry *methods;
	unsigned count;
};

extern const struct method_table untyped_methods;
extern const struct method_table cnode_methods;
extern const struct method_table tcb_methods;
extern const struct method_table vspace_methods;
extern const struct method_table page_table_methods;
extern const struct method_table frame_methods;
extern const struct method_table irq_control_methods;
extern const struct method_table irq_handler_methods;
extern const struct method_table core_methods;
extern const struct method_table system_methods;

/* For methods that have nothing to check. */
enum error decode_nothing(struct invocation *inv);

/* A destination slot: exists and is empty.  Derivation lock. */
enum error must_check decode_dest(struct invocation *inv, cptr_t cnode, uint64_t index);

/* A slot of the caller's root CNode with a capability of this type and rights that may be copied. */
enum error must_check decode_source(const struct invocation *inv, cptr_t cptr,
				    enum object_type type, unsigned rights, struct cap_slot **slot)
	LOCK_REQUIRES(derivation_held);

/* Word of the message, from registers or the IPC buffer (the caller checked the length). */
word_t invocation_word(const struct invocation *inv, unsigned index);

/* Reap list as inv->work. */
enum invoke_step step_reap(struct invocation *inv);
