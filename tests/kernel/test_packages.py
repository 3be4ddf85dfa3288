"""Kernels that are named, found, unpacked; and what is missing, said in one line."""

import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.kernel import packages
from tests.kernel.command import main
from tests.kernel.packages import MissingError, get_kernel, upstream


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "zram-oracle"


def module(depends: str) -> bytes:
    return b"\x7fELF" + b"\0license=GPL\0depends=" + depends.encode() + b"\0retpoline=Y\0"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A kernel as a package has it, with module files that only say what they depend on."""
    home = tmp_path / "tree" / "usr/lib/modules/7.9.1"
    (home / "kernel/drivers").mkdir(parents=True)
    (home / "vmlinuz").write_bytes(b"image")
    (home / "config").write_text("CONFIG_ZRAM_WRITEBACK=y\n")
    (home / "kernel/drivers/zram.ko.xz").write_bytes(lzma.compress(module("lz4hc-compress,zsmalloc")))
    (home / "kernel/drivers/zsmalloc.ko").write_bytes(module(""))
    (home / "kernel/lz4hc-compress.ko").write_bytes(module("lz4-base"))
    (home / "kernel/lz4-base.ko").write_bytes(module(""))
    return tmp_path / "tree"


def test_unpacked_kernel_modules_follow_dependencies(tree: Path) -> None:
    kernel = get_kernel(str(tree))
    assert kernel.version == "7.9.1"
    assert kernel.modules == ["zsmalloc", "lz4_base", "lz4hc_compress", "zram"]
    assert kernel.module("zram").read_bytes() == module("lz4hc-compress,zsmalloc")
    assert (kernel.root / "vmlinuz").read_bytes() == b"image"


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        ("config", "CONFIG_ZRAM=m\n", "CONFIG_ZRAM_WRITEBACK=y"),
        ("vmlinuz", None, "vmlinuz and config"),
        ("kernel", None, "lib/modules/RELEASE/kernel"),
    ],
)
def test_kernel_without_a_part_is_refused(tree: Path, path: str, text: str | None, said: str) -> None:
    there = tree / "usr/lib/modules/7.9.1" / path
    if text is not None:
        there.write_text(text)
    else:
        there.rename(there.with_name("elsewhere"))
    with pytest.raises(MissingError, match=said):
        get_kernel(str(tree))


def test_newest_cached_kernel_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("7.3~rc7-1", "7.2.13-1", "7.3.4-1~bpo13+1", "6.12.117-1"):
        root = cache / "kernels" / upstream(version)
        root.mkdir(parents=True)
        (root / "package").write_text(version)
    monkeypatch.setenv("PATH", "/nowhere")
    assert get_kernel().version == "7.3.4"
    assert get_kernel("7.2").version == "7.2.13"
    assert get_kernel("6.12.117").package == "6.12.117-1"


def test_versions_are_the_newest_of_each_minor(monkeypatch: pytest.MonkeyPatch) -> None:
    found = ["7.2.9-1", "7.10.1-1", "7.2.11-1~bpo13+1", "7.3~rc7-1~exp1", "7.3.4-1"]
    monkeypatch.setattr(packages, "_available", lambda _suites: [("linux-image", each) for each in found])
    assert packages.available_versions() == ["7.2.11", "7.3.4", "7.10.1"]


def test_image_that_lost_its_modules_cannot_be_had() -> None:
    there = {"linux-image-7.1-cloud", "linux-binary-7.1-cloud", "linux-image-6.1-cloud"}
    assert not packages._is_whole("linux-image-7.1-cloud", there)
    assert packages._is_whole("linux-image-7.1-cloud", {*there, "linux-modules-7.1-cloud"})
    assert packages._is_whole("linux-image-6.1-cloud", there)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify"], "apt-get must be installed, got nothing on PATH (Debian package apt)"),
        (["setup", "--kernel", "/nowhere/else"], "--kernel must name what exists, got /nowhere/else"),
    ],
)
def test_missing_things_are_said_in_one_line(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name, path: None)
    assert main(arguments) == 2
    assert capfd.readouterr().err == f"error: {said}\n"


def test_missing_qemu_is_said_in_one_line(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda _name, path: None)
    assert main(["verify", "--kernel", str(tree), "--every", "100"]) == 2
    said = "error: qemu-system-x86_64 must be installed, got nothing on PATH (Debian package qemu-system-x86)\n"
    assert capfd.readouterr().err == said


def deb(tree: Path, name: str) -> Path:
    """Make a package of what is below a directory."""
    control = tree / "DEBIAN"
    control.mkdir()
    lines = ("Package: linux-image-7.9.1", "Version: 7.9.1-1", "Architecture: amd64", "Maintainer: A <a@b>")
    (control / "control").write_text("".join(f"{line}\n" for line in (*lines, "Description: made up")))
    file = tree.parent / f"{name}.deb"
    subprocess.run(["dpkg-deb", "--build", "-Znone", str(tree), str(file)], check=True, capture_output=True)
    return file


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb, as packages do")
def test_own_packages_are_unpacked_together(tree: Path, cache: Path) -> None:
    """The image and its modules may be packages of their own."""
    other = tree.parent / "modules"
    home = Path("usr/lib/modules/7.9.1/kernel")
    (other / home.parent).mkdir(parents=True)
    (tree / home).rename(other / home)
    kernel = get_kernel(",".join(map(str, [deb(tree, "image"), deb(other, "modules")])))
    assert kernel.version == "7.9.1"
    assert kernel.modules == ["zsmalloc", "lz4_base", "lz4hc_compress", "zram"]
    assert [*(cache / "unpack").iterdir()] == []
    assert packages.cached_kernels() == []  # `newest` is one of Debian's


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="needs dpkg-deb, as packages do")
def test_file_that_is_no_package_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "linux-image.deb"
    file.write_bytes(b"no archive")
    assert main(["setup", "--kernel", str(file)]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"error: {file} must be a Debian package, got: dpkg-deb: error: ")
    assert said.count("\n") == 1


def test_missing_compiler_is_said_in_one_line(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    there = {"qemu-system-x86_64": "/usr/bin/true"}
    monkeypatch.setattr("shutil.which", lambda name, path: there.get(name))
    assert main(["setup", "--kernel", str(tree)]) == 2
    assert capfd.readouterr().err == "error: gcc must be installed, got nothing on PATH (Debian package gcc)\n"


def test_static_library_that_is_missing_is_said_in_one_line(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: f"/usr/bin/{name}")
    failed = subprocess.CompletedProcess("gcc", 1, "", "ld: cannot find -lc\ncollect2: error: ld returned 1\n")
    monkeypatch.setattr("subprocess.run", lambda *_command, **_more: failed)
    assert main(["setup", "--kernel", str(tree)]) == 2
    said = "gcc must link a static program (Debian package libc6-dev), got: collect2: error: ld returned 1"
    assert capfd.readouterr().err == f"error: {said}\n"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((0, ""), "apt must know a mirror of Debian (run apt-get update), got none; name a kernel: --kernel"),
        ((0, "https://nowhere/debian/\n"), "apt-get update must succeed, got: E: no network"),
    ],
)
def test_mirror_that_is_missing_is_said_in_one_line(
    answers: tuple[int, str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("shutil.which", lambda name, path: f"/usr/bin/{name}")
    monkeypatch.setattr(packages, "KEYRING", tmp_path)
    failed = subprocess.CompletedProcess("apt-get", 100, "", "E: first\nE: no network\n")
    found = iter([subprocess.CompletedProcess("apt-get", *answers, ""), failed])
    monkeypatch.setattr("subprocess.run", lambda *_command, **_more: next(found))
    packages._apt_root.cache_clear()
    packages._available.cache_clear()
    assert main(["setup"]) == 2
    assert capfd.readouterr().err == f"error: {said}\n"
    packages._apt_root.cache_clear()


def test_version_that_debian_does_not_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(packages, "_available", lambda _suites: [("linux-image", "7.3.4-1")])
    assert main(["setup", "--kernel", "5.4"]) == 2
    said = "--kernel must be newest, a version that Debian has, .deb files or a directory, got 5.4"
    assert capfd.readouterr().err == f"error: {said}\n"


def test_cache_that_cannot_be_made_is_said_in_one_line(
    tmp_path: Path, tree: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert main(["setup", "--kernel", str(tree)]) == 2
    assert capfd.readouterr().err == f"error: {tmp_path}/file/zram-oracle/kernels/own-tree/mods: Not a directory\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"op":"jump"}', 'line 1, must be an operation, got \'{"op":"jump"}\': op must be one of store, '),
        ('{"meta":{}}\n{"op":"write"}', "line 2, must be an operation, got '{\"op\":\"write\"}': 'page'"),
        ("{", "line 1, must be an operation, got '{': Expecting"),
        ("7", "line 1, must be an operation, got '7': "),
    ],
)
def test_a_malformed_recording_is_refused(
    text: str, said: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "it.ops.jsonl").write_text(text)
    assert main(["verify", str(tmp_path)]) == 2
    assert said in capfd.readouterr().err
    (tmp_path / "it.ops.jsonl").write_bytes(b"\xff")
    assert main(["verify", str(tmp_path)]) == 2
    assert "must be text, got" in capfd.readouterr().err
    assert main(["record", str(tmp_path), str(tmp_path), "other"]) == 2
    assert "other.ops.jsonl: No such file or directory" in capfd.readouterr().err
