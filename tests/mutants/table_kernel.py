# SPDX-License-Identifier: BSD-2-Clause
"""Seeded bugs of the portable kernel that were found at random, and that no quick test noticed: (file,
text in it, what it becomes, name of the meson test that must then fail)."""

MUTANTS = [
    # Capabilities: links of the derivation tree, what goes in several steps, what holders are told
    ("kernel/object/delete.c", "\t\tchild->next = NULL;\n", "", "kobject-cnode"),
    ("kernel/object/delete.c", "return CAP_STEP_AGAIN; /* whether", "return CAP_STEP_DONE; /* whether",
     "kobject-cnode"),
    ("kernel/object/derive.c", "\tslot->next = NULL;\n\tslot->prev = NULL;\n\tcap_store",
     "\tslot->prev = NULL;\n\tcap_store", "kobject-cnode"),
    ("kernel/object/derive.c", "\tslot->prev = NULL;\n\tcap_store", "\tcap_store", "kobject-cnode"),
    ("kernel/object/tcb.c", "\t\tif (!cap_release(slots[i]))\n\t\t\treturn false;",
     "\t\tif (!cap_release(slots[i]))\n\t\t\treturn true;", "kobject-threads"),
    ("kernel/object/tcb.c", "\tif (!cap_release(held))\n\t\treturn false;",
     "\tif (!cap_release(held))\n\t\treturn true;", "kobject-threads"),
    ("kernel/object/cap_held.c", "current == tcb || arch", "current == tcb && arch", "kobject-threads"),
    ("kernel/object/cap_held.c", "\t\tswitch_to_empty_space();\n", "\t\t(void)tcb;\n",
     "kobject-threads"),
    ("kernel/object/cap_held.c", "\t\tirq_notification_drop(slot);\n", "", "kobject-threads"),
    ("kernel/object/cap_held.c", "\t\tcore_supervisor_drop(slot);\n", "", "kobject-threads"),
    ("kernel/object/tcb_methods.c",
     "\tinv->results[2] = __atomic_load_n(&tcb->cpu_ns, __ATOMIC_RELAXED);\n", "",
     "kobject-threads"),
    ("kernel/core/boot.c", "\t\t\t CAP_HOLDER_TCB_VSPACE);", "\t\t\t CAP_HOLDER_TCB_BUFFER);",
     "kernel-boot"),
    # Stopping, grace, faults
    ("kernel/smp/stop.c", " && core->dispatcher != tcb)\n\t\tfault_forward", ")\n\t\tfault_forward",
     "kernel-fault"),
    ("kernel/smp/grace.c", "\tswitch_to_empty_space();\n", "", "kernel-stop"),
    ("kernel/ipc/fault.c", "\ttcb->fault_told = true;\n", "", "kernel-fault"),
    ("kernel/ipc/fault.c", "if (!tcb->fault_told)", "if (false)", "kernel-fault"),
    ("kernel/ipc/fault.c", "if ((tcb_flags(tcb) & TCB_FLAG_NO_FPU) != 0)", "if (false)", "kernel-fault"),
    ("kernel/ipc/fault.c", "\t\ttcb_flags_set(tcb, tcb_flags(tcb) | TCB_FLAG_FPU_USED);\n", "",
     "kernel-fault"),
    ("kernel/ipc/fault.c", "\t\tarch_fpu_enable(tcb);\n", "", "kernel-fault"),
    # What begins anew with fallback
    ("kernel/dispatch/fallback.c", "\tcore->reasons = 1u << REASON_KICK;\n", "\tcore->reasons = 0;\n",
     "kernel-fallback"),
    ("kernel/dispatch/fallback.c", "\tcore->bounced = false;\n", "", "kernel-fallback"),
    ("kernel/dispatch/fallback.c", "\tcore->refusals = 0;\n", "", "kernel-fallback"),
    ("kernel/dispatch/fallback.c",
     "\tcore->slice_end_ns = time_after(now, FALLBACK_SLICE_NS);\n\tcore->starv", "\tcore->starv",
     "kernel-fallback"),
    ("kernel/dispatch/fallback.c", "\tcore->starvation_end_ns = TIME_NEVER;\n", "", "kernel-fallback"),
    # Decisions about threads that change meanwhile
    ("kernel/dispatch/decision.c", "tcb_home(payer) == core && list_linked(&payer->event_link)", "false",
     "kernel-stale"),
    # Binding
    ("kernel/dispatch/bind.c", "\t\tcore->untold_more = 1;\n", "", "kernel-dispatch"),
    ("kernel/dispatch/event.c",
     "\tif (tcb->sched == SCHED_READY)\n\t\ttcb->event_info |= event_served(tcb);\n", "",
     "kernel-served"),
]
