#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""The bench's view of lines, against figures that are known."""
import os
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from benchlib import linerate   # noqa: E402


class LineRate(unittest.TestCase):
    def test_known_rates(self):
        self.assertAlmostEqual(linerate.line_pps(10, 60) / 1e6, 14.88, places=2)
        self.assertAlmostEqual(linerate.line_pps(25, 60) / 1e6, 37.20, places=2)
        self.assertAlmostEqual(linerate.line_pps(10, 1514) / 1e6, 0.813, places=3)

    def test_cores_are_whole_and_enough(self):
        self.assertEqual(linerate.cores(25, 60, 38e6), 1)
        self.assertEqual(linerate.cores(25, 60, 37e6), 2)
        self.assertEqual(linerate.cores(100, 60, 30e6), 5)

    def test_wider_side_fills_the_line(self):
        encap = {"label": "x", "mode": "vxlan encap", "routes": 1, "size": "64", "mpps": 20.0,
                 "bytes_in": 60.0, "bytes_out": 110.0}
        decap = {**encap, "bytes_in": 110.0, "bytes_out": 60.0}
        for one in (encap, decap):
            # 25 Gb/s of 110 + 24 bytes are 23.3 million packets a second
            self.assertEqual(linerate.need([one])[0]["cores"]["25"], 2)
        self.assertEqual(linerate.need([{**encap, "mpps": 24.0}])[0]["cores"]["25"], 1)

    def test_goodput_by_hand(self):
        self.assertAlmostEqual(linerate.goodput_gbps(25, "native", 1500), 25 * 1500 / 1538)
        self.assertAlmostEqual(linerate.goodput_gbps(25, "ipip", 1500), 25 * 1480 / 1538)
        self.assertAlmostEqual(linerate.goodput_gbps(25, "vxlan", 1500), 25 * 1450 / 1538)
        self.assertAlmostEqual(linerate.goodput_gbps(25, "vxlan", 46), 25 * 46 / (46 + 50 + 38))
        self.assertAlmostEqual(linerate.goodput_gbps(25, "native", 40), 25 * 40 / 84)   # padded

    def test_table_has_a_row_for_each_result(self):
        one = {"label": "x", "mode": "native", "routes": 1, "size": "64", "mpps": 20.0,
               "bytes_in": 60.0, "bytes_out": 60.0}
        lines = linerate.table([one, one])
        self.assertEqual(sum("native, 1 route, 64" in line for line in lines), 2)


if __name__ == "__main__":
    unittest.main()
