"""Putting events of many tasks into one order.

A task's own events are in order. Beyond that an event says which objects it touched and how many events had touched
each before: the versions of an object are 1, 2, 3 and so on, each once. So the total order is a topological sort, and
where it ends early the trace contradicts itself: a version that is missing (an event was lost), one that is there twice
(two tasks changed something at the same time) or events that wait for each other.

Of a trace that was cut short, the last events of every task may be missing, and all those of some. Then a version that
is missing contradicts nothing; but what comes after it cannot be put in order.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

Touched = tuple[tuple[str, int, int], ...]
"""(object, number, version) of everything an event touched."""


class Touching(Protocol):
    """An event, as far as its place in the order is concerned."""

    @property
    def touched(self) -> Touched:
        """The objects it touched, with their versions."""
        ...


T = TypeVar("T", bound=Touching)


class OrderError(ValueError):
    """Events that cannot have happened in any order.

    Attributes:
        stuck: Per task that does not reach its end, the position of its first event without a place.
        at: The task whose event shows it.
    """

    def __init__(self, sentence: str, stuck: dict[int, int], at: int) -> None:
        super().__init__(sentence)
        self.stuck: dict[int, int] = stuck
        self.at: int = at


class _Sorting:
    """One topological sort: where each task is, and what is due next of each object."""

    def __init__(self, tasks: Sequence[Sequence[Touching]]) -> None:
        self.tasks = tasks
        self.places = [0] * len(tasks)
        self.versions: dict[tuple[str, int], int] = {}
        self.waiting: dict[tuple[str, int, int], list[int]] = {}

    def sorted(self) -> Iterator[tuple[int, int]]:
        """Yield (task, position) of one event after the other, as far as it goes."""
        ready = list(range(len(self.tasks) - 1, -1, -1))
        while ready:
            number = ready.pop()
            events, place = self.tasks[number], self.places[number]
            while place < len(events):
                touched = events[place].touched
                unmet = next((t for t in touched if self.versions.get(t[:2], 0) != t[2] - 1), None)
                if unmet is not None:
                    self.waiting.setdefault(unmet, []).append(number)
                    break
                yield number, place
                place += 1
                for name, index, version in touched:
                    self.versions[name, index] = version
                    woken = self.waiting.pop((name, index, version + 1), None)
                    if woken is not None:
                        ready += woken
            self.places[number] = place

    def stuck(self) -> dict[int, int]:
        """Return the tasks that did not reach their end, and where they are."""
        return {number: place for number, place in enumerate(self.places) if place < len(self.tasks[number])}

    def error(self, stuck: dict[int, int]) -> OrderError:
        """Say what is missing, twice there, or waits for itself."""
        left = {t for number, place in stuck.items() for event in self.tasks[number][place:] for t in event.touched}
        cycle, missing = [], list[tuple[int, int, str]]()
        for number, place in stuck.items():
            for name, index, version in self.tasks[number][place].touched:
                due = self.versions.get((name, index), 0) + 1
                if version < due:
                    return OrderError(f"version {version} of {name} {index} is there twice", stuck, number)
                if version > due and (name, index, due) not in left:
                    missing.append((version - due, number, f"version {due} of {name} {index} is missing"))
                elif version > due:
                    cycle.append(f"version {version} of {name} {index} comes before version {due}")
        if missing:
            _distance, number, sentence = min(missing, key=lambda each: each[:2])
            return OrderError(sentence, stuck, number)
        return OrderError(f"events wait for each other: {'; '.join(cycle)}", stuck, min(stuck))

    def contradiction(self, stuck: dict[int, int]) -> OrderError | None:
        """Return what no missing events could explain of the tasks that are stuck: what is twice there, or a cycle."""
        places: dict[tuple[str, int, int], int] = {}
        for number, place in stuck.items():
            for position, event in enumerate(self.tasks[number][place:], place):
                for touch in event.touched:
                    name, index, version = touch
                    if touch in places or version <= self.versions.get((name, index), 0):
                        sentence = f"version {version} of {name} {index} is there twice"
                        return OrderError(sentence, {**stuck, number: position}, number)
                    places[touch] = number
        return self._cycle(stuck, sorted(places))

    def _cycle(self, stuck: dict[int, int], touches: Sequence[tuple[str, int, int]]) -> OrderError | None:
        """Number the versions that are there from 1 on, as if none were missing, and sort again."""
        counted: dict[tuple[str, int, int], int] = {}
        there: dict[tuple[str, int], list[int]] = {}
        for name, index, version in touches:
            versions = there.setdefault((name, index), [])
            versions.append(version)
            counted[name, index, version] = len(versions)
        numbers = list(stuck)
        again = _Sorting([[_Counted(each.touched, counted) for each in self.tasks[n][stuck[n] :]] for n in numbers])
        for _ in again.sorted():
            pass
        left = {numbers[at]: stuck[numbers[at]] + place for at, place in again.stuck().items()}
        if not left:
            return None
        waits = [
            f"version {version} of {name} {index} comes before version {there[name, index][due - 1]}"
            for number, place in left.items()
            for name, index, version in self.tasks[number][place].touched
            if (due := again.versions.get((name, index), 0) + 1) < counted[name, index, version]
        ]
        return OrderError(f"events wait for each other: {'; '.join(waits)}", left, min(left))


class _Counted:
    """An event with other versions."""

    __slots__ = ("touched",)

    def __init__(self, touched: Touched, counted: Mapping[tuple[str, int, int], int]) -> None:
        self.touched = tuple([(*touch[:2], counted[touch]) for touch in touched])


def in_order(tasks: Sequence[Sequence[T]]) -> list[T]:
    """Return the events of all tasks in an order in which they can have happened.

    Raises:
        OrderError: No such order exists.
    """
    sorting = _Sorting(tasks)
    ordered = [tasks[number][place] for number, place in sorting.sorted()]
    stuck = sorting.stuck()
    if stuck:
        raise sorting.error(stuck)
    return ordered


def in_order_so_far(tasks: Sequence[Sequence[T]]) -> tuple[list[T], OrderError | None]:
    """Return those events of a trace that was cut short whose place is known, in order, and what is missing, if any is.

    Raises:
        OrderError: There is no order, whatever is missing.
    """
    sorting = _Sorting(tasks)
    ordered = [tasks[number][place] for number, place in sorting.sorted()]
    stuck = sorting.stuck()
    if not stuck:
        return ordered, None
    contradiction = sorting.contradiction(stuck)
    if contradiction is not None:
        raise contradiction
    return ordered, sorting.error(stuck)
