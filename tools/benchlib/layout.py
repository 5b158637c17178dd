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
BLOCKS = (1 << 24) // BLOCK - 1     # the pool's last block stays free, for probes of the generators
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

    def write_routes(self, path, more=()):
        """All as /32, a file for bench-client; in the order of addresses, as zebra replays them.
        more: further pairs of address and node, behind them."""
        pairs = sorted(zip(self.addresses, self.nodes)) + list(more)
        with open(path, "wb") as out:
            out.write(b"".join(ROUTE.pack(address, FIRST_PATH + node, 32) for address, node in pairs))


def write_one_route(path):
    """The whole pool through the first node."""
    with open(path, "wb") as out:
        out.write(ROUTE.pack(POOL, FIRST_PATH, POOL_DEPTH))


def cluster(n, n_nodes, rand):
    addresses, nodes = [], []
    for i, block in enumerate(rand.sample(range(BLOCKS), min(BLOCKS, n * 2 // BLOCK + 1))):
        size = BLOCK // 2 if rand.random() < HALF_FULL else BLOCK
        base = POOL + block * BLOCK
        for at in rand.sample(range(BLOCK), size) if size < BLOCK else range(BLOCK):
            addresses.append(base + at)
            nodes.append(rand.randrange(n_nodes) if rand.random() < BORROWED else i % n_nodes)
            if len(addresses) == n:
                return Layout("cluster", n, addresses, nodes)
    raise ValueError(f"{n} addresses do not fit the pool")


def scattered(n, n_nodes, rand):
    addresses = [POOL + at for at in rand.sample(range(BLOCKS * BLOCK), n)]
    return Layout("scattered", n, addresses, [rand.randrange(n_nodes) for _ in addresses])


MAKERS = {"cluster": cluster, "scattered": scattered}


def make(name, n, n_nodes=NODES, seed=0):
    return MAKERS[name](n, n_nodes, random.Random((seed << 32) + n))
