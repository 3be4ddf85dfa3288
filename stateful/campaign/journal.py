"""The directory of a campaign: what was done, a line for each seed, from which everything else follows.

    campaign.json      what the campaign is of: the device, the bug that is seeded
    journal.jsonl      a line for each seed that is done, and for each worker that died, as they come
    corpus.tokens      tokens that were the first to cover something, with the revision of each
    findings/          a file for each finding: the command that shows it again, then all there is to say
    earlier/           those of other revisions
    examples/          what failed in machines, as Hypothesis keeps it

One process writes; a line is written as a whole, so that whatever kills it loses no line but the last.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from stateful.campaign.chunk import EXAMPLES, SeedRow, row_of
from stateful.fuzzing.sources import FuzzFinding
from stateful.fuzzing.worker import file_name, replay_command
from stateful.seam.option import on_command_line
from zram_impl.cli.output import write_whole

VERSION: Final = 1


class CampaignError(ValueError):
    """A campaign that has to end; the message is one line."""


class KeptToken(NamedTuple):
    """A token of the corpus."""

    token: str
    revision: str
    """At which it was kept."""


class SourceTotals(NamedTuple):
    """Sums over the seeds of one source."""

    seeds: int = 0
    schedules: int = 0
    steps: int = 0
    cut: int = 0
    seconds: float = 0.0


class CampaignTotals:
    """Sums over the seeds of a campaign, each of which counts once."""

    def __init__(self) -> None:
        self.seeds = self.schedules = self.steps = self.cut = 0
        self.findings: dict[tuple[str, str, str], int] = {}
        """By source, property and token: the smallest seed that shows it."""
        self.texts: dict[tuple[str, str, str], str] = {}
        """All there is to say about each of them."""
        self.by_source: dict[str, SourceTotals] = {}

    def add(self, row: SeedRow) -> None:
        """Add a seed."""
        self.seeds += 1
        self.schedules += row.schedules
        self.steps += row.steps
        self.cut += row.cut
        of = self.by_source.get(row.source, SourceTotals())
        sums = (of.seeds + 1, of.schedules + row.schedules, of.steps + row.steps, of.cut + row.cut)
        self.by_source[row.source] = SourceTotals(*sums, of.seconds + row.seconds)
        for found in row.found:
            key = (row.source, found.name, found.token)
            if row.seed <= self.findings.get(key, row.seed):
                self.findings[key], self.texts[key] = row.seed, found.text


class CampaignDirectory:
    """An open directory, locked for as long as it is open."""

    def __init__(self, place: Path, device: str, bug: str) -> None:
        self.place = place
        self._bug = bug
        self.corpus: list[KeptToken] = []
        self.covered = set[str]()
        place.mkdir(exist_ok=True)
        self._journal: TextIO = (place / "journal.jsonl").open("a+", encoding="utf-8")
        try:
            self._lock()
            self._of_this(device, bug)
            self._read_corpus()
        except BaseException:
            self._journal.close()
            raise

    def close(self) -> None:
        """Let others have it."""
        self._journal.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CampaignError(f"{self.place}: another campaign is writing there") from None

    def _of_this(self, device: str, bug: str) -> None:
        file, mine = self.place / "campaign.json", {"version": VERSION, "device": device, "bug": bug}
        try:
            there: object = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            write_whole(file, json.dumps(mine) + "\n")
            return
        except ValueError:
            raise CampaignError(f"{file} is no campaign's: remove the directory, or name another one") from None
        if there != mine:
            raise CampaignError(f"{self.place} is the campaign {json.dumps(there)}, this one is {json.dumps(mine)}")

    def rows(self, revision: str) -> Iterator[SeedRow | tuple[str, int]]:
        """Yield what was done at a revision: rows, and the source and seed of workers that died."""
        self._journal.seek(0)
        for line in self._journal:
            row = row_of(line)
            if row is not None:
                self.covered.update(each for _token, new in row.corpus for each in new)
                if row.revision == revision:
                    yield row
            elif (death := _death_of(line)) is not None and death[0] == revision:
                yield death[1:]
        self._end_last_line()

    def _end_last_line(self) -> None:
        """Have what is written now begin a line, whatever the last one was cut short to."""
        with (self.place / "journal.jsonl").open("rb") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read() != b"\n":
                    self._write("\n")

    def enter(self, row: SeedRow) -> SeedRow:
        """Write a seed down, with what it covers that nothing did before; return it so."""
        corpus = list[tuple[str, tuple[str, ...]]]()
        for token, covers in row.corpus:
            new = tuple(each for each in covers if each not in self.covered)
            if new:
                self.covered.update(new)
                corpus.append((token, new))
        row = row._replace(corpus=tuple(corpus))
        self._write(f"{row.line}\n")
        # What was found has to be tried again at another revision, whatever it covers.
        tokens = dict.fromkeys([*(token for token, _new in corpus), *(found.token for found in row.found)])
        known = {"", *(kept.token for kept in self.corpus)}
        kept = [KeptToken(token, row.revision) for token in tokens if token not in known]
        if kept:
            with self._writing(), (self.place / "corpus.tokens").open("a", encoding="utf-8") as file:
                file.writelines(f"{each.token} {each.revision}\n" for each in kept)
            self.corpus += kept
        return row

    def enter_death(self, revision: str, source: str, seed: int, words: str) -> None:
        """Write down that a worker died."""
        self._write(json.dumps({"revision": revision, "source": source, "seed": seed, "died": words}) + "\n")

    def _write(self, line: str) -> None:
        with self._writing():
            self._journal.write(line)
            self._journal.flush()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CampaignError(f"{self.place}: {error.strerror or error}; the same command resumes") from error

    def _read_corpus(self) -> None:
        try:
            text = (self.place / "corpus.tokens").read_text(encoding="utf-8")
        except FileNotFoundError:
            return
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            write_whole(self.place / "corpus.tokens", whole)
        self.corpus = [KeptToken(*line.split()) for line in whole.splitlines() if line.count(" ") == 1]

    @property
    def findings(self) -> Path:
        """The folder of the findings."""
        return self.place / "findings"

    @property
    def examples(self) -> Path:
        """The folder of the examples."""
        return self.place / "examples"

    def again(self, source: str, seed: int, found: FuzzFinding) -> str:
        """Return the command that shows a finding again."""
        if source == EXAMPLES:
            where = f"--seed {seed} --examples 1 --examples-in {self.examples}"
            return f"python -m stateful machine {where}{on_command_line()}"
        return replay_command(source, seed, found, self._bug)

    def write_findings(self, row: SeedRow, totals: CampaignTotals) -> None:
        """Write the findings of a seed to files, those of which no smaller seed has shown."""
        folder = self.findings
        for found in row.found:
            if totals.findings[row.source, found.name, found.token] == row.seed:
                path = folder / file_name(row.source, found.name, found.token)
                command = self.again(row.source, row.seed, found)
                with self._writing():
                    folder.mkdir(exist_ok=True)
                    write_whole(path, f"{command}\n\n{found.text}\n")

    def put_aside(self, totals: CampaignTotals) -> None:
        """Move the files of findings away that are not of this revision."""
        names = {Path(file_name(*key)).stem for key in totals.findings}
        for path in self.findings.glob("*"):
            if path.stem not in names:
                with self._writing():
                    (self.place / "earlier").mkdir(exist_ok=True)
                    path.replace(self.place / "earlier" / path.name)


def _death_of(line: str) -> tuple[str, str, int] | None:
    try:
        said: object = json.loads(line)
    except ValueError:
        return None
    match said:
        case {"revision": str(revision), "source": str(source), "seed": int(seed), "died": str()}:
            return revision, source, seed
        case _:
            return None
