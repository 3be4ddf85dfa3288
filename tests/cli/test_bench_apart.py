"""Programs that a measurement runs beside it end with it."""

import subprocess
import sys
import time
from errno import EBUSY, ENODEV
from pathlib import Path
from threading import Timer

import pytest

from zram_impl.cli.bench import bars as bench_bars
from zram_impl.cli.bench import kernel_zram, yardsticks
from zram_impl.cli.bench.apart import run_watched
from zram_impl.cli.bench.bars import BarsExtent
from zram_impl.cli.bench.growth import growth
from zram_impl.cli.bench.yardsticks import Yardstick
from zram_impl.cli.stop import Stop

_NOTES_ITS_END = """
import pathlib, signal, sys, time
note = pathlib.Path(sys.argv[1])
def end(*_):
    note.write_text("ended")
    sys.exit(3)
signal.signal(signal.SIGTERM, end)
note.touch()
time.sleep(60)
"""


def test_the_output_and_the_exit_code_are_those_of_the_program() -> None:
    done = run_watched([sys.executable, "-c", "import sys; print('x' * 300000); sys.exit('why')"], Stop())
    assert (len(done.stdout), done.stderr, done.returncode) == (300_001, "why\n", 1)


def test_a_request_to_end_ends_the_program_at_once(tmp_path: Path) -> None:
    note = tmp_path / "note"

    class OnceBegun(Stop):
        def check(self) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
            if note.exists():
                self.event.set()
            super().check()

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_watched([sys.executable, "-c", _NOTES_ITS_END, str(note)], OnceBegun())
    assert time.monotonic() - began < 30
    assert note.read_text() == "ended"


def test_a_program_that_does_not_answer_has_failed() -> None:
    done = run_watched([sys.executable, "-c", "import time; time.sleep(60)"], Stop(), 0.3)
    assert (done.returncode, done.stderr) == (-1, "no answer within 0.3 seconds")


def test_a_yardstick_that_fails_later_is_no_figure(monkeypatch: pytest.MonkeyPatch, scratch: Path) -> None:
    """The first answer says that it can be measured; a rate made up for a later one would meet any bar."""
    answers = iter([Yardstick("fio", 1.0), Yardstick("fio", None, "the disk is full")])

    def answer(name: str, command: object, stop: Stop) -> Yardstick:
        del name, command, stop
        return next(answers)

    monkeypatch.setattr("shutil.which", lambda _name: "fio")
    monkeypatch.setattr(yardsticks, "_measured", answer)
    monkeypatch.setattr(yardsticks, "run_watched", lambda command, *_: subprocess.CompletedProcess(command, 0))
    tiny = BarsExtent(pages=256, rounds=1, fio_seconds=0.2, compact_pages=1024, schedules=False, slots=(1024, 2048))
    with pytest.raises(OSError, match="fio psync 128k: the disk is full"):
        list(bench_bars.GROUPS["fio"](tiny, str(scratch), Stop()))


def test_a_device_is_not_filled_to_its_end_after_a_request() -> None:
    stop = Stop()
    Timer(0.2, stop.event.set).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        growth(1 << 24, stop)
    assert time.monotonic() - began < 3


def test_a_kernel_device_that_somebody_looks_at_is_removed_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A device that was written to is looked at by udev as it is closed, and is busy for as long."""
    refusals, written = [EBUSY, EBUSY], list[str]()

    def write(path: Path, text: str) -> int:
        if refusals:
            raise OSError(refusals.pop(0), "refused", str(path))
        written.append(text)
        return len(text)

    monkeypatch.setattr(kernel_zram, "_CONTROL", tmp_path)
    monkeypatch.setattr(Path, "write_text", write)
    kernel_zram._remove(7)
    assert written == ["7"]
    refusals += [EBUSY, ENODEV]
    with pytest.raises(OSError, match="refused") as refused:
        kernel_zram._remove(7)
    assert refused.value.errno == ENODEV
