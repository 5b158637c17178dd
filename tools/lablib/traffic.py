# SPDX-License-Identifier: BSD-3-Clause
"""Packets between pods, and who counted them."""
import json
import os
import re
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

from .shell import LabError, run


# A packet sent this long before ping was stopped has had its time to come back.
STOP_GRACE_MS = 100


@dataclass
class PingResult:
    sent: int
    received: int
    rtts_us: list
    lost_numbers: list      # of the packets without an answer
    unknown: int = 0        # at the end, still under way when it was stopped

    @property
    def lost(self):
        return len(self.lost_numbers)

    def __str__(self):
        numbers = self.lost_numbers
        which = ""
        if numbers:
            which = f" (numbers {numbers[0]} to {numbers[-1]})" if len(numbers) > 1 \
                else f" (number {numbers[0]})"
        return f"{self.lost} of {self.sent - self.unknown} lost{which}"

    def percentile(self, share):
        """A round-trip time in microseconds; 0 without any answer."""
        if not self.rtts_us:
            return 0.0
        ordered = sorted(self.rtts_us)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Ping:
    """Numbered packets that run until their count is reached or stop() is called."""

    def __init__(self, source, address, n_pkts=1000, interval_ms=2.0, options=()):
        self.interval_ms = interval_ms
        self.n_pkts = n_pkts
        # A pipe that nobody reads is full after some thousand lines, and ping would wait.
        self.output = tempfile.TemporaryFile("w+", encoding="ascii")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", source.netns, "ping", "-n", "-i", f"{interval_ms / 1000:g}",
             "-c", str(n_pkts), "-W", "1", *options, address],
            stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT)

    def stop(self):
        """End it and count; what was sent in the last moment may still be under way, and is left
        out unless answered."""
        if self.process.poll() is not None:
            return self.result()
        self.process.send_signal(signal.SIGINT)
        return self.result(STOP_GRACE_MS / self.interval_ms)

    def result(self, n_forgiven=0):
        self.process.wait(timeout=300)
        self.output.seek(0)
        text = self.output.read()
        self.output.close()
        counts = re.search(r"(\d+) packets transmitted, (\d+) received", text)
        if counts is None:
            raise LabError(f"ping said: {(text.strip() or 'nothing').splitlines()[-1]}")
        sent = min(int(counts[1]), self.n_pkts)
        rtts = [float(value) * 1000 for value in re.findall(r"time=([\d.]+) ms", text)]
        answered = {int(number) for number in
                    re.findall(r"bytes from .*icmp_seq=(\d+) ttl", text)}
        silent = sorted(set(range(1, sent + 1)) - answered)
        lost = [number for number in silent if number <= sent - n_forgiven]
        return PingResult(sent, sent - len(silent), rtts, lost, len(silent) - len(lost))


def ping(source, address, n_pkts=1000, interval_ms=2.0):
    """So many packets, and what came of them.

    ping alone gives the last packet only twice the usual round-trip time, less than a busy machine
    needs to schedule everybody; with -w it goes on sending (not counted) until all are answered.
    """
    patience_sec = 20 + int(5 * n_pkts * interval_ms / 1000)
    result = Ping(source, address, n_pkts, interval_ms, ("-w", str(patience_sec))).result()
    if result.sent < n_pkts:
        raise LabError(f"ping sent {result.sent} of {n_pkts} packets in {patience_sec} s")
    return result


def ping_unanswered(source, address, n_pkts):
    """So many packets to where no answer is expected."""
    return Ping(source, address, n_pkts).result()


def warm_up(source, address):
    """Until the first answer: neighbours are resolved on both sides then."""
    run(["ping", "-n", "-c", "3", "-i", "0.1", "-W", "1", address], netns=source.netns, check=False)


def iperf3(source, target, seconds=5):
    """TCP from one pod to another; returns the bit/s that arrived and the retransmissions."""
    server = subprocess.Popen(
        ["ip", "netns", "exec", target.netns, "iperf3", "-s", "-1", "-B", target.address],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if run(["ss", "-Hltn", "sport", "=", "5201"], netns=target.netns).strip():
                break
            time.sleep(0.02)
        text = run(["iperf3", "-J", "-c", target.address, "-t", str(seconds),
                    "--connect-timeout", "5000"], netns=source.netns, check=False,
                   timeout_sec=seconds + 60)
    finally:
        server.terminate()
        server.wait()
    try:
        report = json.loads(text)
    except ValueError:
        raise LabError(f"iperf3 said: {text[:80]!r}") from None
    if "error" in report:
        raise LabError(f"iperf3 {source.name} > {target.name}: {report['error']}")
    return (report["end"]["sum_received"]["bits_per_second"],
            report["end"]["sum_sent"].get("retransmits", 0))


def snmp(netns):
    """The kernel's counters of a namespace as {"Ip": {"ForwDatagrams": 1, ...}, ...}."""
    lines = run(["cat", "/proc/net/snmp"], netns=netns).splitlines()
    counters = {}
    for names, values in zip(lines[::2], lines[1::2]):
        group, _, keys = names.partition(":")
        counters[group] = dict(zip(keys.split(), map(int, values.partition(":")[2].split())))
    return counters


def forwarded_by_kernel(netns):
    return snmp(netns)["Ip"]["ForwDatagrams"]


class Capture:
    """tcpdump in a namespace, into a file that is gone with stop()."""

    def __init__(self, netns, interface, expression, path):
        self.path = path
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", netns, "tcpdump", "-n", "-p", "-U", "--immediate-mode",
             "-Z", "root", "-i", interface, "-w", path, expression],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        while line and "listening on" not in line:
            line = self.process.stderr.readline()
        if not line:
            raise LabError(f"tcpdump on {interface} of {netns} did not start")

    def stop(self):
        """The lines tcpdump -v makes of what was captured, one text per packet. On busy cores
        tcpdump comes late to its packets, so this shows what packets look like, not how many."""
        time.sleep(0.5)
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=20)
        text = run(["tcpdump", "-n", "-v", "-r", self.path], check=False)
        os.unlink(self.path)
        # A packet's continuation lines are indented.
        return [packet.replace("\n", " ") for packet in re.split(r"\n(?=\S)", text) if packet]
