# SPDX-License-Identifier: BSD-3-Clause
"""Which addresses are routed, and through which node.

"cluster" is what Calico's address management makes: blocks of 64 addresses dealt to nodes, a tenth
of the blocks half full, one address in a hundred borrowed by another node. "scattered" is the same
number of addresses anywhere in the pool: a worst case, no cluster is like it.
"""
import random
import struct

POOL = 10 << 24         # 10.0.0.0/8
POOL_DEPTH = 8
NODES = 4000
BLOCK = 64
HALF_FULL = 0.1
BORROWED = 0.01
FIRST_PATH = 16         # WIRE_NH_PATH_FIRST
ROUTE = struct.Struct("=IIB3x")     # struct wire_route


class Layout:
    """addresses[i] is routed to node nodes[i]; name and n say which layout it is."""

    def __init__(self, name, n, addresses, nodes):
        self.name = name
        self.n = n
        self.addresses = addresses
        self.nodes = nodes

    def write_routes(self, path):
        """All as /32, a file for bench-client; in the order of addresses, as zebra replays them."""
        order = sorted(range(self.n), key=self.addresses.__getitem__)
        with open(path, "wb") as out:
            out.write(b"".join(ROUTE.pack(self.addresses[i], FIRST_PATH + self.nodes[i], 32)
                               for i in order))


def write_one_route(path):
    """The whole pool through the first node."""
    with open(path, "wb") as out:
        out.write(ROUTE.pack(POOL, FIRST_PATH, POOL_DEPTH))


def cluster(n):
    rand = random.Random(n)
    addresses, nodes = [], []
    for i, block in enumerate(rand.sample(range(1 << 18), min(1 << 18, n * 2 // BLOCK + 1))):
        size = BLOCK // 2 if rand.random() < HALF_FULL else BLOCK
        base = POOL + block * BLOCK
        for at in rand.sample(range(BLOCK), size) if size < BLOCK else range(BLOCK):
            addresses.append(base + at)
            nodes.append(rand.randrange(NODES) if rand.random() < BORROWED else i % NODES)
            if len(addresses) == n:
                return Layout("cluster", n, addresses, nodes)
    raise ValueError(f"{n} addresses do not fit the pool")


def scattered(n):
    rand = random.Random(n)
    addresses = [POOL + at for at in rand.sample(range(1 << 24), n)]
    return Layout("scattered", n, addresses, [rand.randrange(NODES) for _ in addresses])


def make(name, n):
    return {"cluster": cluster, "scattered": scattered}[name](n)
