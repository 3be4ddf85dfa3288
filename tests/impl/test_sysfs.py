"""The attributes by their sysfs names: what they show, what they refuse, in which order they work."""

import errno
import os
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, HookedDevice, huge, page
from tests.refused import raising, refused
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.engine.sync import SyncEngine
from zram_impl.sysfs import ATTRIBUTES

WRITABLE = [name for name, attribute in ATTRIBUTES.items() if attribute.store is not None]
READABLE = [name for name, attribute in ATTRIBUTES.items() if attribute.show is not None]


def refusal(dev: Zram, name: str, text: str) -> ZramError:
    with pytest.raises(ZramError) as caught:
        dev.attrs.store(name, text)
    return caught.value


def test_a_path_ends_where_a_c_string_does(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    path.write_bytes(bytes(PAGE_SIZE))
    with Zram() as dev:
        dev.attrs.store("backing_dev", f"{path}\0rest")
        assert dev.attrs.show("backing_dev") == f"{path}\n"


def test_a_device_is_set_up_used_and_reset_by_text_alone(tmp_path: Path) -> None:
    path = tmp_path / "pages.img"
    path.write_bytes(bytes(4 * PAGE_SIZE))
    dev = Zram()
    for name, text in [
        ("comp_algorithm", "lz4\n"),
        ("backing_dev", f"{path}\n"),
        ("writeback_batch_size", "2\n"),
        ("compressed_writeback", "y\n"),
        ("mem_limit", "9K\n"),
        ("mem_used_max", "0\n"),
        ("writeback_limit", "9\n"),
        ("writeback_limit_enable", "1\n"),
        ("disksize", "64K\n"),
    ]:
        assert dev.attrs.store(name, text) == len(text)
    assert {name: dev.attrs.show(name) for name in READABLE} == {
        "disksize": "65536\n",
        "initstate": "1\n",
        "comp_algorithm": "[lz4] lz4hc zstd deflate \n",
        "recomp_algorithm": "",
        "backing_dev": f"{path}\n",
        "writeback_limit": "9\n",
        "writeback_limit_enable": "1\n",
        "writeback_batch_size": "2\n",
        "compressed_writeback": "1\n",
        "bd_stat": "       0        0        0\n",
        "mm_stat": "       0        0        0    12288        0        0        0        0        0\n",
        "io_stat": "       0        0 0        0\n",
        "debug_stat": "version: 1\n0        0\n",
    }
    dev.write_page(0, huge(0))
    dev.write_page(1, huge(1))
    assert refusal(dev, "writeback", "page_index=16").errno == errno.ERANGE
    dev.discard(5 * PAGE_SIZE, 2 * PAGE_SIZE)
    dev.attrs.store("compact", "1\n")
    dev.attrs.store("idle", "all\n")
    dev.attrs.store("writeback", "page_index=1\n")
    assert (dev.attrs.show("bd_stat"), dev.attrs.show("writeback_limit")) == ("       1        0        1\n", "8\n")
    assert dev.attrs.show("mm_stat").split() == ["8192", "4096", "4096", "12288", "8192", "0", "0", "1", "2"]
    assert dev.attrs.show("io_stat") == "       0        0 0        2\n"
    dev.attrs.store("reset", "1\n")
    assert [dev.attrs.show(name) for name in ("disksize", "initstate", "backing_dev")] == ["0\n", "0\n", "none\n"]
    assert {dev.attrs.show(f"{name}_stat").replace(" ", "") for name in ("mm", "bd", "io")} == {
        "0" * 9 + "\n",
        "0" * 3 + "\n",
        "0" * 4 + "\n",
    }
    assert dev.attrs.show("compressed_writeback") == "1\n"


def test_a_fresh_device_shows_the_drivers_defaults() -> None:
    attrs = Zram().attrs
    shown = {name: attrs.show(name) for name in READABLE if not name.endswith("stat")}
    assert shown == {
        "disksize": "0\n",
        "initstate": "0\n",
        "comp_algorithm": "[lz4] lz4hc zstd deflate \n",
        "recomp_algorithm": "",
        "backing_dev": "none\n",
        "writeback_limit": "0\n",
        "writeback_limit_enable": "0\n",
        "writeback_batch_size": "32\n",
        "compressed_writeback": "0\n",
    }


# What every attribute does


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name not in READABLE])
def test_what_is_write_only_is_not_shown(name: str) -> None:
    with refused(errno.EACCES, f"attribute {name} is write-only"):
        Zram().attrs.show(name)


@pytest.mark.parametrize("name", [name for name in ATTRIBUTES if name not in WRITABLE])
@pytest.mark.parametrize("text", ["1", ""])
def test_what_is_read_only_is_not_stored(name: str, text: str) -> None:
    error = refusal(Zram(), name, text)
    assert (error.errno, f"attribute {name} is read-only" in str(error)) == (errno.EACCES, True)


def test_an_unknown_name_is_answered_with_those_there_are() -> None:
    for call in (lambda: Zram().attrs.show("disk_size"), lambda: Zram().attrs.store("disk_size", "1")):
        with refused(errno.ENOENT, r"attribute must be one of disksize, initstate.*, got 'disk_size'"):
            call()


@pytest.mark.parametrize("name", WRITABLE)
def test_storing_nothing_never_reaches_the_driver(name: str) -> None:
    bench = Bench()
    before = bench.snapshot
    assert (bench.dev.attrs.store(name, ""), bench.snapshot) == (0, before)


def test_the_length_stored_is_counted_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "Seiten-ä.img"
    path.write_bytes(bytes(PAGE_SIZE))
    dev = Zram()
    assert dev.attrs.store("backing_dev", str(path)) == len(str(path).encode()) == len(str(path)) + 1
    dev.close()


def test_a_path_that_is_not_utf_8_is_taken_byte_for_byte(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/pages\xff.img"
    Path(os.fsdecode(path)).write_bytes(bytes(PAGE_SIZE))
    dev = Zram()
    assert dev.attrs.store("backing_dev", os.fsdecode(path)) == len(path)
    dev.close()


def test_a_store_of_another_type_is_refused() -> None:
    dev = Zram()
    with refused(errno.EINVAL, r"disksize must be encodable, got '64K\\ud800': surrogates not allowed"):
        dev.attrs.store("disksize", "64K\ud800")
    assert dev.pages == 0


# Refusals

INVALID, BUSY, RANGE = errno.EINVAL, errno.EBUSY, errno.ERANGE
NEW: list[tuple[str, str, int]] = [
    ("disksize", "0", INVALID),
    ("disksize", "x", INVALID),
    ("disksize", "18446744073709551615", INVALID),
    ("reset", "0", INVALID),
    ("reset", "x", INVALID),
    ("reset", "65536", RANGE),
    ("comp_algorithm", "zstd9", INVALID),
    ("comp_algorithm", "z" * 200, errno.E2BIG),
    ("backing_dev", "no/such/file", errno.ENOENT),
    ("backing_dev", "\n", errno.EISDIR),
    ("backing_dev", "a\0b", errno.ENOENT),
    ("backing_dev", "/", errno.EISDIR),
    ("backing_dev", "/dev/null", errno.ENOTBLK),
    ("idle", "all", INVALID),
    ("idle", "x", INVALID),
    ("idle", "0", INVALID),
    ("compact", "1", INVALID),
    ("mem_limit", "x", INVALID),
    ("mem_limit", "-1", INVALID),
    ("mem_used_max", "1", INVALID),
    ("mem_used_max", "x", INVALID),
    ("mem_used_max", "18446744073709551616", INVALID),
    ("compressed_writeback", "2", INVALID),
    ("compressed_writeback", "x", INVALID),
    ("writeback", "huge", INVALID),
    ("writeback", "x", INVALID),
    ("writeback_limit", "x", INVALID),
    ("writeback_limit", "-1", INVALID),
    ("writeback_limit", "18446744073709551616", INVALID),
    ("writeback_limit_enable", "yes", INVALID),
    ("writeback_batch_size", "0", INVALID),
    ("writeback_batch_size", "4294967296", INVALID),
    ("writeback_batch_size", "x", INVALID),
]
LIVE: list[tuple[str, str, int]] = [
    ("disksize", "64K", BUSY),
    ("comp_algorithm", "lz4", BUSY),
    ("backing_dev", "pages.img", BUSY),
    ("compressed_writeback", "1", BUSY),
    ("compressed_writeback", "x", INVALID),
    ("mem_limit", "abc", INVALID),
    ("mem_used_max", "1", INVALID),
    ("idle", "-1", INVALID),
    ("idle", "ALL", INVALID),
    ("writeback", "x", INVALID),
    ("writeback", "page_index=8", RANGE),
    ("writeback", "page_index=1 bogus", INVALID),
    ("writeback", "page_index=1 foo=1", INVALID),
    ("writeback_batch_size", "0", INVALID),
    ("reset", "0", INVALID),
]


@pytest.mark.parametrize(("name", "text", "code"), NEW)
def test_a_new_device_refuses_and_stays_as_it_was(name: str, text: str, code: int) -> None:
    dev = Zram()
    before = {name: dev.attrs.show(name) for name in READABLE}
    assert refusal(dev, name, text).errno == code
    assert {name: dev.attrs.show(name) for name in READABLE} == before


@pytest.mark.parametrize(("name", "text", "code"), LIVE)
def test_a_live_device_refuses_and_stays_as_it_was(name: str, text: str, code: int) -> None:
    bench = Bench().store(0, 1)
    before = bench.snapshot
    assert refusal(bench.dev, name, text).errno == code
    assert (bench.snapshot, bench.dev.batch_size) == (before, 4)


def test_without_backing_writeback_is_enodev_before_parsing() -> None:
    with Zram.create("64K") as dev:
        assert refusal(dev, "writeback", "bogus").errno == errno.ENODEV


@pytest.mark.parametrize(
    ("text", "new", "live"),
    [
        ("16E", errno.EINVAL, errno.EBUSY),
        ("18446744073709551615", errno.EINVAL, errno.EBUSY),
        ("0", errno.EINVAL, errno.EINVAL),
        ("x", errno.EINVAL, errno.EINVAL),
        ("15E", errno.ENOMEM, errno.EBUSY),
        ("8K", 0, errno.EBUSY),
    ],
)
def test_a_size_of_no_pages_is_looked_at_after_the_state(text: str, new: int, live: int) -> None:
    """The driver's answers of p4_busy_before_size, zx_order and size_refused.

    A size that rounds up to 2^64, and so to 0, was EINVAL before it was seen that there is a size already.
    """
    with Zram() as dev, Zram.create("64K") as initialised:
        assert refusal(initialised, "disksize", text).errno == live
        if new:
            assert refusal(dev, "disksize", text).errno == new
        else:
            dev.attrs.store("disksize", text)


@pytest.mark.parametrize(("name", "cut"), [("n", errno.EISDIR), ("\udcff", errno.EISDIR), ("é", errno.ENOENT)])
def test_a_path_is_what_fits_of_it(tmp_path: Path, name: str, cut: int) -> None:
    """The driver's answers of p6_path_4095.

    What is beyond 4,095 bytes does not count; it was ENAMETOOLONG, and a name beyond ASCII was counted in characters.
    """
    (tmp_path / name).write_bytes(bytes(PAGE_SIZE))
    text = f"{tmp_path}{'/' * (4095 - len(os.fsencode(f'{tmp_path}{name}')))}{name}"
    with Zram() as dev:
        assert dev.attrs.store("backing_dev", text + "x") == 4096
        assert dev.attrs.show("backing_dev") != "none\n"
    with Zram() as dev:
        assert refusal(dev, "backing_dev", "/" + text).errno == cut  # the last byte of the name does not fit


@pytest.mark.parametrize("text", ["page_index=1\udca0page_index=2", "page_index=1\udca0\udca0page_index=2 x=\u00a0"])
def test_a_byte_a0_parts_the_words_of_an_attribute(text: str) -> None:
    """The driver's answers of p5_blank_a0 and odd_bytes.

    The kernel's blanks have Latin-1's, which is a byte of many a character; only ASCII's were blanks here.
    """
    bench = Bench(quirks=Quirks(unknown_keys_ignored=True)).store(0, 1, 2, 3)
    bench.dev.attrs.store("writeback", text)
    assert bench.dev.stats.bd.bd_count == 2
    dev = Zram()
    assert refusal(dev, "algorithm_params", "level=3\udca0level=x").errno == errno.EINVAL
    dev.attrs.store("recomp_algorithm", "algo=zstd\udca0priority=2")
    assert dev.algorithms == ("lz4", None, "zstd", None)


def test_the_quirk_shows_nuls_behind_each_line() -> None:
    """The driver's answers of zr_show: as many as there are characters before the first name of the line."""
    shown = []
    for quirks in (Quirks(), Quirks(nuls_behind_algorithms=True)):
        dev = Zram(quirks=quirks)
        for priority, name in ((1, "zstd"), (3, "lz4hc")):
            dev.set_recomp_algorithm(name, priority)
        shown.append(dev.attrs.show("recomp_algorithm"))
    lines = ["#1: lz4 lz4hc [zstd] deflate \n", "#3: lz4 [lz4hc] zstd deflate \n"]
    assert shown == ["".join(lines), lines[0] + "\0" * 4 + lines[1] + "\0" * 38]


# Writeback


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EREMOTEIO])
def test_a_device_error_is_what_the_store_returns(code: int) -> None:
    backing = HookedDevice()
    backing.before_write = raising(OSError, code, "no")
    with Zram.create("64K", backing=backing, engine=lambda device, _runtime: SyncEngine(device)) as dev:
        dev.write_page(0, page(0))
        assert refusal(dev, "writeback", "page_index=0").errno == code


@pytest.mark.parametrize(("limit", "blocks", "code"), [(1, 8, errno.EIO), (9, 1, errno.ENOSPC)])
def test_a_stop_is_an_errno_and_what_was_written_stays_written(limit: int, blocks: int, code: int) -> None:
    bench = Bench(blocks=blocks).store(0, 1).limit(limit)
    error = refusal(bench.dev, "writeback", "page_indexes=0-1\n")
    assert (error.errno, bench.snapshot.bd_count) == (code, 1)
    assert "writeback 'page_indexes=0-1': WritebackResult(selected=2, written=1" in str(error)


@pytest.mark.parametrize("text", [" ", "\n", "page_index=3"])
def test_nothing_to_write_is_success(text: str) -> None:
    assert Bench(blocks=1).limit(0).dev.attrs.store("writeback", text) == len(text)


def test_a_second_writeback_is_eagain() -> None:
    bench = Bench().store(0)
    bench.dev.begin_writeback(pages=[0])
    assert refusal(bench.dev, "writeback", "huge").errno == errno.EAGAIN


def test_a_text_without_words_needs_no_pass() -> None:
    bench = Bench()
    running = bench.dev.begin_writeback(pages=[0])
    assert bench.dev.attrs.store("writeback", " \n") == 2
    assert bench.passes.running is running


def test_with_the_quirk_an_unknown_key_is_ignored() -> None:
    bench = Bench(quirks=Quirks(unknown_keys_ignored=True)).store(1)
    assert bench.dev.attrs.store("writeback", "foo=1 page_index=1") == 18
    assert bench.snapshot.bd_count == 1


def test_a_limit_is_switched_by_any_number() -> None:
    dev, shown = Zram(), list[str]()
    for text in ("2", "0", "1"):
        dev.attrs.store("writeback_limit_enable", text)
        shown.append(dev.attrs.show("writeback_limit_enable"))
    assert shown == ["1\n", "0\n", "1\n"]


def test_a_disksize_is_rounded_up_to_whole_pages() -> None:
    dev = Zram()
    dev.attrs.store("disksize", "4097")
    assert dev.attrs.show("disksize") == "8192\n"
    dev.close()


def test_a_backing_device_is_shown_by_its_name() -> None:
    dev = Zram()
    dev.set_backing(HookedDevice(name="blocks in memory"))
    assert dev.attrs.show("backing_dev") == "blocks in memory\n"
    dev.close()


def test_pages_stay_readable_through_all_of_it() -> None:
    bench = Bench().store(0, 1)
    bench.dev.attrs.store("idle", "all")
    bench.dev.attrs.store("writeback", "idle")
    assert [bench.dev.read_page(number) for number in (0, 1)] == [page(0), page(1)]
