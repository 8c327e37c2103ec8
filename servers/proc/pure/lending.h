/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who waits for which mutex of one process, who gets it next, and the priority that this lends to who
 * holds it (docs/design/inheritance.md).  Pure: whoever calls it says what priorities threads have, and
 * acts on what comes out.
 *
 *   lent(t) = the greatest base of all w from which t is reached in 1..LENDING_DEPTH_MAX steps of
 *             "waits for"; at most lending.lent_max
 *
 * So a ring of threads that wait for each other needs no special care.
 *
 * Invariants: a thread WAITS for one that is on the list, and not for itself; at most one OWNS a key; a
 * thread is on the list as long as it is not FREE, or somebody waits for it.
 * Bad at: many at once.  Every change looks at all threads of the process that wait or are waited for.
 */
#pragma once

#include <abi/error.h>
#include <abi/types.h>
#include <base/list.h>

#define LENDING_DEPTH_MAX 32u

enum lending_state {
	LENDING_FREE,
	LENDING_WAITS,
	LENDING_OWNS, /* was given `key`, and has not passed it on since */
	LENDING_LEFT, /* who held what it waited for ended with it */
};

struct lending_thread {
	struct list_node link; /* of those that wait, by when they began, and of those waited for */
	struct lending_thread *holder; /* WAITS: for whom */
	uint64_t key;                  /* WAITS, OWNS: the mutex */
	enum lending_state state;
	uint32_t base;    /* own priority: the caller's to keep */
	uint32_t lent;    /* as lending_count() found it; 0: nothing */
	uint32_t waiters; /* likewise: who waits for it directly */
};

struct lending {
	struct list_node threads;
	uint32_t lent_max; /* the caller's to set */
};

void lending_init(struct lending *lending);
void lending_thread_init(struct lending_thread *thread);

/*
 * The thread waits for the mutex, which that one holds, or another one to whom it was given meanwhile.
 * ERR_STATE: it waits already.  ERR_ARG: for itself.
 */
__attribute__((warn_unused_result)) enum error lending_wait(struct lending *lending,
							    struct lending_thread *thread,
							    struct lending_thread *holder,
							    uint64_t key);

/*
 * ERR_OK: it has got the mutex.  ERR_WOULD_BLOCK: it waits; if it @leaves, not any more.  ERR_NOT_FOUND:
 * the holder ended, and it does not wait any more.  ERR_STATE: it does not wait for that mutex.
 */
__attribute__((warn_unused_result)) enum error lending_take(struct lending_thread *thread,
							    uint64_t key, bool leaves);

/*
 * @from, which holds the mutex, gives it to who has the highest priority of those that wait for it, the
 * longest waiting first; the others wait for that one from now on.  *@next: who got it, NULL: nobody.
 * ERR_OK: somebody else has it, given now or before.  ERR_NOT_FOUND: nobody waits for @from.
 */
__attribute__((warn_unused_result)) enum error lending_pass(struct lending *lending,
							    const struct lending_thread *from,
							    uint64_t key,
							    struct lending_thread **next);

/* One that waits for the thread, which ends: it is told (LEFT).  NULL: there are no more. */
struct lending_thread *lending_leave_one(struct lending *lending,
					 const struct lending_thread *thread);

/* The thread ends, and nobody waits for it; or its process does. */
void lending_remove(struct lending_thread *thread);

/* What is lent to each on the list, after any change. */
void lending_count(struct lending *lending);

/* Nothing is to be remembered of the thread. */
bool lending_idle(const struct lending_thread *thread);
