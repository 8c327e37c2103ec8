# SPDX-License-Identifier: BSD-2-Clause
"""Seeded bugs: (file, text in it, what it becomes, name of the meson test that must then fail).

The text must stand exactly once in the file.  A row says "this test can fail"; choose changes that
a person could really make: a bound off by one, a check left out, a wrong rounding.
"""

MUTANTS = [
    # Device tree
    ("libsys/base/fdt.c", "if (len > room - 12 || ", "if (", "fdt"),
    ("libsys/base/fdt.c", "if (depth == FDT_DEPTH_MAX)", "if (depth > FDT_DEPTH_MAX)", "fdt"),
    ("libsys/base/fdt.c", "props_allowed = false;\n\t\t\tdepth--;", "depth--;", "fdt"),
    ("libsys/base/fdt.c", "bytes <= fdt->size_bytes - off &&", "", "fdt"),
    ("libsys/base/fdt_find.c", "return name[part_len] == '\\0' ||",
     "return true ||", "fdt"),
    ("libsys/base/fdt_find.c", "size_bytes > span - (*addr - from)", "size_bytes > span", "fdt"),
    ("libsys/base/dt_platform.c", "*irq = 16 + number;", "*irq = number;", "dt_platform"),
    ("libsys/base/dt_platform.c", "if (len >= PLATFORM_BOOTARGS_BYTES_MAX)",
     "if (len > PLATFORM_BOOTARGS_BYTES_MAX)", "dt_platform"),
    ("libsys/base/dt_platform.c", "if (platform->cpu_count == CPUS_MAX)",
     "if (platform->cpu_count > CPUS_MAX)", "dt_platform"),
    # Boot archive
    ("libsys/base/cpio.c", "entry->name[name_bytes - 1] != '\\0'", "false", "cpio"),
    ("libsys/base/cpio.c", "entry->data_bytes > room - data_at", "entry->data_bytes > room", "cpio"),
    ("libsys/base/cpio.c", "return (off + 3) & ~(size_t)3;", "return (off + 4) & ~(size_t)3;",
     "cpio"),
    # ELF
    ("libsys/base/elf.c", "(header->flags & PF_W) != 0 && (header->flags & PF_X) != 0",
     "header->flags == (PF_W | PF_X)", "elf"),
    ("libsys/base/elf.c", "header->file_bytes > elf->size_bytes - header->off",
     "header->file_bytes > elf->size_bytes", "elf"),
    ("libsys/base/elf.c", "if (header->mem_bytes > UINT64_MAX - header->vaddr)", "if (false)", "elf"),
    ("libsys/base/elf.c", "elf->entry - segment.vaddr < segment.file_bytes",
     "elf->entry - segment.vaddr <= segment.file_bytes", "elf"),
    ("libsys/base/elf.c", "uint64_t mask = ~(page_bytes - 1);",
     "uint64_t mask = ~(page_bytes / 2 - 1);", "elf"),
    # Boot arguments, numbers, CPU lists
    ("libsys/base/bootargs.c", "value->number > key->max", "false", "bootargs"),
    ("libsys/base/bootargs.c", "return twice ? BOOTARG_DUPLICATE : BOOTARG_FINE;",
     "return BOOTARG_FINE;", "bootargs"),
    ("libsys/base/parse.c", "if (sum > (UINT64_MAX - digit) / base)", "if (sum > UINT64_MAX / base)",
     "parse"),
    ("libsys/base/parse.c", "if (to < from || to >= cpus)", "if (to < from || to > cpus)", "parse"),
    # Workloads
    ("libsys/base/bwl.c", "if (*ref >= reader->used.objects ||", "if (", "bwl"),
    ("libsys/base/bwl.c", "reader->used.events != reader->declared.events", "false", "bwl"),
    ("tools/workload/check.c", "if (state[child - loader->tasks] == 1)", "if (false)", "workload"),
    ("tools/workload/scan.c", "if (before != 0)", "if (false)", "workload"),
    ("tools/workload/expand.c", "owner = instance;", "owner = OWNER_SHARED;", "workload"),
    ("tools/workload/write.c", "if (!task->start)", "if (false)", "bwl"),
    # Ideal shares
    ("libsys/base/ideal_share.c", "if (task->fixed)\n\t\t\tlambda.num -= task->rate;",
     "if (task->fixed)\n\t\t\tcontinue;", "ideal_share"),
    ("libsys/base/ideal_share.c", "class->flow[at] -= amount;", "", "ideal_share"),
    # Console
    ("servers/proc/pure/lineedit.c", "if (editor->len + 1 >= LINEEDIT_BYTES_MAX)",
     "if (editor->len >= LINEEDIT_BYTES_MAX)", "lineedit"),
    ("servers/proc/pure/lineedit.c",
     "emit_move(editor, editor->len - editor->cursor, 'D');\n}\n\n/* Removes",
     "}\n\n/* Removes", "lineedit"),
    ("servers/proc/pure/cmdline.c", "if (cmdline->count + 1 >= cmdline->words_max)",
     "if (cmdline->count >= cmdline->words_max)", "cmdline"),
    # Scheduler server, in simulation
    ("servers/sched/core/dispatcher.c", "\t\tsched_push_surplus(server, cpu, now_ns);\n", "",
     "sim_several"),
    ("servers/sched/core/dispatcher.c", "\t\tsched_balance_period(server, cpu, now_ns);\n", "",
     "sim_several"),
    ("servers/sched/core/balance.c", "BALANCE_PERIOD_NS * cpu->index",
     "BALANCE_PERIOD_NS * (cpu->index & 0)", "sim_several"),
    ("servers/sched/core/dispatcher.c", "\tbill_entry(server, cpu, upcall->now_ns);\n", "",
     "sched_server"),
    ("servers/sched/core/event.c", "\tthread->debt_ns = 0;\n", "", "sched_server"),
    ("servers/sched/core/event.c", "\tthread->seq = event->seq;\n",
     "\tif (thread->seq < 5)\n\t\tthread->seq = event->seq;\n", "sim_one"),
    ("servers/sched/core/event.c",
     "thread->in_request = false;\n\t\tthread_leave(cpu, thread, POLICY_LEAVE_SLEEP,",
     "thread->in_request = false;\n\t\tthread_leave(cpu, thread, POLICY_LEAVE_KEEP,", "sim_model"),
    ("servers/sched/core/sleep.c", "return first->wake_at_ns < second->wake_at_ns;",
     "return first->wake_at_ns > second->wake_at_ns;", "sim_model"),
    # Policies
    ("servers/sched/policy/stride/stride.c", "units + thread->pass_rem, thread->weight",
     "units, thread->weight", "policy_proportional"),
    ("servers/sched/policy/stride/stride.c", "owes = -credit_max;", "owes = owes;",
     "policy_proportional"),
    ("servers/sched/policy/lottery/lottery.c", "ticket -= left + here;", "ticket -= left;",
     "policy_proportional"),
    ("servers/sched/policy/lottery/lottery.c", ".random = LOTTERY_SEED + cpu_index",
     ".random = LOTTERY_SEED", "policy_proportional"),
    ("servers/sched/policy/edf/server.c", "cpu->bandwidth + bandwidth > U_ONE",
     "cpu->bandwidth > U_ONE", "policy_edf"),
    ("servers/sched/policy/edf/server.c", "thread->left_ns += (int64_t)thread->slice_ns;",
     "thread->left_ns = (int64_t)thread->slice_ns;", "policy_edf"),
    ("servers/sched/policy/edf/server.c", "if (left <= (uint128_t)rest_ns * thread->slice_ns)",
     "if (false)", "policy_edf"),
    ("servers/sched/policy/edf/edf.c", "thread->left_ns = left_ns < thread->left_ns ? left_ns : "
     "thread->left_ns;", "", "policy_edf"),
    ("servers/sched/policy/chaos/chaos.c", "first != NULL ? first->place : cpu->present",
     "cpu->present", "policy_conformance"),
]
