"""Any input to any device: taken or refused, and a refusal changes nothing.

The methods of the seam are called with arguments of any kind. A page outside of the device and a content that is no
page have to be refused; what is taken has to have its effect on the pages named, and on no other.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from itertools import count as numbers
from typing import Final

from stateful.api_fuzz.fuzz import InputFinding, said
from stateful.api_fuzz.values import PAGES, Draw, data, indexes, number
from stateful.common.stamped_pages import stamped
from stateful.seam.blocks import WatchedBlocks
from stateful.seam.chosen import chosen, ignore
from stateful.seam.protocol import METHODS, Setup, SystemUnderTest, refusals
from zram_impl import PAGE_SIZE
from zram_impl.runtime import UnshieldedRuntime

_ENOUGH: Final = 10
_FEW: Final = 4
"""Of the numbers from below the first page to behind the last one."""


def _odd(rng: random.Random) -> object:
    """Return a value of a type that a type checker would refuse."""
    return rng.choice((None, "", "1", 1.0, -1.5, (), [1], {}, object(), b"", 1j))


def _page(rng: random.Random) -> object:
    return rng.randrange(-_FEW, PAGES + _FEW) if rng.randrange(2) else number(rng)


def _content(rng: random.Random) -> object:
    return stamped(rng.randrange(PAGES), rng.randrange(1 << 30)) if rng.randrange(2) else data(rng)


def _blocks(rng: random.Random) -> object:
    return None if rng.randrange(_FEW) == 0 else number(rng)


def _mode(rng: random.Random) -> object:
    return rng.choice(("huge", "idle", "huge_idle", "", "all"))


_DRAWN: Final[Mapping[str, Sequence[Draw]]] = {
    "write": (_page, _content),
    "discard": (_page,),
    "read": (_page,),
    "writeback": (indexes,),
    "set_limit": (_blocks,),
    "writeback_mode": (_mode,),
    "mark_idle": (),
}


class DeviceTrial:
    """A device in use, made anew after each finding."""

    def __init__(self, number_: int) -> None:
        setup = Setup(PAGES, PAGES // 2, 2, WatchedBlocks(PAGES // 2), UnshieldedRuntime(), ignore)
        self.dev: SystemUnderTest = chosen().make(setup)
        for page in range(number_ % PAGES):
            self.dev.write(page, stamped(page, number_))
        self.dev.writeback(range(number_ % PAGES // 2))

    def pages(self) -> list[bytes]:
        """Return what every page contains."""
        return [self.dev.read(page) for page in range(PAGES)]

    def judge(self, name: str, arguments: Sequence[object]) -> str | None:
        """Make a call; return what is wrong with its outcome."""
        before, state = self.pages(), self.dev.state()
        call: Callable[[], object] = lambda: getattr(self.dev, name)(*arguments)  # noqa: E731  (typed so)
        try:
            answer = call()
        except refusals(self.dev) as refused:
            if (self.pages(), self.dev.state()) != (before, state):
                return f"refused, but something has changed: {refused}"
            return None
        except Exception as error:  # the search is for calls that raise something else
            return f"raised {type(error).__name__}: {error}"
        return self._taken(name, arguments, before, answer)

    def _taken(self, name: str, arguments: Sequence[object], before: list[bytes], answer: object) -> str | None:
        """Return what is wrong with a call that was taken."""
        after = self.pages()
        if name not in ("write", "discard", "read"):
            return None if after == before else "taken, and pages have changed"
        page = arguments[0]
        if not isinstance(page, int) or not 0 <= page < PAGES:
            return "taken, although there is no such page"
        expected = list(before)
        if name == "discard":
            expected[page] = bytes(PAGE_SIZE)
        elif name == "write":
            content = arguments[1]
            if not isinstance(content, (bytes, bytearray, memoryview)) or memoryview(content).nbytes != PAGE_SIZE:
                return "taken, although it is no page"
            expected[page] = bytes(content)
        if name == "read" and answer != before[page]:
            return "did not return the page"
        return None if after == expected else "taken, and the pages are not as they have to be"


def methods() -> list[str]:
    """Return the methods that are called."""
    found = ["write", "discard", "read", "writeback"]
    return found + [
        name for capability, names in METHODS.items() if capability in chosen().capabilities for name in names
    ]


def device_inputs(
    seed: int, count: int, report: Callable[[int], None] = lambda _done: None, *, first: int = 0
) -> list[InputFinding]:
    """Try `count` inputs, from number `first` on, each on a device of its own; return at most ten findings."""
    found = list[InputFinding]()
    names = methods()
    for index in numbers(first):
        if index >= first + count or len(found) >= _ENOUGH:
            return found
        rng = random.Random(f"{seed}:{index}")
        name = rng.choice(names)
        arguments = [_odd(rng) if rng.randrange(5) == 0 else draw(rng) for draw in _DRAWN[name]]
        trial = DeviceTrial(index)
        wrong = trial.judge(name, arguments)
        trial.dev.close()
        if wrong is not None:
            found.append(InputFinding(index, f"{name}({', '.join(map(said, arguments))})", wrong))
        report(index + 1)
    raise AssertionError("the numbers do not end")
