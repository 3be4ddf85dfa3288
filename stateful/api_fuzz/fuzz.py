"""Any input, however bad, is taken or refused with an errno of the driver's, and a refusal changes nothing.

Every public method of the device is called with arguments of any kind, every attribute is stored any text, on devices
that are new, in use, or closed again. Inputs are drawn from a seed, each by its own number, so that any can be
repeated: a finding names its seed and number.
"""

import errno
import inspect
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from stateful.api_fuzz.values import PAGES, PLAUSIBLE, SIZE, Draw, anything, attribute_name, number, size, text
from stateful.common.inside import inside
from stateful.common.recount import both_counts
from stateful.jobs.runner import JobResult, Report
from stateful.seam.chosen import chosen
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import open_file
from zram_impl.bdev.memory import MemoryDevice
from zram_impl.engine.sync import SyncEngine
from zram_impl.parsing.kstrto import parse_size
from zram_impl.policy.keeper import Keeper
from zram_impl.sysfs import ATTRIBUTES

ERRNOS: Final = frozenset({
    errno.EINVAL, errno.EBUSY, errno.ENOMEM, errno.ENOENT, errno.EACCES, errno.EISDIR, errno.ENOTBLK, errno.ENOTDIR,
    errno.ELOOP, errno.ENAMETOOLONG, errno.EPERM, errno.EROFS, errno.E2BIG, errno.ERANGE, errno.ENODEV, errno.EIO,
    errno.ENOSPC, errno.EAGAIN, errno.EFBIG, errno.ENXIO,
})  # fmt: skip
"""Errnos that the driver, or the opening of a file, can answer."""

# Not called: they take the device away from the caller, or give the inside of it.
_LEFT_OUT: Final = frozenset({"close", "create"})
_LARGEST_FILE: Final = 1 << 20
_SMALLEST_TOO_LARGE: Final = 1 << 58
_MOST_PAGES: Final = 256
"""Of a device that is looked at: an input may well have made a large one."""

Call = tuple[str, Callable[[Zram], object]]


class InputFinding(NamedTuple):
    """An input that was neither taken nor refused as it should be."""

    number: int
    call: str
    what: str


def methods() -> Mapping[str, inspect.Signature]:
    """Return every public method of the device that arguments can be handed to."""
    found = {}
    for name, method in inspect.getmembers(chosen().zram or Zram, inspect.isfunction):
        signature = inspect.signature(method)
        if not name.startswith("_") and name not in _LEFT_OUT and len(signature.parameters) > 1:
            found[name] = signature
    return found


def draw(rng: random.Random, signatures: Mapping[str, inspect.Signature]) -> Call:
    """Return one call and what it looks like."""
    kind = rng.randrange(10)
    if kind < 4:  # noqa: PLR2004  (two fifths are stores)
        attribute = attribute_name(rng)
        stored = _bounded(text(rng)) if attribute == "disksize" else text(rng)
        return f"store {attribute} {stored!a}", lambda dev: dev.attrs.store(attribute, stored)
    if kind == 4:  # noqa: PLR2004  (a kind by its number)
        odd, also = rng.choice((anything(rng), attribute_name(rng))), anything(rng)
        if rng.randrange(4):
            return f"store {said(odd)} {said(also)}", partial(_store, odd, also)
        return f"show {said(odd)}", partial(_show, odd)
    if kind == 5:  # noqa: PLR2004  (a kind by its number)
        chosen = [name for name in _CREATE if rng.randrange(3)]
        made = {name: _CREATE[name](rng) if rng.randrange(3) else anything(rng) for name in chosen}
        return f"create({_listed(made)})", partial(_create, made)
    name = rng.choice(list(signatures))
    keywords = dict[str, object]()
    for parameter in list(signatures[name].parameters.values())[1:]:
        optional = parameter.default is not parameter.empty
        if optional and rng.randrange(2):
            continue
        plausible = PLAUSIBLE.get(parameter.name, anything)
        value = plausible(rng) if rng.randrange(5) else anything(rng)
        if parameter.name == "progress" and callable(value):
            continue  # what a caller's own function raises is raised again
        keywords[parameter.name] = value
    return f"{name}({_listed(keywords)})", partial(_make, name, keywords)


def _make(name: str, arguments: Mapping[str, object], dev: Zram) -> None:
    """Make a call, and end the task that it may have begun."""
    begun = getattr(dev, name)(**arguments)
    if isinstance(begun, Keeper):
        begun.stop()


_CREATE: Final[Mapping[str, Draw]] = {
    "size": size,
    "backing": lambda _rng: MemoryDevice(4),
    "backing_size": size,
    "algorithm": text,
    "batch_size": number,
    "quirks": lambda _rng: Quirks(),
    "runtime": lambda _rng: None,
    "observer": lambda _rng: None,
}


def _create(arguments: Mapping[str, object], _dev: Zram) -> None:
    """Make another device and let it go; nothing is opened by a path here."""
    chosen = {"size": 1, **arguments}
    if isinstance(chosen.get("backing"), (str, os.PathLike)):
        chosen["backing"] = None
    if isinstance(chosen["size"], int) and _LARGEST_FILE < chosen["size"] < _SMALLEST_TOO_LARGE:
        chosen["size"] = _LARGEST_FILE
    Zram.create(**chosen).close()  # type: ignore[arg-type]  # that is what is tried


def _bounded(text: str) -> str:
    """Return `text`, unless it is a size that this machine might have the memory for and nobody wants to wait for."""
    try:
        size = parse_size(text)
    except ZramError:
        return text
    return text if size < _LARGEST_FILE or size > _SMALLEST_TOO_LARGE else "64K"


def _store(name: object, value: object, dev: Zram) -> None:
    dev.attrs.store(name, value)  # type: ignore[arg-type]  # that is what is tried


def _show(name: object, dev: Zram) -> None:
    dev.attrs.show(name)  # type: ignore[arg-type]  # that is what is tried


def _listed(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={said(value)}" for name, value in arguments.items())


def said(value: object) -> str:
    """Return a value of any kind in a line."""
    try:
        return repr(value)[:60]
    except Exception:  # some have no repr
        return f"<{type(value).__name__}>"


class Trial:
    """A device, made anew as often as it is worn out, and what is done to it."""

    def __init__(self, directory: Path, rng: random.Random) -> None:
        self._directory, self._rng = directory, rng
        self.dev = chosen().blank()
        self.made = 0

    def renew(self) -> None:
        """Take another device: in use, with every kind of slot, or as good as new."""
        self.dev.close()
        self.made += 1
        self.dev = dev = chosen().blank(
            engine=lambda device, _runtime: SyncEngine(device, depth=4), open_backing=self._open_backing
        )
        if self.made % 3 == 0:
            return
        dev.set_recomp_algorithm("deflate")
        if self.made % 3 == 1:
            dev.set_backing(MemoryDevice(4))
        dev.set_compressed_writeback(self.made % 2 == 0)
        dev.initialise(SIZE)
        for index, content in enumerate((b"a" * PAGE_SIZE, self._rng.randbytes(PAGE_SIZE), b"text" * 9, b"more")):
            dev.write_page(index, content.ljust(PAGE_SIZE, b"."))
        dev.mark_idle()
        if self.made % 3 == 1:
            dev.writeback(pages=[1, 2])
        dev.set_mem_limit(3 * PAGE_SIZE)

    def _open_backing(self, path: str | os.PathLike[str], size: int | None) -> BackingDevice:
        """Open a file as ever, but one that lies here and is small."""
        if size is not None and size > _LARGEST_FILE:
            raise ZramError(errno.ENOSPC, "too large for a test")
        inside = os.fsdecode(path).replace("..", "").lstrip("/")
        return open_file(os.path.join(self._directory, inside) if inside else inside, size=size)

    def fingerprint(self) -> object:
        """Return everything there is to see of the device; looking is no access."""
        dev = self.dev
        shown_now = [attribute.show(dev) for attribute in ATTRIBUTES.values() if attribute.show is not None]
        pages = inside(dev).pages
        if pages is None:
            return shown_now
        return shown_now, dev.snapshot(), dev.block_state(), [pages.peek_page(index) for index in range(pages.pages)]

    def judge(self, call: Callable[[Zram], object]) -> str | None:
        """Make a call; return what is wrong with its outcome."""
        before = self.fingerprint()
        try:
            call(self.dev)
        except ZramError as refused:
            if refused.errno not in ERRNOS:
                return f"refused with errno {refused.errno}: {refused}"
            if not _had_begun(refused) and _without_counters(self.fingerprint()) != _without_counters(before):
                return f"refused, but something has changed: {refused}"
        except Exception as error:  # the search is for calls that raise something else
            return f"raised {type(error).__name__}: {error}"
        if self.dev.pages <= _MOST_PAGES:
            had, counted = both_counts(self.dev)
            if had != counted:
                return f"statistics are {had}, a recount gives {counted}"
        return None


def _had_begun(refused: ZramError) -> bool:
    """Return whether work was done before the errno: that of a pass, or of the pages of a call that came first."""
    return "Result(" in str(refused) or refused.errno in (errno.ENOMEM, errno.EIO)


def _without_counters(fingerprint: object) -> object:
    """Leave out io_stat and bd_stat: a write that fails is counted as one, and may have read."""
    if isinstance(fingerprint, tuple):
        return _without_counters(fingerprint[0]), fingerprint[1:]
    assert isinstance(fingerprint, list), "what is shown"
    return [line for name, line in zip(_SHOWN, fingerprint, strict=True) if name not in ("io_stat", "bd_stat")]


_SHOWN: Final = [name for name, attribute in ATTRIBUTES.items() if attribute.show is not None]


@contextmanager
def _trial(seed: str) -> Iterator[Trial]:
    with tempfile.TemporaryDirectory(prefix="zram-") as directory:
        trial = Trial(Path(directory), random.Random(seed))
        try:
            yield trial
        finally:
            trial.dev.close()


def inputs(
    seed: int, count: int, report: Callable[[int], None] = lambda _done: None, *, first: int = 0
) -> list[InputFinding]:
    """Try `count` inputs, from number `first` on; return at most ten findings; `report` gets how many are done.

    Inputs share a device as long as it stays usable, but not beyond a group of fifty: so number N is repeated by
    beginning with the group it is in.
    """
    signatures, found = methods(), list[InputFinding]()
    for group in range(first // GROUP, -(-(first + count) // GROUP)):
        with _trial(f"{seed}:{group}") as trial:
            trial.made = group
            trial.renew()
            for number in range(group * GROUP, min((group + 1) * GROUP, first + count)):
                if trial.dev.pages > _MOST_PAGES or (trial.dev.pages != PAGES and trial.made % 3):
                    trial.renew()
                text, call = draw(random.Random(f"{seed}:{number}"), signatures)
                wrong = trial.judge(call)
                if wrong is not None:
                    found.append(InputFinding(number, text, wrong))
                    trial.renew()
        report(min((group + 1) * GROUP, first + count))
        if len(found) >= _ENOUGH:
            break
    return found


GROUP: Final = 50
_ENOUGH: Final = 10


class TryInputs(Protocol):
    """`inputs`, or what does the same for another device."""

    def __call__(self, seed: int, count: int, report: Callable[[int], None], *, first: int) -> list[InputFinding]:
        """Try `count` inputs, from number `first` on."""
        ...


def check(tried: TryInputs, seed: int, first: int, count: int, report: Report) -> JobResult:
    """Try inputs as a job of the command line."""
    done = tried(seed, count, lambda number: report(f"{number - first:,} of {count:,} inputs"), first=first)
    if not done:
        return JobResult(True, f"{count:,} inputs, all taken or refused")
    listed = "\n".join(f"input {each.number} of seed {seed}: {each.call}\n    {each.what}" for each in done)
    return JobResult(False, f"{len(done)} inputs were neither taken nor refused as they should be", listed)
