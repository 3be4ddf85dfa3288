"""The cache of clean pages where the specification keeps none: every read asks the device, looks need not."""

import pytest

from spec.scope import Scope
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.lockstep import Lockstep
from zram_impl.pages.clean_pages import CleanPages
from zram_impl.pages.run_reads import RunReads
from zram_impl.table.entries import Backed


def written_back_twice(both: Lockstep) -> None:
    """Write pages back, look at them, and write one back anew: its block may be another's that was."""
    for page in range(4):
        both.do("write", page, 0)
    both.begin(None, range(4))
    both.reach_quiescence()
    both.set_read_cache(8, 4)
    for page in (1, 2):
        both.do("write", page, 0)
    both.begin(None, [2, 1])
    both.reach_quiescence()
    both.do("discard", 0)


@pytest.fixture
def both() -> Lockstep:
    return Lockstep(Scope(slots=4, blocks=4, requests=2, limit=-1))


def test_what_is_kept_is_what_the_device_has(both: Lockstep) -> None:
    written_back_twice(both)
    clean = both.subject.pages.clean
    assert clean is not None
    assert sorted(clean._kept) == [0, 1, 2, 3], "all were looked at through the cache"
    both.set_read_cache(0, 1)
    both.close()


def test_a_page_that_is_kept_for_an_older_entry_is_found(both: Lockstep, monkeypatch: pytest.MonkeyPatch) -> None:
    get = CleanPages.get

    def stale(self: CleanPages, index: int, entry: Backed) -> bytes | None:
        found = self._kept.get(index)
        return get(self, index, entry if found is None else found[0])

    monkeypatch.setattr(CleanPages, "get", stale)
    with pytest.raises(Divergence):
        written_back_twice(both)
    both.close()


def test_neighbours_in_each_others_places_are_found(both: Lockstep, monkeypatch: pytest.MonkeyPatch) -> None:
    sound_of = RunReads._sound_of
    monkeypatch.setattr(
        RunReads,
        "_sound_of",
        lambda *args: [(index, entry, place ^ 1) for index, entry, place in sound_of(*args)],
    )
    with pytest.raises(Divergence):
        written_back_twice(both)
    both.close()
