"""`python -m stateful trace-check FILE | trace-record FILE`: judge a trace, or record one of threads that run free.

Exit code 0: the trace is a behaviour of the specification, as far as it goes. 1: it is not. 2: it is none, hides too
much, or is incomplete though --complete was asked for.
"""

import argparse
import time
from pathlib import Path
from typing import Final

from rich.console import Console

from stateful.jobs.arguments import duration
from stateful.jobs.progress import Drawing, Line, complain, say
from stateful.stress import free_threads
from stateful.traces.check import TooManyError, judge
from stateful.traces.schema import AS_FAR_AS_IT_GOES, Malformed, read
from zram_impl.cli.stop import Stop

SECONDS: Final = 5.0


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare both commands."""
    checking = commands.add_parser("trace-check", help="judge a recorded trace (docs/traces.md has the format)")
    checking.add_argument("file", metavar="FILE", type=Path)
    checking.add_argument("--complete", action="store_true", help="refuse a trace that was cut short (exit code 2)")
    checking.set_defaults(do=trace_check)
    recording = commands.add_parser("trace-record", help="record a trace of threads that run free on a real file")
    recording.add_argument("file", metavar="FILE", type=Path, help="is written, or overwritten")
    recording.add_argument("--seconds", type=duration, default=SECONDS, metavar="N", help=f"for how long ({SECONDS:g})")
    recording.set_defaults(do=trace_record)


def trace_check(asked: argparse.Namespace, console: Console) -> int:
    """Judge a trace and return the exit code."""
    path: Path = asked.file
    began, spent = time.perf_counter(), time.process_time()
    with Drawing(console) as drawing:

        def report(text: str) -> None:
            drawing.show([Line("trace-check", time.perf_counter() - began, text)])

        try:
            report("reading")
            with path.open("rb") as file:
                trace = read(file, AS_FAR_AS_IT_GOES)
            judgement = judge(trace, report)
        except OSError as error:
            complain(f"{path}: {error.strerror or error}")
            return 2
        except (Malformed, TooManyError) as error:
            complain(f"{path}: {error}")
            return 2
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
    say(console, f"{count:,} events of {tasks} tasks on {sizes}: a behaviour of the specification")
    of_end = f"incomplete: {judgement.incomplete}" if judgement.incomplete else "compared with the end"
    say(console, f"{of_end}; {rate:,.0f} events a second of processor time")
    return 0


def trace_record(asked: argparse.Namespace, console: Console) -> int:
    """Record a trace and return the exit code; interrupted, it leaves nothing or a whole trace."""
    path: Path = asked.file
    began, stop = time.perf_counter(), Stop()
    try:
        with stop.on_interrupt(), Drawing(console) as drawing:

            def report(text: str) -> None:
                stop.check()
                drawing.show([Line("trace-record", time.perf_counter() - began, text)])

            account = free_threads.run(asked.seconds, report, trace=path)
            stop.check()
    except OSError as error:
        complain(f"{path}: {error.strerror or error}")
        return 2
    for problem in account.problems:
        say(console, f"wrong: {problem}")
    say(console, f"{account.events:,} events of {account.passes} passes and their users written to {path}")
    return 1 if account.problems else 0
