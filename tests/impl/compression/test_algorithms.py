"""The algorithms there are: pages come back, parameters count, damage is found, no zstandard means no zstd."""

import errno
import subprocess
import sys
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.impl.aside import Aside
from tests.impl.doubles import huge, page
from zram_impl.compression.algorithms import ALGORITHMS, Algorithm, Params, _found
from zram_impl.errors import ZramError
from zram_impl.units import PAGE_SIZE

TEXT = b"".join(b"line %d of a text that is like many others\n" % n for n in range(200))[:PAGE_SIZE]
PARAMS = {
    "lz4": [Params(), Params(level=1), Params(level=8), Params(level=1 << 30), Params(dictionary=TEXT)],
    "lz4hc": [Params(), Params(level=1), Params(level=12), Params(level=16), Params(dictionary=TEXT)],
    "zstd": [Params(), Params(level=1), Params(level=22), Params(0), Params(-131072), Params(dictionary=TEXT)],
    "deflate": [Params(), Params(level=0), Params(level=9), Params(winbits=15), Params(winbits=-9), Params(None, TEXT)],
}
EVERY = [pytest.param(name, params, id=f"{name}-{n}") for name in PARAMS for n, params in enumerate(PARAMS[name])]
PAGES = st.one_of(
    st.integers(0, 99).map(huge),
    st.integers(0, 99).map(page),
    st.binary(max_size=60).map(lambda head: head.ljust(PAGE_SIZE, b"\7")),
    st.lists(st.sampled_from([TEXT[:44], bytes(30), huge(1)[:90]]), min_size=1).map(
        lambda parts: (b"".join(parts) * PAGE_SIZE)[:PAGE_SIZE]
    ),
)


def made(name: str, params: Params = Params()) -> Algorithm:  # noqa: B008  (immutable)
    return ALGORITHMS[name](params)


def test_the_table_lists_them_in_the_order_of_the_driver() -> None:
    assert list(ALGORITHMS) == ["lz4", "lz4hc", "zstd", "deflate"]
    assert [made(name).name for name in ALGORITHMS] == list(ALGORITHMS)


@pytest.mark.parametrize(("name", "params"), EVERY)
@given(content=PAGES)
def test_a_page_comes_back(name: str, params: Params, content: bytes) -> None:
    algorithm = made(name, params)
    assert algorithm.decompress(algorithm.compress(content)) == content


def test_a_harder_algorithm_packs_smaller() -> None:
    sizes = [len(made(name).compress(TEXT)) for name in ALGORITHMS]
    assert sizes[0] >= sizes[1] > max(sizes[2:])


@pytest.mark.parametrize("name", ["lz4hc", "zstd", "deflate"])
def test_a_level_counts(name: str) -> None:
    mixed = b"".join(huge(n)[:20] + TEXT[n * 31 : n * 31 + 60] for n in range(60))[:PAGE_SIZE].ljust(PAGE_SIZE, b"z")
    assert len(made(name, Params(level=9)).compress(mixed)) <= len(made(name, Params(level=1)).compress(mixed))


def test_the_level_of_lz4_is_its_acceleration() -> None:
    assert len(made("lz4", Params(level=50)).compress(TEXT)) > len(made("lz4").compress(TEXT))


@pytest.mark.parametrize("name", ["lz4", "lz4hc", "zstd", "deflate"])
def test_a_dictionary_makes_what_is_like_it_small(name: str) -> None:
    # A copy: liblz4 drops a dictionary that shares memory with the page it packs.
    with_it = made(name, Params(dictionary=TEXT[:40] + TEXT[40:], winbits=-15))
    packed = with_it.compress(TEXT)
    assert len(packed) < len(made(name).compress(TEXT)) // 2
    assert with_it.decompress(packed) == TEXT


@pytest.mark.parametrize("level", range(1, 17))
def test_every_level_of_lz4hc_uses_its_dictionary(level: int) -> None:
    """Packing with lz4hc was said to ignore a dictionary.

    What was measured was one object as page and as dictionary, the one case in which liblz4 drops it.
    """
    with_it, without = made("lz4hc", Params(level, TEXT[:40] + TEXT[40:])), made("lz4hc", Params(level))
    assert len(with_it.compress(TEXT)) < len(without.compress(TEXT)) // 2


def test_lz4hc_uses_the_end_of_a_long_dictionary() -> None:
    beginning = made("lz4hc", Params(dictionary=TEXT + bytes(65536)))
    end = made("lz4hc", Params(dictionary=bytes(65536) + TEXT))
    assert len(beginning.compress(TEXT)) == len(made("lz4hc").compress(TEXT))
    assert len(end.compress(TEXT)) < len(made("lz4hc").compress(TEXT)) // 2
    assert end.decompress(end.compress(TEXT)) == TEXT


@pytest.mark.parametrize("params", [Params(winbits=8), Params(winbits=-16), Params(winbits=31)])
def test_deflate_refuses_what_it_cannot_do(params: Params) -> None:
    with pytest.raises(ValueError, match="winbits must be"):
        made("deflate", params)


LEVELS = {"lz4": (1, (1 << 31) - 1), "lz4hc": (1, 16), "zstd": (-131072, 22), "deflate": (-1, 9)}
"""The first and the last that the driver takes: recordings levels_lz4, levels_lz4hc, levels_zstd, levels_deflate."""


@pytest.mark.parametrize("name", LEVELS)
def test_a_level_beyond_the_drivers_first_or_last_is_refused(name: str) -> None:
    first, last = LEVELS[name]
    for level in (first, last):
        made(name, Params(level=level))
    for level in (first - 1, last + 1):
        with pytest.raises(ValueError, match=f"level must be {first} to {last}, got {level}"):
            made(name, Params(level=level))


def test_a_dictionary_of_lz4_ends_where_its_window_does() -> None:
    made("lz4", Params(dictionary=bytes(65536)))
    with pytest.raises(ValueError, match="dictionary must be at most 65536 bytes, got 65537"):
        made("lz4", Params(dictionary=bytes(65537)))


@pytest.mark.parametrize(("name", "params"), EVERY)
@given(data=st.binary(max_size=80), cut=st.integers(1, 40))
def test_damage_is_eio_and_never_another_length(name: str, params: Params, data: bytes, cut: int) -> None:
    algorithm = made(name, params)
    for damaged in (data, algorithm.compress(TEXT)[:-cut]):
        try:
            found = algorithm.decompress(damaged)
        except ZramError as error:
            assert error.errno == errno.EIO  # noqa: PT017  (the other outcome is the rest of the test)
        else:
            assert len(found) == PAGE_SIZE


def test_an_object_without_an_end_is_not_followed() -> None:
    bomb = ALGORITHMS["deflate"](Params())
    packed = bomb.compress(bytes(1 << 24))
    with pytest.raises(ZramError, match="more or less of it than a page"):
        bomb.decompress(packed)


def test_threads_do_not_disturb_each_other() -> None:
    algorithm = made("zstd", Params(dictionary=TEXT))

    def wrong(first: int) -> list[int]:
        numbers = range(first, first + 200)
        return [n for n in numbers if algorithm.decompress(algorithm.compress(page(n))) != page(n)]

    threads = [Aside(partial(wrong, 1000 * n)) for n in range(4)]
    assert [each.join() for each in threads] == [[]] * 4


def test_without_its_package_zstd_is_unknown() -> None:
    assert list(_found(zstd=False)) == ["lz4", "lz4hc", "deflate"]
    program = (
        "import importlib.util as u; real = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'zstandard' else real(name, *more)\n"
        "import sys; from zram_impl import Zram, ZramError\n"
        "assert 'zstandard' not in sys.modules\n"
        "dev = Zram()\n"
        "print(dev.attrs.show('comp_algorithm'))\n"
        "try: dev.attrs.store('comp_algorithm', 'zstd')\n"
        "except ZramError as error: print(error.errno)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[lz4]", "lz4hc", "deflate", str(errno.EINVAL)]
