"""`python -m stateful conformance DIR`: replay recordings of a real kernel and print what differs.

Exit code 0: no difference. 1: some. 2: there is no such directory, nothing in it, or a file in it is malformed.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final, Self

from rich.console import Console

from spec.outputs.verdicts import FAILED, PASSED, Check, Finding, Place, Verdicts
from spec.processes.progress import share
from stateful.conformance.attribution import Attribution
from stateful.conformance.compare import Difference
from stateful.conformance.device_replay import device_replay
from stateful.conformance.fields import MalformedRecording
from stateful.conformance.replay import kernel_quirks, replay
from stateful.conformance.schema import Recording, read_recording, recorded_names
from stateful.jobs.progress import ProgressDisplay, ProgressLine, complain, say
from stateful.seam.chosen import chosen, is_ours
from stateful.seam.option import add_device
from zram_impl import Quirks

KERNEL: Final = "kernel"
QUIRKS: Final = {KERNEL: None, "linux_7_3": Quirks.linux_7_3(), "none": Quirks()}
"""By name; None: those of the kernel that was recorded."""
Explained = tuple[Difference, tuple[str, ...]]
"""A difference and the quirks it comes from."""

NO_QUIRK: Final = "no quirk"
RULE: Final = "an_answer_is_that_of_the_recorded_kernel"


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's."""
    parser = commands.add_parser("conformance", help="replay what a real kernel was recorded to answer, and compare")
    files = "where NAME.ops.jsonl and NAME.expected.jsonl are, in whatever folders"
    parser.add_argument("directory", metavar="DIR", type=Path, help=files)
    parser.add_argument(
        "--quirks",
        choices=tuple(QUIRKS),
        default=KERNEL,
        help="kernel (default): do all that the recorded version does; linux_7_3: all that 7.3.4 does; none: do "
        "better, and name what differs",
    )
    add_device(parser, "conformance")
    parser.set_defaults(do=conformance)


def conformance(asked: argparse.Namespace, console: Console) -> int:
    """Replay every recording of a directory, print the differences, and return the exit code."""
    directory: Path = asked.directory
    quirks: str = asked.quirks
    try:
        with ProgressDisplay(asked.loud) as drawing:
            drawing.show([ProgressLine("conformance", 0, "reading the recordings")])
            recordings = [read_recording(directory, name) for name in recorded_names(directory)]
    except MalformedRecording as error:
        complain(str(error))
        return 2
    if not is_ours():
        return _on_device(recordings, asked, console)
    found = _replay_all(recordings, QUIRKS[quirks], asked, console)
    _note(asked, recordings, [(each, _because(names)) for each, names in found])
    if quirks == "none":
        _say_what_each_quirk_does(found, console)
    operations = sum(len(recording.operations) for recording in recordings)
    say(console, f"{len(recordings)} sequences, {operations} operations, {len(found)} differences")
    return 1 if found else 0


def _on_device(recordings: list[Recording], asked: argparse.Namespace, console: Console) -> int:
    """Replay those recordings that are for any page store; say which are left out, and why."""
    left_out, found, replayed_here = Counter[str](), list[Difference](), list[Recording]()
    with _Replaying(recordings, asked, console) as replaying:
        for recording in recordings:
            replaying.begin(recording)
            replayed = device_replay(recording)
            if replayed.left_out:
                left_out[replayed.left_out] += 1
            else:
                replayed_here.append(recording)
            for each in replayed.differences:
                replaying.difference(each.line)
            found += replayed.differences
    _note(asked, replayed_here, [(each, "") for each in found])
    count = len(recordings) - left_out.total()
    for reason, number in left_out.most_common():
        say(console, f"{number:>7,} sequences left out: {reason}")
    if not count:
        complain(f"no sequence is for {chosen().name}: the capabilities modes and limit allow more of them")
        return 2
    say(console, f"{count} of {len(recordings)} sequences replayed, {len(found)} differences")
    return 1 if found else 0


def _note(asked: argparse.Namespace, recordings: Sequence[Recording], found: Sequence[tuple[Difference, str]]) -> None:
    """Note each recording as a check, and each difference, with why it is there, as a finding in it."""
    verdicts: Verdicts = asked.verdicts
    wrong: defaultdict[str, list[Finding]] = defaultdict(list)
    for each, why in found:
        place = Place(str(asked.directory / f"{each.sequence}.ops.jsonl"), max(1, each.number + 1))
        wrong[each.sequence].append(Finding(RULE, f"{each.line}{why}", place=place))
    for recording in recordings:
        mine = tuple(wrong[recording.name])
        what = f"{len(recording.operations)} operations, {len(mine)} differences"
        verdicts.add(Check(recording.name, FAILED if mine else PASSED, what, 0.0, findings=mine))


class _Replaying:
    """Draws how far it is and prints differences; interrupted, it says how far it was."""

    def __init__(self, recordings: list[Recording], asked: argparse.Namespace, console: Console) -> None:
        self._drawing = ProgressDisplay(asked.loud)
        self._console = console
        self._recordings = len(recordings)
        self._begun = self._differences = 0
        self._began = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._drawing.clear()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            done = f"{max(0, self._begun - 1)} of {self._recordings} sequences replayed"
            say(self._console, f"{done}, {self._differences} differences")

    def begin(self, recording: Recording) -> None:
        """Note that a recording is replayed next."""
        seconds = time.monotonic() - self._began
        done = share(self._begun, self._recordings, seconds)
        self._begun += 1
        said = f"recordings: {done}, {self._differences} differences; {recording.name}"
        self._drawing.show([ProgressLine("conformance", seconds, said)])

    def difference(self, line: str) -> None:
        """Print a difference."""
        self._differences += 1
        self._drawing.clear()
        say(self._console, line)


def _replay_all(
    recordings: list[Recording], quirks: Quirks | None, asked: argparse.Namespace, console: Console
) -> list[Explained]:
    """Replay, and print each difference with the quirks it comes from; return them."""
    attributions: dict[Quirks, Attribution] = {}
    found: list[Explained] = []
    with _Replaying(recordings, asked, console) as replaying:
        for recording in recordings:
            replaying.begin(recording)
            target = kernel_quirks(recording)
            differences = replay(recording, quirks or target)
            if quirks in (None, target):
                found += [(each, ()) for each in differences]
            elif differences and quirks is not None:
                attribution = attributions.setdefault(target, Attribution(quirks, target))
                found += zip(differences, attribution.explain(differences, partial(replay, recording)), strict=True)
            for each, names in found[len(found) - len(differences) :]:
                replaying.difference(f"{each.line}{_because(names) if quirks not in (None, target) else ''}")
    return found


def _say_what_each_quirk_does(found: list[Explained], console: Console) -> None:
    places: defaultdict[str, list[str]] = defaultdict(list)
    for each, names in found:
        for name in names or (NO_QUIRK,):
            places[name].append(each.sequence)
    for name, sequences in sorted(places.items(), key=lambda item: -len(item[1])):
        say(console, f"{name}: {len(sequences)} differences in {len(set(sequences))} sequences")


def _because(names: tuple[str, ...]) -> str:
    return f"  [{', '.join(names) or NO_QUIRK}]"
