"""A chunk of a campaign, and the account of each of its seeds.

A worker needs nothing but the chunk. It answers with a line of JSON for each seed, as soon as that is done, so that a
worker that is killed takes no more with it than the seed under way.
"""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Final, NamedTuple

from stateful.bugs.seeded import by_name
from stateful.campaign.coverage import Coverage
from stateful.campaign.revision import revision
from stateful.fuzzing.sources import SOURCES, FuzzFinding, Harvest, of_machine, of_played, turn
from stateful.lockstep.run_machine import Until, machines, run_machine
from stateful.schedules.run import execute, watching
from stateful.schedules.token import decode
from stateful.seam.chosen import DeviceError
from stateful.seam.option import named_device

CORPUS: Final = "corpus"
"""The source that plays kept tokens again; a seed of it is a place in the corpus."""
EXAMPLES: Final = "examples"
"""The source that tries the examples again that machines have kept; a seed of it is a run of the campaign."""


class Chunk(NamedTuple):
    """A task of a campaign."""

    revision: str
    """Of the sources; a worker that has others refuses."""
    source: str
    first: int
    """The first seed."""
    number: int
    """Of seeds."""
    seconds: float
    """After which no further seed is begun."""
    device: str
    bug: str = ""
    """Seeded in our device, for a drill."""
    tokens: tuple[str, ...] = ()
    """Of the source `corpus`: what to play, one for each seed."""
    examples: str = ""
    """Of the source `examples`: the folder of the examples."""


class SeedRow(NamedTuple):
    """The account of one seed."""

    revision: str
    source: str
    seed: int
    schedules: int = 0
    steps: int = 0
    cut: int = 0
    """Programs of which not every schedule was run."""
    seconds: float = 0.0
    found: tuple[FuzzFinding, ...] = ()
    corpus: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Tokens, each with what it was the first of the chunk to cover."""

    @property
    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(self._asdict())


def run_chunk(chunk: Chunk, send: Callable[[object], None]) -> str:
    """Do the seeds of a chunk and send a line for each; return why it is refused, "" if it is not."""
    try:
        device = named_device(chunk.device)
    except DeviceError as error:
        return f"a worker cannot make the device: {error}"
    with device:
        here = revision(chunk.device)
        if here != chunk.revision:
            return (
                f"a worker has revision {here} of the sources, and the campaign is of {chunk.revision}: "
                "they have been changed since it began, or the worker has another checkout"
            )
        with by_name(chunk.bug).applied() if chunk.bug else nullcontext():
            _do(chunk, send)
    return ""


def _do(chunk: Chunk, send: Callable[[object], None]) -> None:
    ended, seen = time.monotonic() + chunk.seconds, Coverage()
    for done in range(chunk.number):
        if done and time.monotonic() > ended:
            return
        send(_row(chunk, chunk.first + done, seen).line)


def _row(chunk: Chunk, seed: int, seen: Coverage) -> SeedRow:
    began = time.monotonic()
    with watching(seen.watch):
        match chunk.source:
            case "corpus":
                harvest = _again(chunk.tokens[seed - chunk.first])
            case "examples":
                harvest = _kept_examples(seed, Path(chunk.examples))
            case source:
                harvest = turn(SOURCES[source], seed, lambda _text: None)
    return SeedRow(
        chunk.revision, chunk.source, seed, harvest.schedules, harvest.steps, harvest.cut,
        round(time.monotonic() - began, 3), _each_once(harvest.found), seen.take(),
    )  # fmt: skip


def _again(token: str) -> Harvest:
    """Play a token."""
    played = execute(decode(token))
    return Harvest(1, 0, () if played.error is None else (of_played(played),))


def _kept_examples(seed: int, folder: Path) -> Harvest:
    """Try what machines have kept, then a few new examples, of which those that fail are kept."""
    steps, found = 0, list[FuzzFinding]()
    for machine in machines().values():
        campaign = run_machine(machine, Until(examples=1), number=seed, examples=folder)
        steps += campaign.steps
        if campaign.finding is not None:
            found.append(of_machine(machine, campaign))
    return Harvest(0, steps, tuple(found))


def _each_once(found: Sequence[FuzzFinding]) -> tuple[FuzzFinding, ...]:
    return tuple({(each.name, each.token): each for each in found}.values())


def row_of(line: str) -> SeedRow | None:
    """Return the account that a line holds, None for any other line: the last one may have been cut short."""
    try:
        said: object = json.loads(line)
    except ValueError:
        return None
    match said:
        case {
            "revision": str(revision_), "source": str(source), "seed": int(seed), "schedules": int(schedules),
            "steps": int(steps), "cut": int(cut), "seconds": int(seconds) | float(seconds),
            "found": list(found), "corpus": list(corpus),
        }:  # fmt: skip
            findings = tuple(
                FuzzFinding(*map(str, each))
                for each in found
                if isinstance(each, list) and len(each) == len(FuzzFinding._fields)
            )
            return SeedRow(
                revision_, source, seed, schedules, steps, cut, float(seconds), findings,
                tuple(_kept(each) for each in corpus if isinstance(each, list)),
            )  # fmt: skip
        case _:
            return None


def _kept(said: Sequence[object]) -> tuple[str, tuple[str, ...]]:
    token, covers = said
    return str(token), tuple(map(str, covers)) if isinstance(covers, list) else ()
