#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""Large tables: control is killed and comes back with 100,000 routes, and more routes than the FIB has
room for. Packets to 4,096 destinations all over the table are replayed meanwhile, and none may be lost.

Needs no lab: the ports are net_pcap and net_null, in a namespace of its own."""
import os
import shutil
import tempfile
import threading
import time

from support import Skip, expect, expect_equal, main_of

from benchlib import layout, node, streams
from lablib.shell import wait_until
from lablib.topology import PREFIX

VARIANTS = ["none"]
N_ROUTES = 100000
N_WITHDRAWN = 1000
MEMORY_MB = 640


class Table:
    """with Table(lab, ...) as here: a node whose dataplane has no routes yet."""

    def __init__(self, lab, routed, **changes):
        self.work_dir = tempfile.mkdtemp(prefix="podlane-fulltable-")
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise Skip("a main lcore and a worker need two cores")
        self.node = node.Node(lab.podlanes["a"].build_dir, self.work_dir, cores[:2],
                              PREFIX + "table")
        self.node.write_config(hugepages="false", memory_mb=MEMORY_MB, **changes)
        self.node.write_packets(routed)

    def __enter__(self):
        try:
            self.node.start_dataplane()
            self.node.start_control()
        except BaseException:
            self.__exit__()
            raise
        return self.node

    def __exit__(self, *_):
        self.node.stop()
        shutil.rmtree(self.work_dir, ignore_errors=True)


class Watch:
    """Asks the dataplane all the time how many routes it has, and remembers the fewest."""

    def __init__(self, here):
        self.here = here
        self.fewest = self.most = int(here.ask("info")["routes"])
        self.before = here.ask("stats")
        self.is_over = False
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self):
        while not self.is_over:
            n = int(self.here.ask("info")["routes"])
            self.fewest, self.most = min(self.fewest, n), max(self.most, n)
            time.sleep(0.001)

    def end(self):
        """Returns: forwarded packets, lost packets"""
        self.is_over = True
        self.thread.join()
        after = self.here.ask("stats")
        return [int(after[key]) - int(self.before[key]) for key in ("tx", "drop")]


def write(here, name, routed, **options):
    streams.write(os.path.join(here.dir, name), routed, layout.NODES, here.ifindex, **options)


def part(routed, first, end):
    """Of the routes in the order of their addresses, as they are replayed."""
    order = sorted(zip(routed.addresses, routed.nodes))[first:end]
    return layout.Layout(routed.name, len(order), *map(list, zip(*order)))


def routes(here):
    return here.control("sync")["sync"]["routes"]


def check_restart_of_control(lab):
    """kill -9 of control, and a new one: the FIB never has less than FRR, no packet is lost, and what
    FRR withdrew meanwhile goes when its replay is complete."""
    routed = layout.make("cluster", N_ROUTES)
    left = part(routed, 0, N_ROUTES - N_WITHDRAWN)
    with Table(lab, left, max_routes=200000) as here:
        write(here, "all", routed)
        write(here, "left", left)
        base = int(here.ask("info")["routes"])
        here.start_replay("all")
        here.step_replay()
        here.ask(f"await routes {base + N_ROUTES} {base + N_ROUTES} 60")
        here.await_in_sync()
        watch = Watch(here)
        here.kill("control")
        here.end("replay")
        time.sleep(1)
        began = time.monotonic()
        here.start_control()
        here.start_replay("left")
        here.step_replay()
        wait_until("what FRR withdrew is gone", lambda: watch.fewest <= base + left.n, 60, 0.05,
                   quiet=True)
        took = time.monotonic() - began
        here.await_in_sync()
        time.sleep(0.5)
        forwarded, lost = watch.end()
        expect_equal("routes at the end", routes(here)["n_acked"], base + left.n)
        expect_equal("fewest routes in the FIB", watch.fewest, base + left.n)
        expect_equal("most routes in the FIB", watch.most, base + N_ROUTES)
        expect(forwarded > 100000, f"only {forwarded} packets forwarded")
        expect_equal("packets lost", lost, 0)
        return f"{forwarded} packets, none lost; complete {took:.1f} s after the start"


def check_more_routes_than_room(lab):
    """What does not fit is refused, counted and shown; what is there stays; when others go it gets in."""
    n_room, n_all, n_gone = 50000, 60000, 20000
    routed = layout.make("cluster", n_all)
    always = part(routed, n_gone, n_room - 1000)
    with Table(lab, always, max_routes=n_room) as here:
        write(here, "all", routed)
        write(here, "gone", part(routed, 0, n_gone), is_withdrawn=True)
        base = int(here.ask("info")["routes"])
        n_over = base + n_all - n_room
        here.start_replay("all", "gone")
        here.step_replay()
        here.ask(f"await routes {n_room} {n_room} 60")
        wait_until(f"{n_over} routes refused", lambda: routes(here)["n_refused"] == n_over or
                   str(routes(here)), 30, 0.05, quiet=True)
        watch = Watch(here)
        shown = here.podlane_text("status")
        time.sleep(6)   # a try to get them in, every 5 s
        expect_equal("refused routes after another try", routes(here)["n_refused"], n_over)
        here.step_replay()
        wait_until("the others are in", lambda: routes(here)["n_acked"] == base + n_all - n_gone or
                   str(routes(here)), 30, 0.05, quiet=True)
        here.await_in_sync()
        forwarded, lost = watch.end()
        expect_equal("refused routes at the end", routes(here)["n_refused"], 0)
        expect_equal("routes at the end", int(here.ask("info")["routes"]), base + n_all - n_gone)
        expect(forwarded > 100000, f"only {forwarded} packets forwarded")
        expect_equal("packets lost", lost, 0)
        expect(f", {n_over} refused" in shown, f"podlane status does not say so: {shown}")
        return f"{forwarded} packets, none lost; {n_over} routes refused, then taken"


CHECKS = [check_restart_of_control, check_more_routes_than_room]

main_of(__name__)
