/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Storms: the same few things again and again (the rows are those of docs/acceptance.md).
 *
 *     t_storm [DECISIONS [MILLISECONDS [TURNS]]]        the soak has as many as the rows say: minutes
 */
#include <stdatomic.h>
#include <string.h>

#include <libsys/clock.h>
#include <libsys/file.h>
#include <libsys/objects.h>
#include <libsys/process.h>
#include <libsys/sched.h>
#include <libsys/semaphore.h>
#include <libsys/tap.h>
#include <libsys/threads.h>

#include "lib/crew.h"
#include "lib/program.h"

#define STORM_MAX 24u

static unsigned cpus;
static uint64_t decisions_wanted;
static time_ns_t storm_ns;

static atomic_bool stop;

/* Until the time is over, and everybody has done something. */
static void storm_let(const atomic_uint *rounds, unsigned count, unsigned rounds_min)
{
	const time_ns_t end = clock_now_ns() + storm_ns;

	while (clock_now_ns() < end)
		thread_sleep_until(clock_now_ns() + NS_PER_MS);
	for (unsigned i = 0; i < count; i++)
		while (atomic_load(&rounds[i]) < rounds_min)
			thread_pause();
}

/* ---- M34 -------------------------------------------------------------------------------------- */

static uint64_t decisions_made(void)
{
	struct proc_cpu_info info;
	uint64_t sum = 0;

	program_need("asking what a CPU did", cpu_stats(0, &info));
	for (unsigned i = 0; i < REASON_COUNT; i++)
		sum += info.core.entries[i];
	return sum;
}

static int yield_to_others(void *arg)
{
	atomic_uint *rounds = arg;

	if (!thread_pin(0))
		return 1;
	for (; !atomic_load(&stop); atomic_fetch_add(rounds, 1))
		sched_yield_now();
	return 0;
}

/* Each turn that another one gets sets the timer of the CPU, each sleep one of the scheduler server's. */
static int sleep_again_and_again(void *arg)
{
	atomic_uint *rounds = arg;
	uint64_t seed = (uintptr_t)arg;

	if (!thread_pin(0))
		return 1;
	for (; !atomic_load(&stop); atomic_fetch_add(rounds, 1))
		thread_sleep_until(clock_now_ns() + 1 + program_random(&seed) % (8 * NS_PER_US));
	return 0;
}

static void decisions_take_no_memory(void)
{
	static atomic_uint rounds[2 + 4];
	struct mm_stats before;
	struct mm_stats after;
	struct crew yielders;
	struct crew sleepers;
	uint64_t first;

	atomic_store(&stop, false);
	crew_start(&yielders, 2, yield_to_others, &rounds[0], sizeof(rounds[0]));
	crew_start(&sleepers, 4, sleep_again_and_again, &rounds[2], sizeof(rounds[0]));
	/* Until nobody touches a page of his stack for the first time any more. */
	for (unsigned i = 0; i < 2 + 4; i++)
		while (atomic_load(&rounds[i]) < 20)
			thread_pause();
	first = decisions_made();
	program_need("asking for memory in use", machine_memory(&before));
	while (decisions_made() - first < decisions_wanted)
		thread_pause();
	program_need("asking for memory in use", machine_memory(&after));
	atomic_store(&stop, true);
	tap_equal(crew_join(&yielders) + crew_join(&sleepers), 0);
	tap_equal(after.frames_user, before.frames_user);
	tap_equal(after.frames_tables, before.frames_tables);
	tap_equal(after.frames_free, before.frames_free);
}

/* ---- Z11 -------------------------------------------------------------------------------------- */

struct station {
	struct semaphore door;
	struct station *next;
	uint64_t seed;
};

static atomic_uint storm_rounds[STORM_MAX];
static struct station stations[STORM_MAX];

/*
 * Who has one of the tokens switches in one way or another, and passes it on.  Nobody waits with a time
 * limit: one wake that is lost stops what follows.
 */
static int pass_tokens(void *arg)
{
	struct station *self = arg;

	for (;;) {
		semaphore_wait(&self->door);
		if (atomic_load(&stop))
			break;
		switch (program_random(&self->seed) % 4) {
		case 0:
			sched_yield_now();
			break;
		case 1:
			thread_sleep_until(clock_now_ns() + program_random(&self->seed) % 20000);
			break;
		case 2:
			if (!thread_pin((unsigned)(program_random(&self->seed) % cpus)))
				return 1;
			break;
		default:
			break;
		}
		semaphore_post(&self->next->door);
		atomic_fetch_add(&storm_rounds[self - stations], 1);
	}
	semaphore_post(&self->next->door);
	return 0;
}

static void storm_of_switches(void)
{
	const unsigned count = 3 * cpus < STORM_MAX ? 3 * cpus : STORM_MAX;
	const unsigned tokens = count / 2;
	unsigned left = 0;
	struct crew crew;

	atomic_store(&stop, false);
	for (unsigned i = 0; i < count; i++) {
		semaphore_init(&stations[i].door, i < tokens);
		stations[i].next = &stations[(i + 1) % count];
		stations[i].seed = 1 + i;
		atomic_store(&storm_rounds[i], 0);
	}
	crew_start(&crew, count, pass_tokens, stations, sizeof(stations[0]));
	storm_let(storm_rounds, count, 50);
	atomic_store(&stop, true);
	tap_equal(crew_join(&crew), 0);
	for (unsigned i = 0; i < count; i++)
		left += atomic_load(&stations[i].door.count);
	tap_equal(left, tokens);
}

/* ---- Z17 -------------------------------------------------------------------------------------- */

#define LINKS 6u

/* One of those that suspend who was before and resume who comes next. */
struct link {
	_Atomic cptr_t tcb;
	_Atomic uint64_t steps;
};

static struct link chain[LINKS];
static atomic_uint chain_turns[LINKS];
static atomic_uint chain_turn;
static atomic_uint chain_left;

/* Until its turn, in user mode most of the time. */
static void link_run(struct link *self)
{
	const unsigned me = (unsigned)(self - chain);

	while (atomic_load(&chain_turn) % LINKS != me) {
		const uint64_t steps = atomic_fetch_add(&self->steps, 1);

		if (steps % 16384 == 0)
			thread_pause();
		else if (steps % 4096 == 0)
			sched_yield_now();
	}
}

/*
 * False: an instruction of one that is suspended ran.  This one changes the CPU meanwhile, so that the next
 * one, which is where it went in its own last turn, finds it running on another.
 */
static bool link_turn(unsigned me)
{
	struct link *last = &chain[(me + LINKS - 1) % LINKS];
	bool still = tcb_suspend(atomic_load(&last->tcb)) == ERR_OK;
	const uint64_t steps = atomic_load(&last->steps);

	still = thread_pin((me + 2 * atomic_load(&chain_turns[me])) % cpus) && still;
	for (unsigned i = 0; i < 10; i++)
		sched_yield_now();
	return still && atomic_load(&last->steps) == steps;
}

/* Nobody is suspended before the first round; after it all are but who has the turn and who had it. */
static int link_of_the_chain(void *arg)
{
	struct link *self = arg;
	const unsigned me = (unsigned)(self - chain);
	struct link *next = &chain[(me + 1) % LINKS];
	int wrong = 0;

	/* Its TCB is in the slot behind its reply object's. */
	atomic_store(&self->tcb, thread_reply_slot() + 1);
	for (unsigned i = 0; i < LINKS; i++)
		while (atomic_load(&chain[i].tcb) == CPTR_NULL)
			thread_pause();
	for (link_run(self); !atomic_load(&stop); link_run(self)) {
		const unsigned turn = atomic_load(&chain_turn);

		wrong += !link_turn(me);
		wrong += tcb_resume(atomic_load(&next->tcb)) !=
			 (turn < LINKS - 2 ? ERR_STATE : ERR_OK);
		atomic_fetch_add(&chain_turns[me], 1);
		atomic_store(&chain_turn, turn + 1);
	}
	/* The last one is not suspended, nor is there one behind it. */
	if (atomic_fetch_add(&chain_left, 1) < LINKS - 2)
		wrong += tcb_resume(atomic_load(&next->tcb)) != ERR_OK;
	atomic_fetch_add(&chain_turn, 1);
	return wrong;
}

static void six_suspend_and_resume_each_other(void)
{
	struct crew crew;

	atomic_store(&stop, false);
	memset(chain, 0, sizeof(chain));
	crew_start(&crew, LINKS, link_of_the_chain, chain, sizeof(chain[0]));
	storm_let(chain_turns, LINKS, 10);
	atomic_store(&stop, true);
	tap_equal(crew_join(&crew), 0);
	printf("# %u turns\n", atomic_load(&chain_turn));
}

/* ---- Z14 -------------------------------------------------------------------------------------- */

#define CYCLE_MAX    3u
#define CYCLE_ENDED  7
#define CYCLE_ROUNDS 6u
#define STOP_ROUNDS  50u

/* A thread on a CPU of its own that stops the next one, as that one stops it or the one behind it. */
struct stopper {
	_Atomic cptr_t tcb;
	struct stopper *next;
	unsigned cpu;
	atomic_uint rounds;
	atomic_bool ended;
};

static struct stopper stoppers[CYCLE_MAX];
static atomic_uint stop_round;
static _Atomic time_ns_t stop_at_ns;

static int stop_the_next(void *arg)
{
	struct stopper *self = arg;
	int wrong = !thread_pin(self->cpu);

	atomic_store(&self->tcb, thread_reply_slot() + 1);
	for (unsigned round = 1; round <= STOP_ROUNDS; round++) {
		while (atomic_load(&stop_round) < round)
			thread_pause();
		thread_sleep_until(atomic_load(&stop_at_ns));
		wrong += tcb_suspend(atomic_load(&self->next->tcb)) != ERR_OK;
		atomic_store(&self->rounds, round);
	}
	/* The others may still want to stop it. */
	atomic_store(&self->ended, true);
	while (!atomic_load(&stop))
		thread_pause();
	return wrong;
}

static void stoppers_resume(unsigned count)
{
	/* Some of them may just run. */
	for (unsigned i = 0; i < count; i++)
		(void)!tcb_resume(atomic_load(&stoppers[i].tcb));
}

/* In each round all are stopped, and go on as they are resumed from outside. */
static void stop_in_a_cycle(unsigned count)
{
	unsigned ended = 0;
	struct crew crew;

	atomic_store(&stop, false);
	memset(stoppers, 0, sizeof(stoppers));
	atomic_store(&stop_round, 0);
	for (unsigned i = 0; i < count; i++) {
		stoppers[i].next = &stoppers[(i + 1) % count];
		stoppers[i].cpu = i % cpus;
	}
	crew_start(&crew, count, stop_the_next, stoppers, sizeof(stoppers[0]));
	for (unsigned i = 0; i < count; i++)
		while (atomic_load(&stoppers[i].tcb) == CPTR_NULL)
			thread_pause();
	while (ended < count) {
		unsigned round = STOP_ROUNDS;

		stoppers_resume(count);
		ended = 0;
		for (unsigned i = 0; i < count; i++) {
			const unsigned rounds = atomic_load(&stoppers[i].rounds);

			ended += atomic_load(&stoppers[i].ended);
			round = rounds < round ? rounds : round;
		}
		/* By then each has seen that there is another round. */
		if (atomic_load(&stop_round) < round + 1) {
			atomic_store(&stop_at_ns, clock_now_ns() + 300 * NS_PER_US);
			atomic_store(&stop_round, round + 1);
		}
		thread_pause();
	}
	stoppers_resume(count);
	atomic_store(&stop, true);
	tap_equal(crew_join(&crew), 0);
}

/* What each of them reads first. */
struct cycle {
	word_t victims[CYCLE_MAX];
	time_ns_t at_ns;
};

/* In a process of its own, on the CPU @me: waits until all are there, and kills the next one. */
static int cycle_member(unsigned me)
{
	struct cycle cycle;
	size_t got;

	program_need("reading", file_read(0, &cycle, sizeof(cycle), &got));
	if (got != sizeof(cycle))
		return 1;
	thread_sleep_until(cycle.at_ns);
	switch (process_kill(cycle.victims[me], PROC_SIGKILL, false)) {
	case ERR_OK:
	case ERR_NOT_FOUND: /* it was quicker, and is gone */
		return CYCLE_ENDED;
	default:
		return 1;
	}
}

static word_t cycle_start(unsigned me, word_t *fd)
{
	struct spawn_options options = SPAWN_OPTIONS_DEFAULT;
	char digit[] = {(char)('0' + me), '\0'};
	char *const argv[] = {(char[]){"t_storm"}, (char[]){"cycle"}, digit, NULL};
	word_t read_fd;
	word_t pid;

	program_need("making a pipe", pipe_create(&read_fd, fd));
	options.files[0] = read_fd;
	options.affinity[0] = 1ull << (me % cpus);
	program_need("spawning", process_spawn("t_storm", argv, NULL, &options, &pid));
	program_need("closing", file_close(read_fd));
	return pid;
}

/* Each process kills the next one, the last the first.  One at least is dead, and each has ended. */
static void cycle_run(unsigned count)
{
	struct cycle cycle = {.at_ns = 0};
	unsigned killed = 0;
	word_t pids[CYCLE_MAX];
	word_t fds[CYCLE_MAX];

	for (unsigned i = 0; i < count; i++)
		pids[i] = cycle_start(i, &fds[i]);
	for (unsigned i = 0; i < count; i++)
		cycle.victims[i] = pids[(i + 1) % count];
	cycle.at_ns = clock_now_ns() + NS_PER_MS;
	for (unsigned i = 0; i < count; i++) {
		/* The first may have killed who would read this one. */
		(void)!file_write(fds[i], &cycle, sizeof(cycle));
		program_need("closing", file_close(fds[i]));
	}
	for (unsigned i = 0; i < count; i++) {
		const struct wait_result result = program_wait(pids[i]);

		killed += result.signal == PROC_SIGKILL;
		tap_check(result.signal == PROC_SIGKILL || result.status == CYCLE_ENDED);
	}
	tap_check(killed > 0);
}

static void cycles_of_two(void)
{
	stop_in_a_cycle(2);
	for (unsigned i = 0; i < CYCLE_ROUNDS; i++)
		cycle_run(2);
}

static void cycles_of_three(void)
{
	stop_in_a_cycle(3);
	for (unsigned i = 0; i < CYCLE_ROUNDS; i++)
		cycle_run(3);
}

/* ---- G04, Z24 -------------------------------------------------------------------------------- */

#define RING_MAX 8u

static struct semaphore ring[RING_MAX];
static unsigned ring_count;
static uint64_t ring_turns;

static int pass_on(void *arg)
{
	struct semaphore *own = arg;
	const unsigned me = (unsigned)(own - ring);

	if (!thread_pin(me))
		return 1;
	for (uint64_t i = 0; i < ring_turns; i++) {
		semaphore_wait(own);
		semaphore_post(&ring[(me + 1) % ring_count]);
	}
	return 0;
}

/*
 * One turn goes round the CPUs; all but who has it sleep, and nothing but an interrupt from another CPU ever
 * wakes one: there is no tick, and nobody has set a timer.  One that is taken before its work hangs the ring.
 */
static void interrupts_between_cpus_alone(void)
{
	struct crew crew;

	ring_count = cpus < RING_MAX ? cpus : RING_MAX;
	for (unsigned i = 0; i < ring_count; i++)
		semaphore_init(&ring[i], 0);
	crew_start(&crew, ring_count, pass_on, ring, sizeof(ring[0]));
	semaphore_post(&ring[0]);
	tap_equal(crew_join(&crew), 0);
	/* What the last one passed on after its last turn, and nothing else. */
	for (unsigned i = 0; i < ring_count; i++)
		tap_equal(atomic_load(&ring[i].count), i == 0);
}

int main(int argc, char **argv)
{
	static const struct tap_case cases[] = {
		{"G04_Z24_interrupts_between_cpus_alone", interrupts_between_cpus_alone},
		{"M34_decisions_take_no_memory", decisions_take_no_memory},
		{"Z11_storm_of_switches", storm_of_switches},
		{"Z14_abort_cycle_of_two", cycles_of_two},
		{"Z14_abort_cycle_of_three", cycles_of_three},
		{"Z17_six_suspend_and_resume_each_other", six_suspend_and_resume_each_other},
	};

	cpus = program_cpus();
	if (argc > 2 && strcmp(argv[1], "cycle") == 0)
		return cycle_member((unsigned)program_number(argc, argv, 2, 0, 0, CYCLE_MAX - 1));
	decisions_wanted = program_number(argc, argv, 1, 20000, 1, UINT32_MAX);
	storm_ns = program_number(argc, argv, 2, 50, 1, 1000000) * NS_PER_MS;
	ring_turns = program_number(argc, argv, 3, 400, 1, UINT32_MAX);
	return tap_run(cases, sizeof(cases) / sizeof(cases[0]));
}
