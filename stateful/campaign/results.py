"""The results of a campaign for other programs: a check for each source, a page for each finding that has a token."""

from contextlib import nullcontext

from spec.explore.trace import parts
from spec.outputs.page import page
from spec.outputs.verdicts import FAILED, INCOMPLETE, PASSED, Check, Finding, Verdicts, rule_name
from stateful.bugs.command import story_of
from stateful.bugs.seeded import by_name
from stateful.campaign.campaign import KILLED
from stateful.campaign.journal import CampaignDirectory, CampaignTotals
from stateful.fuzzing.sources import FuzzFinding
from stateful.fuzzing.worker import file_name
from zram_impl.cli.output import write_whole


def add_verdicts(verdicts: Verdicts, done: CampaignTotals, directory: CampaignDirectory) -> None:
    """Add a check for each source; one that could not do all it should is incomplete."""
    for source, of in done.by_source.items():
        found = list[Finding]()
        for key, seed in sorted(done.findings.items()):
            in_source, name, token = key
            if in_source == source:
                again = directory.again(source, seed, FuzzFinding(name, "", token))
                found.append(Finding(rule_name(name), f"{source} at seed {seed}", done.texts[key], again))
        what = f"{of.seeds:,} seeds, {of.schedules:,} schedules, {of.steps:,} steps"
        if of.cut:
            what += f"; {of.cut:,} programs were not exhausted"
        word = FAILED if found else INCOMPLETE if of.cut else PASSED
        data = {"seeds": of.seeds, "schedules": of.schedules, "steps": of.steps, "not_exhausted": of.cut}
        verdicts.add(Check(source, word, what, of.seconds, findings=tuple(found), data=data))


def write_pages(done: CampaignTotals, directory: CampaignDirectory, bug: str) -> None:
    """Write a page to look at for each finding that has a token, unless it is there."""
    seeded = by_name(bug) if bug else None
    for source, name, token in done.findings:
        path = directory.findings / file_name(source, name, token).replace(".txt", ".html")
        if token and name != KILLED and not path.exists():  # what kills its process would kill this one
            with seeded.applied() if seeded else nullcontext():
                write_whole(path, page(story_of(token, seeded), parts))
