"""A run of the specification is a program for the device."""

import pytest

from spec.scope import Scope
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.lockstep import Lockstep
from stateful.lockstep.retrace import parse, retrace
from tests.stateful.lockstep.playing import BACKED, IN_FLIGHT, OK, ONE, kinds, lockstep, play


@pytest.mark.parametrize(
    ("step", "parsed"),
    [("end_pass()", ("end_pass", ())), ("scan(3)", ("scan", (3,))), ("submit(1, 0)", ("submit", (1, 0)))],
)
def test_a_step_is_read_as_a_walk_prints_it(step: str, parsed: tuple[str, tuple[int, ...]]) -> None:
    assert parse(step) == parsed


@pytest.mark.parametrize("text", ["write", "write(0) ", "write(x)", "write(0"])
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(AssertionError, match="is not a step"):
        parse(text)


def test_a_run_is_led_to_its_end_and_on_to_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []
    closing = Lockstep.close

    def close(both: Lockstep) -> None:
        closing(both)
        ended.append(kinds(both))

    monkeypatch.setattr(Lockstep, "close", close)
    retrace([f"{step})" for step in IN_FLIGHT.replace(") ", ")").split(")")[:-1]], Scope(2, 2, 1, limit=1))
    assert ended == ["W."]


def test_every_pass_looks_at_the_pages_its_run_scans() -> None:
    with lockstep(ONE._replace(blocks=2)) as both:
        again = "begin_pass() scan(1) end_scan() take_request(0) reserve_block(1) submit(1, 0) device_ok(1)"
        play(both, f"write(1, 0) {BACKED} {again} endio_queue(0) endio_leave(0) reap(0) end_pass()")
        assert kinds(both) == "WW"


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("write(0, 0) begin_pass() end_scan() submit(0, 0)", "the device took end_pass"),
        ("write(0, 0) begin_pass() scan(0) scan(0)", "the device took end_scan"),
        (f"{IN_FLIGHT} {OK} end_pass()", "the device took reap"),
    ],
)
def test_a_run_the_device_does_not_take_is_refused(program: str, complaint: str) -> None:
    with lockstep() as both, pytest.raises(AssertionError, match=complaint):
        play(both, program)


def test_a_run_the_specification_does_not_have_is_a_difference() -> None:
    with pytest.raises(Divergence) as caught:
        retrace(["write(0, 0)", "mark_idle(1)"], Scope(2, 2, 1, idle=1))
    assert (caught.value.name, caught.value.steps) == ("reported_step", ("write(0, 0)", "mark_idle(0)"))
