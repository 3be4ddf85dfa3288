"""Naming the quirks that a difference comes from: with them switched on it vanishes, without them it comes back."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import fields, replace

from stateful.conformance.compare import Difference
from zram_impl import Quirks

Replaying = Callable[[Quirks], list[Difference]]
"""Replays one recording with given quirks."""


class Attribution:
    """Finds quirks, first those that explained most of what it was asked before."""

    def __init__(self, base: Quirks, target: Quirks) -> None:
        """Explain what a device with `base` does otherwise than one with `target`."""
        names = [field.name for field in fields(Quirks) if getattr(base, field.name) != getattr(target, field.name)]
        self._base, self._target = base, target
        self._seen = Counter(dict.fromkeys(names, 0))

    def explain(self, differences: list[Difference], replaying: Replaying) -> list[tuple[str, ...]]:
        """Return for each of `differences`, those with `base`, the quirks it comes from; none when it is no quirk's."""
        rest = _places(replaying(self._target))
        needed = self._needed(replaying, rest)
        self._seen.update(needed)
        back = {
            name: _places(replaying(self._with(set(needed) - {name}))) if len(needed) > 1 else _places(differences)
            for name in needed
        }
        named = []
        for each in differences:
            place = (each.number, each.field)
            # One that needs several quirks together to appear comes back with none of them alone.
            names = tuple(name for name in needed if place in back[name]) or needed
            named.append(() if place in rest else names)
        return named

    def _needed(self, replaying: Replaying, rest: set[tuple[int, str]]) -> tuple[str, ...]:
        """Return quirks of which none can be left out if only `rest` is to be left: what no quirk explains."""
        by_use = [name for name, _uses in self._seen.most_common()]
        for name in by_use[:2]:
            if _places(replaying(self._with({name}))) <= rest:
                return (name,)
        needed = set(by_use)
        for name in reversed(by_use):
            if _places(replaying(self._with(needed - {name}))) <= rest:
                needed.remove(name)
        return tuple(name for name in by_use if name in needed)

    def _with(self, names: Iterable[str]) -> Quirks:
        return replace(self._base, **{name: getattr(self._target, name) for name in names})


def _places(differences: list[Difference]) -> set[tuple[int, str]]:
    return {(each.number, each.field) for each in differences}
