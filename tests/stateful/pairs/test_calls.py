"""Every public call has a row: one that is added to the device without one fails here."""

from types import FunctionType
from typing import get_type_hints

import pytest

from stateful.guards.table import GUARDS
from stateful.pairs.calls import CALLS, EXTRA, PUBLIC, STORED, UNCALLED, public_names
from stateful.pairs.explore import METHODS_AND_LOOKS
from stateful.pairs.oracle import Seen, contradiction
from stateful.pairs.states import BY_NAME, STATES
from zram_impl import Zram
from zram_impl.sysfs import ATTRIBUTES

RESULTS = {"RecompressResult", "WritebackResult"}
"""Of a pass that is over: nobody changes them any more."""


def unlisted() -> set[str]:
    """Public names that no lane calls, without a reason."""
    return set(public_names()) - CALLS.keys() - UNCALLED.keys()


def test_every_public_name_is_called_or_there_is_a_reason() -> None:
    assert unlisted() == set()
    assert CALLS.keys() - set(public_names()) == set(EXTRA)
    assert UNCALLED.keys() <= set(public_names())
    assert not UNCALLED.keys() & CALLS.keys()


def test_every_shared_class_that_users_get_or_make_is_public() -> None:
    """One that a public call returns, or that is made of a device, and whose fields need a guard."""
    calls = [getattr(owner, name, None) for owner in PUBLIC for name in dir(owner) if name[0] != "_"]
    returned = {get_type_hints(call).get("return") for call in calls if isinstance(call, FunctionType)}
    made = {it for it in GUARDS if isinstance(init := vars(it).get("__init__"), FunctionType) and takes_device(init)}
    assert {it.__name__ for it in GUARDS if it in returned | made} - RESULTS <= {it.__name__ for it in PUBLIC}


def takes_device(init: FunctionType) -> bool:
    return Zram in get_type_hints(init).values()


def test_a_new_method_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Zram, "punch_hole", lambda _self: None, raising=False)
    assert unlisted() == {"Zram.punch_hole"}


def test_every_attribute_is_shown_and_stored() -> None:
    assert STORED.keys() == {name for name, attribute in ATTRIBUTES.items() if attribute.store is not None}


def test_states_name_calls_that_there_are() -> None:
    assert {name for state in STATES for name in state.calls} <= CALLS.keys()
    assert len(BY_NAME) == len(STATES)


def test_every_call_meets_every_other_somewhere() -> None:
    assert {state.name for state in STATES if not state.calls} == {"stored"}
    elsewhere = {name for state in STATES for name in state.calls}
    assert CALLS.keys() - set(METHODS_AND_LOOKS) <= elsewhere


# --- what is judged ---

READ_WRITE = ("Zram.read_page", "Zram.write_page")
OLD, NEW = Seen((b"old", None), {"page 0": b"new"}), Seen((b"new", None), {"page 0": b"new"})


def judged(found: Seen, *orders: Seen, names: tuple[str, str] = READ_WRITE, state: str = "stored") -> str:
    return contradiction(BY_NAME[state], names, found, orders)


def test_what_some_order_leads_to_is_no_contradiction() -> None:
    assert judged(OLD, OLD, NEW) == judged(NEW, OLD, NEW) == ""


def test_what_no_order_leads_to_is_named() -> None:
    torn = Seen((b"torn", None), {"page 0": b"new"})
    assert judged(torn, OLD, NEW).startswith("some_order_explains: Were Zram.read_page first: call 1 returns")


def test_an_error_that_no_order_leads_to_is_named() -> None:
    refused = Seen(("EIO", None), {"page 0": b"new"})
    assert judged(refused, OLD, NEW) == "declared_errors: Zram.read_page beside Zram.write_page ends in EIO"


def test_one_of_two_passes_may_be_refused() -> None:
    names = ("Zram.writeback", "Zram.recompress")
    busy = Seen(("done", "EAGAIN"), {"page 0": b"new"})
    assert judged(busy, OLD, NEW, names=names) == ""
    other = Seen(("done", "ENOMEM"), {"page 0": b"new"})
    assert judged(other, OLD, NEW, names=names).startswith("declared_errors: ")


def test_of_many_steps_each_page_is_of_some_order() -> None:
    names = ("Zram.writeback", "Zram.write_page")
    assert judged(Seen(("done", None), {"page 0": b"new", "slots": 7}), OLD, names=names) == ""
    lost = Seen(("done", None), {"page 0": b"lost"})
    assert judged(lost, OLD, names=names).startswith("some_order_explains: page 0 is ")
