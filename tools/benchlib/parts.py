# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench consists of: one row for each thing that is measured. A new one is a row more."""
import collections
import dataclasses

from . import control, forwarding, latency, linerate, node, plan, report, workers

# What a part needs: build folder, folder for its files, cores of main lcore and worker, rounds for a
# figure and their length
Context = collections.namedtuple("Context", "build_dir work_dir cores n_rounds round_sec")


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    cases: object       # (is_quick): what it measures, each with a label
    memory_mb: int      # of hugepages
    run: object         # (context, cases): a list of results
    lines: object       # (results): the tables for people, each a list of lines
    to_json: object     # (results): keys of the document
    draw: object        # (out_dir, results): pictures; returns their paths
    is_quick: bool = True   # else --quick leaves it out, unless --only names a case of it


def run_forwarding(context, cases):
    return forwarding.Bench(context.build_dir, context.work_dir, context.cores, context.n_rounds,
                            context.round_sec).run(cases)


def run_workers(context, cases):
    return workers.Bench(context.build_dir, context.work_dir, context.cores, context.n_rounds,
                         context.round_sec).run(cases)


def run_latency(context, _):
    return latency.Bench(context.build_dir, context.work_dir, context.cores).run()


def run_control(context, cases):
    return control.Bench(context.build_dir, context.work_dir, context.cores).run(cases)


PARTS = [
    Part("forwarding", lambda is_quick: plan.quick() if is_quick else plan.full(),
         forwarding.MEMORY_MB, run_forwarding,
         lambda results: [report.table(results), report.ceilings(results),
                          report.bar_lines(report.bar(results)), linerate.table(results)],
         lambda results: {"bar": report.bar(results), "forwarding": results,
                          "line_rate": {"cores": linerate.need(results),
                                        "goodput_25gbe": linerate.goodput()}},
         report.draw),
    Part("workers", lambda _: workers.CASES, workers.MEMORY_MB, run_workers,
         lambda results: [workers.table(results)], lambda results: {"workers": results},
         lambda *_: [], is_quick=False),
    Part("latency", lambda _: [latency.CASE], latency.MEMORY_MB, run_latency,
         lambda results: [latency.table(results)], lambda results: {"latency": results},
         latency.draw),
    Part("control", control.cases, node.MEMORY_MB, run_control,
         lambda results: [control.table(results), control.bar_lines(control.bar(results))],
         lambda results: {"control": results, "control_bar": control.bar(results)},
         control.draw, is_quick=False),
]


def choose(is_quick, only):
    """Returns: [(part, cases), ...], of the cases with this text in their names, if any is given."""
    chosen = []
    for part in PARTS:
        if is_quick and not part.is_quick and not only:
            continue
        cases = [case for case in part.cases(is_quick) if not only or only in case.label]
        if cases:
            chosen.append((part, cases))
    return chosen
