"""kernel-judge and its recorder: its files, its exit code, and its end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from stateful import trace_commands
from stateful.command import main

STORED = Path(__file__).resolve().parents[1] / "data" / "kernel-judge"
PATIENCE = 30.0
"""Seconds after which what does not happen never will."""
GOOD = f"""
import shutil
shutil.copy({str(STORED / "twice.ktrace.xz")!r}, sys.argv[2])
"""
FAILS = """
Path(sys.argv[2], "half.ktrace.xz").touch()
sys.exit(2)
"""
HANGS = """
import signal, time
Path(sys.argv[2], "half.ktrace.xz").touch()
def over(*_):
    Path("over").touch()
    sys.exit(130)
signal.signal(signal.SIGTERM, over)
Path("begun").touch()
time.sleep(60)
"""


def recorder(monkeypatch: pytest.MonkeyPatch, root: Path, text: str) -> None:
    """Let something else record, which needs no machine."""
    package = root / "tests" / "kernel"
    package.mkdir(parents=True)
    for folder in (package, package.parent):  # without these, the package of the same name that is installed is it
        (folder / "__init__.py").touch()
    (package / "__main__.py").write_text(f"import sys\nfrom pathlib import Path\n{text}", encoding="utf-8")
    monkeypatch.setattr(trace_commands, "ROOT", root)


def test_what_is_recorded_is_judged_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder(monkeypatch, tmp_path / "root", GOOD)
    out = tmp_path / "a" / "new" / "folder"
    out.mkdir(parents=True)
    (out / "earlier.ktrace.xz").touch()
    assert main(["kernel-judge", "--out", str(out)]) == 0
    assert sorted(os.listdir(out)) == ["earlier.ktrace.xz", "twice.jsonl", "twice.ktrace.xz"]
    assert "1 traces, 180 events of the kernel: passed" in capsys.readouterr().out
    assert main(["trace-check", "--policy", "driver", "--complete", str(out / "twice.jsonl")]) == 0


def test_what_was_recorded_earlier_stays_when_recording_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder(monkeypatch, tmp_path / "root", FAILS)
    out = tmp_path / "out"
    out.mkdir()
    (out / "twice.ktrace.xz").touch()
    assert main(["kernel-judge", "--out", str(out)]) == 2
    assert os.listdir(out) == ["twice.ktrace.xz"]


def test_an_unusable_folder_is_refused_before_recording(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder(monkeypatch, tmp_path / "root", "Path('begun').touch()")
    (tmp_path / "file").touch()
    assert main(["kernel-judge", "--out", str(tmp_path / "file" / "out")]) == 2
    assert "Not a directory" in capsys.readouterr().err
    assert main(["kernel-judge", "--out", "/proc/self"]) == 2  # where no file can be made
    assert "error: --out /proc/self: " in capsys.readouterr().err
    assert not (tmp_path / "root" / "begun").exists()


def test_who_is_stopped_lets_the_machine_be_turned_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel-judge that was stopped by TERM left a machine running.

    It killed what records, which then could not turn its machine off.
    """
    recorder(monkeypatch, tmp_path / "root", HANGS)
    out = tmp_path / "out"
    program = [
        *("import runpy, sys", "from pathlib import Path", "from stateful import trace_commands"),
        f"trace_commands.ROOT = Path({str(tmp_path / 'root')!r})",
        f"sys.argv[1:] = ['kernel-judge', '--out', {str(out)!r}]",
        "runpy.run_module('stateful', run_name='__main__')",
    ]
    with subprocess.Popen([sys.executable, "-c", "\n".join(program)], stderr=subprocess.PIPE, text=True) as child:
        until = time.monotonic() + PATIENCE
        while not (tmp_path / "root" / "begun").exists():
            if child.poll() is not None or time.monotonic() > until:
                child.kill()
                pytest.fail("nothing is recorded")
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (143, "interrupted\n")
    assert (tmp_path / "root" / "over").exists()
    assert os.listdir(out) == []
