"""A device that is dropped without close()."""

import time
from contextlib import suppress
from pathlib import Path

import pytest

from zram_impl import Zram, ZramError

PATIENCE = 20


@pytest.mark.parametrize("initialised", [True, False])
def test_a_dropped_device_warns_and_lets_its_file_go(tmp_path: Path, *, initialised: bool) -> None:
    path = tmp_path / "pages.img"
    held = [Zram()]
    held[0].set_backing(path, "64K")
    if initialised:
        held[0].initialise("64K")
    with pytest.warns(ResourceWarning, match=f"dropped without close.*{path}"):
        held.clear()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:  # a thread closes it
        with suppress(ZramError):
            Zram.create("64K", backing=path).close()
            return
        time.sleep(0.01)
    pytest.fail(f"{path} is still held")
