/* SPDX-License-Identifier: BSD-2-Clause */
/* Placement and the arithmetic of balancing. */
#include "bench.h"
#include <place.h>
#include <place/balance.h>
#include <string.h>

#define N 1024u

struct machine {
	struct place_load loads[CPUS_MAX];
	struct place_view view;
};

/* CPUs with so many equal threads each. */
static void machine_fill(struct machine *machine, uint32_t cpus, const uint32_t *threads)
{
	*machine = (struct machine){0};
	machine->view = (struct place_view){
		.cpus = cpus, .online = cpumask_first(cpus), .loads = machine->loads};
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		machine->loads[cpu] = (struct place_load){.weight = (uint64_t)threads[cpu] * N,
							  .runnable = threads[cpu]};
		if (threads[cpu] == 0)
			cpumask_set(&machine->view.idle, cpu);
	}
}

static uint32_t moves(const struct machine *machine, uint32_t puller, uint32_t victim,
		      uint32_t weight, uint32_t candidates_count)
{
	struct balance_candidate candidates[64];
	bool take[64];
	for (uint32_t i = 0; i < candidates_count; i++)
		candidates[i] = (struct balance_candidate){.weight = weight, .allowed = true};
	const struct balance_request request = balance_request_make(&machine->view, puller, victim);
	return balance_choose(&request, candidates, candidates_count, take);
}

Test(place, Z30_never_outside_the_mask)
{
	struct machine machine;
	uint64_t seed = 9;
	for (uint32_t round = 0; round < 20000; round++) {
		uint32_t threads[8];
		struct place_thread thread = {.weight = 1 +
							(uint32_t)(bench_random(&seed) % 90000)};
		for (uint32_t cpu = 0; cpu < 8; cpu++)
			threads[cpu] = (uint32_t)(bench_random(&seed) % 4);
		machine_fill(&machine, 8, threads);
		machine.view.online.bits[0] = bench_random(&seed) % 256;
		thread.affinity.bits[0] = bench_random(&seed) % 1024;
		thread.home = (uint32_t)(bench_random(&seed) % 9);
		const uint32_t from = (uint32_t)(bench_random(&seed) % 8);
		const struct cpumask allowed = cpumask_and(thread.affinity, machine.view.online);
		for (uint32_t i = 0; i < places_count; i++) {
			const uint32_t fork = places[i]->on_fork(&machine.view, from, &thread);
			const uint32_t wake = places[i]->on_wake(&machine.view, from, &thread);
			if (cpumask_empty(&allowed)) { /* legal: the thread waits */
				cr_assert_eq(fork, PLACE_NONE);
				cr_assert_eq(wake, PLACE_NONE);
				continue;
			}
			cr_assert(cpumask_test(&allowed, fork));
			cr_assert(cpumask_test(&allowed, wake));
		}
	}
}

Test(place, each_does_what_it_says)
{
	struct machine machine;
	struct place_thread thread = {.affinity = cpumask_all(), .weight = N, .home = 1};
	machine_fill(&machine, 4, (uint32_t[]){2, 2, 0, 1});
	cr_assert_eq(place_home.on_wake(&machine.view, 0, &thread), 1);
	cr_assert_eq(place_home.on_fork(&machine.view, 0, &thread), 1);
	cr_assert_eq(place_idle_first.on_wake(&machine.view, 0, &thread), 2);
	cr_assert_eq(place_least_loaded.on_wake(&machine.view, 0, &thread), 2);
	cr_assert_eq(place_least_loaded.on_fork(&machine.view, 0, &thread), 2);
	machine_fill(&machine, 4, (uint32_t[]){2, 1, 1, 1});
	cr_assert_eq(place_least_loaded.on_fork(&machine.view, 0, &thread), 1, "home wins a tie");
	cr_assert_eq(place_idle_first.on_wake(&machine.view, 0, &thread), 1);
	cr_assert_eq(place_home.on_period(&machine.view, 1), PLACE_NONE);
	cr_assert_eq(place_find("least_loaded", 12), &place_least_loaded);
	cr_assert_eq(place_find("home,", 4), &place_home);
	cr_assert_null(place_find("hom", 3));
	cr_assert_eq(places[0], &place_least_loaded);
}

/* Weights are those of a moment ago: idle counts, and who would only change places stays. */
Test(place, a_waker_stays_unless_it_gains)
{
	struct machine machine;
	struct place_thread thread = {.affinity = cpumask_all(), .weight = N, .home = 1};
	machine_fill(&machine, 2, (uint32_t[]){1, 2});
	cr_assert_eq(place_least_loaded.on_wake(&machine.view, 0, &thread), 1, "as heavy there");
	machine.loads[1].weight++;
	cr_assert_eq(place_least_loaded.on_wake(&machine.view, 0, &thread), 0);
	machine_fill(&machine, 2, (uint32_t[]){1, 0});
	machine.loads[1].weight = 4 * N;
	cr_assert_eq(place_least_loaded.on_wake(&machine.view, 0, &thread), 1, "its home idles");
}

/* What the machine can share out exactly needs no rotation. */
Test(balance, at_the_exact_average_nothing_is_asked_for)
{
	struct machine machine;
	machine_fill(&machine, 3, (uint32_t[]){2, 3, 1});
	cr_assert_eq(balance_victim(&machine.view, 0), PLACE_NONE);
	cr_assert_eq(balance_victim(&machine.view, 2), 1);
	machine_fill(&machine, 4, (uint32_t[]){2, 3, 1, 3});
	cr_assert_neq(balance_victim(&machine.view, 0), PLACE_NONE, "it is 2 and a quarter");
}

Test(place, central_gathers_on_cpu_0)
{
	struct machine machine;
	const struct cpumask none = cpumask_none(), tried = cpumask_one(0);
	struct place_thread thread = {.affinity = cpumask_all(), .weight = N, .home = 1};
	const struct place_ops *place = place_of_policy("central");
	cr_assert_eq(place, &place_central);
	cr_assert_null(place_of_policy("eevdf"));
	cr_assert_null(place_of_policy("centra"));
	cr_assert_null(place_of_policy("centrale"));
	cr_assert_null(place_find("central", 7), "no use to other policies");
	machine_fill(&machine, 4, (uint32_t[]){2, 1, 1, 0});
	cr_assert_eq(place->on_fork(&machine.view, 1, &thread), 0);
	cr_assert_eq(place->on_wake(&machine.view, 1, &thread), 0, "it is busy");
	cr_assert_eq(place->on_wake(&machine.view, 3, &thread), 3, "it has nothing");
	cr_assert_eq(place->on_wake(&machine.view, 0, &thread), 3, "handed out");
	cr_assert_eq(place->on_turn(&machine.view, 1, &thread), 0, "somebody waits");
	cr_assert_eq(place->on_turn(&machine.view, 0, &thread), PLACE_NONE);
	cr_assert_eq(place->on_idle(&machine.view, 3, &none), 0);
	cr_assert_eq(place->on_idle(&machine.view, 3, &tried), PLACE_NONE);
	cr_assert_eq(place->on_period(&machine.view, 3), PLACE_NONE);
	machine_fill(&machine, 4, (uint32_t[]){2, 1, 2, 0});
	cr_assert_eq(place->on_idle(&machine.view, 3, &tried), PLACE_NONE, "its answer is awaited");
	machine_fill(&machine, 4, (uint32_t[]){1, 1, 2, 0});
	cr_assert_eq(place->on_turn(&machine.view, 1, &thread), PLACE_NONE, "nobody waits");
	cr_assert_eq(place->on_turn(&machine.view, 2, &thread), 0, "somebody waits here");
	cr_assert_eq(place->on_idle(&machine.view, 3, &none), 2);
	/* Who may not run on CPU 0 waits there as everybody. */
	cpumask_clear(&thread.affinity, 0);
	cr_assert_eq(place->on_fork(&machine.view, 1, &thread), 0);
	cr_assert_eq(place->on_turn(&machine.view, 2, &thread), 0);
	cr_assert_eq(place->on_wake(&machine.view, 1, &thread), 0);
	cr_assert_eq(place->on_wake(&machine.view, 3, &thread), 3);
	cpumask_clear(&thread.affinity, 3);
	cr_assert_eq(place->on_wake(&machine.view, 3, &thread), 0, "not there either");
	cr_assert_eq(place->on_wake(&machine.view, 0, &thread), 0, "no CPU for it is idle");
	/* CPU 0 idles, and one waits for another. */
	machine_fill(&machine, 4, (uint32_t[]){1, 1, 1, 0});
	cr_assert_eq(place->on_turn(&machine.view, 1, &thread), PLACE_NONE);
	cpumask_set(&machine.view.idle, 0);
	cr_assert_eq(place->on_turn(&machine.view, 1, &thread), 0);
	cr_assert_eq(place->on_idle(&machine.view, 3, &none), 0);
}

/* M35: 64 creations from one CPU. */
Test(place, M35_fork_burst_spreads)
{
	struct machine machine;
	machine_fill(&machine, 8, (uint32_t[]){1, 0, 0, 0, 0, 0, 0, 0});
	for (uint32_t i = 0; i < 63; i++) {
		struct place_thread thread = {.affinity = cpumask_all(), .weight = N, .home = 0};
		const uint32_t cpu = place_least_loaded.on_fork(&machine.view, 0, &thread);
		machine.loads[cpu].weight += N;
		machine.loads[cpu].runnable++;
		cpumask_clear(&machine.view.idle, cpu);
	}
	for (uint32_t cpu = 0; cpu < 8; cpu++)
		cr_assert_eq(machine.loads[cpu].runnable, 8);
}

Test(balance, idle_puller_takes_half_of_the_surplus)
{
	struct machine machine;
	machine_fill(&machine, 2, (uint32_t[]){0, 8});
	cr_assert_eq(moves(&machine, 0, 1, N, 8), 4);
	machine_fill(&machine, 2, (uint32_t[]){0, 2});
	cr_assert_eq(moves(&machine, 0, 1, N, 2), 1);
	machine_fill(&machine, 2, (uint32_t[]){0, 1});
	cr_assert_eq(moves(&machine, 0, 1, N, 1), 0, "a lone thread stays");
	machine_fill(&machine, 2, (uint32_t[]){0, 64});
	cr_assert_eq(moves(&machine, 0, 1, N, 64), BALANCE_MOVES_MAX);
}

Test(balance, M36_two_hogs_on_one_cpu_others_idle)
{
	struct machine machine;
	machine_fill(&machine, 4, (uint32_t[]){2, 0, 0, 0});
	const struct cpumask none = cpumask_none();
	cr_assert_eq(place_least_loaded.on_idle(&machine.view, 2, &none), 0);
	cr_assert_eq(moves(&machine, 2, 0, N, 2), 1);
}

/* n = CPUs + 1: stealing when idle never repairs it; the extra thread has to go round. */
Test(balance, five_on_four_rotate)
{
	struct machine machine;
	machine_fill(&machine, 4, (uint32_t[]){1, 2, 1, 1});
	for (uint32_t cpu = 0; cpu < 4; cpu++) {
		const uint32_t victim = balance_victim(&machine.view, cpu);
		cr_assert_eq(victim, cpu == 1 ? PLACE_NONE : 1);
		if (victim != PLACE_NONE)
			cr_assert_eq(moves(&machine, cpu, 1, N, 2), 1);
	}
}

Test(balance, rotation_visits_every_cpu)
{
	struct machine machine;
	uint32_t threads[4] = {2, 2, 2, 1};
	uint32_t short_of[4] = {0};
	for (uint32_t i = 0; i < 400; i++) {
		machine_fill(&machine, 4, threads);
		const uint32_t cpu = i % 4;
		const uint32_t victim = balance_victim(&machine.view, cpu);
		if (victim != PLACE_NONE && moves(&machine, cpu, victim, N, 2) == 1) {
			threads[cpu]++;
			threads[victim]--;
		}
		for (uint32_t j = 0; j < 4; j++)
			short_of[j] += threads[j] == 1;
	}
	for (uint32_t j = 0; j < 4; j++)
		cr_assert(short_of[j] > 70 && short_of[j] < 130, "CPU %u: %u", j, short_of[j]);
}

/* F3: no migration when n <= CPUs, nor when loads are equal. */
Test(balance, nothing_moves_when_balanced)
{
	struct machine machine;
	const uint32_t cases[][4] = {{1, 1, 1, 1}, {2, 2, 2, 2}, {1, 1, 1, 0}, {3, 3, 3, 3}};
	for (uint32_t i = 0; i < 4; i++) {
		machine_fill(&machine, 4, cases[i]);
		for (uint32_t cpu = 0; cpu < 4; cpu++)
			cr_assert_eq(balance_victim(&machine.view, cpu), PLACE_NONE);
	}
}

/* 20,000 pinned threads on one CPU: a bounded look. */
Test(balance, L20_bounded_candidates)
{
	struct bench *bench = bench_make(&policy_eevdf, 20000);
	struct policy_spare out[BALANCE_CANDIDATES_MAX];
	uint64_t cursor = 0;
	bench->unchecked = true;
	for (uint32_t tid = 0; tid < 20000; tid++)
		bench_add(bench, tid, 1024, 3000000);
	bool seen[20000] = {false};
	uint32_t distinct = 0;
	for (uint32_t i = 0; i < 2000; i++) {
		const uint32_t count = bench->ops->spare(bench_cpu(bench), &cursor, out,
							 BALANCE_CANDIDATES_MAX);
		cr_assert_leq(count, BALANCE_CANDIDATES_MAX);
		for (uint32_t j = 0; j < count; j++) {
			const uint64_t at = (uint64_t)((unsigned char *)out[j].thread -
						       (unsigned char *)bench_thread(bench, 0)) /
					    sizeof(struct bench_thread);
			distinct += !seen[at];
			seen[at] = true;
		}
	}
	cr_assert_gt(distinct, 5000, "the cursor leads elsewhere: %u", distinct);
	bench_free(bench);
}

/* Unsigned loads wrapped; a CPU above average pulled. */
Test(balance, L22_arithmetic_holds_at_the_ends)
{
	struct machine machine;
	uint64_t seed = 3;
	struct balance_candidate candidates[40];
	bool take[40];
	for (uint32_t round = 0; round < 50000; round++) {
		struct balance_request request = {
			.puller_weight = bench_random(&seed) << (bench_random(&seed) % 12),
			.victim_weight = bench_random(&seed) << (bench_random(&seed) % 12),
			.average_weight = bench_random(&seed) << (bench_random(&seed) % 12),
			.puller_runnable = (uint32_t)(bench_random(&seed) % 3),
			.victim_runnable = (uint32_t)(bench_random(&seed) % 5),
		};
		for (uint32_t i = 0; i < 40; i++)
			candidates[i] = (struct balance_candidate){
				.weight = 1u << (bench_random(&seed) % 20),
				.allowed = bench_random(&seed) % 2 == 0};
		const uint32_t count = balance_choose(&request, candidates, 40, take);
		uint32_t taken = 0;
		for (uint32_t i = 0; i < 40; i++) {
			cr_assert(!take[i] || candidates[i].allowed);
			taken += take[i];
		}
		cr_assert_eq(taken, count);
		cr_assert_leq(count, BALANCE_MOVES_MAX);
		cr_assert(count == 0 || count < request.victim_runnable);
		if (request.puller_runnable != 0 && request.puller_weight > request.average_weight)
			cr_assert_eq(count, 0);
	}
	machine_fill(&machine, 4, (uint32_t[]){1, 2, 1, 1});
	for (uint32_t cpu = 0; cpu < 4; cpu++)
		machine.loads[cpu].weight = UINT64_MAX;
	bool rounded;
	cr_assert_eq(balance_average(&machine.view, &rounded), UINT64_MAX);
}

/* Three threads, affinity widened from {1,2} to {1..4}. */
Test(balance, L23_widened_affinity_spreads)
{
	struct machine machine;
	uint32_t threads[5] = {0, 2, 1, 0, 0};
	for (uint32_t cpu = 3; cpu < 5; cpu++) {
		machine_fill(&machine, 5, threads);
		const struct cpumask none = cpumask_none();
		const uint32_t victim = place_least_loaded.on_idle(&machine.view, cpu, &none);
		if (victim == PLACE_NONE)
			continue;
		const uint32_t count = moves(&machine, cpu, victim, N, threads[victim]);
		threads[victim] -= count;
		threads[cpu] += count;
	}
	cr_assert_eq(threads[1], 1);
	cr_assert_eq(threads[2], 1);
	cr_assert_eq(threads[3], 1);
}

/* One that waits is worth more than half of the weight, if the other CPU has nothing at all. */
Test(balance, an_idle_cpu_takes_a_heavy_one_too)
{
	struct machine machine;
	machine_fill(&machine, 2, (uint32_t[]){2, 0});
	machine.loads[0].weight = 6 * N;
	cr_assert_eq(moves(&machine, 1, 0, 5 * N, 1), 1);
	machine.loads[0].runnable = 1;
	cr_assert_eq(moves(&machine, 1, 0, 5 * N, 1), 0, "it is the only one");
}

/* A thread heavier than its share of the machine keeps a CPU; the others still rotate. */
Test(balance, a_heavy_lone_thread_does_not_hide_the_rest)
{
	struct machine machine;
	machine_fill(&machine, 4, (uint32_t[]){1, 2, 2, 1});
	machine.loads[0].weight = 88761;
	bool rounded;
	cr_assert_eq(balance_average(&machine.view, &rounded), 5 * N / 3);
	cr_assert(rounded);
	cr_assert_eq(balance_victim(&machine.view, 3), 1);
	cr_assert_eq(moves(&machine, 3, 1, N, 2), 1);
	cr_assert_eq(balance_victim(&machine.view, 0), PLACE_NONE);
}

/* Below its level, as both are: who has no more to give is not asked. */
Test(balance, nobody_asks_one_of_its_own_weight)
{
	const uint64_t levels[] = {3 * N, 3 * N};
	struct machine machine;
	machine_fill(&machine, 2, (uint32_t[]){2, 2});
	machine.view.levels = levels;
	cr_assert_eq(balance_victim(&machine.view, 0), PLACE_NONE);
	machine.loads[1].weight++;
	cr_assert_eq(balance_victim(&machine.view, 0), 1);
}

/* Also while it shares its CPU, if it is known; what was told of a thread that has left means nothing. */
Test(balance, a_heavy_thread_in_company_does_not_count_either)
{
	struct machine machine;
	uint32_t heaviest[4] = {88761, N, N, 0};
	bool rounded;
	machine_fill(&machine, 4, (uint32_t[]){3, 2, 2, 1});
	machine.loads[0].weight = 88761 + 2 * N;
	cr_assert_eq(balance_average(&machine.view, &rounded), (88761 + 7 * N) / 4);
	machine.view.heaviest = heaviest;
	cr_assert_eq(balance_average(&machine.view, &rounded), 7 * N / 3);
	cr_assert_eq(balance_victim(&machine.view, 1), 0);
	cr_assert_eq(moves(&machine, 1, 0, N, 2), 1);
	machine.loads[0].weight = 3 * N;
	cr_assert_eq(balance_average(&machine.view, &rounded), 8 * N / 4);
}
