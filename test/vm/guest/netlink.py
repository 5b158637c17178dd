# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: what the kernel says by rtnetlink of its ipip devices, for test/data/netlink. Everything is in
a namespace of its own; ipip must not be loaded yet."""
import socket
import struct

from lablib.netns import ip
from lablib.shell import LabError, run
from lablib.topology import NODES, PREFIX
from lablib.wire import call_in_netns

NETNS = PREFIX + "netlink"
HEADER = struct.Struct("=IHHII")
NLM_F_REQUEST, NLM_F_DUMP, NLMSG_ERROR, NLMSG_DONE = 1, 0x300, 2, 3
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH = 16, 17, 18, 22, 30
RTMGRP_LINK = 1
FAMILY_LINK, FAMILY_ADDR = struct.Struct("=BxHiII"), struct.Struct("=BBBBi")
NEIGH = struct.Struct("=BxxxiHBB")
ETH0, TUNL0 = 2, 13
ENDS = f"local {NODES['a'].address} remote {NODES['b'].address}"
# file: index, name, how it is made, whether it gets an address
DEVICES = {
    "ipip-ends": (14, "to-b", ENDS, True),
    "ipip-bound": (15, "to-b-eth0", f"{ENDS} dev eth0", False),
    "ipip-fou": (16, "fou-b", f"{ENDS} encap fou encap-sport auto encap-dport 5555 encap-csum", False),
    "ipip-gue": (17, "gue-b", f"{ENDS} encap gue encap-sport auto encap-dport 5556 encap-csum", False),
    "ipip-mpls": (18, "mpls-b", f"{ENDS} mode mplsip", False),
    "ipip-external": (19, "external", "external", False),
}


def netlink_socket(groups=0):
    def make():
        sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        sock.bind((0, groups))
        return sock
    return call_in_netns(NETNS, make)


def messages(data):
    while data:
        n_bytes, kind = HEADER.unpack_from(data)[:2]
        yield kind, data[:n_bytes]
        data = data[(n_bytes + 3) & ~3:]


def ask(kind, body, flags=0):
    """All messages of the answer."""
    answer = []
    with netlink_socket() as sock:
        sock.send(HEADER.pack(HEADER.size + len(body), kind, NLM_F_REQUEST | flags, 1, 0) + body)
        while True:
            for said, message in messages(sock.recv(1 << 16)):
                if said == NLMSG_ERROR:
                    raise LabError(f"netlink request {kind}: {message.hex()}")
                if said == NLMSG_DONE:
                    return answer
                answer.append(message)
            if not flags & NLM_F_DUMP:
                return answer


def link(index):
    return b"".join(ask(RTM_GETLINK, FAMILY_LINK.pack(0, 0, index, 0, 0)))


def addresses(index):
    found = ask(RTM_GETADDR, FAMILY_ADDR.pack(socket.AF_INET, 0, 0, 0, 0), NLM_F_DUMP)
    return b"".join(one for one in found
                    if FAMILY_ADDR.unpack_from(one, HEADER.size)[4] == index)


def neighbours(index):
    found = ask(RTM_GETNEIGH, NEIGH.pack(socket.AF_INET, 0, 0, 0, 0), NLM_F_DUMP)
    return b"".join(one for one in found if NEIGH.unpack_from(one, HEADER.size)[1] == index)


def record_tunl0(files):
    """From modprobe to its end; the indices are those that the unit tests expect."""
    for number in range(ETH0 + 1, TUNL0):
        ip(NETNS, f"link add name d{number} type dummy", f"link del d{number}")
    run(["modprobe", "ipip"])
    files["tunl0-new"] = link(TUNL0)
    ip(NETNS, "link set tunl0 up", "address add 10.244.0.1/32 dev tunl0")
    files["tunl0-up"] = link(TUNL0) + addresses(TUNL0)
    ip(NETNS, "link set tunl0 mtu 1400")
    files["tunl0-1400"] = link(TUNL0)


def record_devices(files):
    run(["modprobe", "fou"])
    for name, (index, interface, words, has_address) in DEVICES.items():
        ip(NETNS, f"link add index {index} name {interface} type ipip {words}",
           f"link set {interface} up")
        if has_address:
            ip(NETNS, f"address add 10.244.0.2/32 dev {interface}")
        files[name] = link(index) + addresses(index)
        ip(NETNS, f"link del {interface}")


def record_end(files):
    """tunl0 cannot be deleted; it goes with its module, and that is told, not asked."""
    with netlink_socket(RTMGRP_LINK) as listener:
        run(["rmmod", "ipip"])
        listener.settimeout(20)
        while "tunl0-gone" not in files:
            for kind, message in messages(listener.recv(1 << 16)):
                index = FAMILY_LINK.unpack_from(message, HEADER.size)[2]
                if (kind, index) == (RTM_DELLINK, TUNL0):
                    files["tunl0-gone"] = message


def record():
    """Returns {file: hexadecimal digits}."""
    files = {}
    run(["ip", "netns", "add", NETNS])
    try:
        ip(NETNS, f"link add index {ETH0} name eth0 address 02:00:00:00:00:0a type dummy",
           "link set eth0 up", f"address add {NODES['a'].address}/24 dev eth0",
           f"neigh add {NODES['b'].address} lladdr 02:00:00:00:00:0b dev eth0 nud reachable")
        files["uplink"] = link(ETH0) + addresses(ETH0) + neighbours(ETH0)
        record_tunl0(files)
        record_devices(files)
        record_end(files)
    finally:
        run(["ip", "netns", "del", NETNS])
    return {name: content.hex() for name, content in files.items()}
