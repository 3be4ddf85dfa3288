"""A process in which the device is a mutant, and which runs one quick layer after the other until one notices.

As a program, `python -P -m stateful.mutate.trial FILE`, where FILE holds the mutant: it writes what happens, a line of
JSON each. The mutant lies in a copy of the package beside FILE, which is put first on the path; nothing else is copied,
and the working tree is only read.
"""

import faulthandler
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from spec.assertions import require_assertions

if TYPE_CHECKING:  # the second imports the device, which must not be there before the mutant
    import pytest

    from stateful.jobs.runner import JobResult, Report

ROOT: Final = Path(__file__).resolve().parents[2]
TESTS: Final = ROOT / "tests" / "impl"
ROWS: Final = (("guards", "stateful.pairs.checks"), ("schedules", "stateful.schedules.checks"))
"""Rows of the main job: name of the function, and its module; one that is not there is left out."""
HANG_SECONDS: Final = 30.0
"""A test that takes longer hangs: hardly one takes a second, on a machine that is not busy."""
_LINES: Final = 12


def unit_tests(module: str, tests: Path = TESTS) -> list[list[Path]]:
    """Return the tests of a module, those of its folder, and all others of the device, each once."""
    folder, _, name = module.rpartition("/")
    files = sorted(tests.rglob("test_*.py"))
    wanted = f"zram_impl.{module.replace('/', '.')} import"
    own = [each for each in files if each.parent == tests / folder and each.name.startswith(f"test_{name}")]
    own += [each for each in files if each not in own and wanted in each.read_text(encoding="utf-8")]
    near = [each for each in files if each not in own and folder and each.parent == tests / folder]
    return [own, near, [each for each in files if each not in own and each not in near]]


UNIT_LAYERS: Final = ("unit tests", "folder's tests", "device's tests")


class _Witness:
    """A plugin that says which test is running and what the first failure says."""

    def __init__(self, say: Callable[[str, str, str], None], out: TextIO) -> None:
        self._say = say
        self._out = out
        self.failed = False

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say which test runs, and dump the stacks should it hang."""
        self._say("running", nodeid, "")
        faulthandler.dump_traceback_later(HANG_SECONDS, exit=True, file=self._out)

    def pytest_runtest_logfinish(self) -> None:
        """Note that it ended."""
        faulthandler.cancel_dump_traceback_later()

    def pytest_runtest_logreport(self, report: "pytest.TestReport") -> None:
        """Say what a failure says."""
        if report.failed:
            self._fail(report.nodeid, str(report.longrepr))

    def pytest_collectreport(self, report: "pytest.CollectReport") -> None:
        """Say what cannot be imported."""
        if report.failed:
            self._fail(report.nodeid, str(report.longrepr))

    def _fail(self, test: str, text: str) -> None:
        if not self.failed:
            self.failed = True
            said = [line.removeprefix("E").strip() for line in text.splitlines() if line.startswith("E ")]
            self._say("caught", test, "\n".join((said or text.splitlines()[-1:])[:_LINES]))


def work(file: Path) -> None:
    """Run the layers on the mutant in `file`."""
    module, source = json.loads(file.read_text(encoding="utf-8"))
    here = file.with_suffix("")
    shutil.copytree(ROOT / "zram_impl", here / "zram_impl")
    (here / "zram_impl" / f"{module}.py").write_text(source, encoding="utf-8")
    os.chdir(here)
    sys.path.insert(0, str(here))
    os.environ["PYTHONPATH"] = os.pathsep.join([str(here), str(ROOT)])
    with _said_by_nobody_else() as out:

        def say(what: str, where: str, text: str) -> None:
            out.write(json.dumps([what, where, text]) + "\n")
            out.flush()

        try:
            device = import_module("zram_impl")
        except ModuleNotFoundError:  # no mistake leads to that, a damaged environment does
            raise
        except Exception as error:  # whatever a mistake leads to
            say("caught", "import", f"{type(error).__name__}: {error}")
            return
        assert (device.__file__ or "").startswith(str(here)), "the device is the mutant"
        if not _tested(unit_tests(module), say, out):
            _checked(say, out)


def _tested(layers: Sequence[Sequence[Path]], say: Callable[[str, str, str], None], out: TextIO) -> bool:
    """Run tests; return whether one failed."""
    import pytest  # noqa: PLC0415  (not where the layers alone are installed)

    limits = ["--timeout=0", "-o", "faulthandler_timeout=0"]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0", *limits]
    for name, files in zip(UNIT_LAYERS, layers, strict=True):
        if files:
            say("layer", name, "")
            witness = _Witness(say, out)
            root = ["--rootdir", str(ROOT), "-c", str(ROOT / "pyproject.toml")]
            code = pytest.main([*options, *root, *map(str, files)], plugins=[witness])
            if witness.failed or code:
                if not witness.failed:
                    say("caught", name, f"exit code {int(code)}")
                return True
    return False


def _checked(say: Callable[[str, str, str], None], out: TextIO) -> None:
    """Run rows of the main job."""
    for name, module in ROWS:
        if not _there(module):
            continue
        say("layer", name, "")
        say("running", name, "")
        # a row is silent for longer than a test; that it hangs its own words say
        faulthandler.dump_traceback_later(2 * HANG_SECONDS, exit=True, file=out)
        try:
            row: Callable[[Report], JobResult] = getattr(import_module(module), name)
            verdict = row(lambda _text: None)
            said = "" if verdict.good else verdict.details or verdict.what
        except Exception as error:  # as the main job: a check that crashes has found something
            said = f"{type(error).__name__}: {error}"
        faulthandler.cancel_dump_traceback_later()
        if said:
            say("caught", name, "\n".join(said.splitlines()[:_LINES]))
            return


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _said_by_nobody_else() -> Iterator[TextIO]:
    """Keep the output for what is said here: tests and rows write to nowhere."""
    with open(os.dup(1), "w", encoding="utf-8") as out:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for number in (1, 2):
            os.dup2(nowhere, number)
        os.close(nowhere)
        yield out


def main(arguments: Sequence[str]) -> None:
    """Run the layers in a child; once that has ended, however it did, end all that it started."""
    require_assertions()
    # Blocked where this was started, so that a signal leaves no process behind; tests send signals to themselves.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    signal.signal(signal.SIGINT, signal.default_int_handler)
    child = os.fork()  # there is one thread, so a copy is as good as new
    if not child:
        errors = os.dup(2)
        try:
            work(Path(arguments[0]))
        except BaseException:  # nobody else would say it: what is written from here on goes nowhere
            os.write(errors, traceback.format_exc().encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    if os.getpid() == os.getpgrp():
        os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
