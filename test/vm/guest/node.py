# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: node A of the founding lab, its uplink a VF that DPDK owns. Prints what it does."""
import glob
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
sys.path.insert(0, os.path.join(ROOT, "tools"))

from lablib.lab import HOST_SYSCTLS, Lab     # noqa: E402  (needs the path above)
from lablib.netns import ip, sysctl          # noqa: E402
from lablib.shell import LabError, run, say  # noqa: E402
from lablib.topology import NODES, PODS, REFLECTOR   # noqa: E402

A = NODES["a"]
VF_MAC = "02:00:00:00:0a:{:02x}"
MODULES = ["igb", "vfio-pci", "vfio_iommu_type1", "tun", "veth", "sch_ingress", "cls_bpf"]


def make_vfs(n_vfs):
    """Make VFs on the first NIC, with MACs from its PF. Returns their PCI addresses."""
    device = os.path.realpath("/sys/class/net/eth0/device")
    run(["ip", "link", "set", "eth0", "up"])
    for name, value in (("sriov_drivers_autoprobe", 0), ("sriov_numvfs", n_vfs)):
        with open(f"{device}/{name}", "w", encoding="ascii") as out:
            out.write(f"{value}\n")
    for number in range(n_vfs):
        run(["ip", "link", "set", "eth0", "vf", str(number), "mac", VF_MAC.format(number)])
    return [os.path.basename(os.path.realpath(link))
            for link in sorted(glob.glob(f"{device}/virtfn*"))]


def show_devices(when):
    say(f"dpdk-devbind.py --status-dev net, {when}:")
    say(run(["dpdk-devbind.py", "--status-dev", "net"]).strip())


def refusal(lab):
    """What podlane-dataplane says of a VF that nobody bound."""
    podlane = lab.podlanes["a"]
    done = subprocess.run(["ip", "netns", "exec", A.netns, podlane.program("podlane-dataplane"),
                           "--config", podlane.config], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    say(f"unbound: {done.stdout.strip().splitlines()[-1]}")


def main():
    build_dir, mode = sys.argv[1:3]
    for module in MODULES:
        run(["modprobe", module])
    vf = make_vfs(2)[0]
    lab = Lab(build_dir=build_dir)
    os.makedirs(os.path.join(lab.dir, "a"))
    lab.namespaces.add(A.netns)
    sysctl(A.netns, **HOST_SYSCTLS)
    ip(A.netns, "link set lo up", "tuntap add dev uplink0 mode tap", "link set uplink0 up",
       f"address add {A.address}/24 dev uplink0", f"route add default via {REFLECTOR}",
       f"route add blackhole {A.block} proto 80")
    for pod in PODS.values():
        if pod.node == "a":
            lab.add_pod(pod)
    lab.speakers["a"].start()
    lab.podlanes["a"].write_config(device=f"pci: {vf}", hugepages="true",
                                   encap=mode)
    show_devices("before")
    refusal(lab)
    say(run(["dpdk-devbind.py", "-b", "vfio-pci", vf]).strip())
    show_devices("after")
    try:
        lab.podlanes["a"].start_dataplane()
        lab.podlanes["a"].start_control()
    except LabError as error:
        for name in lab.podlanes["a"].names.values():
            say("\n".join(dict.fromkeys(lab.daemons.lines(name))))
        sys.exit(f"{error}")
    say(f"node A is up, its uplink is {vf}")


main()
