"""The mapping view beside other stores of texts and bytes on the same disk; those that are not installed are named."""

import dbm
import shelve
import shutil
import tempfile
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from typing import Final, NamedTuple

from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.pairing import Paired, paired, timed
from zram_impl.cli.stop import Stop
from zram_impl.mapping import PageMap
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram

Store = MutableMapping[str, bytes]
_LONGEST: Final = 4
"""Pages of the longest value."""
_BUDGET: Final = 4
"""Part of the values that may be in memory, where a store has a limit for that."""


class StoreCosts(NamedTuple):
    """A store's puts and gets against the mapping view's, in seconds for all values, or what is lacking."""

    name: str
    puts: Paired | None
    gets: Paired | None
    lacking: str = ""


def _zict(folder: Path, size: int, _stack: ExitStack) -> Store:
    zict = import_module("zict")
    found: Store = zict.Buffer({}, zict.File(str(folder)), n=size // _BUDGET, weight=lambda _key, value: len(value))
    return found


def _diskcache(folder: Path, _size: int, stack: ExitStack) -> Store:
    found: Store = stack.enter_context(import_module("diskcache").Cache(str(folder)))
    return found


def _shelve(folder: Path, _size: int, stack: ExitStack) -> Store:
    found: Store = stack.enter_context(shelve.open(str(folder / "values"), "n"))  # noqa: SIM115  (the stack closes it)
    return found


class _Lmdb(dict[str, bytes]):
    """A transaction for each call."""

    def __init__(self, folder: Path, size: int, stack: ExitStack) -> None:
        super().__init__()
        self._env = import_module("lmdb").open(str(folder), map_size=8 * size + (1 << 20), sync=False)
        stack.callback(self._env.close)

    def __setitem__(self, key: str, value: bytes) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        with self._env.begin(write=True) as to:
            to.put(key.encode(), value)

    def __getitem__(self, key: str) -> bytes:  # type: ignore[explicit-override]  # likewise
        with self._env.begin() as of:
            return bytes(of.get(key.encode()))


OTHERS: Final[dict[str, Callable[[Path, int, ExitStack], Store]]] = {
    "zict": _zict,
    "diskcache": _diskcache,
    "shelve": _shelve,
    "lmdb": _Lmdb,
}


def _values(count: int) -> list[bytes]:
    pages, chance = mixed_pages(count), Random(1)
    return [b"".join(chance.choices(pages, k=chance.randrange(1, _LONGEST + 1))) for _ in range(count)]


def store_costs(count: int, rounds: int, directory: str | None, stop: Stop) -> Iterator[StoreCosts]:
    """Compare each store with the mapping view, which is kept within the same memory as zict."""
    values = _values(count)
    size = sum(map(len, values))
    for name, make in OTHERS.items():
        if find_spec(name) is None:
            yield StoreCosts(name, None, None, f"{name} is not installed; it is in the group stores")
            continue
        with ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix="zram-impl-", dir=directory)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            room = 2 * count * _LONGEST * PAGE_SIZE
            dev = stack.enter_context(Zram.create(room, backing=Path(folder, "spill"), backing_size=room))
            stack.enter_context(dev.keep_within(max(size // _BUDGET, PAGE_SIZE)))
            try:
                theirs = make(Path(folder), size, stack)
            except (OSError, dbm.error[0]) as error:
                yield StoreCosts(name, None, None, f"{name} cannot be used here: {error}")
                continue
            puts, gets = _compared(PageMap(dev), theirs, values, rounds, stop)
            yield StoreCosts(name, puts, gets)


def _compared(ours: Store, theirs: Store, values: list[bytes], rounds: int, stop: Stop) -> tuple[Paired, Paired]:
    def put(store: Store) -> Callable[[int], None]:
        def all_of_them(_piece: int) -> None:
            for number, value in enumerate(values):  # one by one: not each of them has `update`
                store[str(number)] = value

        return all_of_them

    def get(store: Store) -> Callable[[int], None]:
        def all_of_them(piece: int) -> None:
            chance = Random(piece)
            for _ in values:
                store[str(chance.randrange(len(values)))]

        return all_of_them

    puts = paired(timed(put(ours)), timed(put(theirs)), 1, rounds, stop)
    return puts, paired(timed(get(ours)), timed(get(theirs)), 1, rounds, stop)
