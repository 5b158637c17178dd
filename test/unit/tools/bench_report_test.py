#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench concludes from its rounds."""
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(HERE))), "tools"))

from benchlib import report     # noqa: E402


def result(mode, starts, **changed):
    return {"mode": mode, "routes": 1, "destinations": 4096, "engine": "lpm", "size": "64",
            "layout": "cluster", "ratio_io": sorted(starts)[len(starts) // 2], "ratio_io_starts": starts,
            **changed}


def value(results, name):
    return {row["name"].split(":")[0]: row["value"] for row in report.bar(results)}[name]


class Bar(unittest.TestCase):
    def test_same_processes_are_compared_start_by_start(self):
        # a slow second start of both; the quotient of the medians would be 0.93
        results = [result("native", [0.70, 0.50, 0.69]), result("vxlan encap", [0.64, 0.45, 0.65])]
        self.assertAlmostEqual(value(results, "vxlan encap"), 0.64 / 0.70)

    def test_other_packets_have_other_processes(self):
        results = [result("native", [0.70, 0.50, 0.69]), result("vxlan decap", [0.40, 0.62, 0.60])]
        self.assertAlmostEqual(value(results, "vxlan decap"), 0.60 / 0.69)

    def test_scale_is_of_ones_own(self):
        of_scale = {"destinations": 32768, "engine": "dir24-8"}
        results = [result("native", [0.7, 0.6, 0.5], **of_scale),
                   result("native", [0.56, 0.54, 0.30], routes=1000000, **of_scale)]
        self.assertAlmostEqual(value(results, "native, 1M routes, 32k destinations"), 0.8)

    def test_only_what_was_measured(self):
        self.assertEqual(report.bar([result("ipip encap", [0.6])]), [])


if __name__ == "__main__":
    unittest.main()
