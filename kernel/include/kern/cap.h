/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Capability slots and their derivation tree.
 *
 * A slot is one cache line.  Readers on fast paths take no lock: they read version (must be even),
 * copy the fields, and read version again.  Writers hold the derivation lock and make version odd
 * while they change the slot.
 *
 *   writer                                    reader
 *   W1 version = odd      (relaxed)           R1 v = version          (acquire)
 *   W2 fence release                          R2 copy fields          (relaxed)
 *   W3 fields             (relaxed)           R3 fence acquire
 *   W4 version = even     (release)           R4 version == v ?       (relaxed)
 *
 * If R2 saw any store of W3 then R4 (after R3, pairing with W2) sees W1 or later and the reader
 * tries again.
 *
 * An object pointer taken from a snapshot stays valid memory until this CPU is next quiescent
 * (leaves the kernel, or acknowledges grace in a waiting loop): memory is reused only after a grace
 * period.  The object may be dying, which is checked under the object's lock.
 */
#pragma once

#include <abi/error.h>
#include <abi/object.h>
#include <abi/rights.h>
#include <abi/types.h>
#include <kern/lock_check.h>

#define must_check __attribute__((warn_unused_result))

struct cap_slot {
	/* Read by all without a lock (see above); written under the derivation lock. */
	uint64_t version; /* atomic */
	uint8_t type;     /* enum object_type */
	uint8_t rights;   /* enum right mask */
	uint8_t bits;     /* untyped: size_bits; cnode: radix */
	uint8_t flags;    /* untyped: UNTYPED_*; frame: FRAME_CAP_* */
	uint32_t aux; /* frame, page table: asid that it is mapped in | generation << 16, 0 = none;
			     irq handler: irq; untyped: pages from its start known to be zero above the
			     watermark */
	uint64_t badge;  /* endpoint, notification, sched: badge; frame, page table: vaddr it is
			     mapped at; untyped: watermark bytes */
	uint64_t object; /* kernel address of the object; frame, untyped: paddr; sched: struct core
			     or 0 = local */

	/* Derivation tree; derivation lock only.  parent is NULL for boot capabilities. */
	struct cap_slot *parent;
	struct cap_slot *child; /* first */
	struct cap_slot *next;  /* sibling */
	struct cap_slot *prev;
};

_Static_assert(sizeof(struct cap_slot) == 64, "one slot is one cache line");

#define FRAME_CAP_DEVICE 1u

/*
 * Upper bits of flags: who holds a slot that is not in a CNode.  Such slots are in the derivation
 * tree like all others, so revoking what they were derived from finds them; the holder is told
 * (cap_held.c).  They count as capabilities to the object.
 */
#define CAP_HELD_SHIFT 4u
#define CAP_HELD_MASK  0xf0u
enum cap_holder {
	CAP_HOLDER_CNODE, /* none: an ordinary slot */
	CAP_HOLDER_TCB_VSPACE,
	CAP_HOLDER_TCB_BUFFER,
	CAP_HOLDER_TCB_PAGER,
	CAP_HOLDER_TCB_EXCEPTION,
	CAP_HOLDER_TCB_NOTIFICATION,
	CAP_HOLDER_IRQ,
	CAP_HOLDER_CORE,       /* supervisor notification */
	CAP_HOLDER_ANCHOR_TCB, /* the object itself, while it is being destroyed (reap.c) */
	CAP_HOLDER_ANCHOR_CNODE,
};

/* A consistent snapshot of the fields of a slot. */
struct cap {
	uint8_t type;
	uint8_t rights;
	uint8_t bits;
	uint8_t flags;
	uint32_t aux;
	uint64_t badge;
	uint64_t object;
};

/* The five small fields are read and written as one word. */
_Static_assert(offsetof(struct cap_slot, type) % sizeof(uint64_t) == 0 &&
		       offsetof(struct cap_slot, rights) - offsetof(struct cap_slot, type) ==
			       offsetof(struct cap, rights) &&
		       offsetof(struct cap_slot, bits) - offsetof(struct cap_slot, type) ==
			       offsetof(struct cap, bits) &&
		       offsetof(struct cap_slot, flags) - offsetof(struct cap_slot, type) ==
			       offsetof(struct cap, flags) &&
		       offsetof(struct cap_slot, aux) - offsetof(struct cap_slot, type) ==
			       offsetof(struct cap, aux) &&
		       offsetof(struct cap, type) == 0 &&
		       offsetof(struct cap, badge) == sizeof(uint64_t),
	       "cap_read() copies them at once");

/*
 * In memory of each CNode object there are only slots; its capability carries the radix.  Slot 0 is
 * never a capability (CPTR_NULL); its fields describe the CNode, see <kern/cnode.h>.
 */
struct cnode {
	struct cap_slot slots[1];
};

/*
 * Every object with kernel state (TCB, Endpoint, Notification, Reply, VSpace) starts with this.
 * caps counts capabilities to the object and is written under the derivation lock; dying is set
 * once, under the object's lock, read under it; of a thread at any time, and read as a hint.
 */
struct object {
	uint32_t caps;
	uint8_t type;
	uint8_t dying;
	uint16_t senders; /* endpoint: its queue holds senders, not receivers; lock */
};

/* Its lock held: neither dying, nor an endpoint with senders (the three fields after caps at once). */
static inline bool object_is_calm(const struct object *object)
{
	return __atomic_load_n((const uint32_t *)(const void *)&object->type, __ATOMIC_RELAXED) <
	       1u << 8;
}

_Static_assert(offsetof(struct object, type) == 4 && offsetof(struct object, senders) == 6,
	       "object_is_calm() reads one word");

struct tcb;

/* A consistent copy of a slot, without a lock (an empty slot has type OBJ_NULL). */
void cap_read(const struct cap_slot *slot, struct cap *out);
/* Look up a capability in a thread's CSpace.  Lock-free.  Errors: ERR_CAP_INVALID. */
enum error must_check cap_lookup(const struct tcb *tcb, cptr_t cptr, struct cap *out);
/* The same, with type and rights checked: ERR_CAP_INVALID, ERR_CAP_TYPE, ERR_CAP_RIGHTS. */
enum error must_check cap_lookup_type(const struct tcb *tcb, cptr_t cptr, enum object_type type,
				      unsigned rights, struct cap *out);
/* The slot itself, for operations on slots; the caller holds the derivation lock. */
enum error must_check cap_slot_find(const struct tcb *tcb, cptr_t cnode, uint64_t index,
				    struct cap_slot **out);

/* For the analysis only: names the derivation lock, and is never defined. */
extern struct LOCK_TYPE derivation_lock_name {
	char unused;
} derivation_held;

void derivation_lock(void) LOCK_ACQUIRES(derivation_held);
void derivation_unlock(void) LOCK_RELEASES(derivation_held);

/* Transfer of one capability by IPC: derive src (in sender's CSpace) into an empty slot of the
 * receiver's root CNode.  Takes the derivation lock; the caller holds no lock.  Errors:
 * CAP_INVALID, SLOT_OCCUPIED, RANGE. */
enum error must_check cap_transfer(const struct tcb *sender, cptr_t src, const struct tcb *receiver,
				   uint64_t dest_slot);
