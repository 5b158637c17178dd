#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The search for the throughput: in Python, the same in Lua for Pktgen, and with TRex's client, on
devices and generators that only pretend."""
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from benchlib import files, search, traffic     # noqa: E402


def load_script(path):
    """A program without .py, as a module."""
    loader = importlib.machinery.SourceFileLoader(os.path.basename(path), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


class Device:
    """Forwards up to a share of the line, loses the rest; long trials may lose more."""

    def __init__(self, capacity, sends=100.0, burst_from=100.0):
        self.capacity, self.sends, self.burst_from = capacity, sends, burst_from

    def trial(self, rate, seconds):
        sends = min(rate, self.sends)
        sent = int(1000000 * sends / 100 * seconds)
        passed = int(sent * min(self.capacity / sends, 1))
        if seconds > 20 and sends > self.burst_from:
            passed -= 1
        return search.Trial(rate, 1000000 * rate / 100 * seconds, sent, passed)

    def throughput(self, **options):
        return search.throughput(lambda rate: self.trial(rate, 10),
                                 lambda rate: self.trial(rate, 60), **options)


class Search(unittest.TestCase):
    def test_finds_the_capacity_from_below(self):
        for capacity in (0.7, 13.37, 50.0, 66.6, 99.9):
            found = Device(capacity).throughput(resolution=0.1)
            self.assertLessEqual(found.rate, capacity)
            self.assertGreater(found.rate, capacity - 0.2)
            self.assertEqual(search.lost(found.best), 0)
            self.assertEqual(found.best.sent, int(600000 * found.rate))     # the long trial's

    def test_line_rate_takes_two_trials(self):
        found = Device(100).throughput()
        self.assertEqual((found.rate, len(found.trials)), (100.0, 2))

    def test_nothing_passes(self):
        found = Device(0).throughput()
        self.assertEqual((found.rate, found.best), (0.0, None))

    def test_generator_that_sends_nothing_has_no_throughput(self):
        found = search.throughput(lambda rate: search.Trial(rate, 100, 0, 0), None)
        self.assertEqual(found.rate, 0.0)

    def test_long_trial_lowers_the_rate(self):
        found = Device(60, burst_from=58).throughput(resolution=0.5)
        self.assertLessEqual(found.rate, 58)
        self.assertGreater(found.rate, 57)

    def test_some_loss_may_be_allowed(self):
        self.assertGreater(Device(50).throughput(loss_limit=0.1).rate, 55)

    def test_slow_generator_is_named(self):
        self.assertTrue(Device(100, sends=30).throughput().is_generator_limited)
        self.assertFalse(Device(30).throughput().is_generator_limited)

    def test_percentile_of_a_histogram(self):
        histogram = {10: 50, 20: 45, 300: 5}
        self.assertEqual([search.percentile(histogram, share) for share in (0.5, 0.95, 0.99)],
                         [10, 20, 300])
        self.assertIsNone(search.percentile({}, 0.5))


@unittest.skipUnless(shutil.which("lua5.3"), "lua5.3: not there; tools/setup installs it")
class Lua(unittest.TestCase):
    """tools/pktgen/throughput.lua with a Pktgen that only pretends."""

    def run_script(self, **device):
        kit = os.path.join(ROOT, "tools", "pktgen")
        with tempfile.TemporaryDirectory() as folder:
            files.write(folder, traffic.Traffic(n_flows=10, n_pods=100))
            environ = {**os.environ, "PODLANE_DIR": folder, "PODLANE_LUA": kit,
                       "PODLANE_RESOLUTION": "0.1",
                       **{f"FAKE_{key.upper()}": str(value) for key, value in device.items()}}
            done = subprocess.run(["lua5.3", os.path.join(HERE, "fake_pktgen.lua"),
                                   os.path.join(kit, "throughput.lua")], env=environ, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertNotIn("throughput.lua:", done.stdout)
            with open(os.path.join(folder, "result.json"), encoding="ascii") as file:
                return json.load(file), done.stdout

    def test_tries_the_rates_that_python_tries(self):
        for device in ({"capacity": 37.7}, {"capacity": 100}, {"capacity": 0},
                       {"capacity": 60, "burst_from": 58}, {"capacity": 100, "sends": 30}):
            result, _ = self.run_script(**device)
            found = Device(**device).throughput(resolution=0.1)
            self.assertEqual([(one["rate"], one["sent"], one["received"])
                              for one in result["trials"]],
                             [(one.rate, one.sent, one.received) for one in found.trials])
            self.assertEqual(result["percent"], found.rate)
            self.assertEqual(result["is_generator_limited"], found.is_generator_limited)

    def test_reports_latency_of_the_last_trial(self):
        result, said = self.run_script(capacity=50)
        self.assertEqual(result["latency_us"], {"p50": 50.0, "p99": 99.0, "n": 100})
        script = load_script(os.path.join(ROOT, "tools", "pktgen", "throughput"))
        self.assertEqual(len(script.TRIAL.findall(said.encode())), len(result["trials"]))

    def test_error_ends_pktgen(self):
        with tempfile.TemporaryDirectory() as folder:       # without pktgen.pkt
            kit = os.path.join(ROOT, "tools", "pktgen")
            done = subprocess.run(["lua5.3", os.path.join(HERE, "fake_pktgen.lua"),
                                   os.path.join(kit, "throughput.lua")], text=True, check=False,
                                  env={**os.environ, "PODLANE_DIR": folder, "PODLANE_LUA": kit},
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0)
        self.assertIn("throughput.lua: ", done.stdout)


class FakeTrex:
    """What tools/trex/throughput uses of trex.stl.api, with a Device behind it."""
    TRexError = RuntimeError

    def __init__(self, device):
        self.device = device
        self.tunables = None
        self.stats = {0: {"opackets": 0}, 1: {"ipackets": 0}}
        self.calls = []
        self.STLProfile = types.SimpleNamespace(load_py=self.load_py)
        self.STLClient = lambda server: self

    def load_py(self, path, tunables):
        self.tunables = tunables
        assert os.path.exists(path)
        return types.SimpleNamespace(get_streams=lambda: ["streams"])

    def __getattr__(self, name):
        return lambda *_, **named: self.calls.append((name, named))

    def get_port_attr(self, port):
        assert port == 0
        return {"speed": 10}

    def start(self, ports, mult, duration, force):
        assert ports == [0] and mult.endswith("%") and force
        trial = self.device.trial(float(mult[:-1]), duration)
        self.stats = {0: {"opackets": trial.sent}, 1: {"ipackets": trial.received}}

    def get_stats(self):
        return self.stats

    def get_pgid_stats(self):
        return {"latency": {1: {"latency": {"histogram": {10: 98, 200: 2}}}}}


class TrexClient(unittest.TestCase):
    def measure(self, device, *words):
        script = load_script(os.path.join(ROOT, "tools", "trex", "throughput"))
        sys.argv = ["throughput", "--pods", "1000", "--flows", "100", *words]
        api = FakeTrex(device)
        with contextlib.redirect_stdout(io.StringIO()):
            return api, script.measure(api, script.parse_arguments())

    def test_searches_and_reports(self):
        api, result = self.measure(Device(42), "--form", "ipip", "--size", "imix")
        self.assertAlmostEqual(result["percent"], 41.8, delta=0.5)
        self.assertEqual(result["latency_us"], {"p50": 10, "p99": 200})
        self.assertEqual([api.tunables[api.tunables.index(name) + 1] for name in
                          ("--form", "--size", "--flows", "--dst-mac")],
                         ["ipip", "imix", "100", traffic.PCAP_MAC])
        self.assertIn(("set_port_attr", {"ports": [0, 1], "promiscuous": True}), api.calls)
        self.assertEqual(api.calls[-1][0], "disconnect")
        self.assertIn("ipip", search.table(result)[1])

    def test_line_is_counted_with_its_gaps(self):
        _, result = self.measure(Device(100))
        # 14.88 million a second are 10 Gb/s at 64 bytes; the device's line has one million
        self.assertAlmostEqual(result["trials"][0]["wanted"], 148809523.8, delta=1)
        self.assertTrue(result["is_generator_limited"])
        self.assertAlmostEqual(result["gbps"], 0.672)


if __name__ == "__main__":
    unittest.main()
