# SPDX-License-Identifier: BSD-3-Clause
"""In the guest: NICs by their MAC, VFs, and which driver has them."""
import glob
import os
import subprocess

from lablib.shell import run, say
from machine import mac_of_nic

VF_MAC = "02:00:00:00:0a:00"
devices = {}    # as they were when the kernel had them


def interface_of(number):
    """The kernel's interface of the machine's n-th NIC, while the kernel has it; otherwise None."""
    for path in glob.glob("/sys/class/net/*/address"):
        with open(path, encoding="ascii") as mac:
            if mac.read().strip() == mac_of_nic(number):
                return path.split("/")[4]
    return None


def device_of(number):
    """The PCI address of the machine's n-th NIC."""
    interface = interface_of(number)
    if interface is not None:
        devices[number] = os.path.basename(os.path.realpath(f"/sys/class/net/{interface}/device"))
    return devices[number]


def set_vf_mac(number):
    """The PF gives its first VF a MAC; without one it has another one after each boot."""
    run(["ip", "link", "set", interface_of(number), "vf", "0", "mac", VF_MAC])


def numvfs(number):
    return os.path.join("/sys/bus/pci/devices", device_of(number), "sriov_numvfs")


def make_vf(number):
    with open(numvfs(number), "w", encoding="ascii") as out:
        out.write("1\n")


def begin_no_vfs(number):
    """Have a NIC make no VFs. The write does not return before whoever uses one has let it go."""
    # left to itself: what matters is that the device goes
    subprocess.Popen(["sh", "-c", f"echo 0 > {numvfs(number)}"], start_new_session=True)


def is_gone(device):
    return not os.path.exists(os.path.join("/sys/bus/pci/devices", device))


def show_devices(when):
    say(f"dpdk-devbind.py --status-dev net, {when}:")
    say(run(["dpdk-devbind.py", "--status-dev", "net"]).strip())


def bind(address):
    say(run(["dpdk-devbind.py", "-b", "vfio-pci", address]).strip() or f"{address} has vfio-pci")
