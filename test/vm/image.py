# SPDX-License-Identifier: BSD-3-Clause
"""What the virtual machine is made of: QEMU 10, Debian's kernel, and a small first file system.

Nothing is installed: the packages are fetched with apt into a folder of their own and unpacked there.
QEMU is bookworm-backports', because bookworm's 7.2 knows no NIC with SR-IOV.
"""
import glob
import os
import shutil
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
SOURCES = f"""\
deb [signed-by={KEYRING}] {MIRROR} bookworm main
deb [signed-by={KEYRING}] {MIRROR} bookworm-backports main
deb [signed-by={KEYRING}] {MIRROR}-security bookworm-security main
"""
# All that apt keeps is in our folder, too.
APT_CONF = """\
Dir::Etc::SourceList "{dir}/apt/sources.list";
Dir::Etc::SourceParts "{dir}/apt/none";
Dir::State::Lists "{dir}/apt/lists";
Dir::Cache::Archives "{dir}/apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
APT::Sandbox::User "root";
"""
# What the guest needs before it has the host's files; everything else it loads from there.
FIRST_MODULES = ["virtio_pci", "9pnet_virtio", "9p", "overlay"]


class ImageError(Exception):
    """The machine cannot be made here; the text says why."""


def call(argv, **options):
    done = subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)
    if done.returncode != 0:
        said = (done.stderr.strip() or "nothing said").splitlines()[-1]
        raise ImageError(f"{' '.join(argv[:4])} ...: {said}")
    return done.stdout


class Image:
    """The folder with all parts; made once, then used again."""

    def __init__(self, folder):
        self.dir = folder
        self.root = os.path.join(folder, "root")

    @property
    def kernel(self):
        return glob.glob(os.path.join(self.root, "boot", "vmlinuz-*"))[0]

    @property
    def release(self):
        return os.path.basename(self.kernel).removeprefix("vmlinuz-")

    @property
    def modules(self):
        return os.path.join(self.root, "lib", "modules", self.release)

    @property
    def initramfs(self):
        return os.path.join(self.dir, "initramfs")

    def make(self):
        if not os.path.exists(os.path.join(self.dir, "complete")):
            shutil.rmtree(self.dir, ignore_errors=True)
            self.fetch()
            with open(os.path.join(self.dir, "complete"), "w", encoding="ascii"):
                pass
        self.pack()

    def fetch(self):
        for name in ("apt/lists/partial", "apt/archives/partial", "debs"):
            os.makedirs(os.path.join(self.dir, name))
        conf = os.path.join(self.dir, "apt", "conf")
        with open(os.path.join(self.dir, "apt", "sources.list"), "w", encoding="ascii") as out:
            out.write(SOURCES)
        with open(conf, "w", encoding="ascii") as out:
            out.write(APT_CONF.format(dir=self.dir))
        env = {**os.environ, "APT_CONFIG": conf}
        call(["apt-get", "-qq", "update"], env=env)
        plan = call(["apt-get", "-s", "install", "--no-install-recommends", "-t",
                     "bookworm-backports", "qemu-system-x86"], env=env)
        packages = [f"{words[1]}={words[2].strip('(')}" for words in map(str.split, plan.splitlines())
                    if words and words[0] == "Inst"]
        kernel = next(line.split()[-1] for line in
                      call(["apt-cache", "depends", "linux-image-amd64"], env=env).splitlines()
                      if "Depends:" in line)
        debs = os.path.join(self.dir, "debs")
        call(["apt-get", "-qq", "download", *packages, kernel, "busybox-static"], env=env, cwd=debs)
        for deb in sorted(os.listdir(debs)):
            call(["dpkg-deb", "-x", os.path.join(debs, deb), self.root])
        shutil.rmtree(debs)
        call([os.path.join(self.root, "bin", "busybox"), "depmod", "-b", self.root, self.release])

    def needed(self, names):
        """Paths of modules with all they depend on, below the modules' folder."""
        depends = {}
        with open(os.path.join(self.modules, "modules.dep"), encoding="ascii") as lines:
            for line in lines:
                path, _, others = line.strip().partition(":")
                depends[path] = others.split()
        by_name = {os.path.basename(path).removesuffix(".ko").replace("-", "_"): path
                   for path in depends}
        found = {}
        for name in names:
            path = by_name[name]
            # modules.dep lists the innermost last
            found.update(dict.fromkeys([*reversed(depends[path]), path]))
        return list(found)

    def pack(self):
        """The first file system: busybox, the modules up to 9p, and our init."""
        tree = os.path.join(self.dir, "initramfs.d")
        shutil.rmtree(tree, ignore_errors=True)
        for name in ("bin", "proc", "sys", "dev", "lower", "rw", "root", "modules"):
            os.makedirs(os.path.join(tree, name))
        shutil.copy(os.path.join(self.root, "bin", "busybox"), os.path.join(tree, "bin"))
        for number, path in enumerate(self.needed(FIRST_MODULES)):
            shutil.copy(os.path.join(self.modules, path),
                        os.path.join(tree, "modules", f"{number:02}.ko"))
        init = os.path.join(tree, "init")
        shutil.copy(os.path.join(os.path.dirname(os.path.abspath(__file__)), "guest", "init"), init)
        os.chmod(init, 0o755)
        names = "\n".join(os.path.relpath(os.path.join(folder, name), tree)
                          for folder, folders, files in os.walk(tree) for name in folders + files)
        with open(self.initramfs, "wb") as out:
            subprocess.run([os.path.join(self.root, "bin", "busybox"), "cpio", "-o", "-H", "newc"],
                           input=names.encode(), stdout=out, stderr=subprocess.DEVNULL, cwd=tree,
                           check=True)
