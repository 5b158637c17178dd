# SPDX-License-Identifier: BSD-3-Clause
"""The throughput of RFC 2544 26.1: the highest rate at which nothing is lost, by bisection.

tools/pktgen/search.lua is the same for Pktgen; test/unit/tools/throughput_test.py holds both to the same
rates. Which generator, and which device, is the caller's matter."""
import collections

SENT_SHARE = 0.98   # of what was asked for; below that the generator is the limit

# One try: rate in percent of the line; sent and received in packets; wanted: packets it should send
Trial = collections.namedtuple("Trial", "rate wanted sent received")

# rate: 0.0 if packets were lost at every rate; best: the trial that says so, or None
Result = collections.namedtuple("Result", "rate best trials is_generator_limited")


def lost(trial):
    return max(trial.sent - trial.received, 0)


def is_lossless(trial, loss_limit):
    """A trial without packets shows nothing."""
    return trial.sent > 0 and lost(trial) <= loss_limit * trial.sent


def throughput(send, confirm, top=100.0, resolution=0.5, loss_limit=0.0):
    """Search between 0 and top.

    send(rate) tries a rate for a short time, confirm(rate) for a long one; both return a Trial. What
    the short tries found is confirmed, and lowered by the resolution until that holds."""
    trials = []

    def passes(rate, attempt):
        trials.append(attempt(rate))
        return is_lossless(trials[-1], loss_limit)

    low, high = 0.0, top
    if passes(top, send):
        low = top
    while low < top and high - low > resolution:
        rate = (low + high) / 2
        if passes(rate, send):
            low = rate
        else:
            high = rate
    while low > 0 and not passes(low, confirm):
        low = max(low - resolution, 0.0)
    best = trials[-1] if low > 0 else None
    is_limited = best is not None and best.sent < SENT_SHARE * best.wanted
    return Result(low, best, trials, is_limited)


def percentile(histogram, share):
    """Of a histogram {lowest value of a class: how many}: the class in which the share is reached."""
    total = sum(histogram.values())
    seen = 0
    for value in sorted(histogram):
        seen += histogram[value]
        if seen >= share * total:
            return value
    return None


def table(result):
    """The lines that tools/pktgen/throughput and tools/trex/throughput end with."""
    latency = {key: value if value is not None else "-" for key, value in
               {"p50": None, "p99": None, **result["latency_us"]}.items()}
    lines = ["FORM    SIZE   FLOWS  PERCENT     MPPS    GB/S   P50 US   P99 US",
             f"{result['form']:6}  {result['size']:>4}  {result['flows']:>6}  "
             f"{result['percent']:7.2f}  {result['mpps']:7.3f}  {result['gbps']:6.2f}  "
             f"{latency['p50']!s:>7}  {latency['p99']!s:>7}"]
    if result["is_generator_limited"]:
        lines.append("The generator sent less than was asked for: it needs more cores, and this is "
                     "no limit of Podlane.")
    if not result["percent"]:
        lines.append("Packets were lost at every rate: look at podlane drops, and at the routes.")
    return lines
