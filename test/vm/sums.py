# SPDX-License-Identifier: BSD-3-Clause
"""TCP's and UDP's checksums of what A's pods send unfinished: on the wire they are right, whoever finished them."""
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

from lablib.paths import OVERHEAD
from lablib.topology import PODS, SEGMENT
from lablib.traffic import warm_up
from lablib.wire import Wire, call_in_netns
from window import checksum
from world import expect

SOURCE, TARGET = PODS["a1"], PODS["b1"]
PORT = 5000
N_BYTES = 300000
SIZES = [1, 2, 17, 18, 19, 999, 1400]   # of datagrams; a frame of less than 60 bytes is padded
PATIENCE_SEC = 60
ETHER_BYTES, IP_BYTES = 14, 20
TCP, UDP = 6, 17
ETHERTYPE_VLAN = b"\x81\x00"


def expect_left_to(world, name):
    """To the device of this port of A's, and not to that of the pods, which is none."""
    ports = world.podlanes["a"].podlane("port", "show")["ports"]
    by_device = [port["name"] for port in ports if port["finishes_l4"]]
    expect(name in by_device and "pods" not in by_device, f"ports that finish checksums: {by_device}")


def receive(listener, datagrams):
    """Everything that one connection brings, and the lengths of the datagrams sent before it."""
    connection = listener.accept()[0]
    with connection:
        connection.settimeout(PATIENCE_SEC)
        whole = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    return whole, sorted(len(datagrams.recv(1 << 16)) for _ in SIZES)


def transfer(world):
    """Datagrams, and bytes by TCP, from a1 to b1; LabError if they do not arrive as they were."""
    listener = call_in_netns(TARGET.netns, lambda: socket.create_server((TARGET.address, PORT)))
    datagrams = call_in_netns(TARGET.netns, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    with listener, datagrams, ThreadPoolExecutor(1) as pool:
        datagrams.bind((TARGET.address, PORT))
        for one in (listener, datagrams):
            one.settimeout(PATIENCE_SEC)
        received = pool.submit(receive, listener, datagrams)
        world.machine.call("nodes.send_datagrams", SOURCE.name, TARGET.address, PORT, SIZES)
        sent = world.machine.call("nodes.send_stream", SOURCE.name, TARGET.address, PORT, N_BYTES)
        whole, sizes = received.result()
    expect(whole.hex() == sent, f"{len(whole)} of {N_BYTES} bytes, or others than were sent")
    expect(sizes == SIZES, f"datagrams of {sizes} bytes")


def packets_of(frames, kind):
    """What a1 sends by TCP and UDP, without what is around it on this kind of path, or a VLAN's tag."""
    source = socket.inet_aton(SOURCE.address)
    for frame in frames:
        tag_bytes = 4 if frame[12:14] == ETHERTYPE_VLAN else 0
        packet = frame[ETHER_BYTES + tag_bytes + OVERHEAD[kind]:]
        if packet[12:16] == source and packet[9] in (TCP, UDP):
            yield packet[:int.from_bytes(packet[2:4], "big")]


def is_right(packet):
    """RFC 9293 3.1, RFC 768: with the pseudo header's the sum of all words is all ones. UDP's 0 says "none"."""
    segment = packet[IP_BYTES:]
    pseudo = packet[12:20] + struct.pack("!HH", packet[9], len(segment))
    return checksum(pseudo + segment + bytes(len(segment) % 2)) == 0 and \
        not (packet[9] == UDP and segment[6:8] == b"\0\0")


def expect_right(world, send, n_least, kind="native", tap="a"):
    """While send() is running. Returns how many of a1's packets were seen on A's cable."""
    text = world.machine.run(["ip", "netns", "exec", SOURCE.netns, "ethtool", "-k", "eth0"])
    expect("tx-checksumming: on" in text, "a1 finishes its checksums itself: this tests nothing")
    with Wire(SEGMENT, tap) as wire:
        send()
        packets = list(packets_of(iter(lambda: wire.receive(0.5), None), kind))
    wrong = [packet.hex() for packet in packets if not is_right(packet)]
    expect(not wrong, f"{kind}: {len(wrong)} of {len(packets)} wrong on the wire: {wrong[:1]}")
    expect(len(packets) >= n_least, f"{kind}: {len(packets)} packets on the wire, not {n_least}")
    return len(packets)


def expect_transfer_right(world, kind="native", tap="a"):
    """Of a transfer to b1 by this kind of path."""
    warm_up(TARGET, SOURCE.address)
    return expect_right(world, lambda: transfer(world), N_BYTES // 1500 + len(SIZES), kind, tap)


def expect_datagrams_right(world, pod, tap="a"):
    """Of datagrams to another pod, which does not expect them."""
    return expect_right(world, lambda: world.machine.call("nodes.send_datagrams", SOURCE.name, PODS[pod].address,
                                                          PORT, SIZES), len(SIZES), tap=tap)
