/* SPDX-License-Identifier: BSD-2-Clause */
/* Notifications.  See <kern/notification.h>. */
#include <abi/ipc.h>
#include <kern/donation.h>
#include <kern/endpoint.h>
#include <kern/fallback.h>
#include <kern/ipc.h>
#include <kern/notification.h>
#include <kern/ready.h>
#include <kern/reply.h>
#include <kern/request.h>
#include <kern/thread.h>

void notification_init(struct notification *notification)
{
	spin_init(&notification->wait.lock, LOCK_NOTIFICATION);
	list_init(&notification->wait.queue);
}

static word_t word_take(struct notification *notification)
{
	word_t word = notification->word;

	notification->word = 0;
	return word;
}

/* Lock held, the word is not zero: the bound thread, if it is in a receive on time of its own. */
static bool signal_receiver(struct notification *notification, struct tcb *tcb)
{
	if (tcb_payer(tcb) == NULL || !wait_cancel(tcb, true))
		return false;
	tcb->context.x[1] = MSG_NOTIFIED;
	tcb->context.x[6] = word_take(notification);
	tcb_result_set(tcb, ERR_OK);
	thread_wake(tcb);
	return true;
}

/* Lock held.  The state is read even if there is nothing to deliver: see notification_bind(). */
static void signal_bound(struct notification *notification, struct tcb *tcb)
{
	enum thread_state state = tcb_state(tcb);

	if (notification->word == 0)
		return;
	if (state == THREAD_RECEIVING && signal_receiver(notification, tcb))
		return;
	/* Again: the receive may be over by now. */
	if (tcb_state(tcb) == THREAD_REQUESTING && request_interrupt(tcb, notification->word))
		notification->word = 0;
}

void notification_signal(struct notification *notification, word_t badge)
{
	struct list_node *node = NULL;
	word_t word = 0;

	spin_lock(&notification->wait.lock);
	if (notification->wait.object.dying == 0) {
		notification->word |= badge;
		node = list_first(&notification->wait.queue);
		if (node != NULL) {
			wait_dequeue(wait_thread(node));
			word = word_take(notification);
		} else if (notification->bound != NULL) {
			signal_bound(notification, notification->bound);
		}
	}
	spin_unlock(&notification->wait.lock);
	if (node == NULL)
		return;
	tcb_result_set(wait_thread(node), ERR_OK);
	wait_thread(node)->context.x[6] = word;
	thread_wake(wait_thread(node));
}

void notification_wait(struct notification *notification, struct tcb *tcb, bool block)
{
	enum error error = ERR_OK;

	if (block && fallback_if_dispatcher(tcb))
		return;
	spin_lock(&notification->wait.lock);
	if (notification->wait.object.dying != 0) {
		error = ERR_DELETED;
	} else if (notification->word != 0) {
		tcb->context.x[6] = word_take(notification);
	} else if (block) {
		tcb->send_fault = 0;
		wait_enqueue(&notification->wait, tcb, THREAD_WAITING);
		core_block_current(CAUSE_NOTIFICATION);
		spin_unlock(&notification->wait.lock);
		return;
	} else {
		error = ERR_WOULD_BLOCK;
	}
	spin_unlock(&notification->wait.lock);
	tcb_result_set(tcb, error);
}

bool notification_destroy(struct notification *notification)
{
	return wait_destroy(&notification->wait);
}

struct notification *notification_bound_lock(const struct tcb *tcb) LOCK_UNCHECKED
{
	for (;;) {
		struct notification *notification = __atomic_load_n(&tcb->bound_notification,
								    __ATOMIC_ACQUIRE);

		if (notification == NULL)
			return NULL;
		spin_lock(&notification->wait.lock);
		if (notification->bound == tcb)
			return notification;
		/* Unbound since; another one may be bound already. */
		spin_unlock(&notification->wait.lock);
	}
}

/*
 * A thread that found nothing bound, and blocks, against a bind and a signal behind it:
 *
 *   who blocks                            who binds, and who signals
 *   B1 state = RECEIVING (REQUESTING)     A1 bound_notification = n   (n's lock)
 *   B2 seq_cst fence                      A2 seq_cst fence
 *   B3 read bound_notification            A3 read the state           (n's lock)
 *   B4 if not NULL: under n's lock,       A4 a signal, under n's lock after A3: sets the
 *      deliver the word if not zero          word, reads the state, delivers if blocked
 *
 * One of the fences comes first.  A2 before B2: B3 sees A1, and B4 and A4 are under one lock: the
 * later of them sees the word and the blocked thread.  B2 before A2: A3 sees B1 or what came after
 * it; so does A4, which reads the same state later (the lock orders A3 before A4), and so it finds
 * the thread blocked.  Without the fences both may read what was there before, and the word
 * stays with a thread that sleeps.  What B1 releases (blocked_on, request_core) comes with it.
 *
 * A thread that finds a notification bound needs none of this: it holds the lock until it is blocked.
 */
void notification_look_again(struct tcb *tcb)
{
	struct notification *notification;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	notification = notification_bound_lock(tcb);
	if (notification == NULL)
		return;
	spin_assume(&notification->wait.lock);
	signal_bound(notification, tcb);
	spin_unlock(&notification->wait.lock);
}

enum error notification_bind(struct notification *notification, struct tcb *tcb)
{
	enum error error = ERR_STATE;

	spin_lock(&notification->wait.lock);
	if (notification->wait.object.dying == 0 && notification->bound == NULL &&
	    tcb->bound_notification == NULL) {
		notification->bound = tcb;
		__atomic_store_n(&tcb->bound_notification, notification, __ATOMIC_RELEASE);
		/* A1 to A3 of notification_look_again(); what was signalled before is delivered. */
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		signal_bound(notification, tcb);
		error = ERR_OK;
	}
	spin_unlock(&notification->wait.lock);
	return error;
}

void notification_unbind(struct tcb *tcb)
{
	struct notification *notification = __atomic_load_n(&tcb->bound_notification,
							    __ATOMIC_ACQUIRE);

	if (notification == NULL)
		return;
	spin_lock(&notification->wait.lock);
	notification->bound = NULL;
	__atomic_store_n(&tcb->bound_notification, NULL, __ATOMIC_RELAXED);
	spin_unlock(&notification->wait.lock);
}
