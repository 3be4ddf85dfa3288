"""Bad input of every kind: always a ZramError with errno and values, and the device exactly as before."""

import errno
import os
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.doubles import Bench, HookedDevice, huge, page, same
from tests.refused import refused
from zram_impl import PAGE_SIZE as P
from zram_impl import WritebackResult, Zram, ZramError
from zram_impl.device.snapshot import Snapshot
from zram_impl.sysfs import ATTRIBUTES

N = 8
"""Pages of the device."""
SIZE = N * P

State = tuple[Snapshot, str, int, str, int, int, bool]


def state(dev: Zram) -> State:
    """Everything about a device, its pages hashed; looking at them is no access."""
    peek = dev._life.live().pages.peek_page
    pages = sha256(b"".join(peek(index) for index in range(dev.pages))).hexdigest()
    limit = dev.writeback_limit, dev.writeback_limit_enabled
    return dev.snapshot(), pages, dev.batch_size, f"{dev.algorithm} {dev.backing_name}", dev.pages, *limit


def lived_in() -> Bench:
    """A device with every kind of slot, idle marks, a limit and blocks in use."""
    bench = Bench(pages=N, blocks=4)
    bench.dev.write_page(1, same(7))
    bench.dev.write_page(2, huge(2))
    bench.store(3, 4, 5)
    bench.dev.write_page(6, huge(6))
    bench.dev.writeback(pages=[4, 6])
    bench.dev.mark_idle()
    bench.dev.read_page(3)
    bench.limit(5)
    return bench


CALLS: dict[str, tuple[Callable[[Zram], object], str]] = {
    "read_page(-1)": (lambda dev: dev.read_page(-1), "page must be 0 to 7, got -1"),
    "read_page(N)": (lambda dev: dev.read_page(N), "page must be 0 to 7, got 8"),
    "write_page(-1)": (lambda dev: dev.write_page(-1, page(0)), "page must be 0 to 7, got -1"),
    "write_page(N)": (lambda dev: dev.write_page(N, huge(0)), "page must be 0 to 7, got 8"),
    "write_page(N, zeros)": (lambda dev: dev.write_page(N, bytes(P)), "page must be 0 to 7, got 8"),
    "write_page short": (lambda dev: dev.write_page(0, bytes(P - 1)), "page must be 4096 bytes, got 4095"),
    "write_page long": (lambda dev: dev.write_page(0, bytearray(P + 1)), "page must be 4096 bytes, got 4097"),
    "write_page empty": (lambda dev: dev.write_page(0, b""), "page must be 4096 bytes, got 0"),
    "write_pages part": (lambda dev: dev.write_pages(0, bytes(P + 1)), "length must be a multiple of 4096, got 4097"),
    "write_pages beyond": (lambda dev: dev.write_pages(6, bytes(3 * P)), "pages must be within 0 to 7, got 6 to 8"),
    "write_pages before": (lambda dev: dev.write_pages(-1, bytes(P)), "pages must be within 0 to 7, got -1 to -1"),
    "read_pages part": (lambda dev: dev.read_pages_into(0, bytearray(9)), "length must be a multiple of 4096, got 9"),
    "read_pages beyond": (
        lambda dev: dev.read_pages_into(7, bytearray(2 * P)),
        "pages must be within 0 to 7, got 7 to 8",
    ),
    "read before": (lambda dev: dev.read(-1, 1), "offset + length must be within the device's 32768 bytes, got -1 + 1"),
    "read beyond": (
        lambda dev: dev.read(0, SIZE + 1),
        "offset + length must be within the device's 32768 bytes, got 0 + 32769",
    ),
    "read negative": (
        lambda dev: dev.read(0, -1),
        "offset + length must be within the device's 32768 bytes, got 0 + -1",
    ),
    "write beyond": (lambda dev: dev.write(SIZE - 1, b"ab"), "got 32767 + 2"),
    "write far": (lambda dev: dev.write(1 << 70, b"a"), "got 0x400000000000000000 + 1"),
    "discard beyond": (lambda dev: dev.discard(P, SIZE), "got 4096 + 32768"),
    "discard negative": (lambda dev: dev.discard(0, -P), "got 0 + -4096"),
    "zeroes beyond": (lambda dev: dev.write_zeroes(SIZE, 1), "got 32768 + 1"),
    "zeroes before": (lambda dev: dev.write_zeroes(-P, 2 * P), "got -4096 + 8192"),
    "no such mode": (
        lambda dev: dev.writeback("hugh"),  # type: ignore[arg-type]  # not a mode
        "mode must be one of idle, huge, huge_idle, incompressible, got 'hugh'",
    ),
    "no mode": (lambda dev: dev.writeback(), "mode, pages or ranges must be given"),
    "mode and pages": (lambda dev: dev.writeback("huge", pages=[1]), "mode must be alone, got 'huge' and named pages"),
    "page beyond": (lambda dev: dev.writeback(pages=[2, N]), "pages must be within 0 to 7, got 8 to 8"),
    "range backwards": (
        lambda dev: dev.writeback(pages=[2], ranges=[(3, 2)]),
        "pages must be within 0 to 7, got 3 to 2",
    ),
    "batch size": (lambda dev: dev.set_batch_size(0), "writeback_batch_size must be 1 to 4294967295, got 0"),
    "limit": (lambda dev: dev.set_writeback_limit(-1), "writeback_limit must be 0 to 18446744073709551615, got -1"),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_a_bad_argument_is_einval_and_changes_nothing(name: str) -> None:
    bench = lived_in()
    call, message = CALLS[name]
    before = state(bench.dev)
    with refused(errno.EINVAL, re.escape(message)):
        call(bench.dev)
    assert state(bench.dev) == before


def test_pages_beyond_a_device_reset_smaller_are_refused() -> None:
    dev = Zram.create(SIZE, backing=HookedDevice(), open_backing=lambda _path, _size: HookedDevice())

    def names() -> Iterator[int]:
        dev.reset()
        dev.set_backing("another")
        dev.initialise(2 * P)
        yield N - 1

    with dev, refused(errno.EINVAL, "pages must be within 0 to 1, got page 7"):
        dev.writeback(pages=names())


# Backing files


@pytest.mark.parametrize("path", ["/proc/version", "/proc/self/mem"])
def test_a_file_that_cannot_be_sought_in_is_refused(path: str) -> None:
    with refused(errno.EINVAL, "look at backing file"):
        Zram.create(SIZE, backing=path)


def make_nothing(path: Path) -> None:
    assert not path.exists()


BACKINGS: dict[str, tuple[Callable[[Path], object], str | int | None, int, str]] = {
    "directory": (Path.mkdir, None, errno.EISDIR, "must be a file or a block device, got directory"),
    "pipe": (os.mkfifo, None, errno.ENOTBLK, " of type 'p'"),
    "link to itself": (lambda path: path.symlink_to(path), None, errno.ELOOP, "Too many levels of symbolic links"),
    "missing": (make_nothing, None, errno.ENOENT, "does not exist and no size was given to create it at"),
    "below a page": (lambda path: path.write_bytes(bytes(P - 1)), None, errno.EINVAL, "at least 4096 bytes, got 4095"),
    "smaller than asked": (lambda path: path.write_bytes(bytes(2 * P)), "12K", errno.EINVAL, "got 12288"),
    "size of nothing": (make_nothing, 0, errno.EINVAL, "got 0 for backing file"),
    "size with a wrong suffix": (make_nothing, "12Q", errno.EINVAL, "got '12Q'"),
    "size beyond any file": (make_nothing, 2**64 - 1, errno.EFBIG, "got 18446744073709551615 "),
}  # fmt: skip


@pytest.mark.parametrize("name", list(BACKINGS))
def test_an_unusable_backing_file_is_refused_and_unchanged(tmp_path: Path, name: str) -> None:
    make, size, code, message = BACKINGS[name]
    path = tmp_path / "pages.img"
    make(path)
    before = [(entry, entry.lstat()) for entry in tmp_path.iterdir()]
    dev, first = Zram(), HookedDevice(name="first")
    dev.set_backing(first)
    for attempt in (lambda: dev.set_backing(path, size), lambda: Zram.create(SIZE, backing=path, backing_size=size)):
        with refused(code, re.escape(message)):
            attempt()
    assert [entry for entry, _ in before] == list(tmp_path.iterdir())
    assert [found.st_size for _, found in before] == [entry.lstat().st_size for entry in tmp_path.iterdir()]
    assert (dev.backing_name, first.closed, dev.pages) == ("first", 0, 0)
    dev.close()


def test_a_backing_file_that_another_device_uses_is_busy(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    with Zram.create(SIZE, backing=path, backing_size=SIZE) as dev:
        dev.write_page(0, page(0))
        assert dev.writeback(pages=[0]).written == 1
        before = state(dev)
        with refused(errno.EBUSY, "is in use"):
            Zram.create(SIZE, backing=path)
        assert state(dev) == before


@pytest.mark.parametrize("backing", [HookedDevice(name="blocks"), None], ids=["an object", "nothing"])
def test_a_backing_size_is_for_a_file_alone(backing: HookedDevice | None) -> None:
    said = "blocks, which is no file" if backing else "without backing"
    with refused(errno.EINVAL, f"size must be None .*{said}, got"):
        Zram.create(SIZE, backing=backing, backing_size="4K")
    assert backing is None or not backing.closed


@pytest.mark.parametrize(
    ("size", "algorithm", "batch_size"), [("x", "lz4", 32), (0, "lz4", 32), (SIZE, "zip", 32), (SIZE, "lz4", 0)]
)
def test_a_device_that_cannot_be_made_leaves_nothing_behind(
    tmp_path: Path, size: int | str, algorithm: str, batch_size: int
) -> None:
    path = tmp_path / "pages.img"
    with refused(errno.EINVAL):
        Zram.create(size, backing=path, backing_size=SIZE, algorithm=algorithm, batch_size=batch_size)
    assert list(tmp_path.iterdir()) == []


def test_a_device_whose_table_does_not_fit_makes_no_backing_file(tmp_path: Path) -> None:
    backing = tmp_path / "backing"
    with refused(errno.ENOMEM, "no memory for a table"):
        Zram.create(1 << 62, backing=backing, backing_size="1M")
    assert not backing.exists()


# A failing disk


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_full_disk_under_the_backing_file_loses_nothing(code: int) -> None:
    backing = HookedDevice(4)

    def full(block: int) -> None:
        if block >= 2:
            raise OSError(code, "no room for a block that was never written")

    backing.before_write = full
    with Zram.create(SIZE, backing=backing) as dev:
        for index in range(4):
            dev.write_page(index, huge(index))
        dev.set_writeback_limit(9)
        dev.enable_writeback_limit(True)
        result = dev.writeback("huge")
        assert (result.written, result.failed, sorted(result.errors)) == (2, 2, [(0, code), (1, code)])
        now = dev.snapshot()
        assert (now.bd_count, now.limit, now.huge_pages) == (2, 7, 2)
        before = state(dev)
        assert (sorted(dev.writeback("huge").errors), state(dev)) == ([(0, code), (1, code)], before)
        backing.before_write = lambda _block: None
        assert dev.writeback("huge") == WritebackResult(selected=2, written=2)
        assert [dev.read_page(index) for index in range(4)] == [huge(index) for index in range(4)]


# Anything at all

NUMBERS = st.one_of(
    st.integers(-2, N + 1),
    st.integers(-2, SIZE + 2),
    st.sampled_from([P - 1, P, P + 1, SIZE - 1, SIZE, -P, 1 << 31, 1 << 63, (1 << 64) - 1, 1 << 64, -(1 << 70)]),
    st.integers(),
)
DATA = st.one_of(
    st.binary(max_size=9),
    st.builds(lambda piece, length: piece * length, st.binary(min_size=1, max_size=1), NUMBERS.map(lambda n: n % 9000)),
    st.sampled_from([page(9), huge(9), huge(9) + page(9)]),
)
WORDS = [
    "page_index=", "page_indexes=", "type=", "huge", "idle", "0-7", "3", "=", '"', " ", "\n", "\0", "-", "64K", "1",
]  # fmt: skip
TEXTS = st.text(max_size=12) | st.lists(st.sampled_from(WORDS), max_size=5).map("".join)
# Huge sizes only where no machine has the memory: those in between it might really try to have.
SIZES = st.integers(-2, 1 << 20) | st.integers(1 << 60, 1 << 70)

Call = Callable[[Zram], object]


def calls() -> st.SearchStrategy[Call]:
    return st.one_of(
        st.builds(lambda n: lambda dev: dev.read_page(n), NUMBERS),
        st.builds(lambda n, d: lambda dev: dev.write_page(n, d), NUMBERS, DATA),
        st.builds(lambda n, d: lambda dev: dev.write_pages(n, d), NUMBERS, DATA),
        st.builds(lambda n, d: lambda dev: dev.read_pages_into(n, bytearray(d)), NUMBERS, DATA),
        st.builds(lambda n, m: lambda dev: dev.read(n, m), NUMBERS, NUMBERS),
        st.builds(lambda n, d: lambda dev: dev.write(n, d), NUMBERS, DATA),
        st.builds(lambda n, m: lambda dev: dev.discard(n, m), NUMBERS, NUMBERS),
        st.builds(lambda n, m: lambda dev: dev.write_zeroes(n, m), NUMBERS, NUMBERS),
        st.builds(lambda t: lambda dev: dev.writeback(t), TEXTS),
        st.builds(lambda ns: lambda dev: dev.writeback(pages=ns), st.lists(NUMBERS, max_size=4)),
        st.builds(lambda ns: lambda dev: dev.writeback(ranges=ns), st.lists(st.tuples(NUMBERS, NUMBERS), max_size=3)),
        st.builds(lambda n: lambda dev: dev.set_batch_size(n), NUMBERS),
        st.builds(lambda n: lambda dev: dev.set_writeback_limit(n), NUMBERS),
        st.builds(lambda t: lambda dev: dev.set_algorithm(t), TEXTS),
        st.builds(lambda n: lambda dev: dev.initialise(n), SIZES),
        st.builds(lambda t: lambda dev: dev.set_backing(t), TEXTS),
        st.builds(
            lambda name, t: lambda dev: dev.attrs.store(name, t), st.sampled_from(list(ATTRIBUTES)) | TEXTS, TEXTS
        ),
        st.builds(lambda name: lambda dev: dev.attrs.show(name), st.sampled_from(list(ATTRIBUTES)) | TEXTS),
    )


@given(st.lists(calls(), min_size=1, max_size=6))
def test_any_argument_is_taken_or_refused_without_a_change(calls_made: list[Call]) -> None:
    bench = lived_in()
    for call in calls_made:
        if not bench.dev.pages:  # somebody said reset
            return
        before = state(bench.dev)
        try:
            call(bench.dev)
        except ZramError as refused:
            assert refused.errno  # noqa: PT017 - the other outcome is the rest of the test
            if "WritebackResult" not in str(refused):
                assert state(bench.dev) == before


@given(TEXTS, TEXTS, SIZES, NUMBERS)
def test_a_new_device_takes_any_argument_or_refuses_it(algorithm: str, text: str, size: int, number: int) -> None:
    dev = Zram()
    attempts: list[Callable[[], object]] = [
        lambda: dev.set_algorithm(algorithm),
        lambda: dev.set_batch_size(number),
        lambda: dev.initialise(size),
        dev.reset,
        lambda: dev.initialise(text if "K" in text else f"{number}"),
        *(lambda name=name: dev.attrs.store(name, text) for name in ATTRIBUTES if name != "disksize"),
    ]
    for attempt in attempts:
        shown = {name: dev.attrs.show(name) for name, attribute in ATTRIBUTES.items() if attribute.show}
        try:
            attempt()
        except ZramError:
            assert {name: dev.attrs.show(name) for name in shown} == shown
    dev.close()
