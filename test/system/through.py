# SPDX-License-Identifier: BSD-3-Clause
"""Single packets through a tunnel, out from a pod to a stock node's uplink and in from there: for
exact_vxlan, exact_ipip and test/vm."""
from frames import CE, difference, forwarded, is_about, pod_packets, wrong_checksums
from pods import ask_control, is_attached
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from support import expect, expect_equal

from lablib.shell import run, wait_until
from lablib.topology import HOST_SIDE_MAC, NODES, PODS
from lablib.wire import Wire, mac_of

DEVICES = {"ipip": "tunl0", "vxlan": "vxlan.calico"}    # the kernel's
# RFC 6040 4.2, figure 4
NOT_ECT, ECT1, ECT0 = range(CE)
DROP = None
# [inside][outside]
RESULTS = ((NOT_ECT, NOT_ECT, NOT_ECT, DROP),
           (ECT1, ECT1, ECT1, CE),
           (ECT0, ECT1, ECT0, CE),
           (CE, CE, CE, CE))


def send_and_catch(pod, target, packet):
    """The frame that C's uplink gets for what a pod sends."""
    with Wire(pod.netns) as sender, Wire(NODES[target.node].netns) as catcher:
        sender.send(Ether(src=mac_of(pod.netns), dst=HOST_SIDE_MAC) / packet)
        return catcher.wait_for(is_about(packet))


def frames_of(pod, target, mtu, who):
    """{kind: frame} that the node of the pod makes of each kind of packet."""
    frames = {}
    for name, packet in pod_packets(pod.address, target.address, mtu).items():
        frames[name] = send_and_catch(pod, target, packet)
        expect(frames[name] is not None, f"{who} sent nothing for {name}")
    return frames


def use_kernel(lab, pod, is_kernel):
    """Take a pod off the fast lane, or back."""
    podlane = lab.podlanes[pod.node]
    ask_control(podlane, command="pod detach" if is_kernel else "pod attach", name=pod.host_if)
    wait_until(f"{pod.name} changed", lambda: is_attached(podlane, pod.host_if) != is_kernel, 10,
               quiet=True)


def compare_with_kernel(lab, pod, target, kind, mtu):
    """The frames that Podlane, and then the same node's kernel by its tunnel device, makes of what a pod
    sends to a pod of C: the same but where they are free. Returns both, as frames_of().

    The one exception is what is marked CE inside: Linux follows RFC 3168 9.1.1 and sends ECT(0), Podlane
    RFC 6040 4.1 and copies CE."""
    def n_by_device():
        return int(run(["cat", f"/sys/class/net/{DEVICES[kind]}/statistics/tx_packets"],
                       netns=NODES[pod.node].netns))

    before = n_by_device()
    ours = frames_of(pod, target, mtu, "Podlane")
    expect_equal("sent by the kernel for Podlane", n_by_device() - before, 0)
    use_kernel(lab, pod, True)
    try:
        theirs = frames_of(pod, target, mtu, "the kernel")
        expect_equal("sent by the kernel", n_by_device() - before, len(theirs))
    finally:
        use_kernel(lab, pod, False)
    expect_equal("the kernel's ECN for CE", Ether(theirs["CE"])[IP].tos, ECT0)
    expect_equal("Podlane's ECN for CE", Ether(ours["CE"])[IP].tos, CE)
    as_kernel = Ether(ours["CE"])
    as_kernel[IP].tos = ECT0
    for name, frame in ours.items():
        text = difference(kind, frame if name != "CE" else bytes(as_kernel), theirs[name])
        text = text or wrong_checksums(frame) or wrong_checksums(theirs[name])
        expect(text == "", f"{pod.node}, {name}: {text}")
    return ours, theirs


def expect_decapsulated(lab, make_frame, mtu):
    """All kinds of packets arrive in the pod as they were, but for the hop."""
    source, target = PODS["c1"], PODS["a1"]
    nodes = NODES["c"].address, NODES["a"].address
    dropped = lab.podlanes["a"].drops()
    with Wire(NODES["c"].netns) as station, Wire(target.netns) as pod:
        macs = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
        for name, packet in pod_packets(source.address, target.address, mtu).items():
            station.send(make_frame(macs, nodes, packet))
            frame = pod.wait_for(is_about(packet))
            expect_equal(f"{name}, in the pod", frame and frame[14:].hex(),
                         bytes(forwarded(packet)).hex())
    expect_equal("drops", lab.podlanes["a"].drops(), dropped)
    return "each as it was sent"


def expect_ecn_table(lab, make_frame):
    """Sends all sixteen from C to a pod of A with make_frame of frames.py."""
    source, target = PODS["c1"], PODS["a1"]
    nodes = NODES["c"].address, NODES["a"].address
    podlane = lab.podlanes["a"]
    dropped = podlane.drops()
    with Wire(NODES["c"].netns) as station, Wire(target.netns) as pod:
        macs = mac_of(NODES["c"].netns), mac_of(NODES["a"].netns)
        for inside, row in enumerate(RESULTS):
            for outside, wanted in enumerate(row):
                inner = IP(src=source.address, dst=target.address, tos=0xb8 | inside,
                           id=100 + 4 * inside + outside) / UDP(sport=1, dport=9) / b"ecn"
                station.send(make_frame(macs, nodes, inner, tos=outside))
                if wanted is DROP:
                    wait_until("tunnel_ecn counts", lambda: podlane.drops()["tunnel_ecn"] ==
                               dropped["tunnel_ecn"] + 1, 10, 0.05, quiet=True)
                    continue
                frame = pod.wait_for(is_about(inner))
                expected = forwarded(inner)
                expected.tos = 0xb8 | wanted
                del expected.chksum
                expect_equal(f"inside {inside:02b}, outside {outside:02b}: the packet in the pod",
                             frame and frame[14:].hex(), bytes(expected).hex())
    expect_equal("drops", podlane.drops(), {**dropped, "tunnel_ecn": dropped["tunnel_ecn"] + 1})
    return "16 of 16"
