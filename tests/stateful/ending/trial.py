"""Kill a command at a moment, and list what it leaves behind: processes, files, words on stderr, a wrong exit code.

`python -m tests.stateful.ending.trial [WORD...]` kills every command whose line contains one of the words, by every
signal, at every moment, and prints what is left. All commands take about half an hour.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[3]
MEMORY: Final = Path("/dev/shm")
TRACES: Final = str(ROOT / "tests" / "data" / "kernel-traces")
RAW: Final = str(ROOT / "tests" / "data" / "kernel-judge" / "decide32.ktrace.xz")

COMMANDS: Final = (
    "stateful check",
    "stateful bugs",
    "stateful bugs --schedules",
    "stateful machine --examples 1000000",
    "stateful threads --seconds 600",
    f"stateful conformance {TRACES} --quirks none",
    "stateful metamorphic --programs 1000000",
    "stateful schedules",
    "stateful schedules --benchmark",
    "stateful fuzz --minutes 2 --seed 1 --out findings",
    "stateful campaign campaign --minutes 2",
    f"stateful kernel-judge {RAW} {RAW} {RAW}",
    "stateful trace-record recorded.jsonl --seconds 60",
    "stateful trace-check recorded.jsonl",
    "stateful api-fuzz --count 10000000",
    "stateful interrupts",
    "stateful mutate",
    "stateful guards",
    "stateful replay 1cqb4h084",
    "spec.explore",
    "spec.explore --nightly",
    "spec.explore --slots 3 --readers 1",
    "spec.explore --variant all",
    "spec.prove",
    "spec.prove_sizes",
    "spec.mutate",
    "spec.promela",
    "spec.prove.unbounded",
    "zram_impl demo",
    "zram_impl bench",
    "docs.draw_bugs --measure",
    "docs.draw_conformance",
    "docs.draw_guards",
    "docs.draw_kernels",
    "docs.draw_mutants",
    "docs.draw_speed",
    "docs.draw_tables",
    "docs.site pages",
    "tests.kernel mends",
    f"tests.kernel lies {RAW}",
)
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
MOMENTS: Final = (0.15, 0.6, 1.5, 3.0, 6.0)
KEPT: Final = {"recorded.jsonl", ".hypothesis", "campaign", "pages"}
"""May be left: a whole trace, the cache of Hypothesis, what a campaign resumes from, pages laid down so far."""
PATIENCE: Final = 20.0
"""Seconds that a command may take to end, on a machine that is busy."""
MUCH_LONGER: Final = 3.0
"""Times as long as another run of a command takes, however busy the machine is."""
LINGER: Final = 1.0
"""Seconds in which what was killed may take to disappear."""


class Kill(NamedTuple):
    """A command, and how it is killed."""

    command: str
    number: signal.Signals
    seconds: float
    whole_group: bool
    """As a terminal does; otherwise as `kill` does."""

    @property
    def label(self) -> str:
        """Return it in a line."""
        who = "group" if self.whole_group else "leader"
        return f"{self.number.name} to the {who} after {self.seconds:g} s: {self.command}"


def every_kill(words: Sequence[str]) -> Iterator[Kill]:
    """Yield all there are of the commands that contain one of the words."""
    for command in COMMANDS:
        if not words or any(word in command for word in words):
            for number in SIGNALS:
                for turn, seconds in enumerate(MOMENTS):
                    yield Kill(command, number, seconds, (turn + number) % 2 == 0)


class Answers:
    """Commands that answered although they were killed, as they may only when they were about to end by themselves."""

    def __init__(self) -> None:
        self.answered: list[tuple[Kill, int]] = []
        self.longest: dict[str, float] = {}

    def note(self, kill: Kill, code: int) -> None:
        """Note the exit code of a command that ran when it was killed."""
        self.longest[kill.command] = max(self.longest.get(kill.command, 0.0), kill.seconds)
        if code in {0, 1}:
            self.answered.append((kill, code))

    def wrong(self) -> list[str]:
        """Return those that ran much longer another time: they had no answer yet."""
        return [
            f"{kill.label}: exit code {code}, and it runs for {self.longest[kill.command]:g} s and more"
            for kill, code in self.answered
            if self.longest[kill.command] > MUCH_LONGER * kill.seconds
        ]


def problems(kill: Kill, answers: Answers | None = None) -> list[str]:
    """Carry it out and return all that is wrong afterwards."""
    with tempfile.TemporaryDirectory(prefix="ending-") as name:
        place = Path(name).resolve()
        for folder in ("temporary", "work"):
            (place / folder).mkdir()
        return _problems(kill, place / "temporary", place / "work", answers or Answers())


def _problems(kill: Kill, temporary: Path, work: Path, answers: Answers) -> list[str]:
    if "trace-check" in kill.command:
        _long_trace(work)
    before = set(work.iterdir())
    with (temporary.parent / "errors").open("w+b") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", *kill.command.split()],
            cwd=work,
            env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            return (
                _ended(kill, process, temporary, answers)
                + [
                    f"left in its folder: {path.name}"
                    for path in sorted({*work.iterdir()} - before)
                    if path.name not in KEPT
                ]
                + _of_errors(process.returncode, (temporary.parent / "errors").read_text(encoding="utf-8"))
            )
        finally:
            for number in processes(temporary):
                os.kill(number, signal.SIGKILL)
            process.wait()


def _long_trace(work: Path) -> None:
    """Lay down a trace that takes seconds to judge."""
    subprocess.run(
        [sys.executable, "-m", "stateful", "trace-record", str(work / "recorded.jsonl"), "--seconds", "2"],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _ended(kill: Kill, process: "subprocess.Popen[bytes]", temporary: Path, answers: Answers) -> list[str]:
    try:
        process.wait(kill.seconds)
    except subprocess.TimeoutExpired:
        in_memory = {path for number in processes(temporary) for path in _open_in_memory(number)}
        (os.killpg if kill.whole_group else os.kill)(process.pid, kill.number)
    else:
        in_memory, kill = set(), kill._replace(number=signal.Signals.SIGUSR1)
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        return [f"runs {PATIENCE:g} s later"]
    found = []
    if kill.number != signal.SIGUSR1:
        answers.note(kill, code)
        if code not in {0, 1, 128 + kill.number, -kill.number}:
            found.append(f"exit code {code}")
    deadline = time.monotonic() + LINGER
    while processes(temporary) and time.monotonic() < deadline:
        time.sleep(0.02)
    found += [f"left running: {_line(number)}" for number in processes(temporary)]
    found += [f"left in the temporary folder: {path.name}" for path in sorted(temporary.iterdir())]
    return found + [f"left in memory: {path}" for path in sorted(in_memory) if path.exists()]


def _of_errors(code: int, text: str) -> list[str]:
    """Return what is wrong with the words on stderr."""
    lines = [line for line in text.splitlines() if line and not line.startswith(("warning:", "..."))]
    if code in {130, 143, 129} and (not lines or lines[-1] != "interrupted"):
        return [f"on stderr, exit code {code}: {text[-300:]!r}"]
    if any(line.startswith("error: ") or ": error: " in line for line in lines):
        return [f"could not do its work: {text[-1500:]}"]  # and so was not killed at it
    if "Traceback" in text or "Exception ignored" in text:
        # Until `run` runs, the interpreter answers as it likes.
        return [f"on stderr: {text[-1500:]}"] if "in run\n" in text or "Exception ignored" in text else []
    return []


def processes(temporary: Path) -> list[int]:
    """Return the processes that run with this folder for temporary files, whatever group they are in."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if str(temporary).encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def _open_in_memory(number: int) -> set[Path]:
    """Return the folders and files in memory that a process has open."""
    found = set()
    try:
        for entry in Path(f"/proc/{number}/fd").iterdir():
            target = os.readlink(entry)
            if target.startswith(f"{MEMORY}/") and not target.endswith(" (deleted)"):
                found.add(MEMORY / Path(target).relative_to(MEMORY).parts[0])
    except OSError:
        pass
    return found


def _line(number: int) -> str:
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:200]
    except OSError:
        return str(number)


def main(words: Sequence[str]) -> int:
    """Kill everything, print what is left, and return the exit code."""
    wrong = count = 0
    answers = Answers()
    # What a shell or nohup lets those in the background ignore, what is started here would ignore as well.
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    for kill in every_kill(words):
        found = problems(kill, answers)
        count, wrong = count + 1, wrong + bool(found)
        sys.stderr.write(f"{count} {kill.label}\n")
        for text in found:
            sys.stdout.write(f"{kill.label}: {text}\n")
            sys.stdout.flush()
    for text in answers.wrong():
        wrong += 1
        sys.stdout.write(f"{text}\n")
    sys.stdout.write(f"{count} kills, {wrong} of them unclean\n")
    return int(wrong > 0)


if __name__ == "__main__":
    assert shutil.which("spin"), "the second model needs SPIN"
    sys.exit(main(sys.argv[1:]))
