#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Plants bugs in a copy of the kernel's protocols; each must be noticed by the scenario named.

usage: mutants.py [WORD...]     with words: only rows whose file or scenario contains one

Rows are (file, text that stands there once, what it becomes, scenario).  TAP.
"""

import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tests", "mutants"))
import run as mutants  # noqa: E402

EXECUTABLE = "tests/model/protocol/protocol"

MUTANTS = [
    # The lock
    ("kernel/include_lock/claim/kern/spin.h", "__atomic_compare_exchange_n(&spin->held, &nobody, 1, true, "
     "__ATOMIC_ACQUIRE,\n\t\t\t\t\t   __ATOMIC_RELAXED)",
     "(__atomic_load_n(&spin->held, __ATOMIC_ACQUIRE) == nobody &&\n"
     "\t\t(__extension__({ __atomic_store_n(&spin->held, 1, __ATOMIC_RELAXED); true; })))", "lock-claim"),
    ("kernel/include_lock/claim/kern/spin.h", "\tif (claimed)\n\t\t__atomic_store_n(&spin->claim, 0, "
     "__ATOMIC_RELAXED);\n", "", "lock-claim"),
    ("kernel/include_lock/claim/kern/spin.h", "stepped_back == polite ||", "", "lock-claim-stalled"),
    # Kicks and requests between CPUs
    ("kernel/dispatch/ready.c", "\tcore_post(core, CORE_REQUEST_KICK);", "", "M20_wake"),
    ("kernel/dispatch/ready.c", "\tif (core->dispatcher_running)\n\t\treturn;",
     "\tif (core->dispatcher != NULL)\n\t\treturn;", "M20_wake"),
    ("kernel/smp/ipi.c", "if (old != 0 || core == self", "if (old == 0 || core == self", "M20_wake"),
    ("kernel/smp/ipi.c", "if (old != 0 || core == self", "if (core == self", "M28_park-post"),
    ("kernel/smp/ipi.c", "return __atomic_fetch_and(&core->requests, ~bits, __ATOMIC_ACQ_REL) & bits;",
     "uint32_t old = __atomic_load_n(&core->requests, __ATOMIC_ACQUIRE);\n\n"
     "\t__atomic_store_n(&core->requests, old & ~bits, __ATOMIC_RELEASE);\n\treturn old & bits;",
     "grace-idle"),
    ("kernel/dispatch/upcall.c",
     "__atomic_fetch_and(&core->requests, ~CORE_REQUEST_KICK, __ATOMIC_ACQ_REL);",
     "__atomic_store_n(&core->requests, 0, __ATOMIC_RELEASE);", "M23_grace-kick"),
    ("kernel/core/switch.c", "if (__atomic_load_n(&core->requests, __ATOMIC_RELAXED) != 0)\n",
     "if (false)\n", "M20_wake"),
    # Records and decisions
    ("kernel/dispatch/event.c", "\t\tlist_push_back(&home->events, &tcb->event_link);", "\t\t;",
     "M20_wake"),
    ("kernel/dispatch/decision.c", "(idle || !core->bounced)", "!core->bounced",
     "stop-park"),
    ("kernel/dispatch/successor.c", "\tif (payer->seq != seq)\n\t\treturn ERR_BAD_SEQ;\n", "",
     "stop-again"),
    ("kernel/dispatch/bind.c", "\tif (!bind_is_noted(core))\n\t\treturn;\n",
     "\t(void)bind_is_noted(core);\n", "bind-other"),
    # What a decision allows without the dispatcher
    ("kernel/dispatch/event.c", "\tsuccessor_arm(home, false);\n", "", "successor-stop"),
    ("kernel/dispatch/successor.c", "core_post(home, CORE_REQUEST_TIMER);", ";", "filter-wake"),
    ("kernel/smp/ipi.c", "\t\ttimer_update(core);", "\t\t;", "filter-wake"),
    ("kernel/dispatch/successor.c", "core_post(home, CORE_REQUEST_FIRST);", "", "first-one"),
    ("kernel/dispatch/fallback.c", "\tsuccessor_forget(core);\n", "", "terms-unbind"),
    # A mark beside a mark of another CPU, and one that is taken back
    ("kernel/smp/stop.c", "\tmarked = (__atomic_load_n(&tcb->exit_work, __ATOMIC_RELAXED) & EXIT_STOP) != 0;",
     "\tmarked = true;", "donate-stop-resume"),
    ("kernel/dispatch/orphan.c", "__atomic_fetch_or(&caller->exit_work, EXIT_ANSWERED, __ATOMIC_RELAXED);",
     "__atomic_store_n(&caller->exit_work, caller->exit_work | EXIT_ANSWERED, __ATOMIC_RELAXED);",
     "donate-stop-served"),
    # Look again after locking
    ("kernel/dispatch/donation.c", "if (tcb_payer(tcb) == payer && tcb_home(head) == home)",
     "if (true)", "L18_move-wake"),
    ("kernel/dispatch/home.c", "if (tcb_home(tcb) != home)", "if (false)", "move-move"),
    ("kernel/dispatch/home.c", "\t\t\tderivation_lock();\n\t\t\terror = tcb_first_home(tcb, core);\n"
     "\t\t\tderivation_unlock();\n", "\t\t\terror = tcb_first_home(tcb, core);\n", "first-first"),
    ("kernel/dispatch/home.c", "\t\t\tderivation_lock();\n\t\t\terror = tcb_first_home(tcb, core);\n"
     "\t\t\tderivation_unlock();\n", "\t\t\terror = tcb_first_home(tcb, core);\n", "first-bind"),
    ("kernel/dispatch/home.c", "cap_is_anchor(&tcb->anchor) ||\n\t    ", "", "first-delete"),
    ("kernel/dispatch/request.c",
     "__atomic_load_n(&tcb->request_core, __ATOMIC_RELAXED) == asked &&\n", "true &&\n",
     "request-signal"),
    ("kernel/object/waitable.c",
     "__atomic_load_n(&tcb->blocked_on, __ATOMIC_RELAXED) == waitable &&\n\t    "
     "(!receiving || tcb_state(tcb) == THREAD_RECEIVING)", "true", "stop-wait-signal"),
    ("kernel/object/waitable.c", " &&\n\t    (!receiving || tcb_state(tcb) == THREAD_RECEIVING)", "",
     "bound-sends"),
    ("kernel/object/waitable.c",
     "\tif (receiving && waitable->object.type == OBJ_NOTIFICATION)\n\t\treturn false;\n", "", "bound-waits"),
    ("kernel/object/notification.c",
     "\t\ttcb->send_fault = 0;\n", "\t\ttcb->send_fault = 0;\n"
     "\t\tspin_unlock(&notification->wait.lock);\n\t\tspin_lock(&notification->wait.lock);\n",
     "wake-fallback"),
    # A bind and its signal against the way into a block
    ("kernel/ipc/recv.c", "\telse if (has_time && block && sender == NULL && error == ERR_OK)\n"
     "\t\tnotification_look_again(tcb);\n", "", "bind-signal-receive"),
    ("kernel/dispatch/request.c", "\t\tnotification_look_again(tcb);\n", "", "bind-signal-request"),
    ("kernel/object/notification.c", "\t\tsignal_bound(notification, tcb);\n\t\terror = ERR_OK;",
     "\t\terror = ERR_OK;", "bind-against-signal"),
    ("kernel/object/notification.c", "\t\tif (notification->bound == tcb)\n", "\t\tif (true)\n",
     "bind-another-receive"),
    # Owners
    ("kernel/smp/stop.c", "return wait_cancel(tcb, false) && stop_owned(tcb);",
     "return (wait_cancel(tcb, false) || true) && stop_owned(tcb);", "stop-wait-signal"),
    ("kernel/core/switch.c",
     "if (core->held != next && __atomic_load_n(&next->on_cpu, __ATOMIC_ACQUIRE) != 0)",
     "if (false)", "K_donation_two"),
    ("kernel/smp/stop.c",
     "home != this_core()) {\n\t\tcore_post(home, CORE_REQUEST_STOP);\n\t} else if",
     "home != this_core()) {\n\t} else if", "Z15_stop-spin"),
    ("kernel/core/invoke.c", "\t\t\treturn INVOKE_RESTART;\n\t\t}\n\t\tif (!inv.keep",
     "\t\t\tcontinue;\n\t\t}\n\t\tif (!inv.keep", "Z14_Z17_stop-each-other"),
    ("kernel/smp/stop.c", "\tif (destroy_in_chain(tcb))\n\t\treturn false;\n",
     "\t(void)destroy_in_chain(tcb);\n", "donate-delete-server"),
    # A call that was cut already, and the next one of its caller
    ("kernel/smp/stop.c", "!stop_cut(caller, tcb)", "!stop_cut_below(caller)", "donate-delete-server-then"),
    ("kernel/object/reply.c", "chain_cut(caller, server, reply);",
     "chain_cut(caller, server, __atomic_load_n(&caller->caller_reply, __ATOMIC_ACQUIRE) ?: reply);",
     "donate-delete-reply-then"),
    # A buffer that another CPU revokes: its pointer is read once
    ("kernel/include/kern/ipc.h", "\tsource = from_buffer->msg + MSG_REGS;",
     "\tsource = message_buffer(from)->msg + MSG_REGS;", "revoke-buffer-client"),
    ("kernel/include/kern/ipc.h", "\tdest = to_buffer->msg + MSG_REGS;",
     "\tdest = message_buffer(to)->msg + MSG_REGS;", "revoke-buffer-server"),
    ("kernel/dispatch/fastpath_enter.c", "upcall += untold_take(core, buffer);",
     "upcall += untold_take(core, upcall_buffer(core->dispatcher));", "revoke-buffer-dispatcher"),
    # State before block: a chain may be taken over in between
    ("kernel/ipc/ipc.c", "\t\twait_enqueue(&endpoint->wait, tcb, THREAD_SENDING);\n"
     "\t\tcore_block_current(block_cause(tcb));\n", "\t\tcore_block_current(block_cause(tcb));\n"
     "\t\twait_enqueue(&endpoint->wait, tcb, THREAD_SENDING);\n", "donate-nested-send"),
    ("kernel/ipc/ipc.c", "\ttcb_state_set(tcb, THREAD_CALLING);\n\tif (!donate)\n"
     "\t\tcore_block_current(block_cause(tcb));\n", "\tif (!donate)\n"
     "\t\tcore_block_current(block_cause(tcb));\n\ttcb_state_set(tcb, THREAD_CALLING);\n",
     "donate-nested-call"),
    ("kernel/object/notification.c", "\t\twait_enqueue(&notification->wait, tcb, THREAD_WAITING);\n"
     "\t\tcore_block_current(CAUSE_NOTIFICATION);\n", "\t\tcore_block_current(CAUSE_NOTIFICATION);\n"
     "\t\twait_enqueue(&notification->wait, tcb, THREAD_WAITING);\n", "donate-nested-wait"),
    ("kernel/dispatch/fastpath_block.c", "\twait_enqueue(&notification->wait, tcb, THREAD_WAITING);\n"
     "\tspin_unlock(&notification->wait.lock);\n\tinfo = payer_record(core, payer, WAIT_INFO, now);\n"
     "\tdeadline = successor_take(core, next, now);\n\tspin_unlock(&core->lock);\n",
     "\tinfo = payer_record(core, payer, WAIT_INFO, now);\n"
     "\tdeadline = successor_take(core, next, now);\n\tspin_unlock(&core->lock);\n"
     "\twait_enqueue(&notification->wait, tcb, THREAD_WAITING);\n"
     "\tspin_unlock(&notification->wait.lock);\n", "donate-delete-reply-followed"),
    # Requests, grace
    ("kernel/dispatch/bind.c", "\tif (next == NULL)\n\t\trequest_restart_all(core);\n", "",
     "request-bind-stop"),
    ("kernel/dispatch/request.c", "\tcore_tell(asked, REASON_REQUEST);\n", "", "request-remote"),
    ("kernel/smp/grace.c", "\t\tcore_post(core, CORE_REQUEST_GRACE);\n\t\twhile",
     "\t\twhile", "grace-idle"),
    ("kernel/smp/grace.c", "__ATOMIC_ACQUIRE) >= generation ||", "__ATOMIC_ACQUIRE) + 1 >= generation ||",
     "delete-notification"),
]


class Copy(mutants.Copy):
    """Builds the explorer only, and runs one scenario."""

    def test_passes(self, name):
        built = mutants.quietly(["ninja", "-C", self.build, "-j", self.jobs, EXECUTABLE])
        if built.returncode != 0:
            raise mutants.Failure(f"does not build:\n{built.stdout[-3000:]}")
        try:
            return subprocess.run([os.path.join(self.build, EXECUTABLE), name],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                                  timeout=mutants.TEST_SECONDS_MAX).returncode == 0
        except subprocess.TimeoutExpired:
            return False


def main():
    words = sys.argv[1:]
    rows = [row for row in MUTANTS
            if not words or any(word in row[0] or word in row[3] for word in words)]
    with tempfile.TemporaryDirectory(prefix="baton-mutants-") as scratch:
        try:
            return 1 if mutants.run(rows, Copy(scratch, 1)) else 0
        except mutants.Failure as failure:
            print(f"mutants: {failure}", file=sys.stderr)
            return 1


if __name__ == "__main__":
    sys.exit(main())
