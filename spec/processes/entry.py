"""Begin and end of every program here: `python -m PACKAGE` is `run("PACKAGE.command")`."""

import errno
import os
import signal
import sys
import tempfile
import threading
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from types import FrameType, ModuleType
from typing import Final, NoReturn

from spec.processes.interrupts import SIGNALS, Interrupted, handled, land, scratch
from spec.processes.streams import ResultStream, open_streams

UNUSABLE: Final = 2
CLOSED_PIPE: Final = 141
"""As a shell says of a program that SIGPIPE ended."""
OLDEST: Final = (3, 11)
ACTIVATE: Final = "`. .venv/bin/activate` activates the environment that has it"
QUIET: Final = frozenset({"-q", "--quiet"})
ELSEWHERE: Final = "TMPDIR names where temporary files go"
LIMITS: Final = {errno.ENOSPC: ELSEWHERE, errno.EDQUOT: ELSEWHERE, errno.EMFILE: "`ulimit -n` allows for more"}
"""Advice for errors that mean there is not enough of something, by errno."""
OURS: Final = frozenset({"docs", "examples", "spec", "stateful", "tests", "zram_impl"})
ROOT: Final = Path(__file__).resolve().parents[2]
_SOON: Final = 0.01


def run(module: str) -> NoReturn:
    """Run `main` of a module and end the process with its exit code, or with 128 plus the number of a signal.

    The imports count, too. All temporary files, those of children as well, lie in one folder that is removed. A line
    says so when there is nowhere to work, or when standard output takes no more.
    """
    if sys.version_info[:2] < OLDEST:
        sys.stderr.write(f"error: Python 3.11 or newer is needed: {ACTIVATE}\n")
        sys.exit(UNUSABLE)
    results = open_streams()
    with handled(_interrupt):
        raise_again()
        try:
            code = _delivered(module, results)
        except KeyboardInterrupt as interrupt:
            _ignore_signals()
            sys.unraisablehook = lambda _lost: None  # what was interrupted half made complains when it is destroyed
            code = 128 + (interrupt.args[0] if interrupt.args else signal.SIGINT)
            sys.stderr.write("interrupted\n")
        _ignore_signals()
    _ignore_signals()  # the end of the interpreter is all that is left to interrupt, and it would complain
    sys.exit(code)


def _delivered(module: str, results: ResultStream) -> int:
    """Run `main` of a module and return its exit code, or another one if not all that it printed has arrived."""
    try:
        try:
            code = _answered(module)
        finally:  # help ends with an exception, too
            sys.stdout.flush()
    except BaseException as error:
        if results.refused is None:
            # An error of a device, whose class is its own, is a finding that nobody has noted.
            if type(error) is not OSError or error.errno not in LIMITS:
                raise
            where = error.filename2 or error.filename or "a file"
            sys.stderr.write(f"error: {where}: {error.strerror}; {LIMITS[error.errno]}\n")
            return UNUSABLE
    else:
        if results.refused is None:
            return code
    results.give_up()
    if isinstance(results.refused, BrokenPipeError):
        return CLOSED_PIPE  # nobody reads any more
    sys.stderr.write(f"error: standard output: {results.refused.strerror}; send it elsewhere\n")
    return UNUSABLE


def _answered(module: str) -> int:
    with ExitStack() as undo:
        try:
            os.getcwd()
        except OSError:
            sys.stderr.write("error: the current folder is gone: change to one that exists\n")
            return UNUSABLE
        try:
            folder = undo.enter_context(scratch("zram-"))
        except OSError as error:
            sys.stderr.write(f"error: TMPDIR must be a folder that files can be written to: {error}\n")
            return UNUSABLE
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            return int(_imported(module).main())
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] in OURS:
                raise
            sys.stderr.write(f"error: {missing(error.name)}\n")
            return UNUSABLE


def _imported(module: str) -> ModuleType:
    """Import a module, which may take a second; on a terminal something is there from the start."""
    live = sys.stderr.isatty() and not QUIET.intersection(sys.argv)
    if live:
        sys.stderr.write("loading\r")
        sys.stderr.flush()
    try:
        return import_module(module)
    finally:
        if live:
            sys.stderr.write("\x1b[K")  # what is written next is on a clean line
            sys.stderr.flush()


def missing(name: str) -> str:
    """Say what to do about a module that is not installed: the environment has all that a command needs."""
    package = name.partition(".")[0]
    if Path(sys.prefix) == ROOT / ".venv":
        return f"{package} is not installed in .venv: `make venv` installs the group `dev` anew"
    built = (ROOT / ".venv").is_dir()
    return f"{package} is not installed here: {ACTIVATE}{'' if built else ', after `make venv`'} (group `dev`)"


def raise_again() -> None:
    """Send a signal again when its exception is lost: in callbacks and destructors none can be raised."""

    def hook(lost: "sys.UnraisableHookArgs") -> None:
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            sys.__unraisablehook__(lost)
            return
        number = lost.exc_value.args[0] if lost.exc_value.args else signal.SIGINT
        signal.signal(number, _interrupt)
        # Not from here, where it would be lost as well.
        threading.Timer(_SOON, os.kill, (os.getpid(), number)).start()

    sys.unraisablehook = hook


def _interrupt(number: int, _frame: FrameType | None) -> None:
    land(Interrupted(number))


def _ignore_signals() -> None:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
