# SPDX-License-Identifier: BSD-3-Clause
"""Network namespaces and what is in them. Made ones are written down first, so that a later run
can take down what an interrupted one left, and nothing that someone else made."""
import os

from .shell import LabError, run


class Namespaces:
    def __init__(self, state_dir):
        self.path = os.path.join(state_dir, "namespaces")

    def recorded(self):
        """Names of the namespaces that this lab made and did not remove, oldest first."""
        try:
            with open(self.path, encoding="ascii") as lines:
                return [line.strip() for line in lines if line.strip()]
        except FileNotFoundError:
            return []

    def add(self, name):
        if os.path.exists(f"/run/netns/{name}"):
            raise LabError(f"namespace {name} exists and this lab did not make it; if nobody needs "
                           f"it: ip netns del {name}")
        with open(self.path, "a", encoding="ascii") as out:
            out.write(name + "\n")
        run(["ip", "netns", "add", name])

    def remove(self, name):
        if os.path.exists(f"/run/netns/{name}"):
            run(["ip", "netns", "del", name])
        left = [other for other in self.recorded() if other != name]
        with open(self.path, "w", encoding="ascii") as out:
            out.write("".join(other + "\n" for other in left))

    def pids(self, name):
        """Processes that are in the namespace, whoever started them."""
        if not os.path.exists(f"/run/netns/{name}"):
            return []
        return [int(pid) for pid in run(["ip", "netns", "pids", name], check=False).split()]


def ip(netns, *lines):
    """Run lines of ip(8), each as one would write it after "ip -n NETNS"; stops at the first error."""
    run(["ip", "-n", netns, "-batch", "-"], feed="\n".join(lines) + "\n")


def sysctl(netns, **settings):
    """Set sysctls of a namespace; "__" in a key stands for "/", so that interface names survive."""
    run(["sysctl", "-q", "-w"] + [f"{key.replace('__', '/')}={value}"
                                  for key, value in settings.items()], netns=netns)


def tx_offload(netns, interface, state):
    run(["ethtool", "-K", interface, "tx", state], netns=netns)
