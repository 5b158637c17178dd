# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: NICs by their MAC, VFs, and which driver has them."""
import glob
import os

from lablib.shell import LabError, run, say
from machine import mac_of_nic

VF_MAC = "02:00:00:00:0a:{:02x}"


def interface_of(number):
    """The kernel's interface of the machine's n-th NIC, while the kernel has it."""
    for path in glob.glob("/sys/class/net/*/address"):
        with open(path, encoding="ascii") as mac:
            if mac.read().strip() == mac_of_nic(number):
                return path.split("/")[4]
    raise LabError(f"the kernel has no interface with {mac_of_nic(number)}")


def make_vfs(interface, n_vfs):
    """Make VFs on a NIC, with MACs from its PF. Returns their PCI addresses."""
    device = os.path.realpath(f"/sys/class/net/{interface}/device")
    run(["ip", "link", "set", interface, "up"])
    for name, value in (("sriov_drivers_autoprobe", 0), ("sriov_numvfs", n_vfs)):
        with open(f"{device}/{name}", "w", encoding="ascii") as out:
            out.write(f"{value}\n")
    for number in range(n_vfs):
        run(["ip", "link", "set", interface, "vf", str(number), "mac", VF_MAC.format(number)])
    return [os.path.basename(os.path.realpath(link))
            for link in sorted(glob.glob(f"{device}/virtfn*"))]


def show_devices(when):
    say(f"dpdk-devbind.py --status-dev net, {when}:")
    say(run(["dpdk-devbind.py", "--status-dev", "net"]).strip())


def bind(address):
    say(run(["dpdk-devbind.py", "-b", "vfio-pci", address]).strip() or f"{address} has vfio-pci")
