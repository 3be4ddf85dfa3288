"""Kernels: found among Debian's packages or named by the user, unpacked into a cache outside the repository."""

import lzma
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

SUITES: Final = ("trixie-backports", "sid", "experimental", "trixie", "bookworm-backports", "bookworm")
"""Folders in which kernels are looked for: `newest` in the first alone, a version in all."""
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MODULES: Final = (
    *("virtio_pci", "virtio_blk", "loop", "dm_mod", "dm_flakey", "nbd"),
    *("lz4", "lz4hc", "lzo", "lzo_rle", "zstd", "deflate", "zsmalloc", "zram"),
)
"""Modules the guest loads, in this order, each after those it depends on; what a kernel has built in is not there."""
WANTED: Final = "CONFIG_ZRAM_WRITEBACK=y"
_IMAGE: Final = "linux-image-[0-9][^ ]*-cloud-amd64(-unsigned)?"
_PARTS: Final = ("image", "base", "binary", "modules")


class MissingError(Exception):
    """Something that the oracle needs is not on this machine; the message is one line."""


class Kernel(NamedTuple):
    """A kernel that can be booted."""

    version: str
    """As upstream counts: 7.3.4; of one that the user named, its release."""
    package: str
    """Version of the package, or where it was taken from."""
    root: Path
    """A directory of the cache: vmlinuz, config, mods/NAME.ko."""

    @property
    def modules(self) -> list[str]:
        """Names of the modules in the order of loading."""
        return (self.root / "modules.list").read_text().split()

    def module(self, name: str) -> Path:
        """Path of a module."""
        return self.root / "mods" / f"{name}.ko"


def cache_root() -> Path:
    """Return the directory of everything fetched or built."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "zram-oracle"


def find_tool(name: str, package: str) -> str:
    """Return the path of a program; MissingError names the package that has it."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]))
    if found is None:
        raise MissingError(f"{name} must be installed, got nothing on PATH (Debian package {package})")
    return found


def get_kernel(asked: str = "newest", *, update: bool = False) -> Kernel:
    """Return a kernel: `newest`, a version (7.2: its newest), package files with commas between, or an unpacked one.

    What is in the cache is used as it is, unless `update`.

    Raises:
        MissingError: It cannot be had.
    """
    if "/" in asked or asked.endswith(".deb"):
        return _own(asked)
    if not update and (cached := _newest([kernel for kernel in cached_kernels() if _is(kernel.version, asked)])):
        return cached
    suites, name, version = _choose(asked)
    return _install(version, upstream(version), lambda to: _download(suites, name, version, to))


def cached_kernels() -> list[Kernel]:
    """Return the kernels in the cache that came from Debian."""
    roots = sorted((cache_root() / "kernels").glob("*/package"))
    return [Kernel(path.parent.name, path.read_text(), path.parent) for path in roots if "/" not in path.read_text()]


def upstream(version: str) -> str:
    """Return what of a package's version is the kernel's: `7.3.4` of `7.3.4-1~bpo13+1`."""
    return version.rpartition("-")[0] or version


def available_versions() -> list[str]:
    """Return the newest patch level of each minor version that Debian has now, oldest first."""
    found: dict[str, str] = {}
    for _name, version in sorted(_available(SUITES), key=lambda each: _key(each[1])):
        found[".".join(upstream(version).split("~")[0].split(".")[:2])] = upstream(version)
    return list(found.values())


def _key(version: str) -> list[int]:
    """Return what versions are compared by; `~rc7` comes before the release."""
    return [int(part) if part.isdigit() else -1 for part in re.findall(r"\d+|~", version)]


def _newest(kernels: Sequence[Kernel]) -> Kernel | None:
    return max(kernels, key=lambda kernel: _key(kernel.package), default=None)


def _is(version: str, asked: str) -> bool:
    return asked in ("newest", version) or version.startswith((f"{asked}.", f"{asked}~"))


# --- apt, with a state of its own ------------------------------------------------------------------------------------


def _apt(suites: tuple[str, ...], program: str, *arguments: str, cwd: Path | None = None) -> str:
    environment = {**os.environ, "APT_CONFIG": str(_apt_root(suites) / "apt.conf"), "LC_ALL": "C"}
    command = [find_tool(program, "apt"), *arguments]
    ran = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if ran.returncode:
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
        raise MissingError(f"{program} {arguments[-1]} must succeed, got: {said[-1] if said else ran.returncode}")
    return ran.stdout


def _mirror() -> str:
    """Return the mirror of Debian that this machine's apt is set up with."""
    command = [find_tool("apt-get", "apt"), "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
    ran = subprocess.run([*command, "Origin: Debian"], capture_output=True, text=True, check=False)
    found = [line for line in ran.stdout.split() if "security" not in line]
    if not found or not KEYRING.exists():
        raise MissingError("apt must know a mirror of Debian (run apt-get update), got none; name a kernel: --kernel")
    return found[0]


@cache
def _apt_root(suites: tuple[str, ...]) -> Path:
    """Return a directory with a configuration that knows some suites alone, and that nothing is installed."""
    root = cache_root() / "apt" / suites[-1]
    for part in ("state/lists/partial", "cache/archives/partial"):
        (root / part).mkdir(parents=True, exist_ok=True)
    mirror = _mirror()
    text = "".join(f"deb [signed-by={KEYRING}] {mirror} {suite} main\n" for suite in suites)
    (root / "sources.list").write_text(text)
    (root / "status").touch()
    lines = {
        "Dir::Etc::sourcelist": root / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State": root / "state",
        "Dir::State::status": root / "status",
        "Dir::Cache": root / "cache",
        "APT::Architecture": "amd64",
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "Acquire::Languages": "none",
    }
    (root / "apt.conf").write_text("".join(f'{key} "{value}";\n' for key, value in lines.items()))
    return root


@cache
def _available(suites: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return name and version of every image of the flavour for virtual machines in some suites."""
    _apt(suites, "apt-get", "-q", "update")
    found = _apt(suites, "apt-cache", "search", "--names-only", f"^{_IMAGE}$")
    there = set(_apt(suites, "apt-cache", "pkgnames", "linux-").split())
    names = [line.split()[0] for line in found.splitlines() if line]
    names = [name for name in names if _is_whole(name, there)]
    if not names:
        raise MissingError(f"{', '.join(suites)} must have a kernel for virtual machines, got none")
    rows = [line.split("|") for line in _apt(suites, "apt-cache", "madison", *names).splitlines()]
    return [(row[0].strip(), row[1].strip()) for row in rows if len(row) > 1]


def _is_whole(name: str, there: Collection[str]) -> bool:
    """Return whether the parts of an image that is split are there; of older ones the mirror may have lost some."""
    binary, modules = (name.replace("-image-", f"-{part}-") for part in ("binary", "modules"))
    return binary not in there or modules in there


def _choose(asked: str) -> tuple[tuple[str, ...], str, str]:
    found: list[tuple[str, str]] = []
    for suites in (SUITES[:1], SUITES):
        found = [each for each in _available(suites) if _is(upstream(each[1]), asked)]
        if found:
            return suites, *max(found, key=lambda each: _key(each[1]))
    raise MissingError(f"--kernel must be newest, a version that Debian has, .deb files or a directory, got {asked}")


def _download(suites: tuple[str, ...], name: str, version: str, to: Path) -> None:
    """Fetch and unpack the image and, where it is split, its other parts."""
    parts = [name.replace("-image-", f"-{part}-") for part in _PARTS]
    there = set(_apt(suites, "apt-cache", "pkgnames", "linux-").split())
    wanted = [f"{part}={version}" for part in dict.fromkeys(parts) if part in there]
    _apt(suites, "apt-get", "-q", "download", *wanted, cwd=to)
    _unpack(sorted(to.glob("*.deb")), to)


def _unpack(files: Sequence[Path], to: Path) -> None:
    for file in files:
        command = [find_tool("dpkg-deb", "dpkg"), "-x", str(file), str(to)]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if ran.returncode:
            raise MissingError(f"{file} must be a Debian package, got: {ran.stderr.strip()}")


def fetch_with_dependencies(suites: tuple[str, ...], patterns: Sequence[str], to: Path) -> None:
    """Fetch packages, each the one whose name matches a pattern, with all they depend on, and unpack them.

    Raises:
        MissingError: A pattern matches no package, or they cannot be fetched.
    """
    _apt(suites, "apt-get", "-q", "update")
    there = _apt(suites, "apt-cache", "pkgnames").split()
    names = []
    for pattern in patterns:
        found = [name for name in there if re.fullmatch(pattern, name)]
        if not found:
            raise MissingError(f"{', '.join(suites)} must have a package {pattern}, got none")
        names.append(found[0])
    _apt(suites, "apt-get", "-q", "--yes", "--download-only", "install", *names)
    archives = _apt_root(suites) / "cache/archives"
    _unpack(sorted(archives.glob("*.deb")), to)
    shutil.rmtree(archives)
    (archives / "partial").mkdir(parents=True)


# --- from what was unpacked to what is booted ------------------------------------------------------------------------


def _own(asked: str) -> Kernel:
    paths = [Path(part).expanduser().resolve() for part in asked.split(",")]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise MissingError(f"--kernel must name what exists, got {missing[0]}")
    if paths[0].is_dir():
        return _collect(paths[0], cache_root() / "kernels" / f"own-{paths[0].name}", str(paths[0]))
    return _install(asked, f"own-{paths[0].stem}", lambda to: _unpack(paths, to))


def _install(package: str, name: str, fill: Callable[[Path], None]) -> Kernel:
    work = cache_root() / "unpack" / name
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        fill(work)
        return _collect(work, cache_root() / "kernels" / name, package)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _collect(tree: Path, root: Path, package: str) -> Kernel:
    """Copy what is booted out of a tree as a package has it."""
    homes = [path for path in (tree / "lib/modules", tree / "usr/lib/modules") if path.is_dir()]
    releases = [path for home in homes for path in home.iterdir() if (path / "kernel").is_dir()]
    if not releases:
        raise MissingError(f"a kernel must have lib/modules/RELEASE/kernel, got none in {package}")
    home = releases[0]
    images = [*tree.glob("boot/vmlinuz-*"), *home.glob("vmlinuz")]
    configs = [*tree.glob("boot/config-*"), *home.glob("config")]
    if not images or not configs:
        raise MissingError(f"a kernel must have vmlinuz and config, got none in {package}")
    if WANTED not in configs[0].read_text():
        raise MissingError(f"a kernel must have {WANTED}, got none in {package}")
    shutil.rmtree(root, ignore_errors=True)
    (root / "mods").mkdir(parents=True)
    shutil.copy(images[0], root / "vmlinuz")
    shutil.copy(configs[0], root / "config")
    files = {_plain(path.name): path for path in (home / "kernel").rglob("*.ko*")}
    order: list[str] = []
    for name in MODULES:
        for each in _with_dependencies(name, files, root / "mods"):
            if each not in order:
                order.append(each)
    (root / "modules.list").write_text("".join(f"{name}\n" for name in order))
    (root / "package").write_text(package)  # last: from now on the directory is complete
    return Kernel(root.name if root.name == upstream(package) else home.name, package, root)


def _plain(name: str) -> str:
    return name.partition(".ko")[0].replace("-", "_")


def _with_dependencies(name: str, files: dict[str, Path], to: Path) -> Iterator[str]:
    """Copy a module and those it depends on, as its own section says; yield the names in the order of loading."""
    if name not in files:
        return  # built in, or not of this kernel
    data = files[name].read_bytes()
    data = lzma.decompress(data) if files[name].suffix == ".xz" else data
    (to / f"{name}.ko").write_bytes(data)
    found = re.search(rb"\0depends=([^\0]*)\0", data)
    for other in found[1].decode().split(",") if found and found[1] else ():
        yield from _with_dependencies(other.replace("-", "_"), files, to)
    yield name
