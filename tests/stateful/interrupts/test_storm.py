"""Real signals: what they break is found, and where nothing is broken nothing is."""

from collections.abc import Callable

import pytest

from stateful.interrupts.storm import storm
from zram_impl.runtime import ThreadRuntime
from zram_impl.shield import Interrupts


def test_a_storm_finds_nothing_where_nothing_is() -> None:
    came = storm(3, 1.5)
    assert came.found == ()
    assert came.landed > 5


def test_a_storm_finds_a_call_without_its_shield(monkeypatch: pytest.MonkeyPatch) -> None:
    def here(
        _self: ThreadRuntime, run: Callable[[Interrupts], object], _lost: Callable[[object], object] | None = None
    ) -> object:
        return run(Interrupts())

    monkeypatch.setattr(ThreadRuntime, "shielded", here)
    assert any(storm(seed, 2.0).found for seed in range(6))
