"""Inputs of any kind: the device passes, broken ones do not, and a finding is found again."""

import errno
import random
from collections.abc import Iterator

import pytest

from stateful.api_fuzz import fuzz
from stateful.api_fuzz.fuzz import ERRNOS, GROUP, Trial, draw, inputs, methods
from stateful.api_fuzz.values import PLAUSIBLE, anything, text
from stateful.command import main
from tests.refused import refused
from tests.stateful.mistakes import Mistake, around, instead_of, replacing
from zram_impl import Zram
from zram_impl.errors import refuse
from zram_impl.sysfs import ATTRIBUTES
from zram_impl.table.entries import Entry
from zram_impl.table.slot_table import SlotTable

SOME = 1500


def test_every_input_is_taken_or_refused() -> None:
    assert inputs(20261123, SOME) == []


def test_all_methods_that_take_arguments_are_called() -> None:
    named = set(methods())
    assert named >= {"read_page", "write_pages", "write_zeroes", "writeback", "recompress", "set_backing", "initialise"}
    assert not {name for name in named if name.startswith("_")}
    parameters = {name for signature in methods().values() for name in list(signature.parameters)[1:]}
    assert parameters - set(PLAUSIBLE) <= {"scans", "request"}, "each has plausible values, but for what is parsed"


def test_inputs_are_of_every_kind() -> None:
    rng = random.Random(0)
    calls = {draw(rng, methods())[0].split("(")[0] for _ in range(4000)}
    assert calls >= {*methods(), "create"}
    assert {f"store {name}" for name in ATTRIBUTES} <= {call.rpartition(" ")[0] for call in calls}
    assert len({type(anything(rng)) for _ in range(2000)}) > 25
    assert len({text(rng) for _ in range(2000)}) > 1000


raising = replacing(Zram, "set_writeback_limit", lambda _self, blocks: dict[int, int]()[id(blocks)])


@instead_of(Zram, "set_writeback_limit")
def refusing_oddly(_self: Zram, _blocks: int) -> None:
    raise refuse(errno.EDEADLK, "odd")


@instead_of(Zram, "set_batch_size")
def changing_first(self: Zram, requests: int) -> None:
    self._configuration.batch_size = 7 + self.batch_size
    raise refuse(errno.EINVAL, f"{type(requests)}")


@around(SlotTable, "replace")
def miscounting(self: SlotTable, _index: int, entry: Entry) -> Iterator[None]:
    self.compr_data_size += entry is None
    yield


@pytest.mark.parametrize(
    ("breaking", "what"),
    [
        (raising, "raised KeyError"),
        (refusing_oddly, f"refused with errno {errno.EDEADLK}"),
        (changing_first, "refused, but something has changed"),
        (miscounting, "a recount gives"),
    ],
)
def test_a_broken_device_is_found_and_found_again_by_its_number(
    monkeypatch: pytest.MonkeyPatch, breaking: Mistake, what: str
) -> None:
    breaking(monkeypatch)
    found = inputs(5, SOME)
    assert found
    assert what in found[0].what
    again = inputs(5, GROUP, first=found[0].number // GROUP * GROUP)
    assert again[0].number == found[0].number


def test_what_a_refusal_may_change_are_counters_alone() -> None:
    first = ["x"] * len(fuzz._SHOWN)
    other = ["x" if name not in ("io_stat", "bd_stat") else "y" for name in fuzz._SHOWN]
    assert fuzz._without_counters(first) == fuzz._without_counters(other)


def test_a_file_of_a_trial_lies_in_its_directory_and_is_small(tmp_path: object) -> None:
    trial = Trial(tmp_path, random.Random(0))  # type: ignore[arg-type]  # pytest says what it is
    with refused(errno.ENOSPC):
        trial._open_backing("../../etc/passwd", 1 << 40)
    device = trial._open_backing("/../x", 4096)
    assert device.name == f"{tmp_path}/x"
    device.close()


def test_the_errnos_of_the_driver_are_few() -> None:
    assert errno.EINTR not in ERRNOS


def test_the_command_tries_inputs_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inputs", "--count", "200", "--seed", "3"]) == 0
    assert "100 inputs, all taken or refused" in capsys.readouterr().out


def test_the_command_finds_something(monkeypatch: pytest.MonkeyPatch) -> None:
    changing_first(monkeypatch)
    verdict = fuzz.check(inputs, 5, 0, SOME, lambda _text: None)
    assert not verdict.good
    assert "of seed 5: " in verdict.details
