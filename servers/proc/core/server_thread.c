/* SPDX-License-Identifier: BSD-2-Clause */
#include "server_thread.h"

#include <libsys/objects.h>
#include <libsys/thread_block.h>

#include "builder.h"
#include "log.h"
#include "own.h"
#include "register.h"

struct builder own_builder;

void server_thread_prepare(const struct server_thread *thread)
{
	struct tcb_regs regs = {
		.sp = thread->sp, .pc = thread->pc, .tls = THREAD_BLOCK_IN_PAGE(thread->ipc_vaddr)};

	for (unsigned i = 0; i < 4; i++)
		regs.x[i] = thread->args[i];
	must(tcb_configure(thread->tcb, thread->cspace, thread->vspace, thread->ipc_frame,
			   thread->ipc_vaddr),
	     "configuring a server's thread");
	must(tcb_write_regs(thread->tcb, &regs), "setting a server thread's registers");
	if (thread->flags != 0)
		must(tcb_set_flags(thread->tcb, thread->flags, 0), "setting a thread's flags");
	must(tcb_set_tag(thread->tcb, thread->tag), "tagging a server's thread");
}

void own_thread_start(uint32_t tid, void (*entry)(word_t a0, word_t a1, word_t a2, word_t a3),
		      word_t flags)
{
	const uint64_t stack = OWN_STACK_VADDR + tid * OWN_STACK_STRIDE;
	struct server_thread thread = {
		.tcb = own_thread_slot(tid, THREAD_TCB),
		.vspace = BOOT_SLOT_VSPACE,
		.ipc_frame = own_thread_slot(tid, THREAD_IPC_FRAME),
		.ipc_vaddr = BOOT_IPC_BUFFER_VADDR + (uint64_t)tid * PAGE_SIZE,
		.pc = (uint64_t)(uintptr_t)entry,
		.sp = stack + OWN_STACK_BYTES,
		.tag = tid,
		.flags = flags,
	};

	must(builder_zero(&own_builder, stack, OWN_STACK_BYTES, MAP_READ | MAP_WRITE),
	     "making a stack");
	must(untyped_retype(own_builder.untyped, OBJ_FRAME, PAGE_BITS, 1, 0, thread.ipc_frame),
	     "making an IPC buffer");
	must(builder_map(&own_builder, thread.ipc_frame, thread.ipc_vaddr, MAP_READ | MAP_WRITE),
	     "mapping an IPC buffer");
	/* Same address space: the thread finds its block filled in. */
	thread_block_in_page((struct ipc_buffer *)(uintptr_t)thread.ipc_vaddr);
	must(untyped_retype(own_builder.untyped, OBJ_TCB, 0, 1, 0, thread.tcb), "making a thread");
	server_thread_prepare(&thread);
	register_server(tid, thread.tcb);
	must(tcb_resume(thread.tcb), "starting a thread of proc");
}
