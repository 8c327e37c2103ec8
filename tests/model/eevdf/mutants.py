#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Seeded bugs: each edit below breaks the EEVDF policy, and eevdf-random must notice.

usage: mutants.py --source TREE --cc CC...

The policy is copied, one line is changed, the random test is built with the copy and run.  A mutant
that survives, or an edit whose text is not found any more, is a failure.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

# name, file, text, replacement
MUTANTS = [
    ("a short charge floors every time", "../vtime/vtime.h",
     "thread->v_rem = (uint32_t)(mine % weight);", "thread->v_rem = 0;"),
    ("a long charge floors every time", "../vtime/vtime.h",
     "thread->v_rem = (uint32_t)rem;", "thread->v_rem = 0;"),
    ("a long charge is taken for a short one", "../vtime/vtime.h",
     "if (ns < VTIME_SHORT_NS)", "if (ns < 2 * VTIME_SHORT_NS)"),
    ("a short charge does not end a request", "eevdf.c",
     "if (ran_ns < left_ns)", "if (ran_ns < left_ns || ran_ns < VTIME_SHORT_NS)"),
    ("a charge is not what it ran since the pick", "eevdf.c",
     "\n\tcpu->ran_ns += ran_ns;", ""),
    ("who runs is taken out of the middle as if it were alone", "queue.c",
     "if (tree->root != &thread->node ||", "if (tree->root == NULL ||"),
    ("who runs is taken for the first", "queue.c", " || thread->node.left != NULL)", ")"),
    ("the first of a tree is not followed", "queue.c",
     "\t\tcpu->first[which] = thread;", "\t\t(void)first;"),
    ("the first of a tree outlives its departure", "queue.c",
     "cpu->first[which] = eevdf_of_link(rb", "(void)eevdf_of_link(rb"),
    ("what is left of a request is not counted", "eevdf.c",
     "thread->left_ns = left_ns - ran_ns;", ""),
    ("plain order although the first is not eligible", "pick.c",
     "!eevdf_eligible(cpu, first) ||\n", ""),
    ("plain order although the background waits", "pick.c",
     " || cpu->first[POLICY_CLASS_BACKGROUND] != NULL ||\n", " ||\n"),
    ("plain order although a shorter request waits", "pick.c",
     "min_slice_ns < first->slice_ns)", "min_slice_ns == 0)"),
    ("plain order within a request", "pick.c", "first->slice_ns + (turn_over ? 0 : 1);",
     "first->slice_ns;"),
    ("plain order although who ran has a shorter request", "pick.c",
     "running->slice_ns >= least_ns && ", ""),
    ("plain order although who ran comes first", "pick.c",
     " && int128_below(first->key_vd, running->key_vd);", ";"),
    ("what joins does not count above", "queue.c", "up->min_v = int128_below",
     "up->min_v = 0 && int128_below"),
    ("a short slice that joins does not count above", "queue.c", "up->min_slice_ns = ns <",
     "up->min_slice_ns = 0 && ns <"),
    ("join divides by the weight with the joiner", "../vtime/vtime.c",
     "vtime_joins(weight, lag, queue->vrem, queue->weight);",
     "vtime_joins(weight, lag, queue->vrem, queue->weight + weight);"),
    ("leave forgets the lag", "../vtime/vtime.h", "vtime_mean(queue, -rel, weight);",
     "vtime_mean(queue, -(int128_t)queue->vrem, weight);"),
    ("sleepers do not leave during a charge", "eevdf.c",
     "eevdf_settles(cpu) ? eevdf_settle_delayed(cpu, done) : done", "done"),
    ("charge moves V by the runnable weight only", "eevdf.c",
     "vtime_serve(&cpu->time, &thread->time, ran_ns, long_too);",
     "cpu->weight -= cpu->weight_delayed;"
     "vtime_serve(&cpu->time, &thread->time, ran_ns, long_too);"
     "cpu->weight += cpu->weight_delayed;"),
    ("reweight keeps the service received", "../vtime/vtime.c", "vtime_relative(queue, thread) + k;",
     "vtime_relative(queue, thread);"),
    ("reweight keeps the deadline", "eevdf.c",
     "\t\tvtime_request_resume(&thread->request, left, used);\n", ""),
    ("a request goes on from its beginning", "../vtime/request.c", "if (used != 0)", "if (false)"),
    ("v equal to V is not eligible", "eevdf.h", "return cpu->vq + VTIME_SLACK;",
     "return cpu->vq - 1;"),
    ("only the leftmost is looked at", "queue.c", "\t\t\tnode = node->right;\n\t}\n\treturn NULL;",
     "\t\t\treturn NULL;\n\t}\n\treturn NULL;"),
    ("summary ignores the right child", "queue.c",
     "{node->left, node->right};", "{node->left, NULL};"),
    ("tie broken the other way", "eevdf.h", "return a->tid < b->tid;\n}",
     "return a->tid > b->tid;\n}"),
    ("a new thread asks for a whole slice", "eevdf.c", "vtime_units(thread->slice_ns) / 2",
     "vtime_units(thread->slice_ns)"),
    ("lag is not clamped over a sleep", "eevdf.c",
     "reason == POLICY_LEAVE_SLEEP && thread->lag >", "false && thread->lag >"),
    ("lag is forgotten over a sleep", "eevdf.c", "eevdf_expel(cpu, thread, reason == POLICY_LEAVE_SLEEP);",
     "eevdf_expel(cpu, thread, reason == POLICY_LEAVE_SLEEP), thread->lag = 0;"),
    ("no delayed sleepers", "eevdf.c",
     "reason == POLICY_LEAVE_SLEEP && !eevdf_eligible(cpu, thread)", "false"),
    ("a delayed sleeper keeps its lag", "eevdf.c", "\t\tfirst->lag = 0;", "\t\tfirst->lag += 1 << 30;"),
    ("V is not checked after a leave", "eevdf.c",
     "vtime_units(slice_max(cpu, thread)));\n\teevdf_settle(cpu);",
     "vtime_units(slice_max(cpu, thread)));"),
    ("a request is not put in order again", "eevdf.h",
     "\tthread->key_vd = vtime_grid(thread->vd);\n", ""),
    ("a request that goes on is not put in order again", "../vtime/request.c",
     "\trequest->key_vd = vtime_grid(request->vd);\n", ""),
    ("a new slice does not count", "eevdf.c",
     "vtime_request_params(&thread->request, thread->weight, (uint32_t)params->slice_ns);",
     "thread->slice_ns = (uint32_t)params->slice_ns;"),
    ("no run to parity", "pick.c", "cpu->ran_ns >= slice_min", "true"),
    ("the first in order cuts in only if it is of the same class", "pick.c",
     "best->slice_ns < running->slice_ns && best->class <= running->class",
     "best->slice_ns < running->slice_ns"),
    ("no cut-in behind the first in order", "pick.c",
     "return slice_min < running->slice_ns && shorter_min_v",
     "return false && shorter_min_v"),
    ("cut-in is not foreseen", "pick.c", "units = cut < units ? cut : units;", "(void)cut;"),
    ("background does not yield", "pick.c", "!fresh && cpu->normal_woke && normal != NULL", "false"),
    ("background may cut in", "pick.c", "search_begin(&search, cpu, than->class,",
     "search_begin(&search, cpu, EEVDF_CLASSES - 1,"),
    ("background goes before a longer request", "pick.c",
     "search_begin(&search, cpu, class,", "search_begin(&search, cpu, EEVDF_CLASSES - 1,"),
    ("a later short request never goes first", "pick.c", "!has_slack(cpu, first) ? first", "true ? first"),
    ("a later short request always goes first", "pick.c",
     "return late <= vtime_units(thread->slice_ns / EEVDF_LATE_PART) + slack;",
     "return slack != 0;"),
    ("late by a whole request", "pick.c", "thread->slice_ns / EEVDF_LATE_PART", "thread->slice_ns"),
    ("any shorter request goes first", "eevdf.h", "thread->slice_ns / EEVDF_SHORT_PART", "thread->slice_ns"),
    ("migration makes a fresh request", "state.c",
     "vtime_request_resume(&thread->request, left,\n"
     "\t\t\t     vtime_of_parts(in->request_ns, in->request_frac));",
     "eevdf_request(thread);"),
    ("migration drops the lag", "state.c", "vtime_join(&cpu->time, &thread->time, thread->lag);",
     "vtime_join(&cpu->time, &thread->time, 0);"),
    ("who sleeps in debt or is restored so is not in the sleepers' weight", "eevdf.h",
     "\tcpu->weight_delayed += thread->weight;\n", ""),
    ("a sleeper's departure is not foreseen", "pick.c", "units = leaves;", "(void)leaves;"),
]


class Build:
    """Objects of the policies and of the random test, and what is made of them."""

    def __init__(self, cc, source, work):
        self.compiler = [*cc, "-std=gnu17", "-O1", "-w", f"-I{source}/kernel/uapi", f"-I{source}/libsys"]
        self.policy = source / "servers/sched/policy"
        self.work = work
        tests = source / "tests/model/eevdf"
        self.tests = [self.compiled(self.policy, path) for path in (tests / "random.c", tests / "model.c")]
        self.objects = {path.relative_to(self.policy): self.compiled(self.policy, path)
                        for path in sorted(self.policy.rglob("*.c"))}

    def compiled(self, policy, path):
        with tempfile.NamedTemporaryFile(dir=self.work, suffix=".o", delete=False) as file:
            out = Path(file.name)
        subprocess.run([*self.compiler, f"-I{policy}", "-c", str(path), "-o", str(out)], check=True)
        return out

    def linked(self, out, changed):
        """changed: what stands for objects of the policies as they are"""
        objects = {**self.objects, **changed}
        subprocess.run([*self.compiler, *map(str, self.tests), *map(str, objects.values()), "-o", str(out)],
                       check=True)

    def mutant(self, out, policy, file):
        """A header of the two folders changes what is compiled of both."""
        edited = Path(os.path.normpath(Path("eevdf") / file))
        again = [edited] if file.endswith(".c") else [path for path in self.objects
                                                      if path.parts[0] in ("eevdf", "vtime")]
        changed = {path: self.compiled(policy, policy / path) for path in again}
        self.linked(out, changed)
        for path in changed.values():
            path.unlink()


def survives(build, mutant):
    name, file, old, new = mutant
    text = (build.policy / "eevdf" / file).read_text()
    if text.count(old) != 1:
        return f"\"{name}\": its text occurs {text.count(old)} times in {file}"
    program = build.work / "random"
    with tempfile.TemporaryDirectory(dir=build.work) as folder:
        policy = Path(folder) / "policy"
        shutil.copytree(build.policy, policy)
        (policy / "eevdf" / file).write_text(text.replace(old, new))
        build.mutant(program, policy, file)
    try:
        run = subprocess.run([str(program), "24", "4000"], capture_output=True, timeout=60,
                             check=False)
    except subprocess.TimeoutExpired:
        return None
    return None if run.returncode != 0 else f"\"{name}\" was not noticed"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", type=Path, required=True)
    parser.add_argument("--cc", nargs="+", required=True)
    args = parser.parse_args()
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "random"
        build = Build(args.cc, args.source, Path(folder))
        build.linked(program, {})
        if subprocess.run([str(program), "12", "4000"], check=False).returncode != 0:
            print("the policy itself fails", file=sys.stderr)
            return 1
        for mutant in MUTANTS:
            wrong = survives(build, mutant)
            print(f"{'CAUGHT  ' if wrong is None else 'SURVIVED'} {mutant[0]}", flush=True)
            bad += [wrong] if wrong else []
    for line in bad:
        print(line, file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
