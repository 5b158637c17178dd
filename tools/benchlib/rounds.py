# SPDX-License-Identifier: BSD-3-Clause
"""Measure programs in turn on the same cores: while one runs the others are stopped, so that all meet the
same machine. A round in which others had the core, or the counters came late, does not count."""
import statistics
import time

from . import machine

WARM_SEC = 0.03         # caches and branch predictors, after the other program
LOST_SHARE = 0.01       # of a round; more is disturbed
UNCERTAINTY = 0.01      # by when the counters were read
MORE_TURNS = 4          # times as many turns at most, until enough are undisturbed
ENOUGH = 3


class Contestant:
    """A program and what it does while it is measured; prepare() is called while it runs."""

    def __init__(self, name, program, prepare=None):
        self.name = name
        self.program = program
        self.prepare = prepare


def one_round(contestant, seconds, lost_share):
    program = contestant.program
    machine.go_on(program.pid)
    try:
        if contestant.prepare is not None:
            contestant.prepare()
        time.sleep(WARM_SEC)
        watch = machine.Watch(program.pid, program.workers)
        result = program.measure(seconds)
        lost = max(watch.lost_sec(), 0) / seconds
    finally:
        machine.pause(program.pid)
    # what it would have done with the core to itself; little, in a round that counts
    result["pps"] /= max(1 - lost, 0.01)
    result["lost_share"] = lost
    result["is_clean"] = (lost <= lost_share and
                          result.get("uncertainty", 0) <= UNCERTAINTY)
    return result


def measure_in_turn(contestants, n_turns, seconds, progress, lost_share=LOST_SHARE):
    """Turns of one round each, after one that does not count. lost_share: of an undisturbed round, at most.
    Returns: {name: [round, ...]}, and is it undisturbed?"""
    turns = []
    for one in contestants:
        one_round(one, seconds / 2, lost_share)
    for _ in range(n_turns * MORE_TURNS):
        turns.append({one.name: one_round(one, seconds, lost_share) for one in contestants})
        clean = [turn for turn in turns if all(one["is_clean"] for one in turn.values())]
        progress(len(clean), len(turns))
        if len(clean) >= n_turns:
            break
    is_clean = len(clean) >= min(ENOUGH, n_turns)
    used = clean if is_clean else sorted(
        turns, key=lambda turn: max(one["lost_share"] for one in turn.values()))[:n_turns]
    return {one.name: [turn[one.name] for turn in used] for one in contestants}, is_clean


def median(rounds, key):
    return statistics.median(one[key] for one in rounds)


def spread(rounds, key):
    """Half the distance between the lowest and the highest, as a share of the median."""
    values = [one[key] for one in rounds]
    return (max(values) - min(values)) / 2 / statistics.median(values)


def ratio(rounds, base):
    """The median of the turns' ratios; a drift of the machine falls out."""
    return statistics.median(a["pps"] / b["pps"] for a, b in zip(rounds, base))
