"""Pages that reads leave behind, in the cache of the device and in the specification."""

import pytest

from spec.model.state import IDLE, KEPT, Reader
from spec.model.tables import WB
from stateful.bugs.seeded import by_name
from stateful.lockstep.divergence import Divergence
from tests.stateful.lockstep.playing import BACKED, ONE, led, lockstep, play
from zram_impl.pages.clean_pages import CleanPages

KEEPING = ONE._replace(readers=2, keeps=1)
KEPT_BY_0 = f"{BACKED} read_begin(0, 0) read_answer(0) read_keep(0) "
AGAIN = (
    "write(0, 0) begin_pass() scan(0) end_scan() take_request(0) reserve_block(0) submit(0, 0) device_ok(0) "
    "endio_queue(0) endio_leave(0) reap(0) end_pass() "
)


def test_a_kept_page_is_returned_without_the_device() -> None:
    with led(KEPT_BY_0, KEEPING) as both:
        assert both.state.readers == (Reader(KEPT, 0, 0, valid=1, sound=1), Reader())
        page, before = both.subject.content[0], both.subject.gates.reads
        assert both.subject.device.read_page(0) == page
        assert both.subject.gates.reads == before
        both.subject.events.clear()
        play(both, "read_kept(0) drop_kept(0)")
        assert both.state.readers == (Reader(), Reader())


def test_a_read_that_ends_leaves_nothing_behind() -> None:
    with led(f"{BACKED} read_begin(0, 0) read_answer(0) read_end(0)", KEEPING) as both:
        assert both.subject.kept.by_reader == {}
        assert both.subject.pages.clean is not None
        assert both.subject.pages.clean._kept == {}


def test_a_kept_page_of_a_replaced_slot_is_stale() -> None:
    with led(f"{KEPT_BY_0} {AGAIN}", KEEPING) as both:
        assert both.state.readers[0] == Reader(KEPT, 0, 0, valid=0, sound=0)
        both.read_whole(0, 1)
        assert both.steps[-4:] == ["drop_kept(0)", "read_begin(0, 1)", "read_answer(1)", "read_keep(1)"]
        assert both.may_read_whole() == [(0, 0)]
        both.read_whole(0, 0)
        assert both.steps[-1] == "read_kept(1)"


def test_two_readers_may_keep_one_page() -> None:
    with lockstep(KEEPING) as both:
        play(
            both, f"{BACKED} read_begin(0, 0) read_begin(0, 1) read_answer(0) read_answer(1) read_keep(0) read_keep(1)"
        )
        play(both, "read_kept(0) read_kept(1)")
        assert {reader.phase for reader in both.state.readers} == {KEPT}


def test_a_reset_and_a_smaller_cache_forget_what_is_kept() -> None:
    with led(f"{KEPT_BY_0} reset()", KEEPING) as both:
        assert (both.steps[-1], both.state.readers) == ("reset()", (Reader(), Reader()))
        play(both, KEPT_BY_0)
        both.set_read_cache(0, 1)
        assert (both.steps[-1], both.state.readers[0].phase, both.subject.kept.most) == ("drop_kept(0)", IDLE, 1)


def test_a_page_found_by_its_index_is_noticed() -> None:
    with led(f"{KEPT_BY_0} {AGAIN}", KEEPING) as both:
        assert both.state.slots[0].kind == WB
        with by_name("kept_by_index_only").applied(), pytest.raises(Divergence) as parted:
            both.read_whole(0, 1)
        assert parted.value.name == "a_read_ends_with_a_value_the_page_held"


def test_a_page_that_nobody_left_is_noticed() -> None:
    with led(KEPT_BY_0, KEEPING) as both:
        both.subject.kept.by_reader.clear()
        with pytest.raises(Divergence, match="a_kept_page_was_read"):
            both.read_whole(0, 1)


def test_a_device_that_asks_although_it_keeps_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with led(KEPT_BY_0, KEEPING) as both:
        monkeypatch.setattr(CleanPages, "get", lambda *_: None)
        monkeypatch.setattr(both.subject, "note_dropped", lambda: None)
        with pytest.raises(Divergence, match="allowed_step"):
            both.do("read_kept", 0)


def test_a_kept_page_of_another_slot_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with led(KEPT_BY_0, KEEPING) as both:
        (kept,) = both.subject.kept.by_reader.values()
        monkeypatch.setitem(both.subject.kept.by_reader, 0, kept._replace(page=1))
        monkeypatch.setattr(both.subject, "note_dropped", lambda: None)
        with pytest.raises(Divergence, match="a_kept_page_is_returned_while_it_is_the_page"):
            both.do("toggle_limit")
