"""A device as a mapping: values of any length, in whatever pages are free, whole for every reader."""

import errno
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import cast

import pytest

from tests.impl.doubles import HookedDevice
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.mapping import PageMap, Value
from zram_impl.pages.byte_io import Buffer

PAGES = 32


@pytest.fixture
def dev() -> Iterator[Zram]:
    with Zram.create(PAGES * PAGE_SIZE, backing=HookedDevice(PAGES)) as made:
        yield made


def _padding(dev: Zram, length: int) -> Iterator[bytes]:
    if length % PAGE_SIZE:
        yield dev.read_page(length // PAGE_SIZE)[length % PAGE_SIZE :].strip(b"\0")


@pytest.mark.parametrize("length", [0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE + 7])
def test_a_value_of_any_length_returns(dev: Zram, length: int) -> None:
    values, content = PageMap(dev), random.Random(length).randbytes(length)
    values["key"] = content
    assert (values["key"], values.free_pages) == (content, PAGES - -(-length // PAGE_SIZE))
    assert not any(_padding(dev, length)), "what follows a value compresses to nothing"
    del values["key"]
    assert (len(values), values.free_pages, dev.stats.mm.orig_data_size) == (0, PAGES, 0)


class Interrupted(Zram):
    """Calls `between` after the first run of pages that it reads."""

    between: Callable[[], object] | None = None

    def read_pages_into(self, index: int, out: Buffer) -> None:  # type: ignore[explicit-override]  # typing: 3.12
        super().read_pages_into(index, out)
        between, self.between = self.between, None
        if between is not None:
            between()


def test_a_reader_is_not_misled_by_a_value_in_the_same_place() -> None:
    old, one, two = (bytes([number]) * (2 * PAGE_SIZE) for number in range(1, 4))
    with Interrupted.create(6 * PAGE_SIZE) as dev:
        values = PageMap(dev)
        values.update({str(number): b"x" for number in range(6)})
        del values["0"], values["2"]
        values["key"] = old

        def change_twice() -> None:
            del values["4"], values["5"]
            values["key"] = one
            values["key"] = two

        place, dev.between = values._values["key"], change_twice
        assert values["key"] == two
        assert values._values["key"] == place == Value(2 * PAGE_SIZE, ((0, 1), (2, 3)))


def test_keys_that_go_during_an_iteration_are_left_out(dev: Zram) -> None:
    values = PageMap(dev)
    values.update({"first": b"1", "second": b"2", "third": b"3"})
    items, contents = iter(values.items()), iter(values.values())
    assert (next(items), next(contents)) == (("first", b"1"), b"1")
    del values["second"]
    assert (list(items), list(contents)) == ([("third", b"3")], [b"3"])
    assert (len(values.items()), ("third", b"3") in values.items(), b"3" in values.values()) == (2, True, True)


def test_keys_are_removed_and_set_as_in_a_dict(dev: Zram) -> None:
    values, expected = PageMap(dev), dict[str, bytes]()
    for store in (values, expected):
        store.update({"first": b"1", "second": b"2"})
    for changed in (values, expected):
        assert (changed.setdefault("first", b"x"), changed.setdefault("third", b"3")) == (b"1", b"3")
        assert (changed.pop("second"), changed.pop("second", None), changed.pop("second", b"y")) == (b"2", None, b"y")
        with pytest.raises(KeyError):
            changed.pop("second")
    assert dict(values.items()) == expected
    assert values.popitem() == ("first", b"1"), "the oldest, as of any MutableMapping"
    values.clear()
    with pytest.raises(KeyError):
        values.popitem()
    assert (len(values), values.free_pages) == (0, PAGES)


def test_a_damaged_value_is_not_removed_by_reading_it() -> None:
    blocks = HookedDevice(PAGES)
    with Zram.create(PAGES * PAGE_SIZE, backing=blocks) as dev:
        values = PageMap(dev)
        values["key"] = random.Random(3).randbytes(PAGE_SIZE)
        dev.writeback("huge")
        blocks.data[:] = bytes(len(blocks.data))
        with pytest.raises(ZramError, match="is not what was written"):
            values.pop("key")
        assert "key" in values


def test_it_behaves_as_a_dict_does(dev: Zram) -> None:
    chance, values, expected = random.Random(1), PageMap(dev), dict[str, bytes]()
    for step in range(600):
        key = f"key {chance.randrange(8)}"
        if chance.randrange(3):
            content = chance.randbytes(chance.randrange(3 * PAGE_SIZE))
            expected[key] = values[key] = content
        else:
            assert values.pop(key, None) == expected.pop(key, None)
        if step % 50 == 0:
            dev.writeback("huge")
        assert (len(values), set(values), key in values) == (len(expected), set(expected), key in expected)
        assert dict(values) == expected
    used = sum(-(-len(value) // PAGE_SIZE) for value in expected.values())
    assert values.free_pages == PAGES - used


def test_a_value_may_be_in_several_runs(dev: Zram) -> None:
    values = PageMap(dev)
    for number in range(PAGES):
        values[str(number)] = b"x"
    for number in range(0, PAGES, 2):
        del values[str(number)]
    content = random.Random(2).randbytes(10 * PAGE_SIZE)
    values["long"] = content
    assert (values["long"], values.free_pages) == (content, 6)


def _full_of_holes(dev: Zram) -> PageMap:
    """A value on each other page."""
    values = PageMap(dev)
    for number in range(dev.pages):
        values[str(number)] = b""
        values[str(number)] = b"x"
    for number in range(0, dev.pages, 2):
        del values[str(number)]
    return values


def test_a_device_full_of_holes_costs_what_another_does() -> None:
    # Each change once sorted all the runs of free pages: 150 times as long with ten thousand of them.
    def seconds(values: PageMap) -> float:
        start = time.process_time()
        for number in range(400):
            values[f"new {number % 8}"] = b"two pages".ljust(2 * PAGE_SIZE)
        return time.process_time() - start

    with Zram.create(20_000 * PAGE_SIZE) as whole, Zram.create(20_000 * PAGE_SIZE) as holes:
        turns = PageMap(whole), _full_of_holes(holes)
        usual, with_holes = (min(seconds(values) for _ in range(5)) for values in turns)
    assert with_holes < 10 * usual


@pytest.mark.parametrize("pages", [1, 2, 3, 7, 16])
def test_pieces_come_from_both_ends_of_a_device(dev: Zram, pages: int) -> None:
    values = _full_of_holes(dev)
    for turn in range(5):  # the search begins elsewhere each time
        content = random.Random(turn).randbytes(pages * PAGE_SIZE)
        values["long"] = content
        assert (values["long"], values.free_pages) == (content, 16 - pages)
        del values["long"]
        values["mover"] = b"x"
        del values["mover"]
    assert (len(values), values.free_pages) == (16, 16)


def test_a_full_device_is_refused_and_keeps_the_value(dev: Zram) -> None:
    values = PageMap(dev)
    values["key"] = b"old"
    with refused(errno.ENOSPC, "must fit into 31 free pages, got 33 pages"):
        values["key"] = bytes(33 * PAGE_SIZE)
    assert (values["key"], values.free_pages) == (b"old", 31)


def test_a_write_that_fails_gives_its_pages_back(dev: Zram) -> None:
    values = PageMap(dev)
    dev.set_mem_limit(PAGE_SIZE)
    with refused(errno.ENOMEM):
        values["key"] = random.Random(3).randbytes(4 * PAGE_SIZE)
    assert ("key" in values, values.free_pages) == (False, PAGES)


def test_spilled_values_are_known(dev: Zram, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Zram, "snapshot", None)  # a look at a value costs what its pages cost
    values = PageMap(dev)
    values["a"], values["b"] = random.Random(4).randbytes(PAGE_SIZE), b"small"
    dev.writeback("huge")
    assert (values.is_spilled("a"), values.is_spilled("b")) == (True, False)
    assert repr(values) == "<PageMap of 2 values, 30 of 32 pages free>"
    for missing in (values.is_spilled, values.__getitem__, values.__delitem__):
        with pytest.raises(KeyError):
            missing("c")


def test_values_are_kept_in_a_device() -> None:
    with refused(errno.EINVAL, "dev must be a Zram, got 5"):
        PageMap(cast("Zram", 5))


def test_a_key_is_a_text(dev: Zram) -> None:
    with pytest.raises(TypeError, match="key must be a str, got 5"):
        PageMap(dev)[5] = b""  # type: ignore[index]  # that is what is tried


def test_a_key_that_gets_another_value_is_never_gone(dev: Zram) -> None:
    """The old value was taken out before the new one was put in: a reader in between got a KeyError.

    Found by a thread that reads while another writes, in one run of many.
    """

    class Watched(dict[str, Value]):
        def pop(self, *_arguments: object) -> Value:  # type: ignore[explicit-override]  # typing: from 3.12 on
            raise AssertionError("the key is gone for a moment")

        def __delitem__(self, key: str) -> None:  # type: ignore[explicit-override]  # typing: from 3.12 on
            raise AssertionError(f"{key} is gone for a moment")

    values = PageMap(dev)
    values["key"] = b"one"
    values._values = Watched(values._values)  # type: ignore[misc]  # for the test
    values["key"] = b"two"
    assert values["key"] == b"two"


@pytest.mark.parametrize(
    "change",
    [lambda values: values.update(key=b"new"), lambda values: values.pop("key")],
    ids=["set", "del"],
)
def test_a_call_that_was_ended_leaves_its_pages_to_the_next(
    dev: Zram, monkeypatch: pytest.MonkeyPatch, change: Callable[[PageMap], object]
) -> None:
    """An exception of a signal handler between two steps of a change; `finally` is not reached, or is ended itself."""
    values = PageMap(dev)
    values["key"] = bytes(2 * PAGE_SIZE)

    with monkeypatch.context() as patch:
        patch.setattr(PageMap, "_give_back", raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            change(values)
    assert values.free_pages == PAGES - 2 - len(values)
    values["key"] = b"x"
    assert (dict(values), values.free_pages) == ({"key": b"x"}, PAGES - 1)


def test_a_change_within_another_leaves_it_its_pages(dev: Zram, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal handler, or whatever garbage collection calls, may use the mapping in the middle of a change of it."""
    values, write = PageMap(dev), PageMap._write

    def within(self: PageMap, made: Value, data: memoryview) -> None:
        monkeypatch.setattr(PageMap, "_write", write)
        values["inner"] = b"inner"
        write(self, made, data)

    monkeypatch.setattr(PageMap, "_write", within)
    values["outer"] = b"outer"
    assert (dict(values), values.free_pages) == ({"inner": b"inner", "outer": b"outer"}, PAGES - 2)


def test_a_reader_sees_whole_values(dev: Zram) -> None:
    values, torn, done = PageMap(dev), list[bytes](), threading.Event()
    values["key"] = bytes(4 * PAGE_SIZE)

    def read() -> None:
        while not done.is_set():
            value = values["key"]
            if len(set(value)) > 1:
                torn.append(value)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(300):
        values["key"] = bytes([number % 256]) * (number % 5 + 1) * PAGE_SIZE
    done.set()
    reader.join()
    assert torn == []
