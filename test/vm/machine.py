# SPDX-License-Identifier: BSD-3-Clause
"""The virtual machine: QEMU as plain emulation, with an Intel 82576 (SR-IOV) behind a VT-d IOMMU."""
import json
import os
import select
import signal
import socket
import subprocess
import time

from lablib.shell import LabError, say
from lablib.topology import PREFIX, ROOT

BOOT_SEC = 300
MEMORY_MB = 1536
NOTHING = "it said nothing"


class EmulatorEnded(LabError):
    """QEMU ended, and the guest's kernel had said nothing: no panic."""


def mac_of_nic(number):
    return f"02:00:00:00:01:{number:02x}"


def nic(tap, model, number):
    """A NIC in its slot, as QEMU is told."""
    return {"driver": model, "id": f"nic-{tap}", "netdev": tap, "bus": f"slot-{tap}", "romfile": "",
            "mac": mac_of_nic(number)}


class Machine:
    def __init__(self, image, folder, netns):
        self.image = image
        self.dir = folder
        self.netns = netns
        self.log = os.path.join(folder, "console.log")
        self.process = None
        self.line = None
        self.waiting = b""      # from the guest, and not yet looked at

    def argv(self, wires):
        root = self.image.root
        kernel_args = (
            "console=ttyS0 loglevel=4 panic=-1 intel_iommu=on iommu=pt mitigations=off nokaslr "
            f"net.ifnames=0 podlane.prefix={PREFIX} "
            f"podlane.repository={ROOT} podlane.modules={self.image.modules}")
        argv = [
            os.path.join(root, "usr/bin/qemu-system-x86_64"),
            "-L", os.path.join(root, "usr/share/qemu"),
            "-L", os.path.join(root, "usr/share/seabios"),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-machine", "q35,kernel-irqchip=split", "-accel", "tcg,thread=multi",
            "-cpu", "max,la57=off", "-smp", "2", "-m", str(MEMORY_MB),
            "-device", "intel-iommu,intremap=on,caching-mode=on",
            "-kernel", self.image.kernel, "-initrd", self.image.initramfs, "-append", kernel_args,
            "-serial", f"file:{self.log}",
            "-chardev", f"socket,id=agent,path={self.dir}/agent.sock,server=on,wait=off",
            "-serial", "chardev:agent",
            "-qmp", f"unix:{self.dir}/qmp.sock,server=on,wait=off",
            "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
            "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
        ]
        for number, (tap, model) in enumerate(wires.items()):
            # vnet_hdr=off: what leaves a NIC is whole, and not left to the host's kernel to finish
            argv += ["-netdev", f"tap,id={tap},ifname={tap},script=no,downscript=no,vnet_hdr=off",
                     "-device", f"pcie-root-port,id=slot-{tap},slot={number + 1},"
                                f"chassis={number + 1}",
                     "-device", json.dumps(nic(tap, model, number))]
        return argv

    def start(self, wires):
        """Boot, with a NIC of that model for each TAP of self.netns. Returns the seconds until it answers."""
        began = time.monotonic()
        libraries = ":".join(os.path.join(self.image.root, path) for path in
                             ("usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu"))
        with open(os.path.join(self.dir, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(
                ["ip", "netns", "exec", self.netns, *self.argv(wires)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, "LD_LIBRARY_PATH": libraries})
        self.line = self.connect("agent.sock")
        if not self.answer(BOOT_SEC).get("ready"):
            raise LabError("the guest's agent did not greet")
        return time.monotonic() - began

    def connect(self, name):
        until = time.monotonic() + 30
        while True:
            line = socket.socket(socket.AF_UNIX)
            try:
                line.connect(os.path.join(self.dir, name))
                return line
            except OSError:
                line.close()
            if self.process.poll() is not None:
                raise self.ended()
            if time.monotonic() > until:
                raise LabError(f"QEMU does not answer at {name}: {self.last_words('qemu.log')}")
            time.sleep(0.1)

    def last_words(self, name="console.log"):
        try:
            with open(os.path.join(self.dir, name), encoding="utf-8", errors="replace") as log:
                return (log.read().strip() or NOTHING).splitlines()[-1]
        except FileNotFoundError:
            return NOTHING

    def ended(self):
        """The error that says how the guest ended."""
        try:
            code = self.process.wait(10)
        except subprocess.TimeoutExpired:
            return LabError(f"the guest's agent ended; the console: {self.last_words()}")
        how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
        kind = EmulatorEnded if self.last_words() == NOTHING else LabError
        return kind(f"QEMU ended {how}; its log: {self.last_words('qemu.log')}; the guest's console: "
                    f"{self.last_words()}")

    def answer(self, timeout_sec):
        """The next line from the guest."""
        until = time.monotonic() + timeout_sec
        while b"\n" not in self.waiting:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.line], [], [], left)[0]:
                raise LabError(f"the guest does not answer; its console: {self.last_words()}")
            part = self.line.recv(65536)
            if not part:
                raise self.ended()
            self.waiting += part
        line, _, self.waiting = self.waiting.partition(b"\n")
        return json.loads(line)

    def order(self, **words):
        try:
            self.line.sendall(json.dumps(words).encode() + b"\n")
        except OSError:
            raise self.ended() from None

    def run(self, argv, timeout_sec=60, check=True):
        """A command in the guest; returns what it printed."""
        self.order(argv=argv, timeout=timeout_sec)
        done = self.answer(timeout_sec + 30)
        if check and done["code"] != 0:
            say(done["out"].strip())
            said = (done["err"].strip() or done["out"].strip() or "nothing said").splitlines()[-1]
            raise LabError(f"in the guest: exit code {done['code']} from {' '.join(argv)}: {said}")
        return done["out"]

    def call(self, function, *args, timeout_sec=120):
        """A function of test/vm/guest: "module.function"; prints what it prints, returns its value."""
        self.order(call=function, args=args)
        while True:
            answer = self.answer(timeout_sec)
            if "error" in answer:
                raise LabError(f"in the guest, {function}: {answer['error']}")
            if "say" not in answer:
                return answer["value"]
            say(f"  {answer['say']}")

    def monitor(self, command, **arguments):
        """One command to QEMU itself."""
        try:
            self.tell_monitor(command, arguments)
        except (OSError, ValueError):       # it ended before it answered
            raise self.ended() from None

    def tell_monitor(self, command, arguments):
        line = self.connect("qmp.sock")
        with line, line.makefile("rw", encoding="ascii") as monitor:
            monitor.readline()
            for order in ({"execute": "qmp_capabilities"},
                          {"execute": command, "arguments": arguments}):
                monitor.write(json.dumps(order) + "\n")
                monitor.flush()
                answer = json.loads(monitor.readline())
                while "event" in answer:
                    answer = json.loads(monitor.readline())
                if "error" in answer:
                    raise LabError(f"QEMU, {command}: {answer['error'].get('desc')}")

    def set_link(self, wire, is_up):
        """Plug the cable of a NIC in or out."""
        self.monitor("set_link", name=wire, up=is_up)

    def unplug(self, wire):
        """Pull a NIC out of its slot, after the guest has let it go, as by the slot's button."""
        self.monitor("device_del", id=f"nic-{wire}")

    def plug_in(self, wire, model, number):
        self.monitor("device_add", **nic(wire, model, number))

    def stop(self):
        if self.process is None:
            return
        try:
            if self.line is not None:
                self.line.sendall(b'{"end": true}\n')
            self.process.wait(10)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process = None
