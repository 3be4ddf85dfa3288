"""A kernel whose zram module has CONFIG_ZRAM_MULTI_COMP, which no stock kernel has: to ask about recompression.

The module is built from the source package of the very kernel, with its distribution's headers and compiler, in a
directory of the cache that is a root of its own. Nothing but the module is replaced; nothing of it is kept elsewhere.
"""

import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Final

from tests.kernel.packages import Kernel, MissingError, cache_root, fetch_with_dependencies, find_tool

SUITES: Final = ("trixie", "trixie-backports")
"""The release that backported kernels are for has what they are built with."""
_TOOLS: Final = ("gcc-14", "make", "dash", "coreutils", "sed", "grep", "gawk", "findutils")
_SOURCE: Final = "drivers/block/zram"
_BUILD: Final = 'cd /tmp/zram && make -C "$1" M=/tmp/zram CC=gcc-14 KCFLAGS=-DCONFIG_ZRAM_MULTI_COMP=1 modules\n'
# In namespaces of its own: what is mounted goes away with it, and no privilege is needed where users may have them.
_ENTER: Final = """
set -e
mount --rbind /proc "$0/proc"
touch "$0/dev/null"
mount --bind /dev/null "$0/dev/null"
exec chroot "$0" /bin/sh /tmp/build.sh "$1"
"""


def with_recompression(kernel: Kernel) -> Kernel:
    """Return the kernel with the other module, which is built once.

    Raises:
        MissingError: It cannot be built.
    """
    root = kernel.root.with_name(f"{kernel.version}+multi-comp")
    package = f"{kernel.package}, zram/ with CONFIG_ZRAM_MULTI_COMP"
    if not (root / "package").exists():
        tree = cache_root() / "build"
        shutil.rmtree(tree, ignore_errors=True)
        _begin(tree)
        try:
            module = _build(kernel, tree)
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(kernel.root, root, ignore=shutil.ignore_patterns("package", "probes*", "layout"))
            shutil.copy(module, root / "mods" / "zram.ko")
        finally:
            shutil.rmtree(tree)
        (root / "package").write_text(package)  # last: from now on the directory is complete
    return Kernel(kernel.version, package, root)


def _begin(tree: Path) -> None:
    """Make what no package of ours brings: directories, and the links of a merged /usr."""
    for name in ("bin", "lib", "lib64", "sbin"):
        (tree / "usr" / name).mkdir(parents=True)
        (tree / name).symlink_to(f"usr/{name}")
    for name in ("dev", "proc", "tmp"):
        (tree / name).mkdir()


def _build(kernel: Kernel, tree: Path) -> Path:
    version = re.escape(kernel.version)
    minor = re.escape(".".join(kernel.version.split(".")[:2]))
    wanted = [rf"linux-headers-{version}\+deb\d+-cloud-amd64", f"linux-source-{minor}", *_TOOLS]
    fetch_with_dependencies(SUITES, wanted, tree)
    awk = tree / "usr/bin/awk"
    if not awk.exists():
        awk.symlink_to("gawk")  # what the script of the package would have done
    _extract(next(tree.glob("usr/src/linux-source-*.tar.xz")), tree / "tmp")
    headers = next(tree.glob("usr/src/linux-headers-*-cloud-amd64"))
    (tree / "tmp/build.sh").write_text(_BUILD)
    # What the build starts ends with it, also when it is interrupted.
    alone = ["--map-root-user", "--mount", "--pid", "--fork", "--kill-child"]
    enter = [find_tool("unshare", "util-linux"), *alone, "sh", "-c", _ENTER]
    ran = subprocess.run([*enter, str(tree), f"/usr/src/{headers.name}"], capture_output=True, text=True, check=False)
    module = tree / "tmp/zram/zram.ko"
    if ran.returncode or not module.exists():
        said = (ran.stderr.strip() or ran.stdout.strip()).splitlines() or ["nothing"]
        raise MissingError(f"zram.ko must be built with CONFIG_ZRAM_MULTI_COMP, got: {said[-1]}")
    return module


def _extract(source: Path, to: Path) -> None:
    """Take the driver's files out of the archive of the whole kernel."""
    (to / "zram").mkdir(parents=True)
    with tarfile.open(source, "r|xz") as archive:
        for member in archive:
            directory, _, name = member.name.rpartition("/")
            opened = archive.extractfile(member) if directory.endswith(_SOURCE) else None
            if opened is not None:
                (to / "zram" / name).write_bytes(opened.read())
            elif (to / "zram" / "Makefile").exists() and not directory.endswith(_SOURCE):
                return  # they lie beside each other
