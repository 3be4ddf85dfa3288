"""`python -m stateful mutate`: make small mistakes in the device, one at a time, and see which quick layer notices."""

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from spec.outputs.verdicts import FAILED, PASSED, Check, Verdicts
from spec.processes.options import add_processes, add_seconds, add_seed, count
from spec.processes.progress import KnownProgress
from stateful.jobs.progress import complain, say
from stateful.mutate.equivalent import EQUIVALENT
from stateful.mutate.judge import SECONDS, MutantFate, judge
from stateful.mutate.mutants import MODULES, PACKAGE, DeviceMutant, every_mutant, sample
from stateful.mutate.page import PAGE, drawn, summary


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this command to the parser of the command line."""
    mutate = commands.add_parser("mutate", help="small mistakes in the device, and which quick layer notices each")
    mutate.add_argument("modules", nargs="*", metavar="MODULE", help="in these, as in passes/writeback (all)")
    mutate.add_argument("--sample", type=count, metavar="N", help="so many of them, of each kind in turn")
    add_seed(mutate, "another sample")
    mutate.add_argument("--list", action="store_true", help="show them and do nothing")
    add_processes(mutate, 1)
    add_seconds(mutate, "for each mutant at most", SECONDS)
    mutate.add_argument("--page", action="store_true", help="write docs/generated/device-mutation.md, too")
    mutate.set_defaults(do=run)


def run(asked: argparse.Namespace, console: Console) -> int:
    """Do what the command line says and return the exit code."""
    unknown = sorted(set(asked.modules) - set(MODULES))
    if unknown:
        asked.parser.error(f"there is no module {unknown[0]}; there are {', '.join(MODULES)}")
    chosen = every_mutant([name for name in MODULES if name in asked.modules or not asked.modules])
    if asked.sample is not None:
        chosen = sample(chosen, asked.sample, asked.seed)
    if asked.list:
        for each in chosen:
            say(console, f"{each.name}: {each.kind}\n  - {each.before}\n  + {each.after}")
        return 0
    return _judged(asked, chosen, console)


def _judged(asked: argparse.Namespace, chosen: Sequence[DeviceMutant], console: Console) -> int:
    tried = [each for each in chosen if each.name not in EQUIVALENT]
    # What the layers say of the device as it is they would say of every mutant.
    control = control_of(tried[0].module if tried else MODULES[0])
    progress = KnownProgress(len(tried), _survivors, sys.stderr, asked.loud)
    as_it_is = judge([control], lambda _fates: None, seconds=max(asked.seconds, SECONDS), tick=progress.tick)[0]
    progress.done()
    if as_it_is.caught or as_it_is.how:
        complain(f"without any mistake: {as_it_is.layer} {as_it_is.test} {as_it_is.how}: {as_it_is.said}")
        return 1
    verdicts: Verdicts = asked.verdicts

    def report(known: Sequence[MutantFate]) -> None:
        verdicts.add(_check(known[-1]))  # each as soon as it is known: all of them may take hours
        progress(known)

    try:
        fates = judge(tried, report, processes=asked.processes, seconds=asked.seconds, tick=progress.tick)
    except KeyboardInterrupt:
        progress.done()
        known = {fate.name for fate in progress.known}
        say(console, summary([each for each in tried if each.name in known], progress.known))
        raise
    progress.done()
    say(console, summary(chosen, fates))
    if asked.page:
        PAGE.write_text(drawn(chosen, fates, _how(asked), asked.seconds), encoding="utf-8")
    return int(any(not fate.caught for fate in fates))


def _check(fate: MutantFate) -> Check:
    """Return a mutant as a check, which passes when a layer notices it."""
    what = f"{fate.layer} {fate.test}: {fate.said}" if fate.caught else f"survived {fate.how}".rstrip()
    return Check(fate.name, PASSED if fate.caught else FAILED, what, fate.seconds, data=fate._asdict())


def control_of(module: str) -> DeviceMutant:
    """Return a module as it is, as if it were a mutant."""
    return DeviceMutant(
        f"{module} as it is", module, "", "", "", (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
    )


def _how(asked: argparse.Namespace) -> str:
    options = [*asked.modules, *(["--sample", str(asked.sample), "--seed", str(asked.seed)] if asked.sample else [])]
    if asked.seconds != SECONDS:
        options += ["--seconds", f"{asked.seconds:g}"]
    return " ".join(["python -m stateful mutate --page", *options])


def _survivors(done: str, fates: Sequence[MutantFate]) -> str:
    return f"mutants: {done}, {sum(not fate.caught for fate in fates):,} survived"
