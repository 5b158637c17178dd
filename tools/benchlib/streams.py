# SPDX-License-Identifier: BSD-3-Clause
"""FPM streams of a layout, byte for byte as zebra 8.4.4 writes them: files for tools/fpm-replay."""
import socket
import struct

from . import layout, packets

RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY = 1, 4, 5, 6
NEW_FLAGS = 0x1 | 0x400 | 0x100     # NLM_F_REQUEST, _CREATE, _REPLACE
DEL_FLAGS = 0x1 | 0x400
BGP, STATIC = 186, 196              # RTPROT_*
UNICAST, BLACKHOLE = 1, 6           # RTN_*
MAIN_TABLE = 254
DST_AT = 4 + 16 + 12 + 4            # behind the headers of FPM, netlink and route, and of RTA_DST
PRIORITY = struct.pack("=I", 20)


def attr(kind, value):
    return struct.pack("=HH", 4 + len(value), kind) + value


def frame(kind, rtmsg, attributes):
    flags = NEW_FLAGS if kind == RTM_NEWROUTE else DEL_FLAGS
    body = struct.pack("=HHII", kind, flags, 0, 0) + rtmsg + attributes
    return struct.pack(">BBH", 1, 1, 8 + len(body)) + struct.pack("=I", 4 + len(body)) + body


def rtmsg(family, depth, protocol, kind):
    return struct.pack("=BBBBBBBBI", family, depth, 0, 0, MAIN_TABLE, protocol, 0, kind, 0)


def destination(bytes_):
    return attr(RTA_DST, bytes_) + attr(RTA_PRIORITY, PRIORITY)


def via(node, ifindex):
    return (attr(RTA_GATEWAY, struct.pack(">I", packets.FIRST_NODE + node)) +
            attr(RTA_OIF, struct.pack("=I", ifindex)))


def sentinel():
    """The route that says that the replay is complete."""
    return frame(RTM_NEWROUTE, rtmsg(socket.AF_INET6, 128, STATIC, BLACKHOLE),
                 destination(b"\xff" * 16))


def write_cover(path, ifindex):
    """The pool through the first node, so that no packet is without a route; a complete replay."""
    with open(path, "wb") as out:
        out.write(frame(RTM_NEWROUTE, rtmsg(socket.AF_INET, layout.POOL_DEPTH, BGP, UNICAST),
                        destination(struct.pack(">I", layout.POOL)) + via(0, ifindex)) + sentinel())


def templates(n_nodes, ifindex):
    """A route to 0.0.0.0/32 by each node, and its deletion."""
    nowhere = destination(bytes(4))
    add = [frame(RTM_NEWROUTE, rtmsg(socket.AF_INET, 32, BGP, UNICAST), nowhere + via(node, ifindex))
           for node in range(n_nodes)]
    return add, frame(RTM_DELROUTE, rtmsg(socket.AF_INET, 32, BGP, 0), nowhere)


def write(path, routed, n_nodes, ifindex, is_withdrawn=False):
    """All routes as /32, in the order of addresses."""
    add, delete = templates(n_nodes, ifindex)
    pack = struct.Struct(">I").pack
    order = sorted(zip(routed.addresses, routed.nodes))
    head = (delete if is_withdrawn else add[0])[:DST_AT]
    tails = [delete[DST_AT + 4:]] * n_nodes if is_withdrawn else [one[DST_AT + 4:] for one in add]
    with open(path, "wb") as out:
        out.write(b"".join(head + pack(address) + tails[node] for address, node in order))
        if not is_withdrawn:
            out.write(sentinel())
