/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the files of the server's core.  Context of all: the dispatcher of `cpu`. */
#pragma once

#include <abi/ipc.h>
#include <base/math.h>
#include <sched/protocol.h>
#include <sched/server.h>
#include <sched/sys_if.h>

static inline struct policy_cpu *policy_cpu(struct sched_cpu *cpu)
{
	return (struct policy_cpu *)(void *)cpu->policy_blob;
}

static inline void sched_policy_set(struct sched_cpu *cpu, const struct policy_ops *policy)
{
	cpu->policy = policy;
	cpu->silent &= (uint8_t) ~(SCHED_SILENT_POLICY | SCHED_SILENT_PLACE);
	if (policy->succeed == NULL)
		cpu->silent |= SCHED_SILENT_POLICY;
	if (cpu->place->on_turn != NULL)
		cpu->silent |= SCHED_SILENT_PLACE;
}

/* Nothing is unusual but that the policy says no more than whom to run. */
static inline bool sched_usual(const struct sched_cpu *cpu)
{
	return (cpu->unusual & ~((uint64_t)SCHED_SILENT_POLICY << SCHED_SILENT_SHIFT)) == 0;
}

static inline const struct policy_cpu *policy_cpu_const(const struct sched_cpu *cpu)
{
	return (const struct policy_cpu *)(const void *)cpu->policy_blob;
}

static inline struct policy_thread *policy_thread(struct sched_thread *thread)
{
	return (struct policy_thread *)(void *)thread->policy;
}

static inline struct sched_thread *policy_thread_owner(struct policy_thread *thread)
{
	return container_of(thread, struct sched_thread, policy);
}

/* What each upcall does is one straight line of code: the compiler would make calls of it. */
#define straight     static inline __attribute__((always_inline))
/* Likewise of one that is declared here: across files where the server is linked as one. */
#define straight_too inline __attribute__((always_inline))

#define SCHED_DEBT_NS_MAX (1u << 30) /* one instruction, as the next */

/* The request, without the flags that the kernel acts on. */
static inline word_t msg_label_of(const struct sched_request *request)
{
	return msg_label(request->info) &
	       ~(SCHED_REQUEST_INTERRUPTIBLE | SCHED_REQUEST_TIMED | SCHED_REQUEST_YIELD);
}

/* The tag of an event is the index of the record. */
static inline struct sched_thread *sched_thread_find(struct sched_server *server, word_t tag)
{
	struct sched_thread *threads = __atomic_load_n(&server->thread, __ATOMIC_RELAXED);

	return tag == 0 || tag >= SCHED_THREADS_MAX ? NULL : &threads[tag];
}

/* The records of an upcall: so many, and the i-th; the first is in registers. */
static inline uint32_t sched_upcall_count(const struct sched_upcall *upcall)
{
	return (uint32_t)min_u64(UPCALL_EVENTS(upcall->info), UPCALL_EVENTS_MAX);
}

static inline const struct sched_event *sched_upcall_event(const struct sched_upcall *upcall,
							   uint32_t i)
{
	return i == 0 ? &upcall->first : &upcall->buffer->events[i];
}

/* Its state and EVENT_SERVED, in one look. */
static inline unsigned sched_event_state(const struct sched_event *event)
{
	return (unsigned)event->info & 0xff;
}

/* Known, here, and the policy's: its queue may be touched for it. */
static inline bool sched_thread_settled(const struct sched_cpu *cpu,
					const struct sched_thread *thread)
{
	return thread->state != SCHED_UNKNOWN && !thread->arriving && !thread->balancer &&
	       __atomic_load_n(&thread->home, __ATOMIC_RELAXED) == cpu->index;
}

/* A READY thread wants others to go first. */
static inline void sched_thread_yield(struct sched_cpu *cpu, struct sched_thread *thread,
				      time_ns_t now_ns)
{
	cpu->policy->enqueue(policy_cpu(cpu), policy_thread(thread), POLICY_JOIN_YIELD, now_ns);
	thread->turn_over = true;
}

/* What it owes is part of the request that the policy has in mind: the slice shrinks by it. */
static inline time_ns_t sched_slice_after_debt(const struct sched_thread *thread,
					       time_ns_t slice_ns)
{
	return slice_ns != TIME_NEVER && slice_ns > thread->debt_ns ? slice_ns - thread->debt_ns
								    : slice_ns;
}

#define SCHED_ENTRY_NS_MAX (1u << 17)

/*
 * What passed since the last entry and no thread ran: that entry, the kernel's part of it and of this
 * one included.  A CPU that its host took away for a while is no entry, hence the limit.
 */
static inline time_ns_t sched_entry_cost(const struct sched_cpu *cpu, time_ns_t ran_ns,
					 time_ns_t now_ns)
{
	const time_ns_t cost_ns = now_ns - cpu->entered_ns - ran_ns;

	if (cost_ns > SCHED_ENTRY_NS_MAX) /* or below 0 */
		return (int64_t)cost_ns < 0 ? 0 : SCHED_ENTRY_NS_MAX;
	return cost_ns;
}

/* On the bill of the thread that caused the last entry, which pays when it is charged for running the
 * next time: a charge of its own would cost as much as the decision. */
static inline void sched_entry_bill(struct sched_cpu *cpu, time_ns_t ran_ns, time_ns_t now_ns)
{
	const time_ns_t cost_ns = sched_entry_cost(cpu, ran_ns, now_ns);
	struct sched_thread *payer = cpu->payer;

	cpu->entered_ns = now_ns;
	if (payer == NULL)
		return;
	payer->debt_ns = (uint32_t)min_u64(payer->debt_ns + cost_ns, SCHED_DEBT_NS_MAX);
}

/* thread.c */
/* Also of a thread that is not known yet; later thread->params. */
struct sched_thread_params *sched_thread_params(struct sched_server *server,
						const struct sched_thread *thread);
/* Where it may run: its mask, or every CPU in a build without core_masks (mask.c, mask_off.c). */
const struct cpumask *sched_thread_mask(struct sched_server *server,
					const struct sched_thread *thread);
void sched_thread_policy_params(const struct sched_thread_params *from, uint32_t tid,
				struct policy_params *to);
bool sched_thread_is_balancer(struct sched_server *server, const struct sched_thread *thread);
/* debt.c.  Take what others left it to pay; of a thread that was adopted. */
void sched_debt_take(struct sched_thread *thread);
/* Likewise, of one that comes to the queue next: it comes with that much less lag. */
void sched_debt_collect(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread, time_ns_t now_ns);
/* What it owes, its bill included, before it leaves the queue at its end and is forgotten. */
uint64_t sched_debt_of(struct sched_cpu *cpu, struct sched_thread *thread);
/* Its heir pays that, after it has left: later; at once, if it is in the queue here. */
void sched_debt_bill(struct sched_server *server, struct sched_thread *thread, uint64_t owed_ns);
void sched_debt_pass(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, uint64_t owed_ns, time_ns_t now_ns);
/* The server's view of a thread's home, also for proc, which asks there. */
void sched_thread_home_set(struct sched_server *server, struct sched_thread *thread, uint32_t cpu);
/* Make a thread known to this instance, OUT, at home here; params out of range are clamped. */
void sched_thread_adopt(struct sched_server *server, struct sched_cpu *cpu,
			struct sched_thread *thread);

/* event.c: first everybody is charged for what ran, then the new states are applied, because a thread that
 * becomes ready joins at the virtual time of now. */
void sched_event_charge(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_event *event, time_ns_t now_ns);
void sched_event_apply(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_event *event, time_ns_t now_ns);
/* All records of an upcall, as of now; the time of number `charged` is charged already (its count: none). */
void sched_events_apply(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall, uint32_t charged);
/* Both for the only record of an upcall, of a settled thread. */
void sched_event_settled(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns);
/*
 * The two records of an upcall of settled threads, where the picked one blocked at `at_ns` and its successor,
 * which is READY, ran since; nothing else waited.  Charges and applies both.
 */
struct sched_pair {
	struct sched_thread *before, *next;
	const struct sched_event *of_before, *of_next;
	bool next_first; /* its record is */
	time_ns_t at_ns;
};
/* Both and the decision, where nothing else is to be done and the policy can do all that in one step, for
 * the one that blocked is ready again: `pick` is what pick() says now.  False: nothing was done. */
bool sched_events_nap(struct sched_server *server, struct sched_cpu *cpu,
		      const struct sched_upcall *upcall, const struct sched_pair *pair,
		      struct policy_pick *pick);
void sched_events_pair(struct sched_server *server, struct sched_cpu *cpu,
		       const struct sched_pair *pair, time_ns_t now_ns);
/* The thread of this record blocked then, whatever happened to it since. */
void sched_event_blocked(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread, const struct sched_event *event,
			 time_ns_t now_ns);
/* Of a settled thread. */
void sched_thread_charge(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t ran_ns,
			 time_ns_t now_ns);
/* Put a thread that became ready into the queue, or on another CPU where placement says so. */
void sched_thread_wake(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, time_ns_t ready_ns, time_ns_t now_ns);
/* Whoever still waits in a request that nobody here has answered leaves the queue. */
void sched_requesting_settle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
void sched_requesting_forget(struct sched_cpu *cpu, struct sched_thread *thread);

/* changes.c.  This entry was for changes: as the records of a kick say, or for another reason. */
void sched_changes_look(struct sched_server *server, struct sched_cpu *cpu,
			const struct sched_upcall *upcall);
void sched_changes_note(struct sched_cpu *cpu);
/* What the last entry cost, if it was for changes: before it is billed. */
void sched_changes_charge(struct sched_cpu *cpu, time_ns_t ran_ns, time_ns_t now_ns);
/* A thread is run: what is to be held back meanwhile. */
void sched_changes_hold(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision);

/* served.c.  A ready thread runs a server that others wait for, as its record says, which is applied, or
 * because that server has been answered; slept: it waited in between. */
void sched_served_note(struct sched_cpu *cpu, struct sched_thread *thread, bool slept);
/* Such a thread goes before the one picked, which is `running`: true, and the decision names it. */
bool sched_served_decide(struct sched_cpu *cpu, time_ns_t now_ns, struct sched_decision *decision);

/* nowhere.c.  Its shared record says what its mask is, which an instance before this one may have set. */
void sched_nowhere_adopt(struct sched_server *server, struct sched_cpu *cpu,
			 struct sched_thread *thread);
/* Its mask changed: true if it is empty, or was while the thread was ready; there is nothing else to do. */
bool sched_nowhere_follow(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, time_ns_t now_ns);

/* replay.c: the records of an upcall in the order of time, where the kernel did more than one
 * decision said. */
__attribute__((noinline)) void sched_replay(struct sched_server *server, struct sched_cpu *cpu,
					    const struct sched_upcall *upcall,
					    bool behind /* a sleeper is due since before */);
/* The same for the usual one, of the two threads that it is about and nothing that waited. */
enum sched_replayed {
	SCHED_REPLAY_OTHER,  /* it was another one, and nothing was done */
	SCHED_REPLAY_DONE,   /* the records are applied */
	SCHED_REPLAY_PICKED, /* and that is all there is: `pick` is valid */
};
__attribute__((noinline)) enum sched_replayed sched_replay_pair(struct sched_server *server,
								struct sched_cpu *cpu,
								const struct sched_upcall *upcall,
								struct policy_pick *pick);
/* again.c: the same where the kernel let the CPU idle again and again. */
__attribute__((noinline)) void sched_replay_again(struct sched_server *server,
						  struct sched_cpu *cpu,
						  const struct sched_upcall *upcall);
/* Whether a record may be of a wake that did not enter. */
bool sched_filtered_any(struct sched_server *server, const struct sched_cpu *cpu,
			const struct sched_upcall *upcall);

/* offer.c: what else the decision says, so that the kernel need not ask. */
void sched_offer_idle(const struct sched_server *server, const struct sched_cpu *cpu,
		      time_ns_t now_ns, struct sched_decision *decision);
void sched_offer_thread(const struct sched_server *server, struct sched_cpu *cpu,
			const struct policy_pick *pick, time_ns_t now_ns,
			struct sched_decision *decision);
/* The key of a thread as its parameters ask for; in the kernel, too. */
void sched_offer_key(struct sched_server *server, struct sched_cpu *cpu,
		     struct sched_thread *thread, const struct policy_params *params);

/* request.c */
void sched_request_handle(struct sched_server *server, struct sched_cpu *cpu,
			  const struct sched_request *request, time_ns_t now_ns);

/* param.c */
enum error sched_param_set(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, const struct sched_request *request,
			   time_ns_t now_ns);
enum error sched_param_get(struct sched_server *server, const struct sched_thread *thread,
			   word_t param, word_t *w1, word_t *w2);

/* group.c */
void sched_group_request(struct sched_server *server, struct sched_cpu *cpu,
			 const struct sched_request *request, enum error *error, word_t *w1);
/* May the client put a thread there?  ERR_PERMISSION, ERR_NOT_FOUND. */
enum error sched_group_allowed(struct sched_server *server, const struct sched_request *request,
			       group_id_t group);
/* Make this CPU fit for groups.  ERR_STATE: no memory for them; ERR_UNSUPPORTED: not over its policy. */
enum error sched_group_attach(struct sched_server *server, struct sched_cpu *cpu);
/* A thread comes to this CPU: the one whose group is gone, or who cannot be in one here, is the root's. */
void sched_group_admit(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread);
/* This CPU goes idle: tell whether some of its groups are throttled. */
void sched_group_idle(struct sched_cpu *cpu);
/* Nothing is won if this thread goes to that idle CPU: a cap limits it, as it does those that are there. */
bool sched_group_stays(const struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target);
/* The group in its parameters as it is: a group may have gone while its thread was on the way. */
void sched_group_sync(struct sched_server *server, struct sched_thread *thread);

/* sleep.c */
void sched_sleep_add(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t wake_at_ns);
void sched_sleep_cancel(struct sched_cpu *cpu, struct sched_thread *thread);
void sched_sleep_expire(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
time_ns_t sched_sleep_next(const struct sched_cpu *cpu);
/* Whose time that is; there is somebody. */
struct sched_thread *sched_sleep_soonest(const struct sched_cpu *cpu);
/* When the first sleeper with a smaller key wakes, if all with that key or a larger one may wait until then;
 * sched_sleep_next() if that cannot be told with a bounded look. */
time_ns_t sched_sleep_next_below(const struct sched_cpu *cpu, uint64_t key, time_ns_t until_ns);
/* The first ones that wake before that time, in order; returns how many, at most `count` and 8. */
uint32_t sched_sleep_first(const struct sched_cpu *cpu, time_ns_t until_ns,
			   const struct sched_thread *sleepers[], uint32_t count);

/* place.c */
void sched_view(struct sched_server *server, struct place_view *view, struct place_load *loads);
/* A mask whose words others change. */
struct cpumask sched_mask_load(const struct cpumask *mask);
void sched_load_publish(struct sched_cpu *cpu);
void sched_load_publish_pick(struct sched_cpu *cpu, const struct policy_pick *pick, bool several);
void sched_idle_publish(struct sched_server *server, uint32_t cpu);
void sched_idle_clear(struct sched_server *server, uint32_t cpu);
bool sched_idle_claim(struct sched_server *server, uint32_t cpu);
bool sched_idle_any(const struct sched_server *server, const struct cpumask *among);
/* Move a thread to another CPU, from any state; false (and nothing changed) if the kernel
 * refuses. */
bool sched_thread_move(struct sched_server *server, struct sched_cpu *cpu,
		       struct sched_thread *thread, uint32_t target, time_ns_t now_ns);
/* A thread was sent to `target`, which has not seen it yet; it has now, or does not come. */
void sched_incoming_add(struct sched_server *server, uint32_t target, struct sched_thread *thread,
			time_ns_t now_ns);
void sched_incoming_remove(struct sched_server *server, uint32_t target,
			   const struct sched_thread *thread);
/* Where a thread that wakes or may not stay here should go; this CPU if here. */
uint32_t sched_wake_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, time_ns_t now_ns);
/* Where a queued thread of this CPU would go as a new one, if max(load here, load there) falls by that;
 * else this CPU. */
uint32_t sched_spread_target(struct sched_server *server, struct sched_cpu *cpu,
			     struct sched_thread *thread);
uint32_t sched_fork_target(struct sched_server *server, struct sched_cpu *cpu,
			   struct sched_thread *thread, uint32_t creator);
/* The turn of the thread that ran may be over: move it to where placement wants it to wait. */
void sched_turn_over(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* A queued thread too many and an idle CPU: bring them together. */
void sched_push_surplus(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);

/* level.c */
/* The CPUs of a class of masks; class 0: all.  One that changes may be seen half changed, by words. */
struct cpumask sched_class_mask(const struct sched_server *server, uint32_t class);
/* Its mask is new: find its class.  O(classes). */
void sched_mask_set(struct sched_server *server, struct sched_thread *thread);
/* It dies, or another thread takes its place: out of its class. */
void sched_mask_forget(struct sched_server *server, struct sched_thread *thread);
void sched_mask_count(struct sched_server *server, struct sched_thread *thread);
/* Its state or weight may have changed. */
static inline void sched_mask_changed(struct sched_server *server, struct sched_thread *thread)
{
	if (thread->mask_class != 0)
		sched_mask_count(server, thread);
}
/* Some runnable thread may not run everywhere. */
static inline bool sched_masks_used(const struct sched_server *server)
{
	return __atomic_load_n(&server->masks.weight, __ATOMIC_RELAXED) != 0;
}
/* The layer of policy/group is in use on some CPU. */
static inline bool sched_grouped(const struct sched_server *server)
{
	return __atomic_load_n(&server->masks.grouped, __ATOMIC_RELAXED);
}
/* Once in a balance period; without groups, which have averages of their own. */
void sched_heaviest_find(struct sched_cpu *cpu);
/* A thread with that weight has come here, or has gone. */
void sched_heaviest_comes(struct sched_cpu *cpu, uint32_t weight);
void sched_heaviest_goes(struct sched_cpu *cpu, uint32_t weight);
/* Fill in view->heaviest, from an array of server->cpus. */
void sched_heaviest_view(const struct sched_server *server, struct place_view *view,
			 uint32_t *heaviest);
/* Where masks bind, or there are groups: fill in view->levels, from an array of server->cpus. */
void sched_levels_view(struct sched_server *server, struct place_view *view, uint64_t *levels);
/* Bring them nearer to what is now.  O(CPUs). */
void sched_levels_update(struct sched_server *server, const struct sched_cpu *cpu,
			 const struct place_view *view);

/* fair.c */
/* What groups ideally have now, for all CPUs; returns the load that each CPU should have, in weights of the
 * root.  Context: who holds masks.busy.  O(groups + CPUs). */
uint64_t sched_fair_update(struct sched_server *server, const struct place_view *view);

/* What a thread of that weight in its group weighs beside threads of the root. */
uint32_t sched_weight_flat(const struct sched_server *server, struct sched_thread *thread,
			   uint32_t weight);

/* plan.c */
/* What is owed in the mean to those who share CPUs.  O(CPUs). */
int32_t sched_plan_mean_us(const struct sched_server *server);
/* Tell the others whom this CPU has. */
void sched_plan_publish(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* What to move, from what is published; false: nothing. */
bool sched_plan_make(struct sched_server *server, struct sched_cpu *cpu,
		     const struct place_view *view, struct plan *plan);
/* Part of a plan, a moment later: false if the thread is not here any more, or may not go. */
bool sched_plan_move(struct sched_server *server, struct sched_cpu *cpu, uint32_t tid,
		     uint32_t target, time_ns_t now_ns);

/* balance.c */
void sched_balancer_event(struct sched_cpu *cpu, struct sched_thread *thread,
			  const struct sched_event *event);
void sched_balancer_parks(struct sched_server *server, struct sched_cpu *cpu,
			  struct sched_thread *thread, word_t pulled, time_ns_t now_ns);
void sched_balance_idle(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* When an idle CPU looks again for work that it could not get; TIME_NEVER: there is none. */
time_ns_t sched_balance_idle_next(const struct sched_cpu *cpu, time_ns_t now_ns);
/* The period is over. */
void sched_balance_period(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* When the next period begins; TIME_NEVER: there is nothing to balance.  Of several CPUs. */
time_ns_t sched_balance_period_next(struct sched_server *server, struct sched_cpu *cpu,
				    time_ns_t now_ns);
/* "You own your queue: which threads can you spare?"  Returns how many went to the puller. */
uint32_t sched_balance_give(struct sched_server *server, struct sched_cpu *cpu, uint32_t puller,
			    time_ns_t now_ns);

/* owed.c: what is owed to whom where CPUs have different levels and there are groups.  Tell the policy the
 * average; 0: whatever is here.  O(1). */
void sched_average_set(struct sched_cpu *cpu, uint64_t average, time_ns_t now_ns);
/* What the machine owes a thread in this CPU's queue: from what its policy says, the level of that, and the
 * least level of the CPUs that it may use.  Counts the time since the last call.  O(1). */
int64_t sched_owed_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint64_t here,
		      uint64_t level, int64_t owed_us, time_ns_t now_ns);

#define SCHED_RATE_SHIFT 24u
#define SCHED_RATE_WHOLE (1u << SCHED_RATE_SHIFT)

/* account.c: the part of a CPU that is fair where that is its level; not 0. */
uint32_t sched_rate(uint64_t weight, uint64_t level);
/* What the machine owes a thread in this CPU's queue, which should have had `rate` since the last call. */
int64_t sched_account_us(const struct sched_cpu *cpu, struct sched_thread *thread, uint32_t rate,
			 time_ns_t now_ns);

/* tilt.c: new weights for the published threads, where that helps; `all`: there are no others but sleepers.
 * At most 2 PLAN_THREADS_MAX changes of a weight. */
void sched_tilt(struct sched_server *server, struct sched_cpu *cpu, bool all, time_ns_t now_ns);
/* It has its own again. */
void sched_tilt_end(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t now_ns);
/* Of a thread with which the policy counts that weight. */
uint32_t sched_weight_own(const struct sched_thread *thread, uint32_t told);

/* steady.c: loads where threads sleep and wake, from those that hardly do.  Before others are published:
 * count what those had. */
void sched_steady_close(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* At the end of a balance period. */
void sched_steady_update(struct sched_server *server, struct sched_cpu *cpu, time_ns_t now_ns);
/* There are sleepers, not too many, and no groups,
 * and the policy keeps an account of who is owed what. */
bool sched_steady_used(const struct sched_server *server, const struct sched_cpu *cpu);
/* The mean weight of its lasting threads, or of all that want to run: no average is below that. */
uint64_t sched_steady_least(const struct sched_cpu *cpu);
bool sched_thread_lasts(const struct sched_cpu *cpu, const struct sched_thread *thread,
			time_ns_t now_ns);
/* The load that the lasting threads of a CPU meet. */
uint64_t sched_steady_weight(const struct sched_cpu *cpu);
/* The same for all CPUs, in place of the loads of the moment. */
void sched_steady_view(struct sched_server *server, const struct sched_cpu *cpu,
		       struct place_load *loads);
/* Where a thread that wakes here had better go, or here; once a period, while cpu->way_out.  O(CPUs). */
uint32_t sched_steady_target(struct sched_server *server, struct sched_cpu *cpu,
			     const struct sched_thread *thread);

/* stats.c; one writer each (see shared.h), so a relaxed load and store is enough. */
static inline void sched_stat_add(uint64_t *counter, uint64_t amount)
{
	uint64_t value = __atomic_load_n(counter, __ATOMIC_RELAXED);

	__atomic_store_n(counter, value + amount, __ATOMIC_RELAXED);
}
/* It runs for the first time after its wake. */
void sched_stat_woken(struct sched_thread *thread, time_ns_t now_ns);
/* It runs now; another one did. */
straight void sched_stat_run(struct sched_cpu *cpu, struct sched_thread *thread, time_ns_t now_ns)
{
	sched_stat_add(&thread->stats->runs, 1);
	cpu->last_run = thread;
	if (thread->woke)
		sched_stat_woken(thread, now_ns);
}
/* A decision to run `thread` is about to be given to the kernel. */
straight void sched_stat_dispatch(struct sched_cpu *cpu, struct sched_thread *thread,
				  time_ns_t now_ns)
{
	struct sched_thread *last = cpu->last_run;

	if (last != thread) {
		if (last == cpu->running && last != NULL) /* it has not left the queue */
			sched_stat_add(&last->stats->preemptions, 1);
		sched_stat_run(cpu, thread, now_ns);
	} else if (thread->woke) {
		sched_stat_woken(thread, now_ns);
	}
}
/* The kernel ran the successor then, which is READY and settled here. */
static inline void sched_succeed(struct sched_cpu *cpu, struct sched_thread *next, time_ns_t at_ns)
{
	cpu->policy->succeed(policy_cpu(cpu), policy_thread(next), at_ns);
	cpu->running = next;
	sched_stat_dispatch(cpu, next, at_ns);
}
/* So many wakes more, each run after that time, on an idle CPU. */
void sched_stat_firsts(struct sched_thread *thread, uint32_t wakes, time_ns_t wait_ns);
