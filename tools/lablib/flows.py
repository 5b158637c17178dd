# SPDX-License-Identifier: BSD-3-Clause
"""Numbered datagrams of many flows, one way: which of them arrived, and when the missing ones were sent."""
import json
import subprocess
from dataclasses import dataclass

from .shell import LabError

PORT = 20000
RECEIVER = """
import json, select, socket, struct, sys
address, n_flows = sys.argv[1], int(sys.argv[2])
sockets = []
for flow in range(n_flows):
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    one.bind((address, %d + flow))
    sockets.append(one)
print("ready", flush=True)
seen = []
while True:
    ready = select.select([sys.stdin] + sockets, [], [])[0]
    for one in ready:
        if one is not sys.stdin:
            seen.append(struct.unpack("!I", one.recv(64)[:4])[0])
    if ready == [sys.stdin]:
        break
print(json.dumps(seen))
""" % PORT
SENDER = """
import json, select, socket, struct, sys, time
address, n_flows, gap = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
times = []
until = time.monotonic()
while not select.select([sys.stdin], [], [], 0)[0]:
    number = len(times)
    times.append(time.monotonic())
    try:
        one.sendto(struct.pack("!I", number) + bytes(28), (address, %d + number %% n_flows))
    except OSError:
        pass
    until += gap
    time.sleep(max(0, until - time.monotonic()))
print(json.dumps(times))
""" % PORT


@dataclass
class FlowsResult:
    sent: int
    lost: list      # the times at which lost datagrams were sent, as time.monotonic()

    @property
    def span_ms(self):
        """From the first lost one to the last."""
        return (self.lost[-1] - self.lost[0]) * 1000 if self.lost else 0.0

    def __str__(self):
        return f"{len(self.lost)} of {self.sent} lost, within {self.span_ms:.0f} ms"


class Flows:
    """From one pod to another until stop(). All numbers go round all flows."""

    def __init__(self, source, target, n_flows=64, per_sec=1000):
        self.receiver = self._start(target, RECEIVER, target.address, n_flows)
        if self.receiver.stdout.readline().strip() != "ready":
            raise LabError("flows: the receiver did not start")
        self.sender = self._start(source, SENDER, target.address, n_flows, 1 / per_sec)

    @staticmethod
    def _start(pod, program, *words):
        return subprocess.Popen(["ip", "netns", "exec", pod.netns, "python3", "-c", program,
                                 *map(str, words)], text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE)

    def stop(self):
        """End it; what is under way has 500 ms."""
        times = json.loads(self.sender.communicate("\n", timeout=60)[0])
        try:
            self.receiver.wait(0.5)
        except subprocess.TimeoutExpired:
            pass
        seen = set(json.loads(self.receiver.communicate("\n", timeout=60)[0]))
        return FlowsResult(len(times), [at for number, at in enumerate(times)
                                        if number not in seen])
