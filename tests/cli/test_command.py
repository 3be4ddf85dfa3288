"""The command line as a whole: a bad argument is answered with the usage of the command that it is for."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.refused import wrong_call
from zram_impl.cli import command, demo, screen
from zram_impl.cli.command import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["demo", "--bogus"], "unrecognized arguments: --bogus"),
        (["demo", "--batch", "0"], "argument --batch: must be a whole number from 1 on, got '0'"),
        (["bench", "more"], "unrecognized arguments: more"),
        (["bench", "--json"], "argument --json: expected one argument"),
    ],
)
def test_a_bad_argument_gets_the_commands_own_usage(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    err = wrong_call(capsys, main, arguments)
    assert err.startswith(f"usage: python -m zram_impl {arguments[0]} ")
    assert f"python -m zram_impl {arguments[0]}: error: {complaint}" in err


@pytest.mark.parametrize(
    ("started", "name"), [("/bin/zram-impl", "zram-impl"), ("x/__main__.py", "python -m zram_impl")]
)
def test_a_command_is_called_as_it_was_started(
    started: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    for arguments, beginning in ((["--help"], f"usage: {name} "), (["--version"], "zram-impl 0.1.0\n")):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capsys.readouterr()
        assert (ended.value.code, out.startswith(beginning), err) == (0, True, "")


def test_outside_of_its_environment_it_says_how_to_get_one() -> None:
    """Without the packages that are installed there, as another interpreter has none of them."""
    program = [sys.executable, "-S", "-m", "zram_impl", "demo"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: lz4 is not installed: in a clone `. .venv/bin/activate`")
    library = subprocess.run(
        [*program[:2], "-c", "import zram_impl"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert library.stderr.endswith("ModuleNotFoundError: No module named 'lz4'\n")


@pytest.mark.parametrize(("loud", "said"), [(screen.PLAIN, 1), (screen.VERBOSE, 3), (screen.QUIET, 0)])
def test_progress_says_how_long_the_rest_takes(
    loud: int, said: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(screen, "monotonic", lambda: now[0])
    monkeypatch.setattr(screen, "_loudness", screen.PLAIN)
    screen.be(loud)
    with screen.progress("storing") as advance:
        for done in range(4):
            advance(done, 90)
            now[0] += 0.9
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["storing: 1 of 90, 1:20 left", "storing: 2 of 90, 1:19 left", "storing: 3 of 90, 1:18 left"][:said]


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [(KeyboardInterrupt(), 130, "interrupted"), (MemoryError(), 2, "error: not enough memory; try --limit-bytes")],
)
def test_what_ends_a_command_is_one_line(
    raised: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_arguments: object) -> int:
        raise raised

    monkeypatch.setattr(demo, "run", run)
    assert main(["demo"]) == code
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", f"{said}\n")


def test_without_paths_the_demo_takes_the_standard_library() -> None:
    found = command._standard_library()
    assert any(path.endswith("/json") for path in found)
    assert not any(path.endswith("/site-packages") for path in found)
