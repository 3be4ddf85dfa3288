"""The package's face: its names, and a day in the life of a device on a real file."""

from pathlib import Path

import pytest

import zram_impl
from tests.impl.doubles import huge, page, same
from zram_impl import PAGE_SIZE, Quirks, WritebackResult, Zram, ZramError
from zram_impl.sysfs import Attributes


def test_the_public_names() -> None:
    assert sorted(zram_impl.__all__) == [
        "PAGE_SIZE",
        "Quirks",
        "RecompressResult",
        "WritebackResult",
        "Zram",
        "ZramError",
        "ZramTypeError",
        "__version__",
    ]
    assert [zram_impl.PAGE_SIZE, zram_impl.Zram, zram_impl.ZramError] == [PAGE_SIZE, Zram, ZramError]


def test_attributes_are_those_of_the_device() -> None:
    dev = Zram()
    assert isinstance(dev.attrs, Attributes)
    dev.attrs.store("writeback_batch_size", "7")
    assert (dev.batch_size, dev.attrs.show("writeback_batch_size")) == (7, "7\n")


@pytest.mark.parametrize("quirks", [Quirks(), Quirks.linux_7_3()], ids=["ours", "driver"])
def test_pages_go_to_a_real_file_and_come_back(tmp_path: Path, quirks: Quirks) -> None:
    path = tmp_path / "pages.img"
    contents = [page(0), huge(1), same(2), *(page(n) if n % 3 else huge(n) for n in range(3, 100))]
    with Zram.create("1M", backing=str(path), backing_size="1M", quirks=quirks) as dev:
        dev.write_pages(0, b"".join(contents))
        dev.mark_idle()
        assert dev.writeback("idle") == WritebackResult(selected=99, written=99)
        into = bytearray(100 * PAGE_SIZE)
        dev.read_pages_into(0, into)
        assert bytes(into) == b"".join(contents)
        assert (dev.stats.bd, dev.stats.mm.compr_data_size) == ((99, 99, 99), 0)
        dev.discard(0, 100 * PAGE_SIZE)
        assert (dev.stats.bd.bd_count, dev.stats.mm.orig_data_size) == (0, 0)
    assert path.stat().st_size == 1 << 20
