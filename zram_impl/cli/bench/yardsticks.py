"""Other programs with the same disk and the same pages; those that this machine lacks are named."""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import Final, NamedTuple

import lz4.block

from zram_impl.cli.bench.apart import run_watched
from zram_impl.cli.corpus import mixed_pages
from zram_impl.cli.stop import Stop
from zram_impl.units import PAGE_SIZE

_PATIENCE: Final = 60
_FILE: Final = "64M"
_LZ4_PAGES: Final = 2048
_FIO: Final = {
    "fio psync 4k": ("psync", "write", 4, 1),
    "fio psync 128k": ("psync", "write", 128, 1),
    "fio libaio 4k, depth 32": ("libaio", "write", 4, 32),
    "fio libaio 4k random, depth 32": ("libaio", "randwrite", 4, 32),
    "fio libaio 128k, depth 4": ("libaio", "write", 128, 4),
    "fio io_uring 4k, depth 32": ("io_uring", "write", 4, 32),
    "fio io_uring 4k random, depth 32": ("io_uring", "randwrite", 4, 32),
    "fio io_uring 128k, depth 4": ("io_uring", "write", 128, 4),
}


class Yardstick(NamedTuple):
    """A rate in pages a second, or None and why."""

    name: str
    rate: float | None
    why: str = ""

    @property
    def shown(self) -> str:
        """The rate, or why it is missing."""
        return f"{self.rate:,.0f}" if self.rate is not None else f"not measured: {self.why}"


def yardsticks(seconds: float, directory: str | None, stop: Stop) -> list[Yardstick]:
    """Measure each for about `seconds`."""
    return [*_bare_lz4(stop), *_fio(seconds, directory, stop)]


def _bare_lz4(stop: Stop) -> Iterator[Yardstick]:
    pages = mixed_pages(_LZ4_PAGES)
    stop.check()
    began = perf_counter()
    objects = [lz4.block.compress(page, "default", False) for page in pages]
    yield Yardstick("lz4, compress", len(pages) / (perf_counter() - began))
    began = perf_counter()
    for each in objects:
        lz4.block.decompress(each, PAGE_SIZE)
    yield Yardstick("lz4, decompress", len(pages) / (perf_counter() - began))


def _fio(seconds: float, directory: str | None, stop: Stop) -> Iterator[Yardstick]:
    with fio(directory, stop) as measure:
        for name in _FIO:
            stop.check()
            yield measure(name, seconds)


@contextmanager
def fio(directory: str | None, stop: Stop) -> Iterator[Callable[[str, float], Yardstick]]:
    """Lend what measures one of fio's yardsticks, by its name, for about so many seconds, on a file in `directory`."""
    program = shutil.which("fio")
    if program is None:
        yield lambda name, _seconds: Yardstick(name, None, "fio is not installed")
        return
    folder = tempfile.mkdtemp(prefix="zram-impl-", dir=directory)

    def measure(name: str, seconds: float) -> Yardstick:
        engine, order, size, depth = _FIO[name]
        return _measured(name, [program, *_job(file, engine, order, size, depth), *_for(seconds)], stop)

    try:
        file = os.path.join(folder, "fio")
        # Written once: blocks that a file system has yet to find would be measured, too.
        run_watched([program, *_job(file, "psync", "write", 1024, 1)], stop, _PATIENCE)
        yield measure
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _job(file: str, engine: str, order: str, size: int, depth: int) -> Sequence[str]:
    return (
        "--name=yardstick", f"--filename={file}", f"--size={_FILE}", f"--ioengine={engine}", f"--rw={order}",
        f"--bs={size}k", f"--iodepth={depth}", "--direct=1", "--output-format=json",
    )  # fmt: skip


def _for(seconds: float) -> Sequence[str]:
    return "--time_based", f"--runtime={max(200, round(4000 * seconds))}ms"


def _measured(name: str, command: Sequence[str], stop: Stop) -> Yardstick:
    done = run_watched(command, stop, _PATIENCE)
    if done.returncode:
        return Yardstick(name, None, (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[0])
    # What precedes the report are notes.
    report = json.loads(done.stdout[done.stdout.index("{") :])
    return Yardstick(name, report["jobs"][0]["write"]["bw_bytes"] / PAGE_SIZE)
