"""The entry of a command: its exit code, signals, temporary files, and interrupts that are lost."""

import errno
import importlib
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from spec.processes import entry
from spec.processes.interrupts import SIGNALS
from tests.refused import raising

Run = Callable[[Callable[[], int]], int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Run a function as the main function of a command, return the exit code; the process is as before afterwards."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)

    def command(main: Callable[[], int]) -> int:
        module = types.ModuleType("a_command")
        module.__dict__["main"] = main
        monkeypatch.setitem(sys.modules, "a_command", module)
        with pytest.raises(SystemExit) as ended:
            entry.run("a_command")
        assert isinstance(ended.value.code, int)
        return ended.value.code

    yield command
    for number, handler in before.items():
        signal.signal(number, handler)
    assert list(tmp_path.iterdir()) == []


def test_the_exit_code_is_that_of_main(run: Run) -> None:
    def main() -> int:
        tempfile.mkdtemp()
        assert tempfile.gettempdir() == os.environ["TMPDIR"]
        return 7

    assert run(main) == 7


@pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)
def test_a_signal_ends_the_command(number: signal.Signals, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        tempfile.mkdtemp()
        os.kill(os.getpid(), number)
        time.sleep(5)
        raise AssertionError("the signal is an exception")

    assert run(main) == 128 + number
    assert capsys.readouterr() == ("", "interrupted\n")


def test_an_interrupt_lost_in_a_destructor_is_raised_again(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    class Late:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.01)

    def main() -> int:
        Late()
        time.sleep(5)
        raise AssertionError("the interrupt is sent again")

    assert run(main) == 128 + signal.SIGTERM
    assert capsys.readouterr() == ("", "interrupted\n")


def test_other_lost_exceptions_are_reported(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[object] = []
    monkeypatch.setattr(sys, "__unraisablehook__", lambda lost: reported.append(lost.exc_value))

    class Broken:
        def __del__(self) -> None:
            raise LookupError("lost")

    def main() -> int:
        Broken()
        return 0

    assert run(main) == 0
    assert [type(each) for each in reported] == [LookupError]


def test_a_reader_that_has_enough_is_no_traceback(tmp_path: Path) -> None:
    package = tmp_path / "talks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "command.py").write_text("def main():\n    while True:\n        print('x' * 4000)\n", encoding="utf-8")
    program = 'from spec.processes.entry import run; run("talks.command")'
    environment = {**os.environ, "PYTHONPATH": f"{entry.ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", entry.CLOSED_PIPE)


def test_a_module_that_is_not_installed_is_one_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        importlib.import_module("not_installed.at_all")
        return 0

    assert run(main) == entry.UNUSABLE
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("error: not_installed is not installed")


def test_a_module_of_ours_that_is_absent_is_a_mistake(run: Run) -> None:
    def main() -> int:
        importlib.import_module("spec.nowhere")
        return 0

    with pytest.raises(ModuleNotFoundError):
        run(main)


@pytest.mark.parametrize(
    ("prefix", "built", "where"),
    [
        (".venv", True, "in .venv: `make venv` installs the group `dev` anew"),
        ("usr", True, "here: `. .venv/bin/activate` activates the environment that has it (group `dev`)"),
        ("usr", False, "here: `. .venv/bin/activate` activates the environment that has it, after `make venv` (group "
         "`dev`)"),
    ],
)  # fmt: skip
def test_a_command_says_how_to_get_its_environment(
    prefix: str, where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, built: bool
) -> None:
    monkeypatch.setattr(entry, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / prefix))
    if built:
        (tmp_path / ".venv").mkdir()
    assert entry.missing("rich.console") == f"rich is not installed {where}"


@pytest.mark.parametrize(
    ("module", "name", "error", "said"),
    [
        (os, "getcwd", FileNotFoundError(2, "gone"), "error: the current folder is gone: change to one that exists\n"),
        (tempfile, "mkdtemp", FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"),
         "error: TMPDIR must be a folder that files can be written to: "
         "[Errno 2] No usable temporary directory found in ['/tmp']\n"),
    ],
)  # fmt: skip
def test_nowhere_to_work_is_one_line(  # noqa: PLR0913, PLR0917  (a row, and what every test here takes)
    module: types.ModuleType,
    name: str,
    error: OSError,
    said: str,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A folder that somebody had removed, or a full disk, was a traceback out of the imports of others."""

    def refuse(*_arguments: object, **_options: object) -> str:
        raise error

    monkeypatch.setattr(module, name, refuse)
    assert run(lambda: 0) == entry.UNUSABLE
    monkeypatch.undo()
    assert capsys.readouterr() == ("", said)


class DeviceError(OSError):
    """An error of a device of somebody else."""


@pytest.mark.parametrize(
    ("names", "where"), [(("/tmp/made",), "/tmp/made"), (("a source", None, "/tmp/made"), "/tmp/made"), ((), "a file")]
)
def test_no_room_is_one_line(
    names: tuple[str | None, ...], where: str, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    """`spec.promela` ended with the traceback of a copy, and exit code 1, which means a finding."""
    assert run(raising(OSError, errno.ENOSPC, "No space left on device", *names)) == entry.UNUSABLE
    said = f"error: {where}: No space left on device; TMPDIR names where temporary files go\n"
    assert capsys.readouterr() == ("", said)


def test_too_few_files_at_a_time_are_one_line(tmp_path: Path) -> None:
    """A limit of 12 was the traceback of whatever opened the thirteenth."""
    program = "import os\ndef main():\n    while True:\n        os.open(os.devnull, os.O_RDONLY)\n"
    (tmp_path / "opens.py").write_text(program, encoding="utf-8")
    begin = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom spec.processes.entry import run; run('opens')"
    shell = ["bash", "-c", 'ulimit -n 40; "$@"', "bash", sys.executable, "-c", begin]
    done = subprocess.run(shell, cwd=entry.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (entry.UNUSABLE, "")
    assert done.stderr == "error: /dev/null: Too many open files; `ulimit -n` allows for more\n"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "broken", "a file"), DeviceError(errno.ENOSPC, "full")])
def test_other_errors_of_the_system_are_mistakes(error: OSError, run: Run) -> None:
    def broken() -> int:
        raise error

    with pytest.raises(OSError, match=error.strerror):
        run(broken)


def test_an_old_interpreter_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(entry, "OLDEST", (9, 0))
    with pytest.raises(SystemExit) as ended:
        entry.run("a_command")
    assert ended.value.code == entry.UNUSABLE
    assert capsys.readouterr().err == f"error: Python 3.11 or newer is needed: {entry.ACTIVATE}\n"


@pytest.mark.parametrize(("option", "shown"), [("--list", "loading\r\x1b[K"), ("-q", "")])
def test_a_terminal_shows_something_while_it_imports(
    option: str, shown: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(sys, "argv", ["a_command", option])
    assert run(lambda: 0) == 0
    assert out.getvalue() == shown
