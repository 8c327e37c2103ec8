#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Builds and runs the fuzzers.

usage: run.py [--build FOLDER] [--seconds N] [--soak] [TARGET...]

N seconds in all, divided among the targets (default 60, all targets).  With --soak what was found
interesting is kept in the build folder and the next soak goes on from there; without, every run
starts from the seeds and with the same random numbers.
A crash is made smaller, kept in FOLDER/tests/fuzz/crashes, and printed with the commands that show
it again.  Prints TAP.  Exit status 0: no crash.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SANITIZE = "-fsanitize=fuzzer,address,undefined"
COMPILE = ["-g", "-O1", "-fno-omit-frame-pointer", SANITIZE, "-fno-sanitize-recover=all",
           "-Wno-everything"]
MINIMIZE_SECONDS = 20
INPUT_BYTES_MAX = {"fdt": 8192, "elf": 4096, "workload": 4096}
INPUT_BYTES_USUAL = 1024


class Failure(Exception):
    pass


def quietly(command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          errors="replace", text=True, **options)


class Fuzzers:
    """The fuzzers of one build folder."""

    def __init__(self, build):
        self.build = os.path.abspath(build)
        self.folder = os.path.join(self.build, "tests", "fuzz")
        try:
            with open(os.path.join(self.folder, "targets"), encoding="utf-8") as file:
                lines = [line.split() for line in file if line[0] not in "#\n"]
            with open(os.path.join(self.build, "meson-info", "intro-targets.json"),
                      encoding="utf-8") as file:
                told = {target["name"]: target for target in json.load(file)}
        except OSError as error:
            raise Failure(f"{build} is no build folder of the host build: {error}") from error
        self.told = told
        self.targets = {line[0]: line[1:] for line in lines}

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def sources(self, target):
        """(source, its compiler options) of everything in a target's program."""
        names = ["replay_" + target]
        names += [word[4:] for word in self.targets[target] if word.startswith("lib:")]
        for name in names:
            for group in self.told[name]["target_sources"]:
                if group["language"] != "c":
                    continue
                options = [word for word in group["parameters"]
                           if word.startswith(("-I", "-D", "-std=", "-isystem"))]
                for source in group["sources"]:
                    if os.path.realpath(source) != os.path.join(HERE, "replay.c"):
                        yield source, options

    def ninja_file(self, replace):
        """One object per source and set of options, shared by the targets."""
        out = ["rule cc", "  command = clang $options -MMD -MF $out.d -c $in -o $out",
               "  depfile = $out.d", "  deps = gcc", "  description = clang $in",
               "rule link", f"  command = clang {SANITIZE} $in $options -o $out",
               "  description = link $out"]
        done = {}
        for target, words in self.targets.items():
            objects = []
            for source, options in self.sources(target):
                relative = os.path.relpath(source, ROOT)
                where = [f"-I{os.path.dirname(source)}"] if relative in replace else []
                key = (source, tuple(options))
                if key not in done:
                    done[key] = f"clang/{len(done)}-{os.path.basename(source)}.o"
                    out += [f"build {done[key]}: cc {replace.get(relative, source)}",
                            f"  options = {' '.join(options + where + COMPILE)}"]
                objects.append(done[key])
            link = " ".join(word for word in words if not word.startswith("lib:"))
            out += [f"build fuzz_{target}: link {' '.join(objects)}", f"  options = {link}"]
        return "\n".join(out) + "\n"

    def compile(self, targets, replace=None, folder=None):
        """Build the fuzzers of some targets; `replace` has other files for some sources."""
        if shutil.which("clang") is None:
            raise Failure("there is no clang; ./baton test fuzz installs it")
        folder = folder or self.folder
        os.makedirs(os.path.join(folder, "clang"), exist_ok=True)
        file = os.path.join(folder, "clang", "build.ninja")
        text = self.ninja_file(replace or {})
        if not os.path.exists(file) or open(file, encoding="utf-8").read() != text:
            with open(file, "w", encoding="utf-8") as out:
                out.write(text)
        names = [f"fuzz_{target}" for target in targets]
        done = quietly(["ninja", "-j2", "-C", folder, "-f", file, *names])
        if done.returncode != 0:
            raise Failure(f"the fuzzers do not build:\n{done.stdout[-4000:]}")

    def corpus(self, target, soak):
        """Folders: where new inputs go, then the seeds."""
        own = self.path("corpus", target) if soak else self.path("corpus-smoke", target)
        if not soak:
            shutil.rmtree(own, ignore_errors=True)
        os.makedirs(own, exist_ok=True)
        seeds = self.path("seeds", target)
        return [own] + ([seeds] if os.path.isdir(seeds) else [])


def options_for(target, seconds, crashes):
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={crashes}{os.sep}",
               f"-max_len={INPUT_BYTES_MAX.get(target, INPUT_BYTES_USUAL)}", "-timeout=15",
               "-rss_limit_mb=3000", "-print_final_stats=1", "-reload=0"]
    dictionary = os.path.join(HERE, "dictionaries", target + ".dict")
    return options + ([f"-dict={dictionary}"] if os.path.exists(dictionary) else [])


def crash_file(output):
    found = re.findall(r"Test unit written to (\S+)", output)
    return found[-1] if found else None


def minimized(program, crash):
    """A smaller input that also crashes, or the same."""
    if not os.path.basename(crash).startswith("crash"):
        return crash  # to shorten what takes too long takes much longer
    smaller = crash + ".min"
    quietly([program, "-minimize_crash=1", f"-exact_artifact_path={smaller}", "-timeout=25",
             f"-max_total_time={MINIMIZE_SECONDS}", crash])
    if os.path.exists(smaller) and 0 < os.path.getsize(smaller) <= os.path.getsize(crash):
        if quietly([program, "-timeout=25", smaller]).returncode != 0:
            return smaller
    return crash


def why(output):
    """The lines of a report that tell most."""
    marks = ("broken rule", "ERROR: ", "runtime error", "SUMMARY", "Assertion", "panic")
    lines = [line for line in output.splitlines() if any(mark in line for mark in marks)]
    frames = [line for line in output.splitlines() if re.match(r"\s+#\d+ .* in .*\.c:", line)]
    return lines[:4] + frames[:8]


def fuzz(fuzzers, target, seconds, soak, folder=None):
    """Runs one fuzzer: (how many inputs, what its crash was or None)."""
    folder = folder or fuzzers.folder
    crashes = os.path.join(folder, "crashes", target)
    program = os.path.join(folder, "fuzz_" + target)
    os.makedirs(crashes, exist_ok=True)
    command = [program, *options_for(target, seconds, crashes), *([] if soak else ["-seed=1"]),
               *fuzzers.corpus(target, soak)]
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1")
    done = quietly(command, env=environment)
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stdout)
    count = int(runs.group(1)) if runs else 0
    if done.returncode == 0:
        return count, None
    crash = crash_file(done.stdout)
    if crash is None:
        return count, ["the fuzzer ended with status %d" % done.returncode, *why(done.stdout),
                       *done.stdout.splitlines()[-5:]]
    crash = minimized(program, crash)
    report = quietly([program, "-timeout=10", crash]).stdout
    with open(crash, "rb") as file:
        data = file.read()
    return count, [*why(report), f"input of {len(data)} bytes: {data[:64].hex()}",
                   f"again: {program} {crash}",
                   f"or:    {fuzzers.path('replay_' + target)} {crash}"]


def run(fuzzers, targets, seconds, soak):
    share = max(1, seconds // len(targets))
    bad = 0
    total = 0
    print(f"1..{len(targets)}", flush=True)
    for number, target in enumerate(targets, 1):
        count, crash = fuzz(fuzzers, target, share, soak)
        total += count
        bad += crash is not None
        print(f"{'ok' if crash is None else 'not ok'} {number} - {target}: {count} inputs", flush=True)
        for line in crash or []:
            print("# " + line, flush=True)
    print(f"# {total} inputs, {len(targets) - bad} of {len(targets)} targets without a crash")
    return bad


def main():
    parser = argparse.ArgumentParser(description="fuzz what reads bytes from outside")
    parser.add_argument("--build", default=os.path.join(ROOT, "build"))
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("targets", nargs="*", metavar="TARGET")
    args = parser.parse_args()
    try:
        fuzzers = Fuzzers(args.build)
        unknown = [target for target in args.targets if target not in fuzzers.targets]
        if unknown:
            raise Failure(f"no such target: {' '.join(unknown)}; "
                          f"there is: {' '.join(fuzzers.targets)}")
        targets = args.targets or list(fuzzers.targets)
        fuzzers.compile(targets)
        return 1 if run(fuzzers, targets, args.seconds, args.soak) else 0
    except Failure as failure:
        print(f"Bail out! fuzz: {failure}", flush=True)
        return 1


if __name__ == "__main__":
    sys.exit(main())
