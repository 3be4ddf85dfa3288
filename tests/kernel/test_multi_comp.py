"""The module with recompression, without building it: what is taken out of the source, what is kept, what is said."""

import io
import subprocess
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.kernel import multi_comp
from tests.kernel.multi_comp import with_recompression
from tests.kernel.packages import Kernel, MissingError


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    root = tmp_path / "zram-oracle/kernels/7.9.1"
    (root / "mods").mkdir(parents=True)
    (root / "mods/zram.ko").write_bytes(b"stock")
    for name in ("package", "modules.list", "probes-0123", "vmlinuz"):
        (root / name).write_text("zram\n" if name == "modules.list" else "7.9.1-1")
    return Kernel("7.9.1", "7.9.1-1", root)


def archive(tree: Path) -> None:
    """A kernel's source, of which only the driver's files are wanted."""
    (tree / "usr/src").mkdir(parents=True, exist_ok=True)
    (tree / "usr/src/linux-headers-7.9.1+deb13-cloud-amd64").mkdir()
    with tarfile.open(tree / "usr/src/linux-source-7.9.tar.xz", "w:xz") as source:
        for name in ("drivers/block/zlast.c", "drivers/block/zram/Makefile", "drivers/block/zram/zram_drv.c", "mm/x.c"):
            member = tarfile.TarInfo(f"linux-source-7.9/{name}")
            member.size = len(name)
            source.addfile(member, io.BytesIO(name.encode()))


def fetched(_suites: Sequence[str], patterns: Sequence[str], to: Path) -> None:
    assert patterns[:2] == [r"linux-headers-7\.9\.1\+deb\d+-cloud-amd64", r"linux-source-7\.9"]
    archive(to)


def test_module_is_replaced_and_built_once(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    builds = []

    def build(command: Sequence[str], **_more: object) -> subprocess.CompletedProcess[str]:
        tree = Path(command[-2])
        builds.append(sorted(path.name for path in (tree / "tmp/zram").iterdir()))
        assert (tree / "bin").readlink() == Path("usr/bin")
        (tree / "tmp/zram/zram.ko").write_bytes(b"other")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(multi_comp, "fetch_with_dependencies", fetched)
    monkeypatch.setattr("subprocess.run", build)
    other = with_recompression(kernel)
    assert with_recompression(kernel) == other
    assert builds == [["Makefile", "zram_drv.c"]]
    assert other.module("zram").read_bytes() == b"other"
    assert kernel.module("zram").read_bytes() == b"stock"
    assert other.package == "7.9.1-1, zram/ with CONFIG_ZRAM_MULTI_COMP"
    assert not [*other.root.glob("probes*")]  # its places are others
    assert not (kernel.root.parents[1] / "build").exists()


def test_build_that_fails_is_said_in_one_line(kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(command: Sequence[str], **_more: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 2, "CC zram", "warning\nmake: Error 2\n")

    monkeypatch.setattr(multi_comp, "fetch_with_dependencies", fetched)
    monkeypatch.setattr("subprocess.run", build)
    with pytest.raises(MissingError, match="built with CONFIG_ZRAM_MULTI_COMP, got: make: Error 2"):
        with_recompression(kernel)
    assert not (kernel.root.parents[1] / "build").exists()
