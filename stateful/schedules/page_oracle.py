"""The expected content of every page at every instant: changes happen when the device reports them, under its lock."""

from collections.abc import Callable

from zram_impl import PAGE_SIZE

Change = Callable[[bytes], bytes]
"""From what a page contains to what it will contain."""


class ExpectedPages:
    """The pages as their users know them.

    Attributes:
        content: What each page contains now.
    """

    def __init__(self, pages: int) -> None:
        self.content = [bytes(PAGE_SIZE)] * pages
        self._intended: dict[object, dict[int, Change]] = {}
        self._reading: dict[object, tuple[int, set[bytes]]] = {}

    def intend(self, task: object, page: int, change: Change) -> None:
        """Note the change that `task` is going to make to a page."""
        self._intended[task] = {page: change}

    def happened(self, task: object, page: int) -> None:
        """Apply the intended change: it has just happened."""
        self.content[page] = self._intended[task][page](self.content[page])
        for reading, seen in self._reading.values():
            if reading == page:
                seen.add(self.content[page])

    def read(self, task: object, page: int, read: Callable[[int], bytes]) -> None:
        """Read a page: the result must be a content that it had during the read."""
        seen = {self.content[page]}
        self._reading[task] = page, seen
        try:
            content = read(page)
        finally:
            del self._reading[task]
        assert content in seen, f"a_read_ends_with_a_value_the_page_held: page {page} returned bytes it never had"

    def check(self, read: Callable[[int], bytes]) -> None:
        """Read every page back."""
        for page, content in enumerate(self.content):
            assert read(page) == content, f"pages_read_back: page {page} is not what was last written to it"

    def owner(self, content: bytes) -> int:
        """Return which page has a content, the last one that does; -1 for no page."""
        # Compared, which ends where they differ: to look it up all of it would be hashed.
        for page in range(len(self.content) - 1, -1, -1):
            if self.content[page] == content:
                return page
        return -1


def overwrite(content: bytes) -> Change:
    """Return the change that writes a whole page."""
    return lambda _before: content


def patch(at: int, data: bytes) -> Change:
    """Return the change that writes a part of a page."""
    return lambda before: before[:at] + data + before[at + len(data) :]
