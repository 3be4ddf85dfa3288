"""How long is waited for: a wait that somebody else may have to end looks up at times, and none spins."""

import threading
from collections.abc import Callable
from functools import partial
from types import TracebackType

from tests.impl.doubles import PATIENCE, Gate, MemoryDevice, huge
from zram_impl import PAGE_SIZE, Zram
from zram_impl.runtime import Rank, ThreadRuntime

SHORTEST = 0.01
LONGEST = 1.0


class Noted:
    """A condition that notes how long is waited for."""

    def __init__(self, note: Callable[[float | None], None]) -> None:
        self._inner = threading.Condition(threading.Lock())
        self._note = note

    def __enter__(self) -> object:
        return self._inner.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, where: TracebackType | None, /
    ) -> None:
        self._inner.__exit__(kind, value, where)

    def wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        self._note(timeout)
        return self._inner.wait_for(predicate, timeout)

    def notify_all(self) -> None:
        self._inner.notify_all()


class NotingRuntime(ThreadRuntime):
    """Native threads, and conditions that note how long is waited for."""

    def __init__(self) -> None:
        self.waits: dict[str, set[float | None]] = {}

    def condition(self, name: str, rank: Rank) -> Noted:  # type: ignore[explicit-override]  # typing: from 3.12 on
        del rank
        return Noted(self.waits.setdefault(name, set()).add)


def test_only_threads_of_an_engine_wait_without_a_timeout() -> None:
    runtime, backing, written, read = NotingRuntime(), MemoryDevice(4), Gate(), Gate()
    dev = Zram.create(4 * PAGE_SIZE, backing=backing, runtime=runtime)
    dev.write_page(0, huge(0))
    backing.before_write = written.stop
    backing.before_read = read.stop

    threads = [threading.Thread(target=partial(dev.writeback, "huge"), daemon=True)]
    threads[0].start()
    written.wait_for_arrival()
    threads.append(threading.Thread(target=dev._life.live().wait_for_pass, daemon=True))
    threads[1].start()
    while not runtime.waits["pass ended"]:
        assert threads[1].is_alive()
    written.open()
    for thread in threads:
        thread.join(PATIENCE)
    threads.append(threading.Thread(target=partial(dev.read_page, 0), daemon=True))
    threads[2].start()
    read.wait_for_arrival()
    threads.append(threading.Thread(target=dev.close, daemon=True))
    threads[3].start()
    while not runtime.waits["backing reads ended"]:
        assert threads[3].is_alive()
    read.open()
    for thread in threads:
        thread.join(PATIENCE)
    assert [thread.is_alive() for thread in threads] == [False] * 4
    waits = runtime.waits
    assert (waits.pop("engine.work"), waits.pop("pass ended")) == ({None}, {None})
    assert set(waits) == {"engine.answers", "backing reads ended"}
    for name, seconds in waits.items():
        assert all(each is not None and SHORTEST <= each <= LONGEST for each in seconds), f"{name}: {seconds}"
        assert seconds, name
