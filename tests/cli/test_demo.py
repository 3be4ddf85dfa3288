"""The demo on small inputs: what it prints, what it refuses, and that it can be stopped."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.refused import wrong_call
from zram_impl.cli.command import main
from zram_impl.units import PAGE_SIZE

ROOT = Path(__file__).resolve().parents[2]


def test_a_directory_comes_back_as_it_was(tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", str(tree), "--backing", str(scratch), "--batch", "8"]) == 0
    shown = capsys.readouterr()
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert "files 5 (passed over: 1 symbolic links, 1 special files)" in lines
    assert "same-filled 5" in lines
    assert "huge 20 (kept as they are: compressing saves too little)" in lines
    assert "huge pages selected 20: written 20, lost 0, failed 0, skipped 0, left 0" in lines
    assert "idle pages selected 18: written 18, lost 0, failed 0, skipped 0, left 0" in lines
    assert "bd_stat 38 0 38" in lines
    assert "verified 43 of 43 pages are as they were stored" in lines
    assert any(line.startswith("batch size 8 ") for line in lines)
    assert shown.err == ""


@pytest.mark.parametrize("content", [b"", bytes(3 * PAGE_SIZE)])
def test_nothing_to_write_back_is_no_mistake(
    content: bytes, tmp_path: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert main(["demo", str(tmp_path / "file"), "--backing", str(scratch)]) == 0
    assert "not measured" in capsys.readouterr().out


def test_the_limit_cuts_the_last_file(tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["demo", str(tree / "random"), str(tree / "text"), "--limit-bytes", "6K", "--backing", str(scratch)]) == 0
    )
    shown = capsys.readouterr().out
    assert "passed over: 1 beyond the limit" in shown
    assert "2 of 2 pages" in shown


def test_a_missing_path_is_named(tmp_path: Path, scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = str(tmp_path / "missing")
    assert main(["demo", missing, "--backing", str(scratch)]) == 2
    assert capsys.readouterr().err == f"error: {missing}: No such file or directory (errno {errno.ENOENT})\n"


def test_a_loop_of_links_that_is_named_is_refused(
    tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(tree / "loop"), "--backing", str(scratch)]) == 2
    assert str(tree / "loop") in capsys.readouterr().err


def test_a_missing_directory_for_the_backing_file_is_named(
    tree: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", str(tree), "--backing", str(tmp_path / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["demo", "--batch", "0"], ["demo", "--batch", "two"], ["demo", "--limit-bytes", "many"], [], ["tell"]]
)
def test_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert "usage:" in wrong_call(capsys, main, arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["demo", "--help"], ["bench", "--help"]])
def test_help_says_what_the_exit_codes_mean(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as helped:
        main(arguments)
    assert helped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())  # wherever the lines are broken
    assert ("130, 143, 129 interrupted" in said) == (len(arguments) > 1)


def test_ctrl_c_stops_at_once_and_leaves_nothing(tmp_path: Path, scratch: Path) -> None:
    source = random.Random(1)
    for number in range(40):
        (tmp_path / f"file{number}").write_bytes(source.randbytes(1 << 20))
    command = [sys.executable, "-m", "zram_impl", "demo", str(tmp_path), "--backing", str(scratch), "--batch", "1"]
    for delay in (0.0, 0.15, 0.3, 0.6):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            # Its handler stands once it has the first input or the backing file open; both lie below tmp_path.
            opened = Path(f"/proc/{child.pid}/fd")
            while not any(str(tmp_path) in target for target in _targets(opened)):
                assert child.poll() is None
                time.sleep(0.005)
            time.sleep(delay)
            child.send_signal(signal.SIGINT)
            began = time.monotonic()
            out, err = child.communicate(timeout=30)
            spent = time.monotonic() - began
        # A slow machine may have shown how far it was before.
        assert (child.returncode, out, err.splitlines()[-1]) == (130, "", "interrupted")
        assert "Traceback" not in err
        assert spent < 1
        assert list(scratch.iterdir()) == []


def _targets(folder: Path) -> Iterator[str]:
    try:
        for entry in folder.iterdir():
            yield os.readlink(entry)
    except OSError:
        return


def test_output_that_nobody_reads_ends_quietly(tree: Path, scratch: Path) -> None:
    command = [sys.executable, "-m", "zram_impl", "demo", str(tree), "--backing", str(scratch)]
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(command, cwd=ROOT, stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (141, b"")


def test_without_rich_a_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch, tree: Path, scratch: Path) -> None:
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 0


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, tree: Path, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr("zram_impl.cli.screen._DRAW_EVERY", 0.0)
    assert main(["demo", str(tree), "--backing", str(scratch)]) == 0
    assert "verified" in capsys.readouterr().out
