/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests to dispatchers.  See <kern/request.h>. */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/entry.h>
#include <kern/event.h>
#include <kern/fallback.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/request.h>
#include <kern/successor.h>
#include <kern/thread.h>

static bool request_interruptible(word_t info)
{
	return (msg_label(info) & SCHED_REQUEST_INTERRUPTIBLE) != 0;
}

static void request_answer(struct tcb *tcb, word_t error, const word_t results[3])
{
	tcb->context.x[0] = 0;
	tcb->context.x[1] = msg_info(error, MSG_REGS, 0);
	tcb->context.x[2] = error;
	for (unsigned i = 0; i < 3; i++)
		tcb->context.x[3 + i] = results[i];
}

/*
 * Lock the Core asked and the home of the payer.  False: the thread is not in a request any more,
 * nothing is locked.
 */
static bool request_lock(struct tcb *tcb, struct core **asked_out, struct core **home_out)
	LOCK_TRIES(true, (*asked_out)->lock, (*home_out)->lock) LOCK_UNCHECKED
{
	for (;;) {
		struct core *asked = __atomic_load_n(&tcb->request_core, __ATOMIC_ACQUIRE);
		struct tcb *payer = tcb_payer(tcb);
		struct core *home = payer != NULL ? tcb_home(payer) : NULL;

		if (asked == NULL || home == NULL)
			return false;
		core_lock_two(asked, home);
		if (__atomic_load_n(&tcb->request_core, __ATOMIC_RELAXED) == asked &&
		    tcb_payer(tcb) == payer && tcb_home(payer) == home) {
			*asked_out = asked;
			*home_out = home;
			return true;
		}
		core_unlock_two(asked, home);
	}
}

/* Both locks held: it is not in a request any more. */
static void request_unlink(struct tcb *tcb, enum thread_state state)
{
	list_remove(&tcb->request_link);
	__atomic_store_n(&tcb->request_core, NULL, __ATOMIC_RELAXED);
	tcb_state_set(tcb, state);
}

/* Whether this request, made just now, need not be seen before the block is followed by a successor. */
static bool request_may_wait(const struct tcb *tcb, const struct core *asked)
{
	return asked == this_core() && asked->next.tcb != NULL && tcb_payer(tcb) == tcb &&
	       (msg_label(tcb->request_info) & SCHED_REQUEST_TIMED) != 0 &&
	       tcb->request_words[0] > asked->stretch_ns;
}

/* The current thread blocks on the Core asked. */
static void request_block(struct tcb *tcb, struct core *asked, const struct cap *cap)
{
	struct core *core = this_core();
	bool followed;

	core_lock_two(core, asked);
	if (asked->dispatcher == NULL && asked->bind_next == NULL) {
		/* Nobody is there to answer, and nobody is on the way. */
		core_unlock_two(core, asked);
		tcb_result_set(tcb, ERR_RESTARTED);
		return;
	}
	tcb->request_badge = cap->badge;
	tcb->request_info = tcb->context.x[1];
	for (unsigned i = 0; i < MSG_REGS; i++)
		tcb->request_words[i] = tcb->context.x[2 + i];
	__atomic_store_n(&tcb->request_core, asked, __ATOMIC_RELAXED);
	list_push_back(&asked->requests_waiting, &tcb->request_link);
	asked->untold_more = 1;
	tcb_state_set(tcb, THREAD_REQUESTING);
	followed = successor_armed(core);
	core_block(core, CAUSE_REQUEST);
	if (followed && request_may_wait(tcb, asked)) {
		core->next.asks = tcb;
		successor_arm(core, true);
	} else {
		core_tell(asked, REASON_REQUEST);
	}
	core_unlock_two(core, asked);
}

/* Nobody need answer it: the thread loses the CPU as it leaves the kernel. */
static bool request_yields(const struct tcb *tcb, const struct core *asked)
{
	return (msg_label(tcb->context.x[1]) & SCHED_REQUEST_YIELD) != 0 && asked == this_core() &&
	       asked->payer == tcb;
}

static void request_block_interruptible(struct tcb *tcb, struct core *asked, const struct cap *cap)
{
	struct notification *notification = notification_bound_lock(tcb);

	if (notification == NULL) {
		request_block(tcb, asked, cap);
		notification_look_again(tcb);
		return;
	}
	spin_assume(&notification->wait.lock);
	if (notification->word != 0) {
		const word_t results[3] = {notification->word, 0, 0};

		notification->word = 0;
		request_answer(tcb, ERR_CANCELLED, results);
	} else {
		request_block(tcb, asked, cap);
	}
	spin_unlock(&notification->wait.lock);
}

void request_syscall(struct tcb *tcb, const struct cap *cap)
{
	struct core *asked = (struct core *)(uintptr_t)cap->object;

	if ((cap->rights & RIGHT_WRITE) == 0) {
		tcb_result_set(tcb, ERR_CAP_RIGHTS);
		return;
	}
	if (fallback_if_dispatcher(tcb))
		return;
	if (asked == NULL)
		asked = this_core();
	if (request_yields(tcb, asked)) {
		tcb_result_set(tcb, ERR_OK);
		tcb->context.x[1] = msg_info(ERR_OK, 0, 0);
		asked->reasons |= 1u << REASON_REQUEST;
	} else if (request_interruptible(tcb->context.x[1])) {
		request_block_interruptible(tcb, asked, cap);
	} else {
		request_block(tcb, asked, cap);
	}
}

void request_put_off(struct core *core, struct tcb *tcb)
{
	list_remove(&tcb->request_link);
	list_push_back(&core->requests_delivered, &tcb->request_link);
}

struct tcb *request_next(struct core *core, struct sched_request *out)
{
	struct list_node *node = list_pop_front(&core->requests_waiting);
	struct tcb *tcb;
	struct tcb *payer;

	if (node == NULL)
		return NULL;
	list_push_back(&core->requests_delivered, node);
	tcb = container_of(node, struct tcb, request_link);
	payer = tcb_payer(tcb);
	out->badge = tcb->request_badge;
	out->info = tcb->request_info;
	for (unsigned i = 0; i < MSG_REGS; i++)
		out->words[i] = tcb->request_words[i];
	/* The payer's home may be another Core; its record there says more.  Both words are read
	 * without that lock: they are hints until the record is seen. */
	out->payer_tag = payer != NULL ? __atomic_load_n(&payer->tag, __ATOMIC_RELAXED) : 0;
	out->payer_seq = payer != NULL ? __atomic_load_n(&payer->seq, __ATOMIC_RELAXED) : 0;
	return tcb;
}

bool request_stop(struct tcb *tcb)
{
	struct core *asked;
	struct core *home;

	if (!request_lock(tcb, &asked, &home))
		return false;
	/* First: who sees it stopped may give it other registers at once. */
	tcb_result_set(tcb, ERR_CANCELLED);
	request_unlink(tcb, THREAD_STOPPED);
	__atomic_fetch_and(&tcb->exit_work, ~EXIT_STOP, __ATOMIC_RELAXED);
	sched_blocked(home, tcb_payer(tcb), CAUSE_STOPPED);
	core_unlock_two(asked, home);
	return true;
}

bool request_interrupt(struct tcb *tcb, word_t word)
{
	const word_t results[3] = {word, 0, 0};
	struct core *asked;
	struct core *home;
	bool interruptible;

	if (!request_lock(tcb, &asked, &home))
		return false;
	interruptible = request_interruptible(tcb->request_info);
	if (interruptible) {
		request_unlink(tcb, THREAD_READY);
		request_answer(tcb, ERR_CANCELLED, results);
		sched_ready(home, tcb_payer(tcb), CAUSE_WAKE);
	}
	core_unlock_two(asked, home);
	return interruptible;
}

/*
 * The dispatcher of the payer's home knows what it does here: no record, unless one is pending that
 * it has not seen.
 */
static void request_answered(struct core *home, struct tcb *payer) LOCK_REQUIRES(home->lock)
{
	if (home == this_core() && home->dispatcher_running && !list_linked(&payer->event_link))
		sched_ready_silent(home, payer);
	else
		sched_ready(home, payer, CAUSE_WAKE);
}

enum error tcb_answer(struct tcb *tcb, word_t error, const word_t results[3])
{
	struct core *asked;
	struct core *home;
	struct tcb *tail;

	if (tcb_payer(tcb) != tcb)
		return ERR_PASSIVE;
	tail = __atomic_load_n(&tcb->tail, __ATOMIC_ACQUIRE);
	if (!request_lock(tail, &asked, &home))
		return ERR_STATE;
	if (tcb_payer(tail) != tcb) {
		core_unlock_two(asked, home);
		return ERR_STATE;
	}
	request_unlink(tail, THREAD_READY);
	request_answer(tail, error, results);
	request_answered(home, tcb);
	core_unlock_two(asked, home);
	return ERR_OK;
}

void request_restart_all(struct core *core)
{
	spin_lock(&core->lock);
	list_splice_back(&core->requests_delivered, &core->requests_waiting);
	spin_unlock(&core->lock);
	for (;;) {
		struct list_node *node;
		struct core *asked;
		struct core *home;
		struct tcb *tcb;

		spin_lock(&core->lock);
		node = list_first(&core->requests_delivered);
		spin_unlock(&core->lock);
		if (node == NULL)
			return;
		tcb = container_of(node, struct tcb, request_link);
		if (!request_lock(tcb, &asked, &home))
			continue;
		if (asked == core) {
			request_unlink(tcb, THREAD_READY);
			tcb_result_set(tcb, ERR_RESTARTED);
			sched_ready(home, tcb_payer(tcb), CAUSE_WAKE);
		}
		core_unlock_two(asked, home);
	}
}
