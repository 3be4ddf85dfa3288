"""`python -m stateful trace-check FILE | trace-record FILE | kernel-judge [FILE...]`: judge traces, and record them.

Exit code 0: each trace, as far as it goes, is a behaviour of the specification but for the deviations that the policy
tolerates. 1: one is not. 2: one is malformed, hides too much, is incomplete although --complete was given, or is a raw
trace that lost events; or there is no kernel to record.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from lzma import LZMAError
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from spec.outputs.verdicts import Verdicts, shown
from spec.processes.options import add_seconds, add_seed
from spec.processes.progress import QUIET
from stateful.jobs.progress import ProgressDisplay, ProgressLine, complain, say
from stateful.seam.chosen import is_ours
from stateful.seam.option import add_device
from stateful.stress import device_threads, free_threads
from stateful.traces.check import Judgement, TooManyError, judge
from stateful.traces.compressed import CorruptedFileError, read_lines
from stateful.traces.driver.convert import Converted, convert
from stateful.traces.driver.raw import RefusedTrace, open_text, read_raw
from stateful.traces.policy import DECODED, DRIVER, POLICIES, SPECIFICATION, UNSOUND, Policy
from stateful.traces.schema import AS_FAR_AS_IT_GOES, MalformedTrace, read
from stateful.traces.verdict import check_of
from zram_impl.cli.output import write_whole
from zram_impl.cli.stop import Stop

SECONDS: Final = 5.0
RAW: Final = "*.ktrace.xz"
KEPT: Final = Path("build") / "kernel-judge"
ROOT: Final = Path(__file__).resolve().parents[1]
"""The folder of tests/kernel, which records."""
GRACE: Final = 2.0
"""Seconds in which the recorder may end by itself after Ctrl-C."""


def add_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands."""
    checking = commands.add_parser("trace-check", help="judge a recorded trace (docs/traces.md has the format)")
    checking.add_argument("file", metavar="FILE", type=Path, help="JSON lines, also compressed (.xz, .gz); - for stdin")
    checking.add_argument("--complete", action="store_true", help="refuse a trace that was cut short (exit code 2)")
    _add_policy(checking, SPECIFICATION)
    checking.set_defaults(do=trace_check)
    recording = commands.add_parser("trace-record", help="record a trace of threads that run free on a real file")
    recording.add_argument("file", metavar="FILE", type=Path, help="is written, or overwritten")
    add_seconds(recording, "for how long", SECONDS)
    add_seed(recording, "what the threads do")
    add_device(recording, "trace-record", ["events"])
    recording.set_defaults(do=trace_record)
    judging = commands.add_parser("kernel-judge", help="record the kernel's driver at work, and judge it")
    judging.add_argument("files", nargs="*", metavar="FILE", type=Path, help="raw traces to judge")
    judging.add_argument("--workloads", nargs="+", default=["small"], metavar="W", help="small, large, or names")
    add_seed(judging, "of the large workloads")
    judging.add_argument("--kernel", default="newest", metavar="K", help="see python -m tests.kernel setup --help")
    judging.add_argument("--out", type=Path, default=KEPT, metavar="DIR", help=f"what was recorded is kept in ({KEPT})")
    _add_policy(judging, DRIVER)
    judging.set_defaults(do=kernel_judge)


def _add_policy(parser: argparse.ArgumentParser, default: Policy) -> None:
    parser.add_argument(
        "--policy",
        choices=tuple(POLICIES),
        metavar="NAME",
        default=default.name,
        help=f"what is tolerated: specification, nothing; driver, what Linux does otherwise, counted ({default.name})",
    )
    parser.add_argument(
        "--strict-give-up",
        action="store_true",
        help="refuse to give up while there are budget and a free block",
    )


def _policy(asked: argparse.Namespace) -> Policy:
    policy = POLICIES[asked.policy]
    return policy._replace(strict_give_up=True) if asked.strict_give_up else policy


def trace_check(asked: argparse.Namespace, console: Console) -> int:
    """Judge a trace and return the exit code."""
    path: Path = asked.file
    began, spent = time.perf_counter(), time.process_time()
    latest = ""
    with ProgressDisplay(asked.loud) as drawing:

        def report(text: str) -> None:
            nonlocal latest
            latest = text
            drawing.show([ProgressLine("trace-check", time.perf_counter() - began, text)])

        try:
            report("reading")
            trace = read(read_lines(path), AS_FAR_AS_IT_GOES)
            judgement = judge(trace, _policy(asked), report)
        except KeyboardInterrupt:
            drawing.clear()
            say(console, f"{path}: {latest}; nothing wrong by then")
            raise
        except OSError as error:
            complain(f"{path}: {error.strerror or error}")
            return 2
        except (CorruptedFileError, MalformedTrace, TooManyError) as error:
            complain(f"{path}: {error}")
            return 2
    for text in _deviations(judgement):
        say(console, text)
    verdicts: Verdicts = asked.verdicts
    verdicts.add(check_of(str(path), judgement, time.perf_counter() - began))
    if judgement.finding is not None:
        say(console, f"{path}, {judgement.finding.text}")
        return 1
    if judgement.incomplete and asked.complete:
        complain(f"{path}: incomplete: {judgement.incomplete}")
        return 2
    header, count = trace.header, judgement.judged
    tasks = len({line.task for line in trace.lines})
    sizes = f"{header.slots:,} slots, {header.blocks:,} blocks, {header.requests} requests, {header.readers} readers"
    rate = count / max(1e-9, time.process_time() - spent)
    say(console, f"{count:,} events of {tasks} tasks on {sizes}: a behaviour of the {asked.policy}")
    of_end = f"incomplete: {judgement.incomplete}" if judgement.incomplete else "compared with the end"
    say(console, f"{of_end}; {rate:,.0f} events a second of processor time")
    return 0


def _deviations(judgement: Judgement) -> Iterator[str]:
    """Yield a line for each kind of deviation that was tolerated."""
    for name, count in Counter(each.name for each in judgement.deviations).most_common():
        first = next(each.line for each in judgement.deviations if each.name == name)
        yield f"{count:>7,}  {name}; first at line {first}"


def kernel_judge(asked: argparse.Namespace, console: Console) -> int:
    """Record the driver, unless there are traces already; judge every trace; return the exit code."""
    files: Sequence[Path] = asked.files
    out: Path | None = None
    if not files:
        out = asked.out
        try:
            out.mkdir(parents=True, exist_ok=True)
            # Earlier recordings stay until new ones replace them.
            with TemporaryDirectory(prefix=".", dir=out) as aside:
                options = ["--kernel", asked.kernel, f"--seed={asked.seed}"]
                code = _have_recorded([str(Path(aside).resolve()), *asked.workloads, *options])
                if code:
                    return code
                files = [path.replace(out / path.name) for path in sorted(Path(aside).glob(RAW))]
        except OSError as error:
            complain(f"--out {out}: {error.strerror or error}")
            return 2
    found = []
    for number, path in enumerate(files):
        if asked.loud != QUIET:
            sys.stderr.write(f"...   kernel-judge: {number} of {len(files)} traces; {path.name}\n")
        found.append(_judge_raw(path, asked, out, console))
    events, worst = sum(count for _code, count in found), max(code for code, _count in found)
    say(console, f"{len(files)} traces, {events:,} events of the kernel: {('passed', 'FAILED', 'REFUSED')[worst]}")
    return worst


def _have_recorded(arguments: Sequence[str]) -> int:
    """Record with tests/kernel; return its exit code."""
    with subprocess.Popen([sys.executable, "-m", "tests.kernel", "trace", *arguments], cwd=ROOT) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:
            # The recorder has a machine to turn off. Ctrl-C at a terminal reaches it as well, `kill` only this process.
            with suppress(subprocess.TimeoutExpired):
                child.wait(GRACE)
            child.terminate()
            child.wait()
            raise


def _judge_raw(path: Path, asked: argparse.Namespace, out: Path | None, console: Console) -> tuple[int, int]:
    """Judge one raw trace; return the exit code and the number of the kernel's events."""
    began = time.perf_counter()
    try:
        raw = read_raw(open_text(path))
        converted = convert(raw)
        lines = [json.dumps(line) for line in converted.lines]
        trace = read(lines)
        judgement = judge(trace, _policy(asked))
        if out is not None:
            write_whole(out / f"{raw.device.name}.jsonl", "".join(f"{line}\n" for line in lines))
    except OSError as error:
        complain(f"{error.filename or path}: {error.strerror or error}")
        return 2, 0
    except (UnicodeDecodeError, LZMAError, RefusedTrace, MalformedTrace) as error:
        complain(f"{path}: {error}")
        return 2, 0
    unexplained = _unexplained(converted, judgement)
    verdicts: Verdicts = asked.verdicts
    verdicts.add(check_of(str(path), judgement, time.perf_counter() - began, unexplained))
    verdict = shown(not judgement.finding)
    # No event was lost, but a device that is gone reports no end.
    of_end = f", incomplete: {judgement.incomplete}" if judgement.incomplete else ""
    of_trace = f"{raw.device.name} ({raw.device.release}): {len(raw.events):,} events, {len(trace.lines):,} steps"
    say(console, f"{of_trace}, {verdict}{of_end}")
    for text in _deviations(judgement):
        say(console, text)
    if converted.foreign:
        noticed = f"{len(converted.foreign):>7,}  foreign pages noticed by readers"
        say(console, f"{noticed}, {unexplained} of them at a read that is not called unsound")
    if judgement.finding is not None:
        say(console, judgement.finding.text)
    return int(judgement.finding is not None or unexplained > 0), len(raw.events)


def _unexplained(converted: Converted, judgement: Judgement) -> int:
    """Return how many foreign pages were noticed at a read that is not called unsound."""
    unsound = {each.line for each in judgement.deviations if each.name in (UNSOUND, DECODED)}
    wrong = judgement.finding.line if judgement.finding else None
    return sum(each.read_end not in unsound and each.read_end != wrong for each in converted.foreign)


def trace_record(asked: argparse.Namespace, console: Console) -> int:
    """Record a trace and return the exit code; interrupted, it leaves nothing or a whole trace."""
    path: Path = asked.file
    began, stop = time.perf_counter(), Stop()
    try:
        with stop.on_interrupt(), ProgressDisplay(asked.loud) as drawing:

            def report(text: str) -> None:
                stop.check()
                drawing.show([ProgressLine("trace-record", time.perf_counter() - began, text)])

            run = free_threads.run if is_ours() else device_threads.run
            account = run(asked.seconds, report, trace=path, seed=asked.seed)
            stop.check()
    except OSError as error:
        complain(f"{path}: {error.strerror or error}")
        return 2
    for problem in account.problems:
        say(console, f"FAILED: {problem}")
    say(console, f"{account.events:,} events of {account.passes} passes and their users written to {path}")
    return 1 if account.problems else 0
