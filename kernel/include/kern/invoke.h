/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Invocations: SYS_CALL on a capability of the kernel's own objects (all but Endpoint and Sched).
 *
 * Each object has a table of methods.  A method has a decode function, which checks everything and
 * may fail but changes nothing, and an invoke function, which carries the decoded operation out and
 * cannot fail; for methods that change capabilities both run under one hold of the derivation lock.
 * A long operation does a bounded piece per hold; in between the CPU serves requests and interrupts
 * by starting the system call again.
 */
#pragma once

#include <abi/ipc.h>
#include <abi/types.h>
#include <kern/cap.h>

struct tcb;

enum invoke_outcome {
	INVOKE_DONE,    /* results or error are in the caller's context */
	INVOKE_RESTART, /* context unchanged: the system call layer makes the thread execute its svc
			   again, after serving interrupts and requests */
};

/*
 * Current thread's SYS_CALL.  Reads x1..x5 and the IPC buffer of the caller; on DONE x0 = -error,
 * x1 = message info, x2..x5 and the IPC buffer hold results (x2 = detail where an error has one).
 * No lock held.  May wait for other CPUs (serving this one's requests).  The caller may have been
 * stopped or deleted on return; its TCB is still valid.
 */
enum invoke_outcome must_check invoke_object(struct tcb *caller, cptr_t cptr,
					     const struct cap *cap);
