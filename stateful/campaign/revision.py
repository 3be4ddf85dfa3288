"""The revision of the sources that a campaign tests: a digest, so that it needs no version control and no commit.

Of our packages, and of the package or module that the device is from: two workers with the same revision do the same.
"""

from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import Final

PACKAGES: Final = ("spec", "stateful", "zram_impl")
SUFFIXES: Final = (".py", ".so")
"""Of files that are code."""
_BYTES: Final = 6


@lru_cache(maxsize=8)
def revision(device: str) -> str:
    """Return the revision of the sources of a device and of what tests it."""
    digest = blake2b(digest_size=_BYTES)
    for package in dict.fromkeys((*PACKAGES, device.partition(".")[0].partition(":")[0])):
        for name, path in sorted(_files(package)):
            digest.update(f"{package}/{name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _files(package: str) -> Iterator[tuple[str, Path]]:
    """Yield the sources of a package with their names inside it, or the one of a module."""
    found = find_spec(package)
    assert found is not None, f"{package} can be imported"
    if found.submodule_search_locations is None:
        if found.origin is not None and found.origin.endswith(SUFFIXES):
            yield "", Path(found.origin)
        return
    for place in found.submodule_search_locations:
        for path in Path(place).rglob("*"):
            if path.suffix in SUFFIXES and path.is_file():
                yield str(path.relative_to(place)), path
