"""The operations of users: one vocabulary for every technique, and the executor that does them on any device.

A technique generates operations in its own way (steps of Hypothesis, rules of a machine, numbers of a token) and judges
what they return in its own way. What differs on purpose, because it describes something else, is listed in docs/map.md.
"""

from typing import Final, Literal, NamedTuple, TypeAlias

from stateful.common.stamped_pages import same_filled, stamped
from stateful.seam.protocol import LimitedDevice, MarkingDevice, PassReport, SystemUnderTest
from zram_impl.units import PAGE_SIZE

PageKind = Literal["comp", "huge", "same"]
"""Kind of a page that is written: compressible, not compressible, or same-filled."""


class WritePage(NamedTuple):
    """Write a page."""

    page: int
    kind: PageKind = "comp"


class DiscardPages(NamedTuple):
    """Discard some pages."""

    first: int
    pages: int = 1


class ReadPage(NamedTuple):
    """Read a page."""

    page: int


class MarkIdle(NamedTuple):
    """Mark every page idle."""


class SetLimit(NamedTuple):
    """Store the limit in blocks, and switch it on; None: switch it off."""

    blocks: int | None


class RunPass(NamedTuple):
    """Write back by mode, or the pages named."""

    mode: str | None
    named: tuple[int, ...] = ()


UserOperation: TypeAlias = WritePage | DiscardPages | ReadPage | MarkIdle | SetLimit | RunPass


def needed(operation: UserOperation) -> str:
    """Return the capability that a device needs for an operation, "" where every device can do it."""
    match operation:
        case MarkIdle() | RunPass(str()):
            return "modes"
        case SetLimit():
            return "limit"
        case _:
            return ""


def page_of(page: int, kind: PageKind, generation: int) -> bytes:
    """Return what writing number `generation` stores in `page`; no two have the same content."""
    return same_filled(generation) if kind == "same" else stamped(page, generation, huge=kind == "huge")


def apply(device: SystemUnderTest, operation: UserOperation, content: bytes = b"") -> bytes | PassReport | None:
    """Do an operation; return the page that was read, or the account of the pass.

    `content` is what a write stores. The device must have the capability that the operation needs.
    """
    match operation:
        case WritePage(page):
            device.write(page, content)
        case DiscardPages(first, pages):
            for page in range(first, first + pages):
                device.discard(page)
        case ReadPage(page):
            return device.read(page)
        case MarkIdle():
            assert isinstance(device, MarkingDevice), "it has the capability modes"
            device.mark_idle()
        case SetLimit(blocks):
            assert isinstance(device, LimitedDevice), "it has the capability limit"
            device.set_limit(blocks)
        case RunPass(mode, named):
            if mode is None:
                return device.writeback(list(named))
            assert isinstance(device, MarkingDevice), "it has the capability modes"
            return device.writeback_mode(mode)
    return None


class User:
    """The one user of a device, or several who take turns.

    Attributes:
        content: What every page must contain.
    """

    def __init__(self, device: SystemUnderTest, pages: int) -> None:
        self.device: Final = device
        self.content = [bytes(PAGE_SIZE)] * pages
        self._generation = 0

    def do(self, operation: UserOperation) -> bytes | PassReport | None:
        """Do an operation and return its answer; a page that is written has a content that none had before."""
        match operation:
            case WritePage(page, kind):
                self._generation += 1
                content = page_of(page, kind, self._generation)
                apply(self.device, operation, content)
                self.content[page] = content
                return None
            case DiscardPages(first, pages):
                pages = min(pages, len(self.content) - first)
                apply(self.device, DiscardPages(first, pages))
                self.content[first : first + pages] = [bytes(PAGE_SIZE)] * pages
                return None
            case _:
                return apply(self.device, operation)

    def run(self, operation: RunPass) -> PassReport:
        """Run a pass and return its account."""
        report = self.do(operation)
        assert isinstance(report, PassReport), f"a pass must return a PassReport, got {report!r:.60}"
        return report

    def reads_back(self, page: int) -> bool:
        """Read a page; return whether it is what was last written to it."""
        return self.do(ReadPage(page)) == self.content[page]
