/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one list of errors.  Every system call and invocation returns one of these in x0 as a non-positive
 * value: 0 is success, -E is the failure.  A server's answer has E in its label.  The documentation tables
 * are generated from this list (tools/gen_abi_docs.py), so the second column is what a user reads.
 */
#pragma once

/* X(name, value, meaning) */
#define ERROR_LIST(X)                                                                             \
	X(OK, 0, "success")                                                                       \
	X(CAP_INVALID, 1, "the capability pointer names no capability")                           \
	X(CAP_TYPE, 2, "the capability is of the wrong type for this operation")                  \
	X(CAP_RIGHTS, 3, "the capability lacks a right that the operation needs")                 \
	X(SLOT_OCCUPIED, 4, "the destination slot holds a capability already")                    \
	X(SLOT_EMPTY, 5, "the source slot is empty")                                              \
	X(METHOD, 6, "the object has no such method")                                             \
	X(ARG, 7, "an argument has an impossible value")                                          \
	X(RANGE, 8, "an argument is outside its range")                                           \
	X(ALIGN, 9, "an address or size is not aligned as required")                              \
	X(NO_MEMORY, 10, "the untyped object has too little memory left, or memory is exhausted") \
	X(REVOKE_FIRST, 11, "the object still has children; revoke it first")                     \
	X(NO_TABLE, 12, "a page table of the level given in the detail is missing")               \
	X(MAPPED, 13, "the frame or page is mapped already")                                      \
	X(NOT_MAPPED, 14, "the frame or page is not mapped")                                      \
	X(STATE, 15, "the object is not in a state that allows this")                             \
	X(WOULD_BLOCK, 16, "nobody is ready on the other side")                                   \
	X(TRUNCATED, 17, "the message is longer than the receiver can take")                      \
	X(NO_REPLY, 18, "there is no caller to reply to, or no reply object to record one")       \
	X(DELETED, 19, "the object was deleted while the caller waited on it")                    \
	X(CANCELLED, 20, "the operation was cancelled")                                           \
	X(PASSIVE, 21, "a passive thread takes part in calls only")                               \
	X(RESTARTED, 22, "the scheduler instance changed; send the request again")                \
	X(MOVED, 23, "the thread lives on another CPU, given in the detail")                      \
	X(UNBOUND, 24, "this dispatcher is not bound to the Core any more")                       \
	X(STALE, 25, "events were pending that the decision had not seen")                        \
	X(NOT_READY, 26, "the thread named by the decision is not ready")                         \
	X(FOREIGN, 27, "the thread named by the decision lives on another CPU")                   \
	X(BAD_SEQ, 28, "the decision was made on an older state of the thread")                   \
	X(DEAD, 29, "the thread or process has ended")                                            \
	X(FAULT_ADDR, 30, "an address is not accessible to the caller")                           \
	X(NO_ASID, 31, "no address-space identifier is free")                                     \
	X(LIMIT, 32, "a limit of the caller would be exceeded")                                   \
	X(NOT_FOUND, 33, "no such object, file, process or name")                                 \
	X(EXISTS, 34, "the object exists already")                                                \
	X(BUSY, 35, "the object is in use; try again")                                            \
	X(TIMEOUT, 36, "the time limit passed first")                                             \
	X(FORMAT, 37, "the data is not in the expected format")                                   \
	X(UNSUPPORTED, 38, "this machine, build or server cannot do that")                        \
	X(PERMISSION, 39, "the caller may not do that")                                           \
	X(BROKEN_PIPE, 40, "the other end is closed")                                             \
	X(IO, 41, "the device reported an error")                                                 \
	X(INTERNAL, 42, "an invariant does not hold; this is a bug")                              \
	X(NO_TIME, 43, "the CPU has promised too much of its time already")

enum error {
#define X(name, value, meaning) ERR_##name = value,
	ERROR_LIST(X)
#undef X
		ERR_COUNT
};
