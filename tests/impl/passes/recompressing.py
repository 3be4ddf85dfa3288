"""A device with pages of every kind, for recompression."""

import random
from collections.abc import Callable

from tests.impl.doubles import Bench, huge, same
from zram_impl import PAGE_SIZE, Quirks, RecompressResult
from zram_impl.parsing.recompress_args import RecompressRequest
from zram_impl.passes.base import PassProgress, PassStage
from zram_impl.passes.recompress import RecompressPass

LETTERS = [bytes([byte]) for byte in range(64, 128)]


def letters(number: int, length: int = PAGE_SIZE) -> bytes:
    """A page that is huge to lz4, and that deflate and zstd compress to three quarters."""
    return b"".join(random.Random(number).choices(LETTERS, k=length)).ljust(PAGE_SIZE, b"\0")


def bench(*algorithms: str, pages: int = 8, quirks: Quirks | None = None, compressed: bool = False) -> Bench:
    """A device with secondary algorithms of priority 1 and so on, not written to."""
    made = Bench(pages=pages, quirks=quirks, compressed=compressed)
    made.dev.reset()
    for priority, name in enumerate(algorithms or ("deflate",), start=1):
        made.dev.set_recomp_algorithm(name, priority)
    made.dev.set_backing(made.backing)
    made.backing.closed = 0
    made.dev.initialise(pages * PAGE_SIZE)
    return made


def marks(made: Bench) -> dict[int, str]:
    """The marks of block_state, without the dots."""
    return {int(line[:12]): line[-6:].replace(".", "") for line in made.dev.block_state().splitlines()}


def filled() -> Bench:
    """Pages 0 and 1 are huge and shrink, 2 is huge and does not, 3 and 4 are small, 5 same-filled, 6 on a block."""
    made = bench()
    contents = [letters(0), letters(1), huge(2), letters(3, 20), letters(4, 2000), same(5), letters(6)]
    for index, content in enumerate(contents):
        made.dev.write_page(index, content)
    assert made.dev.writeback(pages=[6]).written == 1
    return made


def contents_of(made: Bench) -> list[bytes]:
    return [made.pages.peek_page(index) for index in range(made.dev.pages)]


def begun(made: Bench) -> RecompressPass:
    """A pass that has claimed what it will try."""
    running = made.dev.begin_recompression(RecompressRequest())
    while running.stage is PassStage.SCANNING:
        running.advance(1)
    return running


def finish(running: RecompressPass) -> RecompressResult:
    while running.advance() is not PassProgress.DONE:
        running.wait()
    return running.result


CHANGES: dict[str, Callable[[Bench], object]] = {
    "read": lambda made: made.dev.read_page(1),
    "written": lambda made: made.dev.write_page(1, letters(9)),
    "discarded": lambda made: made.dev.discard(PAGE_SIZE, PAGE_SIZE),
}
