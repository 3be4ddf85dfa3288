"""comp_algorithm, recomp_algorithm and algorithm_params: what they take, and in which order they refuse."""

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.impl.doubles import Bench, page
from tests.refused import refused
from zram_impl import PAGE_SIZE, Quirks, Zram, ZramError
from zram_impl.block_layer import Node

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
        sizes.append(len(dev._life.live().pages.comps[2].compress(page(7))))
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


def test_unusable_parameters_are_refused_at_initialisation() -> None:
    dev = Zram()
    dev.set_algorithm("deflate")
    dev.attrs.store("algorithm_params", "deflate.winbits=99")
    with refused(EINVAL, "algorithm deflate cannot be used with level None, dictionary of None"):
        dev.initialise("64K")
    assert dev.pages == 0
    dev.set_algorithm_params(winbits=12)
    dev.initialise("64K")
    dev.close()


# An algorithm's level that it has not: the device can be initialised once it is dropped.
BAD_LEVEL = {"lz4": 0, "lz4hc": 17, "zstd": 23, "deflate": 10}


def prepared(name: str, priority: int, quirks: Quirks | None = None) -> Zram:
    """A device whose algorithm of a priority has a bad level, and all others of which are good."""
    dev = Zram(quirks=quirks)
    if priority:
        dev.set_recomp_algorithm(name, priority)
    else:
        dev.set_algorithm(name)
    dev.set_algorithm_params(priority, level=BAD_LEVEL[name])
    return dev


@pytest.mark.parametrize("priority", range(4))
@pytest.mark.parametrize("name", list(BAD_LEVEL))
def test_storing_an_algorithm_drops_its_parameters(name: str, priority: int) -> None:
    """The driver's answers of p1_params_dropped, zr_params and params_by_priority: even the same name drops them.

    They stayed, so that the device could not be initialised, or packed pages with another algorithm's level.
    """
    dev = prepared(name, priority)
    dev.set_recomp_algorithm("lz4", (1 if priority != 1 else 2))
    assert code_of(dev, "disksize", "64K") == EINVAL
    attribute, text = (
        ("comp_algorithm", name) if not priority else ("recomp_algorithm", f"algo={name} priority={priority}")
    )
    assert code_of(dev, attribute, text) == 0
    assert code_of(dev, "disksize", "64K") == 0


@pytest.mark.parametrize("priority", range(4))
@pytest.mark.parametrize("attribute", ["comp_algorithm", "recomp_algorithm", "algorithm_params"])
def test_a_refused_store_keeps_the_parameters(attribute: str, priority: int) -> None:
    """The driver's answers of params_by_priority: a name, a priority or a word that is refused drops nothing."""
    dev = prepared("deflate", priority)
    texts = {
        "comp_algorithm": ["none-such", "z" * 200],
        "recomp_algorithm": [f"algo=none-such priority={priority}", "algo=zstd priority=4", "algo=zstd priority=x"],
        "algorithm_params": [f"priority={priority} algo=zstd level=1", "priority=4", f"priority={priority} level=x"],
    }
    for text in texts[attribute]:
        assert code_of(dev, attribute, text)
    with pytest.raises(ZramError, match="dictionary must be bytes or a path, got"):
        dev.set_algorithm_params(priority, dictionary=5)  # type: ignore[arg-type]  # on purpose
    assert code_of(dev, "disksize", "64K") == EINVAL


def test_an_algorithm_in_use_keeps_its_parameters() -> None:
    dev = Zram()
    dev.set_algorithm_params(dictionary=page(1))
    dev.initialise("64K")
    assert code_of(dev, "comp_algorithm", "lz4") == EBUSY
    dev.write_page(0, page(1))
    assert dev.stats.mm.compr_data_size < 40


UNREADABLE = ["missing", "", "empty", "/dev/null", "file/below", "x" * 256, "nul\0", "pipe"]


@pytest.mark.parametrize("priority", range(4))
@pytest.mark.parametrize("path", UNREADABLE)
def test_a_dictionary_that_cannot_be_read_drops_parameters(path: str, priority: int, tmp_path: Path) -> None:
    """The driver's answers of p3_failed_dictionary_drops and dictionary_paths: they are dropped before it is read.

    They stayed, as those of any store that is refused.
    """
    (tmp_path / "empty").touch()
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe")
    dev = prepared("deflate", priority)
    with pytest.raises(ZramError):
        dev.set_algorithm_params(priority, dictionary=tmp_path / path)
    assert code_of(dev, "disksize", "64K") == 0


def test_a_dictionary_above_two_gigabytes_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(1 << 31)
    assert code_of(Zram(), "algorithm_params", f"dict={path}") == errno.EFBIG


DICTIONARIES = [
    ("deflate", 1, errno.EOPNOTSUPP),
    ("deflate", 4096, errno.EOPNOTSUPP),
    ("lz4", 1, EINVAL),
    ("lz4", 7, EINVAL),
    ("lz4", 8, 0),
    ("lz4hc", 1, 0),
    ("lz4hc", 65537, 0),
    ("zstd", 1, 0),
]


@pytest.mark.parametrize("priority", [0, 2])
@pytest.mark.parametrize(("name", "size", "code"), DICTIONARIES)
def test_the_quirk_refuses_the_drivers_dictionaries(name: str, size: int, code: int, priority: int) -> None:
    """The driver's answers of zm_deflate_dict, zm_lz4_small_dict and dictionary_sizes; here each of them works."""
    codes = []
    for quirks in (Quirks(), Quirks(dictionaries_limited=True)):
        with Zram(quirks=quirks) as dev:
            dev.set_recomp_algorithm(name, 2)
            if not priority:
                dev.set_algorithm(name)
            dev.set_algorithm_params(priority, dictionary=bytes(range(256)) * 300 if size > 4096 else bytes(size))
            codes.append(code_of(dev, "disksize", "64K"))
    assert codes == [0, code]


def test_the_quirk_refuses_a_dictionary_before_a_level() -> None:
    dev = Zram(quirks=Quirks(dictionaries_limited=True))
    dev.set_algorithm("deflate")
    dev.set_algorithm_params(level=10, dictionary=b"x")
    assert code_of(dev, "disksize", "64K") == errno.EOPNOTSUPP


def test_a_dictionary_lz4hc_has_no_room_for_fails_every_page() -> None:
    """The driver's answers of dictionary_sizes: only pages that need no algorithm are stored; each refusal counts."""
    dev = Zram(quirks=Quirks(dictionaries_limited=True))
    dev.set_algorithm("lz4hc")
    dev.set_algorithm_params(dictionary=bytes(range(256)) * 256 + b"x")
    dev.initialise("64K")
    dev.write_page(1, bytes(PAGE_SIZE))
    calls: list[Callable[[], object]] = [
        lambda: dev.write_page(0, page(1)),
        lambda: dev.write_pages(0, page(1) + page(2)),
        lambda: dev.write(5, b"x"),
        lambda: Node(dev).open().pwrite(page(1), 0),
    ]
    for number, call in enumerate(calls, start=1):
        with refused(EINVAL if number < 4 else errno.EIO):
            call()
        assert dev.stats.io.failed_writes == number
    assert (dev.read_page(0), dev.read_page(1), dev.stats.mm.compr_data_size) == (bytes(PAGE_SIZE), bytes(PAGE_SIZE), 0)


@pytest.mark.parametrize("priority", range(4))
def test_the_quirk_forgets_algorithms_with_a_refused_size(priority: int) -> None:
    """The driver's answers of size_refused and size_refused_recomp; here what is refused can be mended."""
    dev = prepared("deflate", priority)
    names = dev.algorithms
    assert (code_of(dev, "disksize", "64K"), dev.algorithms) == (EINVAL, names)
    dev = prepared("deflate", priority, Quirks(algorithms_reset_by_refusal=True))
    assert (code_of(dev, "disksize", "15E"), dev.algorithms) == (errno.ENOMEM, names)
    assert (code_of(dev, "disksize", "16E"), dev.algorithms) == (EINVAL, names)
    assert (code_of(dev, "disksize", "64K"), dev.algorithms) == (EINVAL, ("lz4", None, None, None))
    assert code_of(dev, "disksize", "64K") == 0


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
    with refused(EINVAL, "priority must be 1 to 3, got"):
        Zram().set_recomp_algorithm("zstd", priority)


@pytest.mark.parametrize("level", [1.5, "3", 1 << 31, -(1 << 31), True])
def test_a_level_is_a_whole_number(level: int) -> None:
    with pytest.raises(ZramError, match=r"level must be -2147483647 to 2147483647, got"):
        Zram().set_algorithm_params(level=level)


@pytest.mark.parametrize(
    ("name", "level", "taken"),
    [
        *[("lz4", -5, 1), ("lz4", 0, 1), ("lz4", 7, 7), ("lz4hc", 0, 9), ("lz4hc", -1, 9), ("lz4hc", 17, 16)],
        *[("lz4hc", 1, 1), ("zstd", 23, 22), ("zstd", -131073, -131072), ("zstd", 5, 5), ("deflate", 9, 9)],
    ],
)
def test_level_that_an_algorithm_lacks_was_the_nearest_one(name: str, level: int, taken: int) -> None:
    """Recordings levels_lz4, levels_lz4hc and levels_zstd of linux-7.2."""
    quirks = Quirks.linux("7.2")
    found = []
    for number in (level, taken):
        with Zram(quirks=quirks) as dev:
            dev.set_algorithm(name)
            dev.set_algorithm_params(level=number)
            dev.initialise("64K")
            dev.write_page(0, page(3))
            found.append(dev.stats.mm.compr_data_size)
    assert found[0] == found[1]
    with Zram(quirks=replace(quirks, levels_unchecked=False)) as dev:
        dev.set_algorithm(name)
        dev.set_algorithm_params(level=level)
        assert code_of(dev, "disksize", "64K") == (0 if level == taken else EINVAL)


def test_level_of_deflate_was_always_checked() -> None:
    assert code_of(prepared("deflate", 0, Quirks.linux("7.2")), "disksize", "64K") == EINVAL


def test_deflate_had_no_use_for_a_dictionary() -> None:
    """Recording dictionary_sizes of linux-7.2: pages are as large as without one."""
    sizes = []
    for dictionary in (None, page(3)):
        with Zram(quirks=Quirks.linux("7.2")) as dev:
            dev.set_algorithm("deflate")
            dev.set_algorithm_params(dictionary=dictionary)
            dev.initialise("64K")
            dev.write_page(0, page(3))
            sizes.append(dev.stats.mm.compr_data_size)
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize(("path", "code"), [("/nowhere/at/all", errno.ENOENT), ("a" * 5000, errno.ENAMETOOLONG)])
def test_reason_that_a_dictionary_cannot_be_read_was_hidden(path: str, code: int) -> None:
    """Recordings params_order and dictionary_paths of linux-7.2."""
    for version, expected in (("7.3.4", code), ("7.2", EINVAL)):
        dev = Zram(quirks=Quirks.linux(version))
        with refused(expected):
            dev.set_algorithm_params(dictionary=path)


def test_size_that_is_nothing_once_rounded_had_no_memory() -> None:
    """Recording size_zero of linux-7.2; the state is looked at first."""
    for version, expected in (("7.3.4", EINVAL), ("7.2", errno.ENOMEM)):
        with Zram(quirks=Quirks.linux(version)) as dev:
            assert [code_of(dev, "disksize", size) for size in ("16E", "0")] == [expected, EINVAL]
            dev.initialise("64K")
            assert code_of(dev, "disksize", "16E") == errno.EBUSY
