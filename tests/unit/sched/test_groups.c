/* SPDX-License-Identifier: BSD-2-Clause */
/* Groups as the server offers them: requests, rights, caps, threads that come and go. */
#include "group_client.h"

Test(groups, a_machine_without_groups_runs_the_policy_itself, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	cr_assert_eq(bench_server->cpu[0].policy, policies[0]);
	(void)group_new(5, 0, 1024, 0, 0);
	cr_assert_neq(bench_server->cpu[0].policy, policies[0]);
}

Test(groups, the_first_one_needs_memory, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	bench_groups = false;
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 1024, 0, 0, NULL), ERR_STATE);
	bench_groups = true;
	(void)group_new(5, 0, 1024, 0, 0);
}

Test(groups, errors_name_their_cause, .init = open_1, .fini = bench_close)
{
	word_t parent = 0;

	start_on(0, 5);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 0, 0, 0, NULL), ERR_RANGE, "weight 0");
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, (1u << 20) + 1, 0, 0, NULL), ERR_RANGE);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 1ull << 32 | 1024, 0, 0, NULL), ERR_RANGE);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 1, 99999, 10 * MS, NULL), ERR_RANGE,
		     "quota below 0.1 ms");
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 1, MS, MS - 1, NULL), ERR_RANGE, "period");
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 77, 1, 0, 0, NULL), ERR_NOT_FOUND);
	for (unsigned depth = 0; depth < 4; depth++)
		parent = group_new(5, parent, 1024, 0, 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, parent, 1, 0, 0, NULL), ERR_LIMIT, "depth");
	for (unsigned i = 4; i < 63; i++)
		(void)group_new(5, 0, 1024, 0, 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_CREATE, 0, 1, 0, 0, NULL), ERR_NO_MEMORY);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_GET, parent, SCHED_GROUP_FIELD_COUNT, 0, 0, NULL),
		     ERR_ARG);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_GET, 0, 0, 0, 0, NULL), ERR_NOT_FOUND, "the root");
	cr_assert_eq(join(5, 77), ERR_NOT_FOUND);
}

Test(groups, one_with_members_is_not_deleted, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t outer = group_new(5, 0, 1024, 0, 0), inner = group_new(5, outer, 1024, 0, 0);

	cr_assert_eq(join(6, inner), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, inner, 0, 0, 0, NULL), ERR_BUSY);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, outer, 0, 0, 0, NULL), ERR_BUSY);
	(void)bench_event(0, 6, (word_t)EVENT_DEAD, 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, inner, 0, 0, 0, NULL), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, outer, 0, 0, 0, NULL), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, outer, 0, 0, 0, NULL), ERR_NOT_FOUND);
	cr_assert_neq(group_new(5, 0, 1024, 0, 0), outer, "an old id stays unknown");
}

/* 1 ms in each 10 ms: it idles until the next period begins, and is asked for then. */
Test(groups, a_capped_one_waits_for_its_period, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;
	uint64_t ran_ns = 0;

	bench_now = 20 * MS;
	start_on(0, 5);
	const word_t group = group_new(5, 0, 1024, MS, 10 * MS);

	cr_assert_eq(join(5, group), ERR_OK);
	d = bench_nothing(0, ERR_OK);
	for (unsigned i = 0; i < 100 && d.kind == DECISION_RUN; i++) {
		bench_now += d.slice_ns;
		ran_ns += d.slice_ns;
		d = bench_event(0, 5, BENCH_READY(CAUSE_SLICE), d.slice_ns);
	}
	cr_assert_eq(d.kind, DECISION_IDLE);
	cr_assert_eq(d.timer_ns, 30 * MS);
	cr_assert_eq(ran_ns, MS);
	bench_now = 30 * MS;
	d = bench_nothing(0, ERR_OK);
	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.tid, 5);
	cr_assert_eq(field(group, SCHED_GROUP_USED_NS), MS);
	cr_assert_eq(field(group, SCHED_GROUP_THROTTLED_NS), 9 * MS);
	cr_assert_eq(field(group, SCHED_GROUP_PERIODS), 2);
	cr_assert_eq(field(group, SCHED_GROUP_PERIODS_THROTTLED), 1);
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 1);
}

/* Its CPU has no reason to be entered but that. */
Test(groups, a_cap_reaches_who_runs_alone, .init = open_1, .fini = bench_close)
{
	struct sched_decision d;

	bench_now = 20 * MS;
	start_on(0, 5);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(5, group), ERR_OK);
	d = bench_nothing(0, ERR_OK);
	cr_assert_leq(d.slice_ns, 100 * MS);
	/* What it ran before is no debt. */
	bench_now += 5 * MS;
	(void)bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 5 * MS);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_SET, group, 1024, 5 * MS, 10 * MS, NULL), ERR_OK);
	d = bench_nothing(0, ERR_OK);
	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_leq(d.slice_ns, 5 * MS);
}

Test(groups, weight_changes_at_once, .init = open_1, .fini = bench_close)
{
	struct policy_info info;
	const struct sched_cpu *cpu = &bench_server->cpu[0];

	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_SET, group, 3072, 0, 0, NULL), ERR_OK);
	cpu->policy->query((const struct policy_cpu *)(const void *)cpu->policy_blob, NULL, &info);
	cr_assert_eq(info.load, 4096);
}

/* ---- Rights ---------------------------------------------------------------------------------- */

static void confine(uint32_t tid, word_t top)
{
	bench_shared->params[tid].flags |= SCHED_THREAD_CONFINED;
	bench_shared->params[tid].group_top = top;
	bench_shared->params[tid].group = top;
}

Test(groups, another_process_moves_nobody, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(ask(5, SCHED_REQ_SET_PARAM, 6, SCHED_PARAM_GROUP, group, 0, NULL),
		     ERR_PERMISSION);
	cr_assert_eq(bench_shared->params[6].group, 0);
}

Test(groups, a_confined_client_stays_below_its_own, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	const word_t own = group_new(5, 0, 1024, 0, 0), other = group_new(5, 0, 1024, 0, 0);

	bench_thread(6, 1024);
	confine(6, own);
	(void)bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	cr_assert_eq(field(own, SCHED_GROUP_MEMBERS), 1);

	const word_t below = group_new(6, own, 1024, 0, 0);

	cr_assert_eq(ask(6, SCHED_REQ_GROUP_CREATE, 0, 1024, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_CREATE, other, 1024, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_SET, own, 9999, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_SET, other, 9999, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_DELETE, other, 0, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_SET, below, 9999, 0, 0, NULL), ERR_OK);
	cr_assert_eq(join(6, below), ERR_OK);
	cr_assert_eq(join(6, other), ERR_PERMISSION);
	cr_assert_eq(join(6, 0), ERR_PERMISSION);
	cr_assert_eq(join(6, own), ERR_OK);
	for (unsigned i = 1; i < SCHED_GROUPS_CONFINED_MAX; i++)
		(void)group_new(6, own, 1024, 0, 0);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_CREATE, own, 1024, 0, 0, NULL), ERR_LIMIT);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_DELETE, below, 0, 0, 0, NULL), ERR_OK);
}

Test(groups, a_confined_client_in_none_has_none, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	start_on(0, 6);
	confine(6, 0);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_CREATE, 0, 1024, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(ask(6, SCHED_REQ_GROUP_DELETE, group, 0, 0, 0, NULL), ERR_PERMISSION);
	cr_assert_eq(join(6, group), ERR_PERMISSION);
}

/* A passive server of a confined process, on the time of somebody who may more. */
Test(groups, the_payer_lends_no_rights, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	bench_clear_calls();
	(void)bench_request_as(0, 5, badge_of(6), SCHED_REQ_GROUP_DELETE, group, 0, 0, 0);
	cr_assert_eq(bench_answers[0].error, ERR_PERMISSION);
}

/* ---- Threads that come and go ---------------------------------------------------------------- */

Test(groups, a_cpu_meets_them_with_their_first_thread, .init = open_2, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	cr_assert_eq(bench_server->cpu[1].policy, policies[0]);
	bench_clear_calls();
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(bench_moves_count, 1);
	cr_assert_eq(bench_moves[0].cpu, 1);
	(void)bench_event(1, 6, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert_neq(bench_server->cpu[1].policy, policies[0]);
	cr_assert_eq(bench_shared->params[6].group, group);
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 1);
}

Test(groups, on_its_way_a_thread_may_lose_its_group, .init = open_2, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	(void)bench_request(0, 6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_AFFINITY, 2, 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, group, 0, 0, 0, NULL), ERR_OK);
	(void)bench_event(1, 6, BENCH_READY(CAUSE_ARRIVED), 0);
	cr_assert_eq(bench_shared->params[6].group, 0);
	cr_assert_eq(ask(6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_NICE, 5, 0, NULL), ERR_OK);
}

Test(groups, of_another_instance_are_none, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	bench_thread(6, 1024);
	bench_shared->params[6].group = group ^ 1ull << 48;
	(void)bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	cr_assert_eq(bench_shared->params[6].group, 0);
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 0);
}

/* Its objects wait to be started again; for its group it is gone. */
Test(groups, who_ended_is_no_member, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	bench_shared->params[6].flags |= SCHED_THREAD_ENDED;
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 1);
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, group, 0, 0, 0, NULL), ERR_OK);
	bench_shared->params[6].flags = SCHED_THREAD_USED | SCHED_THREAD_FRESH;
	bench_shared->params[6].group = 0;
	(void)bench_event(0, 6, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(bench_server->threads[6].state, SCHED_READY);
	cr_assert_eq(bench_shared->params[6].group, 0);
}

/* The CPU that has it has had no group: joining is the first that it hears of them. */
Test(groups, who_joins_where_none_was_is_a_member, .init = open_2, .fini = bench_close)
{
	start_on(0, 5);
	start_on(1, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(bench_server->cpu[1].policy, policies[0]);
	cr_assert_eq(join(6, group), ERR_OK);
	cr_assert_neq(bench_server->cpu[1].policy, policies[0]);
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 1);
	bench_groups = false;
	bench_close();
	open_2();
	start_on(1, 6);
	cr_assert_eq(join(6, 0), ERR_OK);
	cr_assert_eq(bench_server->cpu[1].policy, policies[0], "to leave it takes none");
	bench_groups = true;
}

/* It was taken for ended and woke after all, as one of the root's: its next change is not refused. */
Test(groups, who_woke_in_none_may_change, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	bench_shared->params[6].flags |= SCHED_THREAD_ENDED;
	(void)bench_event(0, 6, BENCH_BLOCKED(CAUSE_IPC), 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, group, 0, 0, 0, NULL), ERR_OK);
	bench_shared->params[6].flags = SCHED_THREAD_USED;
	(void)bench_event(0, 6, BENCH_READY(CAUSE_WAKE), 0);
	cr_assert_eq(ask(6, SCHED_REQ_SET_PARAM, 0, SCHED_PARAM_NICE, 5, 0, NULL), ERR_OK);
	cr_assert_eq(bench_shared->params[6].group, 0);
}

/* A tid that is used again after its thread was in a group. */
Test(groups, a_new_thread_is_not_in_its_predecessors, .init = open_1, .fini = bench_close)
{
	start_on(0, 5);
	start_on(0, 6);
	const word_t group = group_new(5, 0, 1024, 0, 0);

	cr_assert_eq(join(6, group), ERR_OK);
	(void)bench_event(0, 6, (word_t)EVENT_DEAD, 0);
	start_on(0, 6);
	cr_assert_eq(field(group, SCHED_GROUP_MEMBERS), 0);
	cr_assert_eq(
		bench_server->cpu[0].policy->check(
			(const struct policy_cpu *)(const void *)bench_server->cpu[0].policy_blob),
		0);
}

/* A CPU that balances finds that groups and masks are in use, and takes the layer, which has no successors:
 * what its policy was asked for before is void. */
Test(groups, the_layer_comes_after_the_pick, .fini = bench_close)
{
	struct sched_decision d;

	bench_open_offering(2);
	for (uint32_t tid = 5; tid <= 7; tid++) {
		bench_thread(tid, 1024);
		bench_shared->params[tid].affinity = cpumask_one(tid / 7);
		(void)bench_event(tid / 7, tid, BENCH_READY(CAUSE_START), 0);
	}
	d = bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 0);
	cr_assert_neq(d.flags & (DECISION_SUCCESSOR | DECISION_FILTER), 0);
	cr_assert_eq(join(7, group_new(7, 0, 1024, 0, 0)), ERR_OK);
	cr_assert_not(bench_server->cpu[0].grouped);
	bench_now += 200 * MS;
	d = bench_event(0, 5, BENCH_READY(CAUSE_PREEMPTED), 200 * MS);
	cr_assert(bench_server->cpu[0].grouped);
	cr_assert_eq(d.kind, DECISION_RUN);
	cr_assert_eq(d.flags & (DECISION_SUCCESSOR | DECISION_FILTER), 0);
}

/* ---- Another instance ------------------------------------------------------------------------ */

static void replaced(void)
{
	bench_replace(policies[0], places[0]);
}

static enum error exists(word_t group)
{
	return ask(5, SCHED_REQ_GROUP_GET, group, SCHED_GROUP_WEIGHT, 0, 0, NULL);
}

Test(groups, outlive_the_instance, .init = open_1, .fini = bench_close)
{
	word_t first, outer, inner, gone, later;

	start_on(0, 5);
	start_on(0, 6);
	first = group_new(5, 0, 1024, 0, 0);
	gone = group_new(5, 0, 1024, 0, 0);
	outer = group_new(5, 0, 3072, 0, 0);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, first, 0, 0, 0, NULL), ERR_OK);
	inner = group_new(5, outer, 512, 20 * MS, 40 * MS);
	cr_assert_lt(SCHED_GROUP_INDEX(inner), SCHED_GROUP_INDEX(outer), "its parent comes later");
	cr_assert_eq(join(6, inner), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_SET, outer, 2048, 0, 0, NULL), ERR_OK);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, gone, 0, 0, 0, NULL), ERR_OK);
	bench_shared->group[SCHED_GROUP_INDEX(inner)].used_ns = 77 * MS;

	replaced();
	start_on(0, 5);
	(void)bench_event(0, 6, BENCH_READY(CAUSE_START), 0);
	cr_assert_eq(bench_shared->params[6].group, inner);
	cr_assert_eq(field(inner, SCHED_GROUP_MEMBERS), 1);
	cr_assert_eq(field(inner, SCHED_GROUP_PARENT), outer);
	cr_assert_eq(field(inner, SCHED_GROUP_DEPTH), 2);
	cr_assert_eq(field(inner, SCHED_GROUP_WEIGHT), 512);
	cr_assert_eq(field(inner, SCHED_GROUP_QUOTA_NS), 20 * MS);
	cr_assert_eq(field(inner, SCHED_GROUP_PERIOD_NS), 40 * MS);
	cr_assert_eq(field(inner, SCHED_GROUP_USED_NS), 77 * MS, "figures go on");
	cr_assert_eq(field(outer, SCHED_GROUP_WEIGHT), 2048);
	cr_assert_eq(ask(5, SCHED_REQ_GROUP_DELETE, outer, 0, 0, 0, NULL), ERR_BUSY);
	cr_assert_eq(exists(gone), ERR_NOT_FOUND);
	/* In the place of the one that is gone, and not with its name. */
	later = group_new(5, 0, 1024, 0, 0);
	cr_assert_eq(SCHED_GROUP_INDEX(later), SCHED_GROUP_INDEX(gone));
	cr_assert_neq(later, gone);

	replaced();
	start_on(0, 5);
	cr_assert_eq(exists(inner), ERR_OK);
	cr_assert_eq(exists(later), ERR_OK);
	cr_assert_eq(field(inner, SCHED_GROUP_MEMBERS), 0, "it is not there yet");
}

/* What no request could have said is not believed; all else is. */
Test(groups, damaged_records_are_dropped, .init = open_1, .fini = bench_close)
{
	struct group_record *record = bench_shared->group;
	word_t id[10];

	start_on(0, 5);
	for (unsigned i = 0; i < 10; i++)
		id[i] = group_new(5, i == 9 ? id[8] : 0, 1024, 0, 0);
	record[1].weight = 0;
	record[2].weight = 1ull << 32 | 1024;
	record[3].quota_ns = 1;
	record[4].parent = id[4]; /* of id[3]: each is below the other */
	record[5].parent = id[3];
	record[6].parent = 4711;
	record[7].id = id[0];
	record[8].id = id[7] ^ 1u << 16; /* a generation that nobody has */
	replaced();
	cr_assert_eq(bench_groups_lost, 8);
	start_on(0, 5);
	for (unsigned i = 0; i < 8; i++)
		cr_assert_eq(exists(id[i]), ERR_NOT_FOUND, "%u", i);
	cr_assert_eq(exists(id[8]), ERR_OK);
	cr_assert_eq(field(id[9], SCHED_GROUP_PARENT), id[8]);
	replaced();
	cr_assert_eq(bench_groups_lost, 0, "they are gone");
}
