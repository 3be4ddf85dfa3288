"""An algorithm is tried before a device uses it: it has to give pages back."""

import pytest

from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.compression.algorithms import Algorithm, Params
from zram_impl.device import algorithm_settings


@pytest.mark.parametrize(("dictionary", "looks"), [(None, 1), (b"d" * 64, 2)])
def test_an_algorithm_is_tried_once_for_all_devices(
    dictionary: bytes | None, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a dictionary it is tried for each device: dictionaries are not kept to know them again."""
    tried = []

    def compress(content: bytes) -> bytes:
        tried.append(content)
        return content

    def make(_params: Params) -> Algorithm:
        return Algorithm("lz4", compress, lambda data: data)

    monkeypatch.setattr(algorithm_settings, "ALGORITHMS", {"lz4": make})
    for _device in range(2):
        with Zram() as dev:
            dev.set_algorithm_params(dictionary=dictionary)
            dev.initialise(PAGE_SIZE)
    assert len(tried) == looks


def test_an_algorithm_that_damages_pages_is_always_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        algorithm_settings, "ALGORITHMS", {"lz4": lambda _params: Algorithm("lz4", bytes, lambda data: data[:-1])}
    )
    for _device in range(2):
        with Zram() as dev, pytest.raises(ZramError, match="does not give back what it was given"):
            dev.initialise(PAGE_SIZE)
