/* SPDX-License-Identifier: BSD-2-Clause */
/* Rights of a capability.  A derived capability never has more than its source. */
#pragma once

/* X(name, value, meaning) */
#define RIGHT_LIST(X)                                                                              \
	X(WRITE, 1,                                                                                \
	  "Endpoint: send and call; Notification: signal; Frame: map writable; Core, Sched: call") \
	X(READ, 2, "Endpoint: receive; Notification: wait; Frame: map readable")                   \
	X(GRANT, 4, "Endpoint: transfer capabilities; also needed, or GRANT_REPLY, to call")       \
	X(GRANT_REPLY, 8, "Endpoint: call without the right to transfer capabilities")             \
	X(SCHEDULE, 16, "TCB: be dispatched, moved, tagged, answered by the holder")               \
	X(CONTROL, 32, "TCB, CNode, VSpace, Core, Untyped, IRQ: all other methods")                \
	X(EXECUTE, 64, "Frame: map executable")

enum right {
#define X(name, value, meaning) RIGHT_##name = value,
	RIGHT_LIST(X)
#undef X
		RIGHT_ALL = 127
};
