# SPDX-License-Identifier: BSD-3-Clause
"""What the system tests share: the runner's rules, and how to say what was expected.

A test file has CHECKS, a list of functions that take the Lab, and VARIANTS, the labs to run them on.
A check passes by returning (text, if it returns any, is printed beside its name), fails by CheckError
or LabError, and is skipped by Skip.
Each file can be run alone; test/system/run runs all on one lab.
"""
import os
import signal
import sys
import traceback

sys.dont_write_bytecode = True
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from lablib.lab import Lab                # noqa: E402  (needs the path above)
from lablib.shell import LabError, say    # noqa: E402

EXIT_SKIP = 77


class CheckError(Exception):
    """What was seen is not what was expected."""


class Skip(Exception):
    """Cannot run here; the text says what is missing."""


def expect(is_true, text):
    if not is_true:
        raise CheckError(text)


def expect_equal(what, seen, wanted):
    expect(seen == wanted, f"{what}: {seen}, expected {wanted}")


def name_of(check):
    module = os.path.splitext(os.path.basename(check.__code__.co_filename))[0]
    return f"{module}.{check.__name__.removeprefix('check_')}"


def run_check(check, lab, name):
    """Run one check, print its line, and return "passed", "failed" or "skipped"."""
    try:
        note = check(lab)
    except Skip as reason:
        say(f"SKIP  {name}: {reason}")
        return "skipped"
    except (CheckError, LabError) as error:
        say(f"FAIL  {name}: {error}")
        return "failed"
    except Exception:  # a check's own mistake is a failure, not the end of the run
        say(f"FAIL  {name}:\n{traceback.format_exc()}")
        return "failed"
    say(f"PASS  {name}" + (f": {note}" if note else ""))
    return "passed"


class Runner:
    """Runs the checks of test files, and brings up the lab that each file asks for by VARIANTS:
    "podlane"; "no-tx-offload", the same with finished checksums; "kernel", without Podlane; "none".

    Files with the same variant share one lab. After a failure the next check gets a new one.
    """

    def __init__(self, build_dir=None, results=None):
        self.build_dir = build_dir
        self.results = results
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}
        self.lab = Lab(build_dir=build_dir)
        self.lab.take()
        self.variant = None
        self.broken = {}     # variant: why it did not come up
        self.complaints = self.lab.daemons.complaints

    def run(self, modules):
        for module in modules:
            for variant in module.VARIANTS:
                for check in module.CHECKS:
                    self.run_one(check, variant, module.VARIANTS)
        self.lab.down()
        self.count("daemons.no_complaints", self.check_complaints())

    def check_complaints(self):
        """Of sanitizers, if the build has them: by any daemon that ran for any check."""
        for complaint in self.complaints:
            say(f"FAIL  daemons.no_complaints: {complaint}")
        if not self.complaints:
            say("PASS  daemons.no_complaints")
        return "failed" if self.complaints else "passed"

    def count(self, name, result):
        self.counts[result] += 1
        if self.results:
            with open(self.results, "a", encoding="utf-8") as out:
                out.write(f"{result} {name}\n")

    def run_one(self, check, variant, variants):
        name = name_of(check) + (f" ({variant})" if len(variants) > 1 else "")
        self.bring_up(variant)
        if variant in self.broken:
            result = "failed"
            say(f"FAIL  {name}: the lab did not come up: {self.broken[variant]}")
        else:
            result = run_check(check, self.lab, name)
        self.count(name, result)
        if result == "failed":
            self.show_state()
            self.variant = None

    def bring_up(self, variant):
        # a check may have taken the lab down itself
        is_there = variant == "none" or self.lab.namespaces.recorded()
        if (variant == self.variant and is_there) or variant in self.broken:
            return
        say(f"lab: {variant}")
        self.lab.down()
        lock = self.lab.lock
        self.lab = Lab(build_dir=self.build_dir, has_tx_offload=variant != "no-tx-offload")
        self.lab.lock = lock
        self.lab.daemons.complaints = self.complaints
        self.variant = variant
        if variant == "none":
            return
        try:
            self.lab.up(has_podlane=variant != "kernel")
            self.lab.wait_bgp()
            if variant != "kernel":
                self.lab.wait_podlane()
        except LabError as error:
            self.broken[variant] = str(error)
            self.show_state()

    def show_state(self):
        """What helps to understand a failure: who runs, and the last words of each daemon."""
        for name in self.lab.daemons.names():
            if name.endswith(("dataplane", "control")) or self.lab.daemons.pid(name) is None:
                state = "runs" if self.lab.daemons.pid(name) else "ENDED"
                say(f"      {name} {state}: {self.lab.daemons.last_line(name)}")


def main(modules, build_dir=None, results=None):
    """Run test files, and return the exit code: 0 all passed, 77 none ran, 1 one failed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        runner = Runner(build_dir, results)
    except LabError as error:
        print(f"test/system: {error}", file=sys.stderr)
        return 1
    try:
        runner.run(modules)
    finally:
        runner.lab.down()
    if runner.counts["failed"]:
        return 1
    return 0 if runner.counts["passed"] else EXIT_SKIP


def main_of(name):
    """For the end of each file: run it alone."""
    if name == "__main__":
        sys.exit(main([sys.modules["__main__"]]))
