#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Services: what conntrack translates stays with the kernel, so replies come from the service's
address although their backends' pods are on the fast lane; also if the replies come by a tunnel."""
import subprocess
import sys
import time

from support import expect_equal, main_of
from tunnels import wait_path

from lablib.shell import run
from lablib.topology import NODES, PODS

VARIANTS = ["podlane"]
N_REQUESTS = 1000

# As kube-proxy does it; 10.96.0.10 is on another node, 10.96.0.11 on the client's own.
RULES = """
table ip podlane-test {
  chain prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr 10.96.0.10 tcp dport 80 dnat to %s:8080
    ip daddr 10.96.0.11 tcp dport 80 dnat to %s:8080
  }
}
"""
SERVER = """
import socket
server = socket.create_server(("", 8080), backlog=128)
print("ready", flush=True)
while True:
    peer = server.accept()[0]
    peer.sendall(peer.recv(100))
    peer.close()
"""
CLIENT = """
import socket, sys
n_good = 0
for i in range(int(sys.argv[2])):
    try:
        with socket.create_connection((sys.argv[1], 80), timeout=1) as peer:
            peer.sendall(b"%d" % i)
            n_good += peer.recv(100) == b"%d" % i
    except OSError:
        if i - n_good > 5:
            break
print(n_good)
"""


def start_server(pod):
    server = subprocess.Popen(["ip", "netns", "exec", pod.netns, sys.executable, "-c", SERVER],
                              stdout=subprocess.PIPE, text=True)
    expect_equal(f"server in {pod.name}", server.stdout.readline().strip(), "ready")
    return server


def count_answers(address):
    text = run([sys.executable, "-c", CLIENT, address, str(N_REQUESTS)], netns=PODS["a1"].netns)
    return int(text)


def check_replies_are_translated_back(_lab):
    """Every request to a service is answered, with its backend on another node and on this one."""
    node = NODES["a"]
    servers = []
    run(["nft", "-f", "-"], netns=node.netns,
        feed=RULES % (PODS["b1"].address, PODS["a2"].address))
    try:
        servers = [start_server(PODS["b1"]), start_server(PODS["a2"])]
        began = time.monotonic()
        for address in ("10.96.0.10", "10.96.0.11"):
            expect_equal(f"answers from {address}", count_answers(address), N_REQUESTS)
        seconds = time.monotonic() - began
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        run(["nft", "delete", "table", "ip", "podlane-test"], netns=node.netns)
    return f"{2 * N_REQUESTS} of {2 * N_REQUESTS} in {seconds:.1f} s"


def check_replies_by_tunnel(lab):
    """The reply of the other node's backend comes encapsulated, and is the kernel's all the same."""
    notes = []
    try:
        for kind in ("ipip", "vxlan"):
            for name, pod in (("a", "b1"), ("b", "a1")):
                lab.set_policy(name, kind)
                wait_path(lab, name, PODS[pod], kind)
            notes.append(f"{kind} {check_replies_are_translated_back(lab)}")
    finally:
        for podlane in lab.podlanes.values():
            podlane.write_config()
            lab.daemons.stop(podlane.names["control"], 10)
            podlane.start_control()
        lab.wait_podlane()
    return ", ".join(notes)


CHECKS = [check_replies_are_translated_back, check_replies_by_tunnel]

main_of(__name__)
