"""comp_algorithm, recomp_algorithm and algorithm_params: what they take, and in which order they refuse."""

import errno
import os
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, page
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError

LIST = "lz4 lz4hc zstd deflate "
EINVAL, EBUSY, E2BIG, ERANGE = errno.EINVAL, errno.EBUSY, errno.E2BIG, errno.ERANGE


def code_of(dev: Zram, name: str, text: str) -> int | None:
    try:
        dev.attrs.store(name, text)
    except ZramError as error:
        return error.errno
    return 0


@pytest.mark.parametrize("name", ["lz4", "lz4hc", "zstd", "deflate"])
def test_a_device_works_with_any_algorithm(name: str) -> None:
    bench = Bench(algorithm=name)
    assert bench.dev.attrs.show("comp_algorithm") == LIST.replace(f"{name} ", f"[{name}] ") + "\n"
    bench.store(0, 1, 2)
    assert bench.dev.writeback(pages=[1]).written == 1
    assert [bench.dev.read_page(number) for number in range(3)] == [page(number) for number in range(3)]


def test_recompression_algorithms_are_shown_by_priority() -> None:
    dev = Zram()
    assert dev.attrs.show("recomp_algorithm") == ""
    dev.attrs.store("recomp_algorithm", "algo=zstd\n")
    dev.attrs.store("recomp_algorithm", "priority=3 algo=deflate")
    assert dev.attrs.show("recomp_algorithm") == "#1: lz4 lz4hc [zstd] deflate \n#3: lz4 lz4hc zstd [deflate] \n"
    assert dev.algorithms == ("lz4", "zstd", None, "deflate")


REFUSED = [
    ("recomp_algorithm", "zstd", EINVAL),
    ("recomp_algorithm", "priority=1", EINVAL),
    ("recomp_algorithm", "algo=zstd priority=0", EINVAL),
    ("recomp_algorithm", "algo=zstd priority=4", EINVAL),
    ("recomp_algorithm", "algo=zstd priority=x", EINVAL),
    ("recomp_algorithm", "algo=zstd priority=99999999999", ERANGE),
    ("recomp_algorithm", "algo=none-such", EINVAL),
    ("recomp_algorithm", f"algo={'z' * 200}", E2BIG),
    ("recomp_algorithm", "algo=zstd foo=1", EINVAL),
    ("algorithm_params", "level", EINVAL),
    ("algorithm_params", "level=x", EINVAL),
    ("algorithm_params", "priority=4 level=1", EINVAL),
    ("algorithm_params", "priority=-1 level=1", EINVAL),
    ("algorithm_params", "algo=zstd level=1", EINVAL),
    ("algorithm_params", "algo=lz4 priority=1", EINVAL),
    ("algorithm_params", "dict=/no/such/file", errno.ENOENT),
    ("algorithm_params", "dict=/dev/null/x", errno.ENOTDIR),
    ("algorithm_params", f"dict=/{'x' * 256}", errno.ENAMETOOLONG),
    ("algorithm_params", "dict=/dev/zero", EINVAL),
    ("algorithm_params", "dict=/", EINVAL),
    ("algorithm_params", "foo=1", EINVAL),
]


@pytest.mark.parametrize(("name", "text", "code"), REFUSED)
def test_what_is_refused_changes_nothing(name: str, text: str, code: int) -> None:
    dev = Zram()
    assert code_of(dev, name, text) == code
    assert (dev.attrs.show("recomp_algorithm"), dev.algorithms) == ("", ("lz4", None, None, None))


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("recomp_algorithm", "algo=zstd", EBUSY),
        ("recomp_algorithm", "algo=none-such", EINVAL),
        ("algorithm_params", "level=1", EBUSY),
        ("algorithm_params", "priority=9", EBUSY),
        ("algorithm_params", "dict=/no/such/file", EBUSY),
        ("algorithm_params", "level=x", EINVAL),
    ],
)
def test_a_live_device_is_busy_after_the_text_is_read(name: str, text: str, code: int) -> None:
    assert code_of(Bench().dev, name, text) == code


def test_with_the_quirk_an_unknown_key_is_ignored() -> None:
    dev = Zram(quirks=Quirks(unknown_keys_ignored=True))
    assert code_of(dev, "recomp_algorithm", "foo=1 algo=zstd") == 0
    assert code_of(dev, "algorithm_params", "foo=1 algo=zstd") == 0


def test_parameters_are_those_of_a_priority_or_of_an_algorithm(tmp_path: Path) -> None:
    sizes = []
    for params in ("", "algo=zstd level=22", "priority=2 dict={}", "algo=zstd priority=2 level=1\n"):
        dictionary = tmp_path / "dictionary"
        dictionary.write_bytes(page(7))
        dev = Zram()
        dev.set_algorithm("deflate")
        dev.set_recomp_algorithm("zstd", 2)
        if params:
            dev.attrs.store("algorithm_params", params.format(dictionary))
        dev.initialise("64K")
        assert dev.disk is not None
        sizes.append(len(dev.disk.comps[2].compress(page(7))))
        dev.close()
    assert sizes[2] < min(sizes[0], sizes[1], sizes[3])


def test_parameters_replace_all_earlier_ones_of_their_priority() -> None:
    dev = Zram()
    dev.set_algorithm_params(dictionary=page(1))
    dev.set_algorithm_params(level=1)
    dev.initialise("64K")
    dev.write_page(0, page(1))
    plain = Zram.create("64K")
    plain.write_page(0, page(1))
    assert dev.stats.mm.compr_data_size == plain.stats.mm.compr_data_size


def test_parameters_that_cannot_work_are_found_when_the_device_is_initialised() -> None:
    dev = Zram()
    dev.set_algorithm("deflate")
    dev.attrs.store("algorithm_params", "deflate.winbits=99")
    with pytest.raises(
        ZramError, match="algorithm deflate cannot be used with level None, dictionary of None"
    ) as found:
        dev.initialise("64K")
    assert (found.value.errno, dev.pages) == (EINVAL, 0)
    dev.set_algorithm_params(winbits=12)
    dev.initialise("64K")
    dev.close()


def test_a_dictionary_may_be_given_as_bytes_or_as_a_path(tmp_path: Path) -> None:
    path = tmp_path / "dictionary"
    path.write_bytes(page(3))
    for source in (page(3), path, str(path)):
        dev = Zram()
        dev.set_algorithm_params(algorithm="lz4", dictionary=source)
        dev.initialise("64K")
        dev.write_page(0, page(3))
        assert (dev.stats.mm.compr_data_size < 30, dev.read_page(0)) == (True, page(3))
        dev.close()


def test_a_dictionary_that_is_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert code_of(Zram(), "algorithm_params", f"dict={tmp_path / 'pipe'}") == EINVAL


def test_a_reset_goes_back_to_the_default_algorithm_alone() -> None:
    dev = Zram()
    dev.set_algorithm("zstd")
    dev.set_recomp_algorithm("deflate")
    dev.set_algorithm_params(level=3, dictionary=bytes(range(256)))
    dev.initialise("64K")
    dev.reset()
    assert dev.algorithms == ("lz4", None, None, None)
    dev.initialise("64K")
    dev.write_page(0, bytes(range(256)) * (PAGE_SIZE // 256))
    assert dev.stats.mm.compr_data_size > 200
    dev.close()


@pytest.mark.parametrize("priority", [0, 4, -1, True, "1", None])
def test_a_priority_of_recompression_is_1_to_3(priority: int) -> None:
    with pytest.raises(ZramError, match="is not in 1 to 3") as caught:
        Zram().set_recomp_algorithm("zstd", priority)
    assert caught.value.errno == EINVAL


@pytest.mark.parametrize("level", [1.5, "3", 1 << 31, -(1 << 31), True])
def test_a_level_is_a_whole_number(level: int) -> None:
    with pytest.raises(ZramError, match=r"level .* is not in -2147483647 to 2147483647"):
        Zram().set_algorithm_params(level=level)
