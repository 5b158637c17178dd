# SPDX-License-Identifier: BSD-3-Clause
"""The control path behind a real FRR: BIRD announces the routes over BGP, bgpd and zebra take them, and
zebra hands them on over FPM; then zebra replays all to a new connection. What of the replay's time is
FRR's own is seen by a second replay, to a reader that does nothing else."""
import os
import time

from lablib.shell import LabError, run
from lablib.speakers import Frr

from . import machine, meter, node, packets

PEER_NETNS = "podlane-bench-bgp"
PEER, OURS = "192.168.77.1", "192.168.77.2"
PATIENCE_SEC = 200
SETTLE_SEC = 2      # zebra's own few routes

FRR_CONFIG = """\
hostname bench
fpm address 127.0.0.1 port 2620
no fpm use-next-hop-groups
ipv6 route ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128 blackhole
ip route 10.0.0.0/8 {first_node}
router bgp 64512
 bgp router-id {ours}
 no bgp default ipv4-unicast
 neighbor {peer} remote-as 64512
 neighbor {peer} timers connect 1
 address-family ipv4 unicast
  neighbor {peer} activate
 exit-address-family
end
"""
BIRD_CONFIG = """\
router id {peer};
attribute ip node;
protocol device {{ }}
protocol static pods {{
	disabled;
	ipv4;
	include "{routes}";
}}
protocol bgp bench {{
	local {peer} as 64512;
	neighbor {ours} as 64512;
	ipv4 {{
		import none;
		export filter {{ bgp_next_hop = node; accept; }};
	}};
}}
"""


class Daemons:
    """What lablib's Frr wants of them, done by a Node."""

    def __init__(self, here):
        self.here = here

    def start(self, name, argv, netns):
        assert netns == self.here.netns
        self.here.start(name, argv)

    def check(self, name):
        if self.here.processes[name].poll() is not None:
            raise LabError(f"{name} ended: {self.here.log(name).strip().splitlines()[-1:]}")

    def stop(self, name):
        self.here.end(name)


class BenchFrr(Frr):
    def __init__(self, here):
        super().__init__(Daemons(here), "frr", "",
                         {"zebra": ["-M", "dplane_fpm_nl", "-r", "-K", "20"], "staticd": [],
                          "bgpd": []})
        self.netns = self.pathspace = here.netns
        self.config = os.path.join(here.dir, "frr.conf")
        with open(self.config, "w", encoding="ascii") as out:
            out.write(FRR_CONFIG.format(peer=PEER, ours=OURS,
                                        first_node=packets.address(packets.FIRST_NODE)))


class Bird:
    """The injector, in a namespace of its own."""

    def __init__(self, here, routed):
        self.here = here
        self.socket = os.path.join(here.dir, "bird.ctl")
        self.config = os.path.join(here.dir, "bird.conf")
        routes = os.path.join(here.dir, "bird.routes")
        with open(routes, "w", encoding="ascii") as out:
            out.write("".join(
                f"route {packets.address(addr)}/32 blackhole {{ node = "
                f"{packets.address(packets.FIRST_NODE + at)}; }};\n"
                for addr, at in sorted(zip(routed.addresses, routed.nodes))))
        with open(self.config, "w", encoding="ascii") as out:
            out.write(BIRD_CONFIG.format(peer=PEER, ours=OURS, routes=routes))

    def start(self):
        here = self.here
        run(["ip", "netns", "add", PEER_NETNS])
        run(["ip", "-n", PEER_NETNS, "link", "add", "bgp", "type", "veth", "peer", "name", "bgp",
             "netns", here.netns])
        for netns, address in ((PEER_NETNS, PEER), (here.netns, OURS)):
            run(["ip", "-n", netns, "address", "add", f"{address}/30", "dev", "bgp"])
            run(["ip", "-n", netns, "link", "set", "bgp", "up"])
        here.start("bird", ["ip", "netns", "exec", PEER_NETNS, "bird", "-f", "-c", self.config,
                            "-s", self.socket])
        machine.wait_for("bird", lambda: os.path.exists(self.socket), 60)

    def ctl(self, words):
        return run(["birdc", "-s", self.socket, words], timeout_sec=PATIENCE_SEC)


def await_session(frr):
    machine.wait_for("BGP session", lambda: frr.sessions().get(PEER) == "Established", 60)


def measure_push(here, bird, n_wanted, progress):
    """From the injector's first announcement to the last route in the FIB."""
    progress.turn("push over BGP")
    taken = meter.Meter(here, ("bird", "frr-bgpd", "frr-zebra", "control"))
    bird.ctl("enable pods")
    ended_ns = int(here.ask(f"await routes {n_wanted} {n_wanted} {PATIENCE_SEC}")["ns"])
    return meter.check_lost("push over BGP", taken.end(ended_ns))


def await_replay(here):
    machine.wait_for("zebra's replay", lambda: here.control("status")["fpm"]["replay"] == "complete",
                     PATIENCE_SEC)
    here.await_in_sync()


def measure_replay(here, progress):
    """control is restarted, and zebra replays to it, while the dataplane forwards from its tables."""
    progress.turn("replay to control")
    here.end("control")
    taken = meter.Meter(here, ("frr-zebra",))
    here.start_control()
    await_replay(here)
    measured = meter.check_lost("replay", taken.end(time.monotonic_ns()))
    # without the time that zebra takes to notice
    measured["sec"] = here.control("status")["fpm"]["replay_ms"] / 1e3
    measured["cpu_sec"]["control"] = node.cpu_sec(here.pid("control"))
    return measured


def measure_reader(here, progress):
    """zebra replays to tools/fpm-sink, which only reads: what is left is FRR's own time."""
    progress.turn("replay to a mere reader")
    here.end("control")
    cpu = node.cpu_sec(here.pid("frr-zebra"))
    said = run(node.NICE + ["ip", "netns", "exec", here.netns,
                            here.program("tools", "fpm-sink")], timeout_sec=PATIENCE_SEC)
    words = dict(word.split("=") for word in said.split())
    return {"sec": float(words["sec"]), "bytes": int(words["bytes"]),
            "cpu_sec": {"frr-zebra": node.cpu_sec(here.pid("frr-zebra")) - cpu}}


def measure(here, routed, progress):
    bird, frr = Bird(here, routed), BenchFrr(here)
    try:
        frr.start()
        bird.start()
        await_session(frr)
        await_replay(here)
        time.sleep(SETTLE_SEC)
        base = int(here.ask("info")["routes"])
        result = {"load": measure_push(here, bird, base + routed.n, progress)}
        result["memory"] = here.memory()
        result["zebra_replay"] = measure_replay(here, progress)
        result["zebra_reader"] = measure_reader(here, progress)
        result["frr_share"] = result["zebra_reader"]["sec"] / result["zebra_replay"]["sec"]
        return result
    finally:
        run(["ip", "netns", "del", PEER_NETNS], check=False)
        frr.remove_run_dir()
