#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Pktgen-DPDK drives podlane-dataplane with the files of tools/pktgen, over veth pairs. PKTGEN names
the program; tools/pktgen/README.md says how it is built. It is not packaged, and takes 8 GB here."""
import collections
import json
import os
import shutil
import subprocess
import time

from support import ROOT, Skip, expect, expect_equal, main_of

from benchlib import layout, packets, traffic
from lablib.netns import ip, sysctl
from lablib.shell import run, wait_until
from lablib.topology import PREFIX, STATE_DIR

VARIANTS = ["none"]
NETNS = PREFIX + "gen"
DATAPLANE = "gen-dataplane"
PODS, NODES, FLOWS = 20000, 400, 2000
PERCENT = 0.05      # of veth's 10 Gb/s
PROBE_PPS = 100
CONFIG = """\
node:
  name: dut
ports:
  - name: in
    devargs: net_af_packet0,iface=in1
  - name: out
    devargs: net_af_packet1,iface=out1
pools:
  - cidr: {pool}
sockets:
  dataplane: {folder}/dataplane.sock
dataplane:
  main_lcore: 0
  workers: [1]
  idle: sleep
  hugepages: false
  memory_mb: 512
  punt_interface: gen0
"""


def find_pktgen():
    program = os.environ.get("PKTGEN", "pktgen")
    if shutil.which(program) is None:
        raise Skip("no Pktgen: PKTGEN names the program")
    return program


def make_wires(lab):
    """Pktgen's port 0, in0, sends to Podlane's in1; what leaves by out1 arrives at out0."""
    os.makedirs(STATE_DIR, exist_ok=True)
    lab.namespaces.add(NETNS)
    ip(NETNS, "link add in0 type veth peer name in1", "link add out0 type veth peer name out1",
       f"link set in1 address {traffic.PCAP_MAC}")
    for name in ("in0", "in1", "out0", "out1"):
        sysctl(NETNS, **{f"net__ipv6__conf__{name}__disable_ipv6": 1})
        ip(NETNS, f"link set {name} up")


def start_dataplane(lab, folder):
    path = os.path.join(folder, "podlane.yaml")
    with open(path, "w", encoding="ascii") as out:
        out.write(CONFIG.format(pool=packets.POOL_CIDR, folder=folder))
    podlane = lab.podlanes["a"]
    lab.daemons.start(DATAPLANE, [podlane.program("podlane-dataplane"), "--config", path],
                      netns=NETNS)
    wait_until("the dataplane", lambda: os.path.exists(f"{folder}/dataplane.sock"), 30, quiet=True)
    return subprocess.Popen([os.path.join(podlane.build_dir, "tools", "bench-client"),
                             f"{folder}/dataplane.sock"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, text=True)


def ask(client, words):
    client.stdin.write(words + "\n")
    client.stdin.flush()
    answer = client.stdout.readline().strip()
    expect("error" not in answer and answer, f"bench-client, {words}: {answer}")
    return answer


def capture(interface, path):
    process = subprocess.Popen(["ip", "netns", "exec", NETNS, "tcpdump", "-i", interface, "-w", path,
                                "-U", "-B", "32768", "-Q", "in", "ip"], stderr=subprocess.PIPE,
                               text=True)
    expect("listening" in process.stderr.readline(), f"no capture of {interface}")
    return process


def run_pktgen(program, folder, form, size):
    out = os.path.join(folder, "result.json")
    run(["ip", "netns", "exec", NETNS, os.path.join(ROOT, "tools", "pktgen", "throughput"),
         "--pktgen", program, "--cores", "0,1", "--map", "[1].0,[1].1", "--form", form,
         "--size", size, "--flows", str(FLOWS), "--pods", str(PODS), "--nodes", str(NODES),
         "--top", str(PERCENT), "--resolution", "1", "--seconds", "1", "--confirm-seconds", "1",
         "--loss", "1", "--probe-pps", str(PROBE_PPS), "--out", out, "--", "--no-huge", "-m", "8192",
         "--no-pci", "--no-telemetry", "--no-shconf", "--file-prefix", NETNS,
         "--vdev", "net_af_packet0,iface=in0", "--vdev", "net_af_packet1,iface=out0"])
    with open(out, encoding="ascii") as file:
        return json.load(file)


def forwarded(offered, flow):
    """The IP packet that leaves for a flow whose node is reached natively: one hop less."""
    frame = inner_packet(offered, flow)
    header = bytearray(frame[:20])
    header[8] -= 1
    header[10:12] = b"\0\0"
    header[10:12] = packets.checksum(bytes(header)).to_bytes(2, "big")
    return bytes(header) + frame[20:]


def inner_packet(offered, flow):
    return offered.frame(flow)[packets.ETHER_BYTES + packets.OUTER_BYTES[offered.form]:]


def check_all_forms(lab):
    """Frames on the wire are the described ones, in each form; what leaves are all of them, a hop
    further."""
    program = find_pktgen()
    folder = os.path.join("/run", NETNS)
    os.makedirs(folder, exist_ok=True)
    client = None
    notes = []
    make_wires(lab)
    try:
        client = start_dataplane(lab, folder)
        expect("ok" in client.stdout.readline(), "bench-client does not answer")
        layout.make("cluster", PODS, NODES).write_routes(os.path.join(folder, "routes"),
                                                         more=[(traffic.PROBE_DST, NODES)])
        port = dict(word.split("=") for word in ask(client, "port out").split())["idx"]
        for words in (f"paths native {port} {NODES}", f"path native {port} {NODES}", "ends 0",
                      f"set {folder}/routes"):
            ask(client, words)
        for form, size in (("native", "imix"), ("ipip", "64"), ("vxlan", "imix")):
            notes.append(compare(folder, program, traffic.Traffic(
                form, size, FLOWS, PODS, NODES), client))
    finally:
        if client is not None:
            client.kill()
            client.wait()
        lab.daemons.stop(DATAPLANE)
        lab.namespaces.remove(NETNS)
        shutil.rmtree(folder, ignore_errors=True)
    return "; ".join(notes)


def is_probe(frame):
    """Of Pktgen's packets that measure latency: its own, to the probe's address."""
    return frame[30:34] == traffic.PROBE_DST.to_bytes(4, "big")


def compare(folder, program, offered, client):
    files = [os.path.join(folder, f"{offered.form}-{name}.pcap") for name in ("in", "out")]
    captures = [capture(*pair) for pair in zip(("in1", "out0"), files)]
    result = run_pktgen(program, folder, offered.form, offered.size)
    time.sleep(1)
    for one in captures:
        one.terminate()
        one.wait()
    came, left = ([frame for frame in packets.read_pcap(path) if not is_probe(frame)]
                  for path in files)
    flows = list(offered.flows())
    expect_equal(f"{offered.form}: kinds of frames", set(came) - set(map(offered.frame, flows)), set())
    expect_equal(f"{offered.form}: flows that were sent", len(set(came)), FLOWS)
    n_probes = len(packets.read_pcap(files[0])) - len(came)
    expect_equal(f"{offered.form}: sent by Pktgen", sum(one["sent"] for one in result["trials"]),
                 len(came) + n_probes)
    expect(result["latency_us"].get("p50"), f"{offered.form}: {n_probes} probes, none was timed")
    out_of = {offered.frame(flow): forwarded(offered, flow) for flow in flows}
    wanted = collections.Counter(out_of[frame] for frame in came)
    seen = collections.Counter(frame[packets.ETHER_BYTES:] for frame in left)
    expect_equal(f"{offered.form}: frames that left and are none of the flows'", seen - wanted,
                 collections.Counter())
    n_lost = len(came) - len(left)
    expect(n_lost <= len(came) // 100, f"{offered.form}: {n_lost} of {len(came)} did not leave")
    ask(client, "stats")
    return (f"{offered.form} {offered.size}: {len(came):,} frames, {n_lost} lost, "
            f"p50 of {result['latency_us']['n']} probes {result['latency_us']['p50']:.0f} us")


CHECKS = [check_all_forms]
main_of(__name__)
