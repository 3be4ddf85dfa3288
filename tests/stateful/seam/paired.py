"""Two revisions side by side: the same layers find the same bugs, with the same counts and tokens, as fast.

`python -m tests.stateful.seam.paired BEFORE [AFTER]` checks both revisions out, runs each command in both, in turns,
and prints a line for each: whether all that it said is the same but for times, and the ratio of the processor seconds.
Exit code 1: something differs, or all together take more than `SLOWER_MOST` times as long.
"""

import compileall
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[3]
COMMANDS: Final = (
    "schedules changes reads --preemptions 2",
    "bugs early_release leak_on_error leak_on_lost_slot no_refund",
    "bugs lost_update stale_completion_count wake_before_queue check_then_act",
    "replay 1pjsept8pgzd --bug leak_when_failed_and_lost",
    "metamorphic --programs 150",
    "api-fuzz --count 6000",
    "conformance {before}/tests/data/kernel-traces",
)
"""`{before}` is where the first revision is: both replay the same recordings."""
TURNS: Final = "ABBA"
SLOWER_MOST: Final = 1.05
TIMES: Final = re.compile(r"[\d,.]+ (?:s\b|seconds|a second)|\b\d+\.\d+\b")
HALVES: Final = re.compile(r"\b(?:first|other) inputs|\binputs from [\d,]+")
"""Names of the jobs of api-fuzz, which says nothing of what they found."""
DRAWN: Final = ("│", "┏", "┃", "┡", "├", "└", "...", "checks: ")


class Said(NamedTuple):
    """The outcome of a command."""

    lines: list[str]
    """Without times, tables and progress; sorted, because jobs end in any order."""
    seconds: float
    """Of the processor, children included."""


def said(text: str) -> list[str]:
    """Return the lines of a command's output that both revisions have to print."""
    lines = [line.rstrip() for line in text.splitlines()]
    return sorted(HALVES.sub("inputs", TIMES.sub("t", line)) for line in lines if line and not line.startswith(DRAWN))


@contextmanager
def checked_out(revisions: Sequence[str]) -> Iterator[list[Path]]:
    """Check revisions out, each into a folder."""
    with tempfile.TemporaryDirectory(prefix="paired-") as folder:
        places = [Path(folder) / str(number) for number in range(len(revisions))]
        try:
            for place, revision in zip(places, revisions, strict=True):
                git("worktree", "add", "--quiet", "--detach", str(place), revision)
                # Else the first run of each pays for the others.
                compileall.compile_dir(place, quiet=2)
            yield places
        finally:
            for place in places:
                git("worktree", "remove", "--force", str(place))


def git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=ROOT, check=True)


def run(command: str, place: Path) -> Said:
    """Run a command of a revision."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "stateful", *command.split()], cwd=place, stdout=out, stderr=out
        )
        _, _, used = os.wait4(process.pid, 0)
        out.seek(0)
        return Said(said(out.read()), used.ru_utime + used.ru_stime)


def main(arguments: Sequence[str]) -> int:
    """Compare, print, and return the exit code."""
    before, after = (*arguments, "HEAD")[:2]
    wrong, both = 0, {"A": 0.0, "B": 0.0}
    with checked_out([before, after]) as places:
        for command in COMMANDS:
            took, lines = {"A": 0.0, "B": 0.0}, dict[str, list[str]]()
            for turn in TURNS:
                done = run(command.format(before=places[0]), places[turn == "B"])
                took[turn] += done.seconds
                lines[turn] = done.lines
            same, ratio = lines["A"] == lines["B"], took["B"] / took["A"]
            both = {turn: both[turn] + took[turn] for turn in both}
            wrong += not same
            sys.stdout.write(f"{'same' if same else 'DIFFERS'}  {ratio:.3f}  {len(lines['A']):>4} lines  {command}\n")
            if not same:
                sys.stdout.writelines(f"    {line}\n" for line in set(lines["A"]) ^ set(lines["B"]))
            sys.stdout.flush()
    ratio = both["B"] / both["A"]
    sys.stdout.write(f"{ratio:.3f} times the processor seconds of {before}\n")
    return int(wrong > 0 or ratio > SLOWER_MOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
