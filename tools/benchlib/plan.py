# SPDX-License-Identifier: BSD-3-Clause
"""What is measured: a list of cases, those with the same packets and engine side by side.

In all of them the dataplane is a node with both kinds of tunnel: it looks at each packet's protocol
and destination, whether tunnel packets come or not."""
import dataclasses

K4, K32 = 4096, 32768
M1 = 1000000


@dataclasses.dataclass(frozen=True)
class Case:
    """One figure: what the dataplane does, with which tables and packets."""
    mode: str               # a key of MODES
    n_routes: int = 1
    n_dsts: int = K4
    size: str = "64"
    layout: str = "cluster"
    engine: str = "lpm"

    @property
    def label(self):
        return (f"{self.mode}, {count(self.n_routes)} route{'s' * (self.n_routes > 1)}, "
                f"{count(self.n_dsts)} destinations, {self.size}, {self.layout}, {self.engine}")

    @property
    def n_sampled(self):
        """From how many routed addresses the destinations are; one route has those of a million."""
        return M1 if self.n_routes == 1 else self.n_routes

    @property
    def packets(self):
        """Cases with the same key are measured on the same file."""
        return (MODES[self.mode].form, self.size, self.n_dsts, self.layout, self.n_sampled,
                self.n_routes == 1 and MODES[self.mode].form != "native")


@dataclasses.dataclass(frozen=True)
class Mode:
    form: str               # of the packets: native, ipip, vxlan
    path: str               # what the dataplane puts around them
    has_check: int = 0      # of inner sources
    gain: int = 0           # bytes a packet gains on its way


MODES = {
    "native": Mode("native", "native"),
    "ipip encap": Mode("native", "ipip", gain=20),
    "vxlan encap": Mode("native", "vxlan", gain=50),
    "ipip decap": Mode("ipip", "native", gain=-20),
    "vxlan decap": Mode("vxlan", "native", gain=-50),
    "ipip decap, source checked": Mode("ipip", "native", 1, gain=-20),
    "vxlan decap, source checked": Mode("vxlan", "native", 1, gain=-50),
}


def count(n):
    if n % 1000000 == 0:
        return f"{n // 1000000}M"
    if n % 1024 == 0:
        return f"{n // 1024}k"
    return f"{n // 1000}k" if n % 1000 == 0 else str(n)


def quick():
    """What the bar is about, at 64 bytes."""
    return ([Case(mode) for mode in MODES] +
            [Case("native", n, K32, engine="dir24-8") for n in (1, M1)])


def full():
    """Every mode with every number of routes and destinations; sizes and layouts beside it."""
    cases = [Case(mode) for mode in MODES]
    cases += [Case(mode, n, dsts, engine="dir24-8") for mode in MODES
              for n in (1, 10000, 100000, M1) for dsts in (K4, K32) if dsts <= n or n == 1]
    cases += [Case(mode, n, K4, size, engine="dir24-8") for mode in MODES for size in ("imix", "1500")
              for n in (1, M1)]
    cases += [Case("native", n, dsts, layout="scattered", engine="dir24-8")
              for n in (100000, M1) for dsts in (K4, K32)]
    cases += [Case("native", 10000)]
    return cases


def by_packets(cases):
    """Groups that one pair of processes can measure: [(packets key, engine, [case, ...]), ...]."""
    groups = {}
    for case in dict.fromkeys(cases):
        groups.setdefault((case.packets, case.engine), []).append(case)
    # a million routes under the one: its case comes first, while it is alone
    return [(key, engine, sorted(group, key=lambda case: case.n_routes))
            for (key, engine), group in groups.items()]
