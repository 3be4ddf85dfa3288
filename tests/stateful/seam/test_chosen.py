"""Choosing a device: ours by default; whatever is wrong with another one is said in a line, and is exit code 2."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spec.scope import Scope
from stateful import command
from stateful.jobs import runner
from stateful.jobs.runner import Job, JobResult, Report
from stateful.lockstep.system_under_test import Subject
from stateful.schedules.device_harness import absent
from stateful.schedules.scenarios import SCENARIOS
from stateful.seam.chosen import OURS, DeviceError, chosen, is_ours, load, probe_setup, require, using
from stateful.seam.option import named_device, on_command_line
from stateful.seam.protocol import CAPABILITIES, METHODS, refusals
from stateful.seam.zram import ours

STORE = "examples.naive_store.store:NaiveStore"
WRONG = """
import errno

from examples.naive_store.store import NaiveStore

NUMBER = 5


class Fewer:
    capabilities = frozenset()

    def state(self): ...


class Unknown(NaiveStore):
    capabilities = frozenset({"speed"})


class NotASet(NaiveStore):
    capabilities = 3


class Limitless(NaiveStore):
    capabilities = frozenset({"limit"})


class NotOurs(NaiveStore):
    capabilities = frozenset({"zram"})


class Plain(NaiveStore):
    capabilities = frozenset()


class Shorter(NaiveStore):
    def state(self):
        return super().state()._replace(slots="..")


class Mute(NaiveStore):
    def state(self):
        raise OSError(errno.EIO, "no answer")


def raises(setup):
    raise RuntimeError("no disk\\nat all")


def makes_few(setup):
    return Fewer()


def exits(setup):
    raise SystemExit(3)


def alone():
    return None


def makes_none(setup):
    return None


class Shy(NaiveStore):
    @property
    def capabilities(self):
        raise ValueError("no")


class ShyRead(NaiveStore):
    @property
    def read(self):
        raise ValueError("no")


class Odd:
    def __repr__(self):
        raise ValueError("no name")


class Nameless(NaiveStore):
    capabilities = Odd()


class WritesLess(NaiveStore):
    def write(self, page):
        pass
"""
CASES = {
    "no_such.module:make": "there is no module no_such; install it, or run this in the folder where it lies",
    "wrong_devices:absent": "wrong_devices has no absent; there are Fewer, Unknown, NotASet, Limitless, "
    "NotOurs, Plain, Shorter, Mute",
    "wrong_devices:Plain.absent": "wrong_devices has no Plain.absent; there are Fewer, Unknown, NotASet, "
    "Limitless, NotOurs, Plain, Shorter, Mute",
    "examples:absent": "examples has no absent; nothing in it can be called",
    "wrong_devices:NUMBER": "NUMBER must be a function of a Setup, got int",
    "wrong_devices:raises": "the factory, called with a Setup, raises RuntimeError: no disk",
    "wrong_devices:exits": "the factory, called with a Setup, raises SystemExit: 3",
    "wrong_devices:alone": "the factory, called with a Setup, raises TypeError: alone() takes 0 positional "
    "arguments but 1 was given",
    "wrong_devices:makes_none": "the device's capabilities must be a set of names, maybe empty, got None",
    "wrong_devices:Shy": "asking for the device's capabilities raises ValueError: no",
    "wrong_devices:ShyRead": "asking for the device's read raises ValueError: no",
    "wrong_devices:Nameless": "the device's capabilities must be a set of names, maybe empty, got <Odd>",
    "wrong_devices:WritesLess": "the device's write must take (page, content), got (page)",
    "wrong_devices:makes_few": "the device has no method write(page, content), which every device must have",
    "wrong_devices:Limitless": "the device has no method set_limit(blocks), which it must have because it "
    "declares limit",
    "wrong_devices:NotASet": "the device's capabilities must be a set of names, maybe empty, got 3",
    "wrong_devices:Unknown": f"capabilities must be among {', '.join(CAPABILITIES)}, got speed",
    "wrong_devices:NotOurs": "the factory has no class zram although the device declares zram",
    "wrong_devices:Shorter": "the slots of a new device of 4 pages must be '....', got '..'",
    "wrong_devices:Mute": "looking at a new device raises OSError: [Errno 5] no answer",
    "broken_import:make": "importing broken_import raises ZeroDivisionError: division by zero",
    "absent_import:make": "importing absent_import raises ModuleNotFoundError: No module named 'q'",
}


@pytest.fixture
def wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Modules whose devices are wrong."""
    (tmp_path / "wrong_devices.py").write_text(WRONG, encoding="utf-8")
    (tmp_path / "broken_import.py").write_text("1 / 0\n", encoding="utf-8")
    (tmp_path / "absent_import.py").write_text("import q\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("wrong_devices", None)


@pytest.mark.parametrize("name", ["", "wrong_devices", *CASES])
@pytest.mark.usefixtures("wrong")
def test_a_wrong_device_is_named_in_a_line(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(["machine", "--device", name])
    said = f"{name}: {CASES[name]}" if name in CASES else f"--device must be package.module:factory, got {name!r}"
    assert (code, capsys.readouterr()) == (2, ("", f"error: {said}\n"))


@pytest.mark.parametrize(
    ("line", "capability"),
    [
        ("machine", "events"), ("trace-record x", "events"), ("schedules", "runtime"), ("replay 1cqb4h084", "runtime"),
        ("metamorphic", "batch"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("wrong")
def test_a_layer_says_which_capability_it_needs(line: str, capability: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main([*line.split(), "--device", "wrong_devices:Plain"])
    said = f"{line.split(maxsplit=1)[0]} needs a capability that wrong_devices:Plain lacks ({capability}: the device "
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err == f"error: {said}{CAPABILITIES[capability]})\n"


@pytest.mark.usefixtures("wrong")
def test_a_layer_without_needs_runs_on_any_device() -> None:
    assert load("wrong_devices:Plain").lacks("events", "runtime") == ["events", "runtime"]
    assert command.main(["api-fuzz", "--count", "20", "--device", "wrong_devices:Plain"]) == 0


def test_ours_is_tested_unless_another_one_is_named() -> None:
    assert (chosen().name, is_ours(), on_command_line()) == (OURS, True, "")
    with using(load(STORE)):
        assert (chosen().name, is_ours(), on_command_line()) == (STORE, False, f" --device {STORE}")
        assert absent(SCENARIOS["pass and idle marks"]) == "writeback idle, mark idle"
    assert chosen().name == OURS
    assert load(OURS) is chosen()
    require(chosen(), "anything", tuple(CAPABILITIES))


def test_a_class_derived_from_ours_is_looked_into() -> None:
    with using(load("tests.stateful.seam.derived:derived")):
        subject = Subject(Scope(slots=2, blocks=1, requests=1, limit=-1))
        assert type(subject.device).__name__ == "Derived"
        subject.close()


def test_a_job_in_another_process_gets_the_device(capsys: pytest.CaptureFixture[str]) -> None:
    with using(load(STORE)):
        [done] = runner.run([Job("which", say_which)])
    assert (done.verdict.good, done.verdict.what) == (True, STORE)
    assert STORE in capsys.readouterr().err
    with named_device(OURS):
        assert is_ours()


def test_the_methods_of_every_capability_are_ours() -> None:
    device = ours(probe_setup())
    named = [method for methods in METHODS.values() for method in methods]
    assert [method for method in named if not callable(getattr(device, method))] == []
    assert refusals(device) == (OSError, ValueError, TypeError)
    device.close()


def test_a_device_may_name_its_own_refusals() -> None:
    device = ours(probe_setup())
    device.__dict__["refuses"] = KeyError
    assert refusals(device) == (KeyError,)
    device.__dict__["refuses"] = (3,)
    assert refusals(device) == (OSError, ValueError, TypeError)
    device.close()


def test_an_unknown_device_is_an_error_of_its_own() -> None:
    with pytest.raises(DeviceError):
        load("nowhere:make")


def say_which(_report: Report) -> JobResult:
    """Say which device is tested, as a job does."""
    return JobResult(good=True, what=chosen().name)
