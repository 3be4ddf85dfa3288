"""Pages of this device beside those of the kernel's, both driven from Python: by the page and by the MiB.

Time of the clock: what the kernel does for a call counts.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from zram_impl.cli.bench.kernel_zram import PIECE, kernel_zram
from zram_impl.cli.pairing import Paired, paired, timed
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE
from zram_impl.zram import Zram


class KernelCosts(NamedTuple):
    """Each against the kernel's device, the yardstick; seconds for all pages."""

    write_page: Paired
    read_page: Paired
    write_piece: Paired
    read_piece: Paired


def kernel_costs(pages: Sequence[bytes], rounds: int, stop: Stop) -> KernelCosts:
    """Measure with `pages`, whole pieces of them; OSError when there is no kernel device to be had."""
    data = b"".join(pages)
    with kernel_zram(data) as kernel, Zram.create(len(data)) as device:
        ours = _OurCalls(device, pages, data)

        def compare(yardstick: Callable[[int], None], size: int, measured: Callable[[], None]) -> Paired:
            return paired(timed(lambda _: yardstick(size)), timed(lambda _: measured()), 1, rounds, stop)

        return KernelCosts(
            write_page=compare(kernel.write, PAGE_SIZE, ours.write),
            read_page=compare(kernel.read, PAGE_SIZE, ours.read),
            write_piece=compare(kernel.write, PIECE, ours.write_pieces),
            read_piece=compare(kernel.read, PIECE, ours.read_pieces),
        )


class _OurCalls:
    """This device, with the same calls."""

    def __init__(self, device: Zram, pages: Sequence[bytes], data: bytes) -> None:
        self._device, self._pages = device, pages
        self._pieces = [memoryview(data)[at : at + PIECE] for at in range(0, len(data), PIECE)]
        self._into = bytearray(PIECE)

    def write(self) -> None:
        write_page = self._device.write_page
        for index, page in enumerate(self._pages):
            write_page(index, page)

    def read(self) -> None:
        read_page = self._device.read_page
        for index in range(len(self._pages)):
            read_page(index)

    def write_pieces(self) -> None:
        for number, piece in enumerate(self._pieces):
            self._device.write_pages(number * PIECE // PAGE_SIZE, piece)

    def read_pieces(self) -> None:
        for number in range(len(self._pieces)):
            self._device.read_pages_into(number * PIECE // PAGE_SIZE, self._into)
