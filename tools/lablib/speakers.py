# SPDX-License-Identifier: BSD-3-Clause
"""FRR and BIRD: start them in a namespace, give them their configuration, ask them."""
import grp
import json
import os
import pwd
import shutil

from .shell import LabError, run, wait_until
from .topology import PREFIX, ROOT

FRR_DIR = "/usr/lib/frr"
FRR_RUN = "/var/run/frr"
ZEBRA_FPM = ["-M", "dplane_fpm_nl", "-r", "-K", "20"]


def config_path(kind, name):
    return os.path.join(ROOT, "configs", kind, name)


class Frr:
    """One FRR: its daemons, its own directory of sockets, its configuration."""

    def __init__(self, daemons, node, config, programs):
        self.daemons = daemons
        self.node = node
        self.netns = self.pathspace = PREFIX + node
        self.config = config_path("frr", config)
        self.programs = programs     # name: further arguments, in the order of starting

    def start(self):
        self.make_run_dir()
        for program in self.programs:
            self.start_program(program)
        self.configure()

    def make_run_dir(self):
        for path in (FRR_RUN, os.path.join(FRR_RUN, self.pathspace)):
            os.makedirs(path, exist_ok=True)
            os.chown(path, pwd.getpwnam("frr").pw_uid, grp.getgrnam("frr").gr_gid)

    def start_program(self, program):
        self.daemons.start(f"{self.node}-{program}", [
            os.path.join(FRR_DIR, program), "-N", self.pathspace, "-f", "/dev/null",
            "--log", "stdout", "-A", "127.0.0.1", "-P", "0"] + self.programs[program],
            netns=self.netns)
        socket = os.path.join(FRR_RUN, self.pathspace, program + ".vty")

        def answers():
            self.daemons.check(f"{self.node}-{program}")
            return os.path.exists(socket) and "FRRouting" in self.vty("show version", program)
        wait_until(f"{self.node}: {program} answers", answers, 20, 0.05, quiet=True)

    def configure(self):
        """Give all daemons the one configuration file, as "vtysh -b" does at boot."""
        run(["vtysh", "-N", self.pathspace, "-f", self.config])

    def vty(self, command, program=None):
        only = ["-d", program] if program else []
        return run(["vtysh", "-N", self.pathspace] + only + ["-c", command], check=False)

    def vty_json(self, command):
        text = self.vty(command + " json")
        try:
            return json.loads(text)
        except ValueError:
            raise LabError(f"{self.node}: vtysh, {command} json: no JSON: {text[:80]!r}") from None

    def change(self, *lines):
        """Configure lines, as after "configure terminal"."""
        run(["vtysh", "-N", self.pathspace, "-c", "configure terminal"] +
            [word for line in lines for word in ("-c", line)])

    def stop(self):
        for program in reversed(list(self.programs)):
            self.daemons.stop(f"{self.node}-{program}")
        self.remove_run_dir()

    def remove_run_dir(self):
        shutil.rmtree(os.path.join(FRR_RUN, self.pathspace), ignore_errors=True)

    def sessions(self):
        """Peers and their states as {address: state}."""
        summary = self.vty_json("show bgp ipv4 unicast summary")
        return {peer: facts["state"] for peer, facts in summary.get("peers", {}).items()}


class Bird:
    def __init__(self, daemons, node, state_dir):
        self.daemons = daemons
        self.node = node
        self.netns = PREFIX + node
        self.socket = os.path.join(state_dir, node, "bird.ctl")

    def start(self):
        name = f"{self.node}-bird"
        self.daemons.start(name, ["bird", "-f", "-c", config_path("bird", f"node-{self.node}.conf"),
                                  "-s", self.socket], netns=self.netns)

        def answers():
            self.daemons.check(name)
            return "ready" in self.ctl("show status")
        wait_until(f"{self.node}: bird answers", answers, 20, 0.05, quiet=True)

    def ctl(self, command):
        return run(["birdc", "-s", self.socket, command], check=False)

    def sessions(self):
        """Peers and their states as {address: state}."""
        states = {}
        for line in self.ctl("show protocols").splitlines():
            words = line.split()
            if len(words) >= 6 and words[1] == "BGP":
                peer = words[0].partition("_")[2].replace("_", ".")
                states[peer] = " ".join(words[5:])
        return states

    def stop(self):
        self.daemons.stop(f"{self.node}-bird")
