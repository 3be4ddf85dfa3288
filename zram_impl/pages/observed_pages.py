"""The pages of a device that is observed.

An observer is called in the middle of what it observes, so an exception of a signal handler must not land in it: in the
main thread every call that reports anything is done on the shield. A device without an observer pays nothing for that.
"""

from zram_impl.pages.page_io import Pages


class ObservedPages(Pages):
    """`Pages` whose calls, in the main thread, are done on the shield."""

    def read_page(self, index: int) -> bytes:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        """Return page `index`, as `Pages.read_page`."""
        read = super().read_page
        return self._runtime.shielded(lambda _: read(index))

    def read_pages_into(self, start: int, buffer: memoryview) -> None:  # type: ignore[explicit-override]  # likewise
        """Fill `buffer`, as `Pages.read_pages_into`."""
        read = super().read_pages_into
        # Pages are read by the `read_page` above, which is not shielded once more.
        self._runtime.shielded(lambda _: read(start, buffer))

    def write_page(self, index: int, page: bytes) -> None:  # type: ignore[explicit-override]  # likewise
        """Store page `index`, as `Pages.write_page`."""
        write = super().write_page
        self._runtime.shielded(lambda _: write(index, page))

    def write_pages(self, start: int, buffer: memoryview) -> None:  # type: ignore[explicit-override]  # likewise
        """Store whole pages, as `Pages.write_pages`."""
        write = super().write_pages
        self._runtime.shielded(lambda _: write(start, buffer))

    def patch_page(self, index: int, at: int, data: bytes) -> None:  # type: ignore[explicit-override]  # likewise
        """Replace a part of a page, as `Pages.patch_page`."""
        patch = super().patch_page
        self._runtime.shielded(lambda _: patch(index, at, data))

    def free_pages(self, lo: int, hi: int) -> None:  # type: ignore[explicit-override]  # likewise
        """Free pages, as `Pages.free_pages`."""
        free = super().free_pages
        self._runtime.shielded(lambda _: free(lo, hi))

    def mark_idle(self, before: int | None) -> None:  # type: ignore[explicit-override]  # likewise
        """Mark pages idle, as `Pages.mark_idle`."""
        mark = super().mark_idle
        self._runtime.shielded(lambda _: mark(before))
