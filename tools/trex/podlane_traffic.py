# SPDX-License-Identifier: BSD-3-Clause
"""The benchmark's traffic as a stateless profile of TRex; which packets is said in
benchlib/traffic.py.

  trex> start -f tools/trex/podlane_traffic.py -p 0 -m 10% -t --form ipip --size imix --dst-mac MAC

Lists of values hold each flow's addresses and ports, and the field engine takes the next of all of
them for each packet: the same packets as in the pcap file, in the same order for each size. Ranges
would be shorter, but cannot pick pods at random from blocks, nor keep a source and its node together.
TRex deals a list to its cores, each takes every n-th."""
import argparse
import os
import sys

from trex.stl.api import (STLFlowLatencyStats, STLPktBuilder, STLScVmRaw, STLStream,
                          STLStreamDstMAC_PKT, STLTXCont, STLVmFixIpv4, STLVmFlowVar,
                          STLVmWrFlowVar)

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from benchlib import traffic    # noqa: E402

PROBE_GROUP = 1     # TRex counts and times the packets of a group
BASE_PPS = 1000000  # of all streams; -m scales it


def program(stream):
    """The field engine's: take the next values, write them, then the headers' checksums."""
    commands = []
    for one in stream.variables:
        commands.append(STLVmFlowVar(name=one.name, size=one.size, op="inc", step=1,
                                     value_list=list(one.values)))
        commands.append(STLVmWrFlowVar(fv_name=one.name, pkt_offset=one.offset))
    return commands + [STLVmFixIpv4(offset=at) for at in stream.headers]


def make_stream(name, pps, frame, commands, group=None):
    # A frame given as bytes gets the port's MAC addresses, unless told otherwise.
    return STLStream(name=name, mode=STLTXCont(pps=pps), flow_stats=group,
                     packet=STLPktBuilder(pkt_buffer=frame, vm=STLScVmRaw(commands)),
                     mac_src_override_by_pkt=True, mac_dst_override_mode=STLStreamDstMAC_PKT)


class PodlaneTraffic:
    """What TRex asks a profile for."""

    def get_streams(self, direction=0, tunables=(), **_):
        parser = argparse.ArgumentParser(prog=os.path.basename(__file__))
        traffic.add_arguments(parser)
        parser.add_argument("--probe-pps", type=int, default=1000,
                            help="packets that measure latency, 0: none (%(default)s)")
        options = parser.parse_args(tunables)
        if direction != 0:
            return []       # the second port only receives
        offered = traffic.from_arguments(options)
        streams = [make_stream(one.name, BASE_PPS * one.share, one.frame, program(one))
                   for one in offered.streams()]
        if options.probe_pps:
            streams.append(make_stream("probe", options.probe_pps, offered.probe_frame(), [],
                                       STLFlowLatencyStats(pg_id=PROBE_GROUP)))
        return streams


def register():
    return PodlaneTraffic()
