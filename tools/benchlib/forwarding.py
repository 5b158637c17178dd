# SPDX-License-Identifier: BSD-3-Clause
"""Go through the plan: for each group of cases one dataplane and one testpmd on the same packets."""
import os
import statistics

from lablib.shell import LabError, Progress

from . import layout, machine, packets, plan, rounds, traffic
from .dataplane import Dataplane, replaying
from .testpmd import Testpmd

SPARE_MBUFS = 8192
OURS_MB, TESTPMD_MB = 1280, 384
MEMORY_MB = OURS_MB + TESTPMD_MB + 64
SENT_SHARE = 0.999      # what is not sent is a failure, not a speed
BYTES_OFF = 0.005       # the counters of bytes and packets are not read at one time
PCAP_MAC = packets.parse_mac(traffic.PCAP_MAC)
# What memory a process gets is worth up to 15 cycles a packet to it from start to start, to testpmd
# as to us: a figure is of several starts of both.
N_STARTS = 5


class Measured:
    """The rounds of a case, of all starts."""

    def __init__(self, case):
        self.case = case
        self.own, self.io = [], []
        self.ratios = []        # of own to io, of each start
        self.is_clean = True
        self.load_sec = 0.0
        self.tsc_hz = 0


def of_testpmd(testpmd, mode):
    return rounds.Contestant(mode, testpmd, lambda: testpmd.set_mode(mode))


class Bench:
    def __init__(self, build_dir, work_dir, cores, n_turns, seconds):
        self.build_dir = build_dir
        self.work_dir = work_dir
        self.cores = cores
        self.n_turns = n_turns
        self.seconds = seconds
        self.layouts = {}
        self.ceilings = {}      # by packets: testpmd's modes
        self.frame_bytes = 0    # mean length of the packets that are measured now

    def layout(self, name, n):
        if (name, n) not in self.layouts:
            self.layouts[name, n] = layout.make(name, n)
        return self.layouts[name, n]

    def write_packets(self, key):
        form, size, n_dsts, name, n_sampled, is_one_route = key
        path = os.path.join(self.work_dir, "packets.pcap")
        offered = traffic.Traffic(form, size, n_dsts, n_sampled, layout=name, is_one_node=is_one_route)
        n, self.frame_bytes = packets.write_pcap(path, offered.frames(self.layout(name, n_sampled)))
        return path, n

    def set_routes(self, ours, case, is_first):
        """The one route stays below the others."""
        path = os.path.join(self.work_dir, "routes")
        if is_first:
            ours.ask(f"paths native {ours.out_port} {layout.NODES}")
            layout.write_one_route(path)
            ours.ask(f"set {path}")
        if case.n_routes == 1:
            return 0.0
        self.layout(case.layout, case.n_routes).write_routes(path)
        return int(ours.ask(f"set {path}")["ns"]) / 1e9

    def set_mode(self, ours, mode):
        ours.ask(f"paths {mode.path} {ours.out_port} {layout.NODES}")
        ours.ask(f"ends {mode.has_check}")

    def run_group(self, key, engine, cases):
        """Returns: a result for each case."""
        pcap, n_packets = self.write_packets(key)
        measured = [Measured(case) for case in cases]
        for start in range(N_STARTS):
            self.run_start(key, (pcap, n_packets), engine, measured, f"{start + 1} of {N_STARTS}")
        return [self.result(key, one) for one in measured]

    def run_start(self, key, offered, engine, measured, start):
        """Measure all cases in one process of each kind."""
        pcap, n_packets = offered
        mbufs = n_packets + SPARE_MBUFS
        testpmd = Testpmd(replaying(pcap).values(), mbufs, TESTPMD_MB, self.cores)
        try:
            machine.pause(testpmd.pid)
            ours = Dataplane(self.build_dir, self.work_dir, replaying(pcap), engine, mbufs,
                             OURS_MB, self.cores)
            try:
                self.run_cases(key, testpmd, ours, measured, start)
            finally:
                ours.stop()
        finally:
            testpmd.stop()

    def run_cases(self, key, testpmd, ours, measured, start):
        if ours.mac != PCAP_MAC:
            raise LabError(f"net_pcap's address is {ours.mac.hex(':')}, the packets are for "
                           f"{PCAP_MAC.hex(':')}")
        self.measure_ceilings(key, testpmd, ours)
        n_set = 0
        for one in measured:
            if one.case.n_routes != n_set:
                one.load_sec = self.set_routes(ours, one.case, is_first=n_set == 0)
                n_set = one.case.n_routes
            self.set_mode(ours, plan.MODES[one.case.mode])
            machine.pause(ours.pid)
            self.run_case(one, testpmd, ours, start)
            machine.go_on(ours.pid)

    def in_turn(self, contestants, progress):
        return rounds.measure_in_turn(
            contestants, self.n_turns, self.seconds,
            lambda clean, turns: progress.turn(f"{clean}/{self.n_turns} rounds, {turns - clean} "
                                               "disturbed"))

    def measure_ceilings(self, key, testpmd, ours):
        """Once for the same packets: no bar is about these."""
        if key in self.ceilings:
            return
        machine.pause(ours.pid)
        progress = Progress("testpmd mac, 5tswap")
        found, _ = self.in_turn([of_testpmd(testpmd, mode) for mode in ("mac", "5tswap")], progress)
        self.ceilings[key] = {mode: rounds.median(one, "pps") / 1e6 for mode, one in found.items()}
        progress.end()
        machine.go_on(ours.pid)

    def run_case(self, one, testpmd, ours, start):
        progress = Progress(f"{one.case.label}, start {start}")
        found, is_clean = self.in_turn(
            [rounds.Contestant("podlane", ours), of_testpmd(testpmd, "io")], progress)
        self.check_forwarding(one.case, found["podlane"])
        one.own += found["podlane"]
        one.io += found["io"]
        one.ratios.append(rounds.ratio(found["podlane"], found["io"]))
        one.is_clean &= is_clean
        one.tsc_hz = ours.tsc_hz
        progress.end(f"{rounds.median(found['podlane'], 'pps') / 1e6:.1f} Mpps, "
                     f"{rounds.ratio(found['podlane'], found['io']):.2f} of io"
                     + ("" if is_clean else ", DISTURBED"))

    def check_forwarding(self, case, own):
        """A rate counts only if the packets came out, and as the mode says."""
        sent, bytes_out = rounds.median(own, "sent_share"), rounds.median(own, "bytes_out")
        wanted = self.frame_bytes + plan.MODES[case.mode].gain
        if sent < SENT_SHARE:
            raise LabError(f"{case.label}: only {sent:.3f} of the packets were sent")
        if abs(bytes_out / wanted - 1) > BYTES_OFF:
            raise LabError(f"{case.label}: packets leave with {bytes_out:.1f} bytes, "
                           f"not {wanted:.1f}")

    def result(self, key, one):
        case, own, io, tsc_hz = one.case, one.own, one.io, one.tsc_hz
        pps, io_pps = rounds.median(own, "pps"), rounds.median(io, "pps")
        return {"mode": case.mode, "routes": case.n_routes, "destinations": case.n_dsts,
                "size": case.size, "layout": case.layout, "engine": case.engine,
                "label": case.label, "mpps": pps / 1e6, "spread": rounds.spread(own, "pps"),
                "io_mpps": io_pps / 1e6, "io_spread": rounds.spread(io, "pps"),
                "ratio_io": statistics.median(one.ratios), "ratio_io_starts": one.ratios,
                "cycles": tsc_hz / pps,
                "cycles_busy": rounds.median(own, "cycles_busy"),
                "cycles_above_io": tsc_hz / pps - tsc_hz / io_pps,
                "bytes_in": self.frame_bytes, "bytes_out": rounds.median(own, "bytes_out"),
                "rounds": [[one["pps"] for one in own], [one["pps"] for one in io]],
                "is_clean": one.is_clean, "load_sec": one.load_sec, "tsc_hz": tsc_hz,
                "testpmd_mpps": {"io": io_pps / 1e6, **self.ceilings[key]}}

    def run(self, cases):
        groups = plan.by_packets(cases)
        results = []
        for i, (key, engine, group) in enumerate(groups):
            print(f"packets {i + 1} of {len(groups)}: {key[0]}, {key[1]} B, "
                  f"{plan.count(key[2])} destinations, engine {engine}", flush=True)
            results += self.run_group(key, engine, group)
        return results
