# SPDX-License-Identifier: BSD-3-Clause
"""A description of traffic as files in a folder, for tools/make-traffic and tools/pktgen."""
import dataclasses
import json
import os

from . import packets, traffic


def write(folder, offered):
    """Returns: how many frames, and their mean length."""
    routed = offered.routed()
    os.makedirs(folder, exist_ok=True)
    n, mean = packets.write_pcap(os.path.join(folder, "packets.pcap"), offered.frames(routed))
    # the probe's node comes after the others, so that its path can stay native
    routed.write_routes(os.path.join(folder, "routes"), more=[(traffic.PROBE_DST, offered.n_nodes)])
    with open(os.path.join(folder, "pktgen.pkt"), "w", encoding="ascii") as out:
        out.write(traffic.pktgen_commands(offered))
    with open(os.path.join(folder, "traffic.json"), "w", encoding="ascii") as out:
        json.dump({"schema": 1, **dataclasses.asdict(offered), "frames": n, "mean_bytes": mean}, out,
                  indent=1)
        out.write("\n")
    return n, mean
