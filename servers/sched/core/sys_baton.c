/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's core acts on the machine: system calls on the capabilities of
 * <proc/sched_start.h>. */
#include <libsys/objects.h>
#include <libsys/print.h>
#include <proc/sched_start.h>
#include <sched/server.h>
#include <sched/sys_if.h>

enum error sched_sys_answer(struct sched_server *server, uint32_t tid, enum error error, word_t w1,
			    word_t w2)
{
	(void)server;
	return tcb_answer(SCHED_SLOT_TCB_FIRST + tid, error, w1, w2, 0);
}

enum error sched_sys_set_home(struct sched_server *server, uint32_t tid, uint32_t cpu)
{
	(void)server;
	return tcb_set_home(SCHED_SLOT_TCB_FIRST + tid, SCHED_SLOT_CORE_FIRST + cpu);
}

_Static_assert(sizeof(struct group_cpu) <= SCHED_GROUP_CPU_BYTES, "proc maps enough");

/* Acquire: proc has mapped it before it said so. */
enum error sched_sys_set_key(struct sched_server *server, uint32_t tid, uint64_t key)
{
	(void)server;
	return tcb_set_key(SCHED_SLOT_TCB_FIRST + tid, key);
}

struct group_cpu *sched_sys_group_cpu(struct sched_server *server, uint32_t cpu)
{
	if (__atomic_load_n(&server->shared->groups_ready, __ATOMIC_ACQUIRE) == 0)
		return NULL;
	return (struct group_cpu *)(uintptr_t)(SCHED_GROUPS_VADDR +
					       (uint64_t)cpu * SCHED_GROUP_CPU_BYTES);
}

void sched_sys_policy_idles(struct sched_server *server, uint32_t cpu, uint32_t runnable)
{
	sys_printf("sched: CPU %u: policy %s picked nobody, but %u threads can run; this is a bug "
		   "in it\n",
		   cpu, server->cpu[cpu].policy->name, runnable);
	__builtin_trap();
}
