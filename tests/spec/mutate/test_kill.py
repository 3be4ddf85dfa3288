"""The fate of a mutant: refuted by the search, by z3, by a crash, or equivalent."""

import json
from pathlib import Path

import pytest

from spec.mutate import kill
from spec.mutate.kill import SpecFate, counted, fates, judged, read
from spec.mutate.mutants import SpecMutant
from tests.spec.mutants import EVERY
from tests.unmeasured import nothing_measured

BY_NAME = {each.name: each for each in EVERY}
Counts = list[tuple[int, int, int]]


MODEL = Path(kill.__file__).parents[1] / "model"


@pytest.fixture(scope="module")
def counts() -> Counts:
    with nothing_measured():
        return counted()


def fate(mutant: SpecMutant, counts: Counts) -> SpecFate:
    [found] = fates([mutant], counts)
    return found


def named(function: str, mistake: str) -> SpecMutant:
    return next(each for name, each in BY_NAME.items() if name.startswith(f"{function}:") and name.endswith(mistake))


def handmade(module: str, function: str, before: str, after: str) -> SpecMutant:
    source = (MODEL / f"{module}.py").read_text(encoding="utf-8")
    assert before in source
    return SpecMutant("handmade", module, function, before, after, source.replace(before, after, 1))


# That a block is held without a request cannot be reached, but an invariant that rests on it would be lost.
@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
@pytest.mark.parametrize(
    ("function", "mistake", "by_search", "by_z3"),
    [
        ("user.can_discard", "> as >=", "as_it_should (0)", "discard: as_it_should"),
        ("user.read", "idle dropped", "a_read_page_was_accessed (3)", "read: a_read_page_was_accessed"),
        (
            "tables._COMPLETIONS",
            "refund: 1 as 0",
            "a_write_is_counted_or_refunded (0)",
            "reap: the_budget_is_conserved",
        ),
        ("writeback.can_end_pass", "without s.held == NONE", "", "end_pass: nothing_remains_at_rest"),
        ("writeback.can_skip", "never", "as_it_should (5)", "skip: slots_and_blocks_are_in_range"),
    ],
)
def test_what_is_wrong_is_refuted(function: str, mistake: str, by_search: str, by_z3: str, counts: Counts) -> None:
    found = fate(named(function, mistake), counts)
    assert (found.by_search, found.by_z3) == (by_search, by_z3)
    assert found.refuted
    assert not found.crashed
    assert found.rests_on is None


@pytest.mark.usefixtures("unmeasured")  # the same lines, millions of times
def test_what_only_reads_alike_is_shown_to_be_the_same(counts: Counts) -> None:
    found = fate(named("writeback.can_reap", "== as <="), counts)
    assert not found.refuted
    assert not found.counts
    assert found.rests_on == ("requests_are_in_range",)
    found = fate(named("writeback.give_up", "release as read"), counts)
    assert (found.refuted, found.rests_on) == (False, ())


def test_what_crashes_is_refuted_by_that_alone(counts: Counts) -> None:
    found = fate(handmade("backing_device", "device_ok", "io=IO_OK", "oi=IO_OK"), counts)
    assert (found.by_search, found.by_z3) == ("crash: ValueError", "crash: ValueError")
    assert found.refuted
    assert found.crashed


def test_what_ends_the_process_is_not_refuted(counts: Counts) -> None:
    found = fate(handmade("backing_device", "device_ok", "return s._replace(blocks=put(", "raise SystemExit(("), counts)
    assert not found.refuted


def test_a_search_without_an_end_is_left_to_the_prover(counts: Counts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill, "_MANY", 500)
    found = fate(named("writeback.can_reap", "== as <="), counts)
    assert found.counts
    assert found.rests_on is not None


def test_a_task_sends_each_fate(counts: Counts) -> None:
    sent: list[object] = []
    judged([named("user.can_discard", "never")], sent.append, counts=counts)
    [found] = sent
    assert isinstance(found, SpecFate)
    assert found.refuted
    assert read(json.dumps(found._replace(rests_on=("a", "b")))).rests_on == ("a", "b")
