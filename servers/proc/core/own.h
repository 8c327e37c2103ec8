/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc's own slots, addresses and threads.
 *
 * Who uses what: everything is set up by the first thread; afterwards the service thread owns all
 * process state, the supervisor the instances of the scheduler server, the console driver the UART's
 * input side.
 */
#pragma once

#include <abi/bootinfo.h>
#include <abi/types.h>
#include <mm/protocol.h>
#include <proc/protocol.h>
#include <proc/slots.h>

enum own_slot {
	OWN_ENDPOINT = 512, /* of the service thread, unbadged, all rights */
	OWN_MM_ENDPOINT,    /* of mm, unbadged, all rights */
	OWN_NOBODY,         /* an endpoint that nobody sends to */
	OWN_MM_PORT,        /* badge MM_BADGE_PROC */
	OWN_SERVICE_PORT,   /* badge OWN_BADGE: requests of proc's own threads */
	OWN_REAPER_SIGNAL,  /* notifications; those who signal use the badged ones below */
	OWN_SUPERVISOR_SIGNAL,
	OWN_UART_SIGNAL,
	OWN_REAPER_WORK,         /* badge 1 */
	OWN_SUPERVISOR_FALLBACK, /* badge 1 */
	OWN_UART_INPUT,          /* badge 1 */
	OWN_UART_IRQ,
	OWN_UART_FRAME,
	OWN_SCHED_PORT, /* local, badge SCHED_BADGE_PRIVILEGED */
	OWN_MM_CNODE,
	OWN_MM_VSPACE,
	OWN_SCHED_CNODE,
	OWN_OFFER,                     /* an object on its way to a process */
	OWN_DEVICE_IRQ,                /* handler, while a process has the device */
	OWN_DEVICE_FRAME_FIRST = 576,  /* the device's pages, each mapped nowhere */
	OWN_DEVICE_MAPPED_FIRST = 592, /* copies that are mapped in that process */
	OWN_PORT_FIRST = 640,          /* privileged request port of CPU c */
	OWN_REPLY_FIRST = 1024,
	OWN_THREAD_FIRST = 8192,    /* + tid * OWN_THREAD_SLOTS */
	OWN_PROCESS_FIRST = 49152,  /* + index * OWN_PROCESS_SLOTS */
	OWN_ARCHIVE_FIRST = 53248,  /* one frame for each page of the archive */
	OWN_INSTANCE_FIRST = 69632, /* + set * OWN_INSTANCE_SLOTS */
	OWN_SHARED_FIRST = 86016,   /* frames of struct sched_shared */
	OWN_ALLOC_FIRST = 88064,    /* all the rest: pieces of untyped memory, own page tables */
	OWN_ALLOC_END = 1u << BOOT_CNODE_RADIX,
};

/* Slots of one thread. */
enum own_thread_slot {
	THREAD_UNTYPED, /* what the next four are made of; revoking it deletes them */
	THREAD_IPC_FRAME,
	THREAD_TCB,
	THREAD_PARK,
	THREAD_REPLY,
	THREAD_EXCEPTION, /* endpoint of the service, badge OWN_BADGE_FAULT | tid; made once */
	THREAD_WAKE,      /* THREAD_PARK with badge 1, once it was signalled; goes with it */
	OWN_THREAD_SLOTS = 8,
};

#define THREAD_UNTYPED_BITS  13u
#define PROCESS_OBJECTS_BITS 12u /* of the objects that a process asks for */

/* Slots of one process. */
enum own_process_slot {
	PROCESS_UNTYPED, /* of the CNode */
	PROCESS_CNODE,
	PROCESS_VSPACE,
	PROCESS_BOOTINFO, /* frame copy that is mapped in it */
	PROCESS_PAGER,    /* endpoint of mm with the pid as badge */
	OWN_PROCESS_SLOTS = 8,
};

/* Slots of one instance of the scheduler server; the rest are frames and tables. */
enum own_instance_slot {
	INSTANCE_UNTYPED,
	INSTANCE_VSPACE,
	INSTANCE_TCB_FIRST = 16, /* thread n */
	INSTANCE_REST = 16 + 2 * CPUS_MAX,
	OWN_INSTANCE_SLOTS = 8192, /* 2 * CPUS_MAX threads of ten pages each, and the program */
};

#define OWN_REPLY_MAX (PROC_THREADS_MAX + 8u)

_Static_assert(OWN_DEVICE_IRQ < OWN_DEVICE_FRAME_FIRST &&
		       OWN_DEVICE_FRAME_FIRST + PROC_DEVICE_PAGES_MAX <= OWN_DEVICE_MAPPED_FIRST &&
		       OWN_DEVICE_MAPPED_FIRST + PROC_DEVICE_PAGES_MAX <= OWN_PORT_FIRST,
	       "slots do not overlap");
_Static_assert(OWN_REPLY_FIRST + OWN_REPLY_MAX <= OWN_THREAD_FIRST, "slots do not overlap");
_Static_assert(OWN_THREAD_FIRST + PROC_THREADS_MAX * OWN_THREAD_SLOTS <= OWN_PROCESS_FIRST,
	       "slots do not overlap");
_Static_assert(OWN_ARCHIVE_FIRST + MM_ARCHIVE_PAGES_MAX <= OWN_INSTANCE_FIRST,
	       "slots do not overlap");

_Static_assert(OWN_INSTANCE_FIRST + 2 * OWN_INSTANCE_SLOTS <= OWN_SHARED_FIRST,
	       "slots do not overlap");

static inline cptr_t own_thread_slot(uint32_t tid, enum own_thread_slot which)
{
	return OWN_THREAD_FIRST + (cptr_t)tid * OWN_THREAD_SLOTS + (cptr_t)which;
}

static inline cptr_t own_process_slot(uint32_t index, enum own_process_slot which)
{
	return OWN_PROCESS_FIRST + (cptr_t)index * OWN_PROCESS_SLOTS + (cptr_t)which;
}

#define OWN_BADGE       (1ull << 63) /* of requests by proc's own threads */
#define OWN_BADGE_FAULT (1ull << 62) /* of faults, with a tid; a process's own badge is its pid */

/* Requests of proc's own threads to the service thread. */
enum own_request {
	OWN_REQ_FIRST = 256, /* start the first program: w0 = enum error */
	OWN_REQ_INPUT,       /* w0 bytes, w1.. what was typed */
	OWN_REQ_REAP, /* reaper: w0 enum reap_job done, w1 tid or pid, w2 cpu_ns, w3 own time; answered
				with w0 enum reap_job to do, w1 tid or pid, w2 pid, w3 and w4 stack */
};

enum reap_job { REAP_NOTHING, REAP_THREAD, REAP_PROCESS };

/* Addresses. */
#define OWN_ARCHIVE_VADDR 0x0000005000000000ull
#define OWN_SHARED_VADDR  0x0000005100000000ull
#define OWN_UART_VADDR    0x0000005200000000ull
#define OWN_BOUNCE_VADDR  0x0000005300000000ull /* shared with mm; service thread only */
#define OWN_STACK_VADDR   0x0000005400000000ull /* + thread * OWN_STACK_STRIDE */
#define OWN_STACK_STRIDE  0x20000ull
#define OWN_STACK_BYTES   0x10000ull
#define OWN_LOAD_VADDR    0x0000005500000000ull /* first thread, at boot */
#define OWN_LOAD_VADDR_2  0x0000005500200000ull /* supervisor */

/* Threads of proc, with fixed tids; mm's pool comes next. */
enum own_tid {
	TID_MAIN = 1, /* boot, then the console driver */
	TID_SERVICE = 2,
	TID_REAPER = 3,
	TID_SUPERVISOR = 4,
	TID_MM_FIRST = 8,
	TID_USER_FIRST = TID_MM_FIRST + MM_POOL_MAX,
};
