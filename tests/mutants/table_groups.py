# SPDX-License-Identifier: BSD-2-Clause
"""Seeded bugs of groups, and of what CPUs publish of themselves and read of others; see table.py."""

MUTANTS = [
    # What a thread takes along of the lags above it
    ("servers/sched/policy/group/debt.c", "\t\towed_ns = bound_i64(owed_ns, OWED_NS_MAX);\n", "",
     "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "empty ? part[level].lag_ns : part_of",
     "empty && false ? part[level].lag_ns : part_of", "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "\t\tall = part[level].weight;\n", "", "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "\t\tif (all != 0)\n", "\t\tif (false)\n", "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "\treturn all == 0 ? 0\n", "\treturn all == 1 ? 0\n",
     "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "move->state == POLICY_QUEUED ? ", "true ? ",
     "policy_group_debt"),
    ("servers/sched/policy/group/debt.c", "more_ns < OWED_NS_MIN)", "more_ns <= OWED_NS_MIN)",
     "policy_group_debt"),
    # What is fair where all have enough
    ("servers/sched/policy/group/fair.c", "GROUP_FULL_SHIFT)) / limit;",
     "GROUP_FULL_SHIFT)) / FAIR_RATE_ONE;", "policy_fair"),
    ("servers/sched/policy/group/fair.c", "else if (round.full != UINT64_MAX)", "else if (false)",
     "policy_fair"),
    # Caps, and CPUs that idle
    ("servers/sched/core/place.c", "!sched_group_stays(server, cpu, thread, target) &&\n\t\t    ", "",
     "sched_groups"),
    ("servers/sched/core/balance.c", "(request.puller_runnable != 0 ||", "(true ||", "sched_groups"),
    ("servers/sched/core/balance.c", "(request.puller_runnable != 0 ||", "(false ||", "sched_groups"),
    ("servers/sched/core/group.c", "cpu->grouped && group_waits(policy_cpu(cpu)),", "false,",
     "sched_groups"),
    ("servers/sched/core/plan.c",
     "\tout->count = (uint32_t)min_u64(\n"
     "\t\t__atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED),\n"
     "\t\tout->runnable + __atomic_load_n(&cpu->plan_throttled, __ATOMIC_RELAXED));",
     "\tout->count = __atomic_load_n(&cpu->plan_count, __ATOMIC_RELAXED);", "sched_remains"),
    ("servers/sched/core/plan.c", "out->runnable + __atomic_load_n(&cpu->plan_throttled, __ATOMIC_RELAXED)",
     "out->runnable", "sched_remains"),
    # A load is told as soon as it changes
    ("servers/sched/core/plan.c", "\t\tsched_load_publish(cpu);\n", "", "sched_remains"),
    ("servers/sched/core/param.c", "\t\tsched_load_publish(cpu);\n", "\t\t(void)cpu;\n", "sched_remains"),
    ("servers/sched/core/place.c", "\tsched_load_publish(cpu);\n\treturn moved;", "\treturn moved;",
     "sched_groups"),
    ("servers/sched/core/balance.c", "\tsched_load_publish(cpu);\n\treturn moved;", "\treturn moved;",
     "sched_groups"),
    ("servers/sched/policy/eevdf/inspect.c", "thread == cpu->running);", "false);", "policy_conformance"),
    ("servers/sched/policy/place/balance.c",
     "\t\tif (candidates[i].allowed && now->victim_runnable > 1)\n\t\t\tmove_one(",
     "\t\tif (false)\n\t\t\tmove_one(", "policy_place"),
    ("servers/sched/core/fair.c", "group->rest_weight < weight || weight == 0)\n\t\treturn;\n",
     "false)\n\t\treturn;\n", "sched_remains"),
    ("servers/sched/core/fair.c", "group->rest_weight < weight ||", "", "sched_remains"),
    # Switches that were told late, in part, or of who may not run
    ("servers/sched/core/replay.c", "\tif (pick.thread != policy_thread(first))\n\t\treturn;\n", "",
     "sched_replay"),
    ("servers/sched/core/replay.c", " && event->first_ready_ns != 0 &&", " &&", "sched_replay"),
    ("servers/sched/core/again.c", "\tif (last != NULL)\n", "\tif (true)\n", "sched_batches"),
    ("servers/sched/core/again.c", "if (pick.thread == policy_thread(again->last))", "if (false)",
     "sched_batches"),
]
