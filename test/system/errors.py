#!/usr/bin/python3 -B
# SPDX-License-Identifier: BSD-3-Clause
"""What an operator does wrong is answered by one line that says what, where and the mend, and by an
exit code that is not 0."""
import os
import shutil
import subprocess

from support import expect, main_of

from lablib.topology import NODES

VARIANTS = ["podlane"]
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]


def write_config(lab, name, node="c", **changes):
    """A configuration beside the lab's, with sockets of its own. Returns its path."""
    podlane = lab.podlanes["a"]
    path = os.path.join(lab.dir, node, name + ".yaml")
    text = podlane.config_text(**changes).replace(podlane.dir, os.path.join(lab.dir, node))
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def refused(lab, program, config, node="c", prefix=(), words=()):
    """Run a daemon that must refuse to start; returns its line.

    By default on node C, where no Podlane is in the way.
    """
    argv = ["ip", "netns", "exec", NODES[node].netns, *prefix, program, "--config", config]
    try:
        done = subprocess.run(argv, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=30, check=False)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{os.path.basename(program)} started with {config}") from None
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    expect(done.returncode > 0, f"exit code {done.returncode}, expected an error: {done.stdout!r}")
    expect(len(lines) == 1, f"{len(lines)} lines, expected one: {done.stdout!r}")
    for word in words:
        expect(word in lines[0], f"'{word}' is not in: {lines[0]}")
    return lines[0]


def check_wrong_key(lab):
    """Either daemon refuses it, with file and line."""
    path = write_config(lab, "wrong-key", match='cali*"\n  colour: "blue')
    return " | ".join(refused(lab, lab.podlanes["a"].program(program), path, words=(path, "colour"))
                      for program in ("podlane-dataplane", "podlane-control"))


def check_missing_file(lab):
    path = os.path.join(lab.dir, "nowhere.yaml")
    return refused(lab, lab.podlanes["a"].program("podlane-dataplane"), path, words=(path,))


def check_missing_interface(lab):
    path = write_config(lab, "missing-interface")
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as out:
        out.write(text.replace("interface: eth0", "interface: eth9"))
    return refused(lab, lab.podlanes["a"].program("podlane-dataplane"), path, words=("eth9",))


def check_second_dataplane(lab):
    """Another configuration, the same interface: refused, and the first one goes on."""
    podlane = lab.podlanes["a"]
    path = write_config(lab, "second", node="a")
    os.makedirs(os.path.join(lab.dir, "second"), exist_ok=True)
    with open(path, encoding="ascii") as file:
        text = file.read()
    with open(path, "w", encoding="ascii") as out:
        out.write(text.replace(podlane.dir + "/dataplane", os.path.join(lab.dir, "second/dataplane"))
                  .replace("hugepages: false", "hugepages: false\n  punt_interface: podlane9"))
    line = refused(lab, podlane.program("podlane-dataplane"), path, node="a")
    status = podlane.status()["dataplane"]
    expect(status["is_up"] and status["is_steering"], "the first dataplane does not go on")
    return line


def check_too_little_memory(lab):
    path = write_config(lab, "memory", memory_mb=64)
    with open(path, "a", encoding="ascii") as out:
        out.write("  mbufs: 131072\n")
    return refused(lab, lab.podlanes["a"].program("podlane-dataplane"), path, words=("memory",))


def check_no_root(lab):
    """From a folder that everyone may read: the build's may be root's."""
    folder = os.path.join(lab.dir, "nobody")
    os.makedirs(folder, exist_ok=True)
    program = shutil.copy(lab.podlanes["a"].program("podlane-dataplane"), folder)
    path = write_config(lab, "nobody")
    return refused(lab, program, path, prefix=NOBODY, words=("root",))


CHECKS = [check_wrong_key, check_missing_file, check_missing_interface, check_second_dataplane,
          check_too_little_memory, check_no_root]

main_of(__name__)
