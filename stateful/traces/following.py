"""The reports of a device, followed in the specification while it runs: a trace that is judged as it grows."""

import threading
from collections import Counter
from collections.abc import Callable

from stateful.seam.protocol import DeviceState
from stateful.traces.check import Worlds, differences
from stateful.traces.schema import End, Header, Line, MalformedTrace, line_of


class Following:
    """An observer; `follow` judges what was reported since it was last called.

    Attributes:
        counts: How often each action was reported.
        finding: The first thing that is wrong, "" as long as nothing is.
    """

    def __init__(self, header: Header, each: Callable[[str], None] | None = None) -> None:
        """Follow a device that begins as `header` says; `each` gets every event as text."""
        self.counts = Counter[str]()
        self.finding = ""
        self.lines: list[Line] = []
        self._header, self._worlds, self._each = header, Worlds(header), each
        self._lock = threading.Lock()  # guards _waiting; taken inside the device's locks, and calls nothing
        self._waiting: list[tuple[str, str, tuple[int, ...]]] = []

    def __call__(self, kind: str, /, *args: int) -> None:
        """Note an event; under the device's lock, so that the order of the notes is that of the events."""
        with self._lock:
            self._waiting.append((threading.current_thread().name, kind, args))
        if self._each is not None:
            self._each(f"{kind}({', '.join(map(str, args))})")

    def follow(self) -> str:
        """Judge what was reported; return the finding."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        for task, kind, args in waiting:
            if self.finding:
                break
            self.counts[kind] += 1
            found: dict[str, object] = {"task": task, "does": kind, "args": [_plain(each) for each in args]}
            try:
                line = line_of(len(self.lines) + 2, found, self._header)
            except MalformedTrace as error:
                self.finding = f"reported_step: {kind}{args!r:.60}: {str(error).partition(': ')[2]}"
                break
            self.lines.append(line)
            wrong = self._worlds.follow(line)
            if wrong is not None:
                guard = (line.action.guard.__doc__ or "").strip().partition("\n")[0]
                self.finding = f"allowed_step: {wrong}; it needs: {guard}"
        return self.finding

    def compare(self, now: DeviceState) -> str:
        """Compare the state of a device at rest with the specification's; return the finding."""
        if not self.follow():
            end = End(0, now.slots, now.used, now.limit, now.counts)
            fewest = min(([*differences(world, end)] for world in self._worlds.at_the_end()), key=len)
            if fewest:
                self.finding = f"same_state: {fewest[0]}"
        return self.finding


def _plain(value: object) -> object:
    """Return the number of a value that is one by another type, as False is."""
    return int(value) if isinstance(value, int) else value
