#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Nothing is left behind: namespaces, processes, TAPs, XDP and tc programs, maps, files."""
from support import expect, expect_equal, main_of

from lablib.leftovers import Inventory
from lablib.shell import wait_until

VARIANTS = ["podlane"]


def take_down(lab):
    inventory = Inventory(lab)
    expect(len(inventory.programs) > 0 and len(inventory.pids) >= 13,
           f"the lab is not whole: {inventory.count()}")
    lab.down()
    # the kernel takes namespaces down when it finds the time
    wait_until("all gone", inventory.remains, 20, 0.2, quiet=True)
    return inventory.count()


def check_after_ordered_end(lab):
    return "gone: " + take_down(lab)


def check_after_kill(lab):
    """As an interrupted run leaves it: daemons killed, their programs still attached."""
    for podlane in lab.podlanes.values():
        for name in podlane.names.values():
            lab.daemons.kill(name)
    inventory = Inventory(lab)
    expect(len(inventory.programs) > 0, "no XDP program was left behind by the killed dataplanes")
    lab.down()
    wait_until("all gone", inventory.remains, 20, 0.2, quiet=True)
    expect_equal("namespaces recorded", lab.namespaces.recorded(), [])
    return "gone: " + inventory.count()


CHECKS = [check_after_ordered_end, check_after_kill]

main_of(__name__)
