# SPDX-License-Identifier: BSD-3-Clause
"""What tools/bench is made of, in the order in which it is used:

layout.py       which addresses are routed, and through which node
packets.py      frames as bytes, pcap files
traffic.py      which packets are offered: for this benchmark, for Pktgen and for TRex
files.py        that as files, for tools/make-traffic and tools/pktgen
search.py       the throughput of RFC 2544, for tools/pktgen and tools/trex
machine.py      hugepages, pinned threads, was somebody else on our core
testpmd.py      the ceiling: dpdk-testpmd on the same devices
dataplane.py    podlane-dataplane, filled by tools/bench-client.c
rounds.py       measure the two in turn
plan.py         what is measured
forwarding.py   goes through the plan
node.py         a node of two daemons in a namespace, for the control path
streams.py      FPM streams
control.py      the control path: load, withdraw, switch, replay
meter.py        what a step of it took
zebra.py        the same behind BIRD and FRR
latency.py      how long packets take, with tools/bench-latency.c
linerate.py     what the rates mean for lines of 10, 25 and 100 GbE
report.py       table, JSON, picture
parts.py        the list of all that
"""
