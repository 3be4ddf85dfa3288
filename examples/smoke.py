"""A package that was just installed: pages go to disk and come back."""

import sys
import tempfile

from zram_impl import PAGE_SIZE, Zram

PAGES = 64


def main() -> None:
    """Write pages, write them back, read them again."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Zram.create("1M", backing=f"{folder}/pages.img", backing_size="1M") as dev,
    ):
        for index in range(PAGES):
            dev.write_page(index, f"page {index}".encode().ljust(PAGE_SIZE, b"."))
        written = dev.writeback(pages=range(PAGES)).written
        pages = [dev.read_page(index) for index in range(PAGES)]
    assert written == PAGES, f"{written} pages were written back"
    assert all(page.startswith(f"page {index}.".encode()) for index, page in enumerate(pages))
    sys.stdout.write(f"{written} pages written back and read again\n")


if __name__ == "__main__":
    main()
