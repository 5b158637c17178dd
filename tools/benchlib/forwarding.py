# SPDX-License-Identifier: BSD-3-Clause
"""Go through the plan: for each group of cases one dataplane and one testpmd on the same packets."""
import os

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
        mbufs = n_packets + SPARE_MBUFS
        testpmd = Testpmd(replaying(pcap).values(), mbufs, TESTPMD_MB, self.cores)
        try:
            machine.pause(testpmd.pid)
            ours = Dataplane(self.build_dir, self.work_dir, replaying(pcap), engine, mbufs,
                             OURS_MB, self.cores)
            try:
                return self.run_cases(key, testpmd, ours, cases)
            finally:
                ours.stop()
        finally:
            testpmd.stop()

    def run_cases(self, key, testpmd, ours, cases):
        if ours.mac != PCAP_MAC:
            raise LabError(f"net_pcap's address is {ours.mac.hex(':')}, the packets are for "
                           f"{PCAP_MAC.hex(':')}")
        results = []
        n_set = 0
        for case in cases:
            load_sec = 0.0
            if case.n_routes != n_set:
                load_sec = self.set_routes(ours, case, is_first=n_set == 0)
                n_set = case.n_routes
            self.set_mode(ours, plan.MODES[case.mode])
            machine.pause(ours.pid)
            results.append(self.run_case(key, case, testpmd, ours, load_sec))
            machine.go_on(ours.pid)
        return results

    def run_case(self, key, case, testpmd, ours, load_sec):
        modes = ("io",) if key in self.ceilings else ("io", "mac", "5tswap")
        contestants = [rounds.Contestant("podlane", ours)] + [
            rounds.Contestant(mode, testpmd, lambda mode=mode: testpmd.set_mode(mode))
            for mode in modes]
        progress = Progress(case.label)
        measured, is_clean = rounds.measure_in_turn(
            contestants, self.cores[1], self.n_turns, self.seconds,
            lambda clean, turns: progress.turn(f"{clean}/{self.n_turns} rounds, {turns - clean} "
                                               "disturbed"))
        self.ceilings.setdefault(key, {mode: rounds.median(measured[mode], "pps")
                                       for mode in modes})
        result = self.result(key, case, measured, ours.tsc_hz, is_clean, load_sec)
        progress.end(f"{result['mpps']:.1f} Mpps, {result['ratio_io']:.2f} of io"
                     + ("" if is_clean else ", DISTURBED"))
        return result

    def check_forwarding(self, case, own):
        """A rate counts only if the packets came out, and as the mode says."""
        sent, bytes_out = rounds.median(own, "sent_share"), rounds.median(own, "bytes_out")
        wanted = self.frame_bytes + plan.MODES[case.mode].gain
        if sent < SENT_SHARE:
            raise LabError(f"{case.label}: only {sent:.3f} of the packets were sent")
        if abs(bytes_out / wanted - 1) > BYTES_OFF:
            raise LabError(f"{case.label}: packets leave with {bytes_out:.1f} bytes, "
                           f"not {wanted:.1f}")

    def result(self, key, case, measured, tsc_hz, is_clean, load_sec):
        own, io = measured["podlane"], measured["io"]
        self.check_forwarding(case, own)
        pps, io_pps = rounds.median(own, "pps"), rounds.median(io, "pps")
        return {"mode": case.mode, "routes": case.n_routes, "destinations": case.n_dsts,
                "size": case.size, "layout": case.layout, "engine": case.engine,
                "label": case.label, "mpps": pps / 1e6, "spread": rounds.spread(own, "pps"),
                "io_mpps": io_pps / 1e6, "io_spread": rounds.spread(io, "pps"),
                "ratio_io": rounds.ratio(own, io), "cycles": tsc_hz / pps,
                "cycles_busy": rounds.median(own, "cycles_busy"),
                "cycles_above_io": tsc_hz / pps - tsc_hz / io_pps,
                "bytes_in": self.frame_bytes, "bytes_out": rounds.median(own, "bytes_out"),
                "rounds": [[one["pps"] for one in own], [one["pps"] for one in io]],
                "is_clean": is_clean, "load_sec": load_sec, "tsc_hz": tsc_hz,
                "testpmd_mpps": {mode: value / 1e6 for mode, value in self.ceilings[key].items()}}

    def run(self, cases):
        groups = plan.by_packets(cases)
        results = []
        for i, (key, engine, group) in enumerate(groups):
            print(f"packets {i + 1} of {len(groups)}: {key[0]}, {key[1]} B, "
                  f"{plan.count(key[2])} destinations, engine {engine}", flush=True)
            results += self.run_group(key, engine, group)
        return results
