# SPDX-License-Identifier: BSD-3-Clause
"""What tools/demo shows once everything is installed and built."""
import os
import signal
import sys
import time
from dataclasses import dataclass

from . import demo_paths
from .lab import Lab
from .leftovers import Inventory
from .shell import LabError, Progress, say, wait_until
from .topology import AS_NUMBER, NODES, PODS, REFLECTOR
from .traffic import forwarded_by_kernel, ping, warm_up

N_PINGS = 1000
PING_GAP_MS = 2
PAIRS = ("a1 a2", "a1 b1", "b1 a1", "a1 c1", "c1 a1", "b1 c1", "c1 b1", "a1 b3", "b3 c1")
FOLLOWED = "10.244.1.0/26"


class Verdict:
    """Counts what was checked, and remembers what was not as it should be."""

    def __init__(self):
        self.n_checked = 0
        self.wrong = []

    def check(self, is_right, text):
        self.n_checked += 1
        if not is_right:
            self.wrong.append(text)
        return "ok" if is_right else "WRONG"


@dataclass
class Counted:
    """Pings of one direction between two pods."""
    lost: int
    p50_us: float
    p99_us: float
    by_podlane: dict     # node: packets that its dataplane sent meanwhile
    by_kernel: dict      # node: packets that its kernel forwarded meanwhile


def sent_by_podlane(lab):
    return {name: podlane.account()["sent"] for name, podlane in lab.podlanes.items()}


def count_pair(lab, source, target):
    warm_up(source, target.address)
    podlane = sent_by_podlane(lab)
    kernel = {name: forwarded_by_kernel(node.netns) for name, node in NODES.items()}
    pings = ping(source, target.address, N_PINGS, PING_GAP_MS)
    after = sent_by_podlane(lab)
    forwarded = {name: forwarded_by_kernel(node.netns) - kernel[name]
                 for name, node in NODES.items()}
    return Counted(pings.lost, pings.percentile(0.5), pings.percentile(0.99),
                   {name: after[name] - podlane[name] for name in podlane}, forwarded)


def count_all(lab):
    results = {}
    progress = Progress("pings between all pods")
    for number, pair in enumerate(PAIRS):
        source, target = (PODS[name] for name in pair.split())
        progress.turn(f"{source.name} > {target.name} ({number + 1} of {len(PAIRS)})")
        results[pair] = count_pair(lab, source, target)
    progress.end(f"{len(PAIRS)} directions")
    return results


def show_sessions(lab, verdict):
    states = lab.speakers["rr"].sessions()
    speakers = {"a": "FRR bgpd", "b": "BIRD, zebra", "c": "BIRD"}
    say(f"\n1 BGP  AS {AS_NUMBER}, reflector {REFLECTOR}, cluster-id 1, timers 10 30")
    say("  NODE ADDRESS      SPEAKER      FORWARDS WITH  SESSION      ROUTES  MESH  RR")
    for name, node in NODES.items():
        wanted = lab.expected_routes()[name]
        have = lab.kernel_routes(name)
        n_routes = sum(have.get(prefix) == {gateway} for prefix, gateway in wanted.items())
        state = states.get(node.address, "none")
        verdict.check(state == "Established", f"session of {name}: {state}")
        verdict.check(n_routes == len(wanted), f"routes of {name}: {n_routes} of {len(wanted)}")
        say(f"  {name.upper():4} {node.address:12} {speakers[name]:12} "
            f"{'podlane' if node.has_podlane else 'Linux kernel':14} {state:12} {n_routes:6} "
            f"{len(NODES) - 1:5} {1:3}")
    n_nodes = len(NODES)
    say(f"  sessions: full mesh n(n-1)/2 = {n_nodes * (n_nodes - 1) // 2}, reflector {n_nodes}; "
        f"at 1000 nodes {1000 * 999 // 2} and 1000")


def show_route(lab, verdict):
    """One prefix, from the BGP next hop to the entry in the FIB."""
    address = PODS["b1"].address
    path = lab.speakers["a"].vty_json(f"show bgp ipv4 unicast {FOLLOWED}")["paths"][0]
    podlane = lab.podlanes["a"]
    answer = podlane.route(address)
    took = (((answer.get("control") or {}).get("recent") or {}).get("took_us"))
    say(f"\n2 ROUTE  {FOLLOWED}, pods of B, followed on A")
    say(f"  BGP      next hop {path['nexthops'][0]['ip']}, originator {path['originatorId']}, "
        f"cluster {path['clusterList']['list'][0]}")
    gateways = lab.kernel_routes("a").get(FOLLOWED, set())
    say(f"  zebra    kernel route via {', '.join(sorted(gateways)) or 'none'}")
    for line in podlane.podlane_text("route", "get", address).splitlines():
        if line.strip():
            say("  " + line)
    if took is not None:
        say(f"  FPM bytes read to acknowledged by the dataplane: {took / 1000:.1f} ms")
    status = podlane.status()
    fib = status["dataplane"]
    say(f"  FIB {fib['fib_engine']}, {fib['routes']['n']} of {fib['routes']['max']} routes; sync "
        f"{status['control'].get('sync', {}).get('state', 'unknown')}")
    verdict.check(answer.get("same") is True, "control and FIB differ on " + FOLLOWED)
    verdict.check(gateways == {NODES["b"].address}, "kernel and BGP differ on " + FOLLOWED)


def check_pair(pair, counted, verdict):
    """Nothing lost, and each node on the way counted every packet once, in the right place."""
    nodes = {PODS[name].node for name in pair.split()}
    title = pair.replace(" ", " > ")
    verdict.check(counted.lost == 0, f"{title}: lost {counted.lost}")
    for name, node in NODES.items():
        wanted = 2 * N_PINGS if name in nodes else 0
        if node.has_podlane:
            verdict.check(counted.by_podlane[name] >= wanted and counted.by_kernel[name] == 0,
                          f"{title}: on {name.upper()} the dataplane sent "
                          f"{counted.by_podlane[name]} of {wanted} packets, the kernel "
                          f"{counted.by_kernel[name]}")
        else:
            verdict.check(counted.by_kernel[name] >= wanted,
                          f"{title}: {name.upper()}'s kernel forwarded {counted.by_kernel[name]} "
                          f"of {wanted}")


def show_all_pairs(counted, verdict):
    say(f"\n5 ALL PODS  {N_PINGS} pings {PING_GAP_MS} ms apart; packets counted by A and B (with answers to "
        "probes) and C's kernel")
    say("  FROM>TO   LOST  RTT us p50/p99      A      B  C kernel")
    for pair, one in counted.items():
        say(f"  {pair.replace(' ', ' > ')}  {one.lost:5} {one.p50_us:6.0f} /{one.p99_us:6.0f} "
            f"{one.by_podlane['a']:6} {one.by_podlane['b']:6} {one.by_kernel['c']:9}")
        check_pair(pair, one, verdict)
    by_kernels = sum(one.by_kernel[name] for one in counted.values() for name in lab_podlanes())
    say(f"  forwarded by the kernels of A and B meanwhile: {by_kernels}")
    say("  b3 is on B with an address borrowed from A's block: its /32 wins over A's /26.")
    say("  veth figures compare, they are no hardware figures: kernels hand 64 KiB segments from\n"
        "  veth to veth, Podlane handles packets as a NIC carries them, and everybody shares\n"
        f"  {os.cpu_count()} cores.")


def lab_podlanes():
    return [name for name, node in NODES.items() if node.has_podlane]


def show_account(lab, verdict):
    say("\n6 ACCOUNT  what came in or was made is sent, punted to the kernel, dropped by name, or taken")
    for name, podlane in lab.podlanes.items():
        def is_settled(podlane=podlane):
            return podlane.account()["ok"]
        try:
            wait_until("packets on their way", is_settled, 5, quiet=True)
        except LabError:
            pass    # the line below says so
        account = podlane.account()
        word = verdict.check(account["ok"], f"account of {name} is off by {account['difference']}")
        say(f"  {name.upper()}: in {account['in']:,} + made {account['made']:,} = sent "
            f"{account['sent']:,} + punted {account['punted']:,} + dropped "
            f"{account['dropped']:,} + taken {account['taken']:,}   {word}")
        reasons = ", ".join(f"{pkts:,} {reason}" for reason, pkts in podlane.drops().items() if pkts)
        say(f"     dropped: {reasons or 'nothing'}")


def run_demo(lab, verdict):
    say("\nbringing up the founding lab")
    lab.up(has_podlane=False)
    lab.wait_bgp()
    kernel = demo_paths.measure_kernel(lab)
    lab.start_podlane()
    lab.wait_podlane()
    for name, podlane in lab.podlanes.items():
        pods = [pod for pod in PODS.values() if pod.node == name]
        wait_until(f"pods of {name.upper()} on the fast lane",
                   lambda podlane=podlane, pods=pods: podlane.missing_pods(pods), 30)
    lab.set_auto()
    fast = demo_paths.measure_podlane(lab)
    broken = demo_paths.break_path(lab, verdict)
    counted = count_all(lab)
    say(f"\nPODLANE DEMO   founding lab, veth, {os.cpu_count()} cores, no NIC: compares modes, not "
        "hardware")
    show_sessions(lab, verdict)
    show_route(lab, verdict)
    demo_paths.show_paths(kernel, fast, verdict)
    demo_paths.show_compare(lab)
    demo_paths.show_break(broken)
    show_all_pairs(counted, verdict)
    show_account(lab, verdict)


def take_down(lab, verdict):
    inventory = Inventory(lab)
    lab.down()
    try:
        wait_until("all gone", inventory.remains, 15, quiet=True)
    except LabError:
        pass        # the check below says what is left
    left = inventory.remains()
    verdict.check(not left, f"left behind: {left}")
    return f"Removed {inventory.count()}; " + ("nothing left behind." if not left
                                                else f"LEFT: {left}")


def show_end(verdict, began, ending):
    n_right = verdict.n_checked - len(verdict.wrong)
    took = int(time.monotonic() - began)
    for text in verdict.wrong:
        say(f"WRONG {text}")
    say(f"\n{'FAIL' if verdict.wrong else 'PASS'} {n_right} of {verdict.n_checked}, "
        f"{took // 60} min {took % 60} s. {ending}")


LOOK_AROUND = """Left up. Look around:
  sudo tools/lab status                      who is there
  sudo tools/lab podlane a status            Podlane on A; also: route show, path show, drops
  sudo tools/lab exec a1 ping 10.244.1.10    from a pod
  sudo tools/lab exec a vtysh -N podlane-a   FRR on A
  sudo tools/lab down                        the end"""


def main():
    is_kept = "--keep" in sys.argv[1:]
    began = time.monotonic()
    verdict = Verdict()
    lab = Lab()
    # kill and closing the terminal end it as Ctrl-C does: through "finally"
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(143))
    is_up = False
    try:
        lab.take()
        is_up = True
        run_demo(lab, verdict)
        if is_kept:
            is_up = False
            show_end(verdict, began, LOOK_AROUND)
        else:
            is_up = False
            show_end(verdict, began, take_down(lab, verdict))
    except LabError as error:
        print(f"\ntools/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ntools/demo: interrupted", file=sys.stderr)
        return 130
    finally:
        if is_up:
            lab.down()
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
