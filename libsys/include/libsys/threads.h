/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Threads in the shape of C11's <threads.h>.  Times are those of the machine's one clock: a
 * struct timespec given to a timed function is absolute on it (TIME_UTC is what clock_gettime()
 * reads here).  The `_until` functions take nanoseconds instead.
 *
 * Most C11 type names are macros, so that the structures behind them stay visible.
 */
#pragma once

#include <time.h>

#include <libsys/futex.h>

struct thread;

#define mtx_t               struct mtx
#define cnd_t               struct cnd
#define once_flag           struct once
#define tss_t               unsigned
#define TSS_MAX             32u
#define TSS_DTOR_ITERATIONS 4

/* A type, so that "thrd_t a, b" declares two pointers. */
typedef __typeof__(struct thread *) thrd_t;

enum { thrd_success, thrd_busy, thrd_error, thrd_nomem, thrd_timedout };
/*
 * mtx_inherit: who holds the mutex has at least the priority (policy fifo) of everybody who waits for it, be
 * it through others, and it goes to the most urgent of them.  It costs calls to proc, but only if somebody
 * waits.
 */
enum { mtx_plain = 0, mtx_recursive = 1, mtx_timed = 2, mtx_inherit = 4 };

typedef int thrd_start_t(void *arg);
typedef void tss_dtor_t(void *value);

/* --- Threads --- */

/* How a thread is made; zero means the default. */
struct thread_options {
	const char *name;   /* up to 15 bytes are kept; for people */
	size_t stack_bytes; /* default 64 KiB */
};

int thrd_create(struct thread **thread, thrd_start_t *start, void *arg);
/* As thrd_create; @options may be NULL. */
int thread_create(struct thread **thread, thrd_start_t *start, void *arg,
		  const struct thread_options *options);
/*
 * thrd_error: the thread itself, one that waits to join the calling thread (if only through others), or one
 * that somebody joins already.
 */
int thrd_join(struct thread *thread, int *result);
/* As thrd_join; thrd_timedout if it is still running at @deadline_ns, and can be joined later. */
int thread_join_until(struct thread *thread, int *result, time_ns_t deadline_ns);
int thrd_detach(struct thread *thread);
_Noreturn void thrd_exit(int result);
struct thread *thrd_current(void);
int thrd_equal(struct thread *a, struct thread *b);
int thrd_sleep(const struct timespec *duration, struct timespec *remaining);
void thrd_yield(void);

/* The number that the whole system knows the thread by (tables, sched parameters). */
uint32_t thread_tid(const struct thread *thread);

/* Sleep until an absolute time; not interruptible. */
void thread_sleep_until(time_ns_t deadline_ns);

/* --- Mutexes --- */

struct mtx {
	futex_word
		state; /* 0 free, 1 held, 2 held and somebody may wait; mtx_inherit: src/inherit.h */
	uint32_t type;
	_Atomic word_t owner; /* handle of the holder */
	uint32_t depth;       /* recursive only: the holder's */
};

#define MTX_INIT                              \
	{                                     \
		.state = 0, .type = mtx_plain \
	}

int mtx_init(struct mtx *mutex, int type);
/* thrd_error: the calling thread holds it, and it is not recursive.  With mtx_inherit also: its holder has
 * ended. */
int mtx_lock(struct mtx *mutex);
int mtx_trylock(struct mtx *mutex);
int mtx_timedlock(struct mtx *restrict mutex, const struct timespec *restrict deadline);
int mtx_lock_until(struct mtx *mutex, time_ns_t deadline_ns);
/* thrd_error: the calling thread does not hold it; nothing changed. */
int mtx_unlock(struct mtx *mutex);
void mtx_destroy(struct mtx *mutex);

/* --- Condition variables --- */

struct cnd {
	futex_word changes;
	_Atomic uint32_t waiters;
};

#define CND_INIT                           \
	{                                  \
		.changes = 0, .waiters = 0 \
	}

int cnd_init(struct cnd *condition);
int cnd_wait(struct cnd *condition, struct mtx *mutex);
int cnd_timedwait(struct cnd *restrict condition, struct mtx *restrict mutex,
		  const struct timespec *restrict deadline);
int cnd_wait_until(struct cnd *condition, struct mtx *mutex, time_ns_t deadline_ns);
int cnd_signal(struct cnd *condition);
int cnd_broadcast(struct cnd *condition);
void cnd_destroy(struct cnd *condition);

/* --- Once, and values of each thread --- */

struct once {
	futex_word state; /* 0 not yet, 1 running, 2 done */
};

#define ONCE_FLAG_INIT \
	{              \
		0      \
	}

void call_once(struct once *once, void (*function)(void));

int tss_create(unsigned *key, tss_dtor_t *destructor);
void tss_delete(unsigned key);
void *tss_get(unsigned key);
int tss_set(unsigned key, void *value);

/* Absolute time of a struct timespec; past the end of time is TIME_NEVER, before 0 is 0. */
time_ns_t timespec_to_ns(const struct timespec *time);
