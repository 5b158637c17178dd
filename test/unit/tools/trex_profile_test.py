#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""TRex's own client library compiles tools/trex's profile; what its field engine would send is what
the benchmark replays.

TREX names the folder with the library, automation/trex_control_plane/interactive of a TRex release or
of the source (github.com/cisco-system-traffic-generator/trex-core, under scripts/), else it is looked for in
build/trex/. It is not packaged and not part of this tree: without it the test is skipped. It compiles
profiles itself, as stl-sim answers 0 for broken ones too."""
import base64
import collections
import os
import struct
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
PROFILE = os.path.join(ROOT, "tools", "trex", "podlane_traffic.py")
LIBRARY = os.path.join("automation", "trex_control_plane", "interactive")
EXIT_SKIP = 77
MAC = "02:00:5e:00:00:01"
USES_FRAMES_MACS = 1 | 1 << 1   # STLStream's flags: both addresses are the frame's

sys.path.insert(0, os.path.join(ROOT, "tools"))
from benchlib import traffic   # noqa: E402


def find_trex():
    for folder in (os.environ.get("TREX", ""), os.path.join(ROOT, "build", "trex", LIBRARY),
                   os.path.join(ROOT, "build", "trex", "scripts", LIBRARY)):
        if os.path.isdir(os.path.join(folder, "trex", "stl")):
            return folder
    return None


class FieldEngine:
    """The instructions of TRex's field engine that the profile uses, after trex_stl_stream_vm.h: a
    variable takes its value when its instruction runs, and then moves on. More than one core share a
    list: each begins at its own place and takes every n-th."""

    def __init__(self, stream, core=0, n_cores=1):
        self.frame = base64.b64decode(stream["packet"]["binary"])
        self.instructions = stream["vm"]["instructions"]
        self.lists = {one["name"]: one for one in self.instructions if one["type"] == "flow_var"}
        for one in self.lists.values():
            assert one["op"] == "inc" and one["split_to_cores"] and one["next_var"] is None
        self.at = {name: core for name in self.lists}
        self.n_cores = n_cores

    def n_frames(self):
        return max(len(one["value_list"]) for one in self.lists.values())

    def next_frame(self):
        frame = bytearray(self.frame)
        values = {}
        for one in self.instructions:
            getattr(self, one["type"])(one, frame, values)
        return bytes(frame)

    def flow_var(self, one, _, values):
        name, choices = one["name"], one["value_list"]
        values[name] = choices[self.at[name]]
        self.at[name] = (self.at[name] + one["step"] * self.n_cores) % len(choices)

    def write_flow_var(self, one, frame, values):
        size = self.lists[one["name"]]["size"]
        value = values[one["name"]] + one["add_value"]
        order = "big" if one["is_big_endian"] else "little"
        frame[one["pkt_offset"]:one["pkt_offset"] + size] = value.to_bytes(size, order)

    def fix_checksum_ipv4(self, one, frame, _):
        at = one["pkt_offset"]
        struct.pack_into("!H", frame, at + 10, 0)
        words = struct.unpack_from("!10H", frame, at)
        total = sum(words)
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        struct.pack_into("!H", frame, at + 10, ~total & 0xffff)


def load(offered, *more):
    from trex.stl.api import STLProfile
    words = ["--form", offered.form, "--size", offered.size, "--flows", str(offered.n_flows),
             "--pods", str(offered.n_pods), "--nodes", str(offered.n_nodes),
             "--layout", offered.layout, "--seed", str(offered.seed), "--dst-mac", offered.dst_mac]
    profile = STLProfile.load_py(PROFILE, tunables=words + list(more))
    return [stream.to_json() for stream in profile.get_streams()]


class Profile(unittest.TestCase):
    def descriptions(self):
        for form in traffic.FORMS:
            for size in traffic.IP_BYTES:
                yield traffic.Traffic(form, size, n_flows=480, n_pods=3000, n_nodes=50, seed=7,
                                      dst_mac=MAC)

    def test_field_engine_sends_the_described_frames(self):
        for offered in self.descriptions():
            wanted = collections.Counter(offered.frames())
            sent = collections.Counter()
            for stream in load(offered, "--probe-pps", "0"):
                self.assertEqual(stream["flags"], USES_FRAMES_MACS)
                engine = FieldEngine(stream)
                sent.update(engine.next_frame() for _ in range(engine.n_frames()))
            self.assertEqual(sent, wanted, f"{offered.form} {offered.size}")

    def test_cores_share_the_frames(self):
        offered = next(iter(self.descriptions()))
        stream, = load(offered, "--probe-pps", "0")
        sent = collections.Counter()
        for core in range(4):
            engine = FieldEngine(stream, core, n_cores=4)
            sent.update(engine.next_frame() for _ in range(engine.n_frames() // 4))
        self.assertEqual(sent, collections.Counter(offered.frames()))

    def test_rates_have_the_shares(self):
        offered = traffic.Traffic(size="imix", n_flows=1200, n_pods=3000)
        rates = [stream["mode"]["rate"] for stream in load(offered, "--probe-pps", "0")]
        self.assertTrue(all(rate["type"] == "pps" for rate in rates))
        total = sum(rate["value"] for rate in rates)
        for rate, share in zip(rates, (7, 4, 1)):
            self.assertAlmostEqual(rate["value"] / total, share / 12)

    def test_probe_is_timed_and_plain(self):
        offered = traffic.Traffic(form="vxlan", n_flows=10, n_pods=100)
        probe = load(offered)[-1]
        self.assertEqual(probe["flow_stats"]["rule_type"], "latency")
        self.assertEqual(base64.b64decode(probe["packet"]["binary"]), offered.probe_frame())

    def test_as_many_flows_as_the_benchmark_has(self):
        stream, = load(traffic.Traffic(n_flows=32768, n_pods=100000), "--probe-pps", "0")
        self.assertEqual(FieldEngine(stream).n_frames(), 32768)

    def test_broken_profile_is_noticed(self):
        from trex.stl.api import TRexError
        with self.assertRaises(TRexError):
            load(traffic.Traffic(n_flows=66000, n_pods=100000))     # of one size 65535 at most


if __name__ == "__main__":
    found = find_trex()
    if found is None:
        print("skipped: TRex's client library is not here; TREX names its folder")
        sys.exit(EXIT_SKIP)
    sys.path.insert(0, found)
    unittest.main(warnings="ignore")
