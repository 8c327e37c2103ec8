/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods of Core capabilities.  What they do is in core.c and kernel/dispatch. */
#include <kern/core.h>
#include <kern/core_object.h>
#include <kern/invocation.h>
#include <kern/ready.h>
#include <kern/tcb.h>
#include <kern/thread.h>

#define CORE_STATS_WORDS (sizeof(struct core_stats) / sizeof(word_t))
_Static_assert(CORE_STATS_WORDS <= RESULT_WORDS_MAX, "results of STATS");

/* Keeps the supervisor notification of each Core alive.  Derivation lock. */
static struct cap_slot supervisors[CPUS_MAX];

static struct core *target(const struct invocation *inv)
{
	return (struct core *)(uintptr_t)inv->cap.object;
}

void core_supervisor_drop(const struct cap_slot *slot)
{
	core_set_supervisor(&cpus[slot - supervisors].core, NULL);
}

/* ---- BIND ------------------------------------------------------------------------------------ */

static enum error decode_bind(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error = cap_lookup_type(inv->caller, inv->args[0], OBJ_TCB, RIGHT_CONTROL,
					   &inv->arg_cap);
	const struct tcb *tcb = (const struct tcb *)(uintptr_t)inv->arg_cap.object;

	inv->src_slot = NULL;
	if (error != ERR_OK)
		return error;
	if (!thread_is_stopped(tcb))
		return ERR_STATE;
	error = core_bind_check(target(inv), tcb, inv->args[1]);
	if (error != ERR_OK)
		return error;
	if (inv->args[3] == CPTR_NULL)
		return ERR_OK;
	return decode_source(inv, inv->args[3], OBJ_NOTIFICATION, RIGHT_WRITE, &inv->src_slot);
}

/* The old supervisor goes first: several steps, if others wait on it and it has no other holder.  So it has
 * been looked at before whether the thread can be bound. */
static enum invoke_step invoke_bind(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct core *core = target(inv);
	struct cap_slot *held = &supervisors[core->index];
	struct notification *notification = NULL;

	if (!cap_release(held))
		return STEP_AGAIN;
	if (inv->src_slot != NULL) {
		notification = (struct notification *)(uintptr_t)inv->src_slot->object;
		inv->error = cap_hold(held, inv->src_slot, CAP_HOLDER_CORE);
	}
	if (inv->error == ERR_OK)
		inv->error = core_bind(core, (struct tcb *)(uintptr_t)inv->arg_cap.object,
				       inv->args[1], inv->args[2], notification);
	return STEP_DONE;
}

static enum invoke_step invoke_unbind(struct invocation *inv)
{
	core_unbind(target(inv));
	return STEP_DONE;
}

/* ---- PORT ------------------------------------------------------------------------------------ */

static enum error decode_port(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	enum error error = cap_depth_check(inv->slot);

	if (error == ERR_OK)
		error = decode_dest(inv, inv->args[1], inv->args[2]);
	return error;
}

static enum invoke_step invoke_port(struct invocation *inv) LOCK_REQUIRES(derivation_held)
{
	struct cap cap = {.type = OBJ_SCHED,
			  .rights = RIGHT_ALL,
			  .badge = inv->args[0],
			  .object = inv->cap.object};

	cap_insert(inv->dest_slot, &cap, inv->slot);
	return STEP_DONE;
}

/* ---- INFO, STATS ----------------------------------------------------------------------------- */

/* A bind that the Core has not served yet counts: who has just bound a CPU must not find it abandoned. */
static bool core_bound(struct core *core, uint32_t *fallback)
{
	bool bound;

	spin_lock(&core->lock);
	bound = core->bind_next != NULL || core->dispatcher != NULL;
	*fallback = core->fallback;
	spin_unlock(&core->lock);
	return bound;
}

static enum invoke_step invoke_info(struct invocation *inv)
{
	struct core *core = target(inv);
	uint32_t fallback;
	word_t flags = 0;

	if (core_bound(core, &fallback))
		flags |= CORE_BOUND;
	if (fallback != FALLBACK_NONE)
		flags |= CORE_FALLBACK;
	if (__atomic_load_n(&core->idle, __ATOMIC_RELAXED) != 0)
		flags |= CORE_IDLE;
	if (__atomic_load_n(&core->online, __ATOMIC_RELAXED) != 0)
		flags |= CORE_ONLINE;
	inv->results[0] = core->index;
	inv->results[1] = flags;
	inv->results[2] = fallback;
	inv->results[3] = __atomic_load_n(&core->stats.fallback_entries, __ATOMIC_RELAXED);
	inv->result_words = 4;
	return STEP_DONE;
}

static enum error decode_stats(struct invocation *inv)
{
	return inv->buffer != NULL ? ERR_OK : ERR_TRUNCATED;
}

/*
 * Idle time up to now.  An idle CPU counts its time when it wakes up; until then it is added here,
 * without waking it.
 *
 *   idle CPU                                  this CPU
 *   O1 stretch_ns and idle_ns are written     R1 idle?         (acquire)
 *   O2 idle = 1             (seq_cst)         R2 stretch_ns, idle_ns
 *   O3 idle = 0             (seq_cst)         R3 fence         (acquire)
 *   O4 fence                (seq_cst)         R4 idle?         (acquire)
 *   O5 as O1                                  R5 stretch_ns as in R2?
 *
 * R2 that sees a part of O5 makes R4 see O3 (the fences), or a later O2 and then R5 its O1.
 */
static time_ns_t idle_total(struct core *core)
{
	bool idle = __atomic_load_n(&core->idle, __ATOMIC_ACQUIRE) != 0;
	const time_ns_t since = __atomic_load_n(&core->stretch_ns, __ATOMIC_RELAXED);
	const time_ns_t counted = __atomic_load_n(&core->stats.idle_ns, __ATOMIC_RELAXED);
	const time_ns_t now = arch_now();

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	idle = idle && __atomic_load_n(&core->idle, __ATOMIC_ACQUIRE) != 0 &&
	       __atomic_load_n(&core->stretch_ns, __ATOMIC_RELAXED) == since;
	return idle && now > since ? counted + (now - since) : counted;
}

/* Time of threads up to now, as that of one thread (tcb_methods.c). */
static time_ns_t busy_total(struct core *core)
{
	time_ns_t busy;

	spin_lock(&core->lock);
	busy = __atomic_load_n(&core->stats.busy_ns, __ATOMIC_RELAXED);
	if (core->payer != NULL)
		busy += core_stretch(core);
	spin_unlock(&core->lock);
	return busy;
}

static enum invoke_step invoke_stats(struct invocation *inv)
{
	struct core *core = target(inv);
	const word_t *words = (const word_t *)&core->stats;

	for (unsigned i = 0; i < CORE_STATS_WORDS; i++)
		inv->results[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
	inv->results[offsetof(struct core_stats, idle_ns) / sizeof(word_t)] = idle_total(core);
	inv->results[offsetof(struct core_stats, busy_ns) / sizeof(word_t)] = busy_total(core);
	inv->result_words = CORE_STATS_WORDS;
	return STEP_DONE;
}

static const struct method_entry methods[] = {
	{METHOD_CORE_BIND, RIGHT_CONTROL, METHOD_LOCKED, 4, decode_bind, invoke_bind},
	{METHOD_CORE_UNBIND, RIGHT_CONTROL, METHOD_LOCKED, 0, decode_nothing, invoke_unbind},
	{METHOD_CORE_PORT, RIGHT_CONTROL, METHOD_LOCKED, 3, decode_port, invoke_port},
	{METHOD_CORE_INFO, 0, 0, 0, decode_nothing, invoke_info},
	{METHOD_CORE_STATS, 0, 0, 0, decode_stats, invoke_stats},
};

const struct method_table core_methods = {methods, sizeof(methods) / sizeof(methods[0])};
