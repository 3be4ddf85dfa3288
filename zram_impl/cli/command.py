"""The command line: arguments in, exit code out. What the world does wrong ends here as one line."""

import argparse
import os
import sys
import sysconfig
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, cast

from zram_impl import __version__
from zram_impl.cli import demo, screen
from zram_impl.cli.assertions import require_assertions
from zram_impl.cli.bench import bars, figures, published
from zram_impl.cli.screen import complain
from zram_impl.cli.stop import Stop
from zram_impl.errors import ZramError
from zram_impl.parsing import kstrto
from zram_impl.units import DEFAULT_BATCH_SIZE

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

SCRIPT: Final = "zram-impl"
UNUSABLE: Final = 2
CLOSED_PIPE: Final = 141

_CODES: Final = "exit codes: 0 passed, 1 {found}, 2 usage or unusable input, 130, 143, 129 interrupted"


class _Parser(argparse.ArgumentParser):
    """A parser whose help is a result as any other: that it cannot be printed is an error."""

    def _print_message(  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self, message: str, file: "SupportsWrite[str] | None" = None
    ) -> None:
        if file is sys.stdout:
            screen.say(message.removesuffix("\n"))
        else:
            super()._print_message(message, file)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; `arguments` without the program's name, None for those of the process."""
    screen.open_streams()
    try:
        try:
            return _run(arguments)
        finally:  # help ends with an exception, too
            screen.flush()
    except screen.OutputError as error:
        screen.give_up(sys.stdout)
        if isinstance(error.__cause__, BrokenPipeError):  # nobody reads any more
            return CLOSED_PIPE
        complain(f"error: standard output: {cast('OSError', error.__cause__).strerror}; send it elsewhere")
        return UNUSABLE


def _run(arguments: Sequence[str] | None) -> int:
    asked, unknown = _parser().parse_known_args(arguments)
    if unknown:  # which argparse itself would answer with the usage of all commands
        cast("argparse.ArgumentParser", asked.parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    require_assertions()
    screen.be(cast("int", asked.loud))
    stop = Stop()
    try:
        with stop.on_interrupt():
            return _done(asked, stop)
    except KeyboardInterrupt:
        complain("interrupted")
        return 128 + stop.number
    except OSError as error:
        complain(f"error: {_explain(error)}")
        return UNUSABLE
    except MemoryError:
        complain("error: not enough memory; try --limit-bytes")
        return UNUSABLE


def _done(asked: argparse.Namespace, stop: Stop) -> int:
    if asked.command == "demo":
        return demo.run(_demo_options(asked), stop)
    if asked.bars is not None:
        return bars.run(asked.bars, asked.quick, asked.json, asked.backing, stop)
    if asked.published:
        return published.run(asked.quick, asked.json, asked.backing, stop)
    return figures.run(figures.BenchOptions(quick=asked.quick, json=asked.json, directory=asked.backing), stop)


def _explain(error: OSError) -> str:
    if isinstance(error, ZramError) or error.filename is None:
        return str(error.strerror or error)
    return f"{error.filename}: {error.strerror} (errno {error.errno})"


def _demo_options(asked: argparse.Namespace) -> demo.DemoOptions:
    # Cast: argparse knows no types, but every argument was converted by one.
    return demo.DemoOptions(
        paths=cast("list[str]", asked.paths) or _standard_library(),
        limit_bytes=cast("int", asked.limit_bytes),
        batch=cast("int", asked.batch),
        backing=cast("str | None", asked.backing),
    )


def _standard_library() -> list[str]:
    """List what Python's library directory holds, but for what others installed there."""
    directory = sysconfig.get_path("stdlib")
    return [os.path.join(directory, name) for name in sorted(os.listdir(directory)) if name != "site-packages"]


def _program() -> str:
    """Return how the process was started: by the script of the package, or as a module."""
    name = os.path.basename(sys.argv[0])
    return name if name == SCRIPT else "python -m zram_impl"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog=_program(), description="Try and measure the compressed page store.")
    parser.add_argument("--version", action="version", version=f"zram-impl {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    show = commands.add_parser(
        "demo",
        help="store files, write them back to disk, read everything and compare",
        description="Cut files into pages, store them compressed, write them back to a temporary backing file, read "
        "every page and compare it; then measure writeback with one request in flight and with many.",
        epilog=_CODES.format(found="a page came back different"),
    )
    show.add_argument("paths", nargs="*", metavar="PATH", help="files or directories (default: Python's own library)")
    show.add_argument(
        "--limit-bytes", type=_size, default=_size("1G"), metavar="SIZE", help="read at most so much (default 1G)"
    )
    show.add_argument(
        "--batch", type=_positive, default=DEFAULT_BATCH_SIZE, metavar="N", help="requests in flight (default 32)"
    )
    measure = commands.add_parser(
        "bench",
        help="measure speed and memory against their bars",
        description="Measure the cost of pages by a bare loop around the compressor, writeback with many requests by "
        "one, a pass by its engine, and memory by what is stored. Ratios of paired runs, medians.",
        epilog=_CODES.format(found="a bar was missed"),
    )
    measure.add_argument("--quick", action="store_true", help="about ten seconds; fewer pages and repetitions")
    instead = measure.add_mutually_exclusive_group()
    instead.add_argument(
        "--bars",
        nargs="*",
        choices=bars.GROUPS,
        metavar="GROUP",
        help=f"beside fio, kernel zram and bare engines instead: {', '.join(bars.GROUPS)} (all of them)",
    )
    instead.add_argument(
        "--published", action="store_true", help="curves of writeback by batch size, each engine, instead; no bars"
    )
    measure.add_argument("--json", metavar="FILE", help="write the figures there, too")
    for command in (show, measure):
        command.add_argument(
            "--backing", metavar="DIR", help="directory for the temporary backing file (default: the system's)"
        )
        loud = command.add_mutually_exclusive_group()
        loud.add_argument("-q", "--quiet", action="store_const", dest="loud", const=screen.QUIET, help="no progress")
        loud.add_argument(
            "-v", "--verbose", action="store_const", dest="loud", const=screen.VERBOSE, help="progress every second"
        )
        command.set_defaults(parser=command, loud=screen.PLAIN)
    return parser


def _size(text: str) -> int:
    try:
        return kstrto.size_of(text)
    except ZramError as error:
        raise argparse.ArgumentTypeError(str(error.strerror)) from error


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 on, got {text!r}")
    return int(text)
