# SPDX-License-Identifier: BSD-2-Clause
"""Seeded bugs of what the scheduler server remembers from one upcall to the next; see table.py."""

MUTANTS = [
    # What the kernel did by itself, when, and who pays
    ("servers/sched/core/again.c",
     "\tagain->at_ns += blocked.ran_ns;\n"
     "\tsched_event_blocked(again->server, again->cpu, thread, &blocked, again->at_ns);\n"
     "\tagain->cpu->last_run = NULL;\n\tsched_stat",
     "\tsched_event_blocked(again->server, again->cpu, thread, &blocked, again->at_ns);\n"
     "\tagain->cpu->last_run = NULL;\n\tsched_stat", "sched_replay"),
    ("servers/sched/core/again.c",
     "thread, event);\n\tagain->at_ns += blocked.ran_ns;", "thread, event);", "sched_replay"),
    ("servers/sched/core/again.c", "sub_saturate_u64(again.switched_ns, ran_ns)", "again.switched_ns",
     "sched_replay"),
    ("servers/sched/core/again.c", "\t\t\trest[i].first_ready_ns = 0;\n", "", "sched_replay"),
    ("servers/sched/core/again.c",
     "\tif (!stay_begin(again, thread, event, again->at_ns))\n\t\treturn;\n",
     "\t(void)stay_begin(again, thread, event, again->at_ns);\n", "sched_replay"),
    ("servers/sched/core/dispatcher.c", "\tif (cpu->decided_tid == 0) /* it was idle",
     "\tif (false) /* it was idle", "sched_replay"),
    ("servers/sched/core/dispatcher.c", "\tif (cpu->decided_tid == 0) /* it was idle",
     "\tif (true) /* it was idle", "sched_replay"),
    ("servers/sched/core/dispatcher.c", "\t\tcpu->payer = NULL; /* what passes", "\t\t; /* what passes",
     "sched_replay"),
    ("servers/sched/core/event.c",
     "\tsched_mask_changed(server, thread);\n\tsched_plan_publish(server, cpu);\n",
     "\tsched_mask_changed(server, thread);\n", "sched_replay"),
    ("servers/sched/core/event.c", "\tthread->arrived_ns = now_ns;\n", "", "sched_replay"),
    ("servers/sched/core/event.c", "\tif (cpu->running == thread)\n\t\tcpu->running = NULL;\n", "",
     "sched_replay"),
    ("servers/sched/core/event.c", "\tif (cpu->last_run == thread)\n\t\tcpu->last_run = NULL;\n", "",
     "sched_replay"),
    ("servers/sched/core/event.c", "\tif (cpu->payer == thread)\n\t\tcpu->payer = NULL;\n", "",
     "sched_replay"),
    ("servers/sched/core/event.c", "\tsched_requesting_forget(cpu, thread);\n\towed", "\towed",
     "sched_replay"),
    ("servers/sched/core/plan.c", "? -PLAN_OWED_US_MAX\n", "? (int32_t)owed_us\n", "sched_replay"),
    ("servers/sched/core/plan.c", "\tcpu->plan_owed = false;\n", "", "sched_replay"),
    ("servers/sched/core/replay.c", "\tthread->seq = event->seq;\n", "", "replay_sched"),
    ("servers/sched/core/replay.c", "\tif (at == replay->count)\n\t\treturn;\n", "", "replay_sched"),
]
