# SPDX-License-Identifier: BSD-3-Clause
"""The founding lab in network namespaces: what tools/lab, tools/demo and test/system share.

shell       run a command, wait for a condition, show progress
netns       namespaces, veth pairs, sysctl; remembers which it made
daemons     start a daemon, remember it by PID and start time, end only that one
topology    who is in the lab: nodes, addresses, pods
speakers    FRR and BIRD
podlane     the two daemons' configuration, start and figures
lab         up, down, status
traffic     ping, iperf3, captures, the kernel's counters
"""
