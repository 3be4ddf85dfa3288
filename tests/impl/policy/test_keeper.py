"""A device kept within a budget: what is written back, who waits and for how long, and how it ends."""

import errno
import gc
import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator

import pytest

from tests.impl.aside import Aside
from tests.impl.doubles import PATIENCE, Clock, Gate, HookedDevice, huge, page
from tests.refused import refused
from zram_impl import PAGE_SIZE, Zram, ZramError
from zram_impl.bdev.device import BackingDevice
from zram_impl.pages.page_io import Pages
from zram_impl.policy.coldest import ColdestFirst
from zram_impl.policy.keeper import Keeper
from zram_impl.policy.protocol import MemoryUse, Plan

PAGES = 64


@pytest.fixture
def dev() -> Iterator[Zram]:
    with Zram.create(PAGES * PAGE_SIZE, backing=HookedDevice(PAGES)) as made:
        yield made


def until(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "it was to happen"
        time.sleep(0.002)


class Nothing:
    """A policy that plans nothing, or what it is given."""

    def __init__(self, *plans: Plan) -> None:
        self.plans = list(plans)
        self.seen: list[MemoryUse] = []

    def plan(self, memory: MemoryUse, /) -> Plan:
        self.seen.append(memory)
        return self.plans.pop(0) if self.plans else Plan()


def test_writers_that_outrun_it_see_no_enomem(dev: Zram) -> None:
    with dev.keep_within(8 * PAGE_SIZE) as keeper:
        for index in range(PAGES):
            dev.write_page(index, huge(index))
        assert dev.stats.mm.compr_data_size <= 8 * PAGE_SIZE
        assert keeper.metrics.written >= PAGES - 8
    assert (keeper.metrics.writers.refused, keeper.metrics.writers.waiting, keeper.metrics.failed) == (0, 0, 0)
    assert [dev.read_page(index) for index in range(PAGES)] == [huge(index) for index in range(PAGES)]


def test_bulk_and_partial_writes_wait_as_well(dev: Zram) -> None:
    with dev.keep_within(8 * PAGE_SIZE) as keeper:
        dev.write_pages(0, b"".join(map(huge, range(32))))
        dev.write(5, huge(99)[: 20 * PAGE_SIZE - 5])
        for index in range(32, 48):
            dev.write(index * PAGE_SIZE + 1, huge(index)[1:])
        assert keeper.metrics.writers.waits > 0
    expected = bytearray(b"".join(map(huge, range(32))))
    expected[5 : 5 + PAGE_SIZE] = huge(99)
    assert dev.read(0, 32 * PAGE_SIZE) == bytes(expected)[: 32 * PAGE_SIZE]
    assert dev.read_page(47) == b"\0" + huge(47)[1:]


def test_the_coldest_go_first_and_of_these_the_largest() -> None:
    clock = Clock()
    with Zram.create(PAGES * PAGE_SIZE, backing=HookedDevice(PAGES), runtime=clock) as dev:
        for index in range(4):
            dev.write_page(index, page(index))
        dev.write_page(4, huge(4))
        clock.seconds += 10
        dev.write_page(5, huge(5))
        dev.read_page(0)
        clock.seconds += 10
        policy = Nothing(Plan(idle_seconds=15, free=PAGE_SIZE + 1))
        with dev.keep_within("1M", policy) as keeper:
            until(lambda: keeper.metrics.rounds)
        backed = [line.split()[0] for line in dev.block_state().splitlines() if "w" in line.split()[-1]]
        assert "4" in backed
        assert not {"0", "5"} & set(backed)
        assert keeper.metrics.written == 2


def test_what_is_not_idle_stays_if_idle_alone_is_asked_for(dev: Zram) -> None:
    for index in range(4):
        dev.write_page(index, huge(index))
    dev.mark_idle()
    dev.read_page(2)
    with dev.keep_within("1M", Nothing(Plan(free=1 << 20, idle_only=True))) as keeper:
        until(lambda: keeper.metrics.rounds)
        assert (keeper.metrics.written, keeper.metrics.obstacle) == (3, None)
    assert dev.stats.bd.bd_count == 3


def test_the_writeback_limit_holds_and_a_writer_learns_of_it(dev: Zram) -> None:
    dev.set_writeback_limit(3)
    dev.enable_writeback_limit(True)
    with dev.keep_within(4 * PAGE_SIZE), refused(errno.ENOMEM, r"exceed mem_limit.*; .*writeback_limit"):
        dev.write_pages(0, b"".join(map(huge, range(PAGES))))
    assert (dev.stats.bd.bd_writes, dev.writeback_limit) == (3, 0)
    assert dev.stats.io.failed_writes == 1


def test_a_full_backing_device_is_no_reason_to_wait_for_long() -> None:
    with Zram.create(PAGES * PAGE_SIZE, backing=HookedDevice(2)) as dev, dev.keep_within(4 * PAGE_SIZE, patience=60):
        began = time.monotonic()
        with refused(errno.ENOMEM, "backing device is full"):
            dev.write_pages(0, b"".join(map(huge, range(8))))
        assert time.monotonic() - began < PATIENCE


def test_a_failing_backing_device_is_said_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    blocks = HookedDevice(PAGES)

    def fail(block: int) -> None:
        raise OSError(errno.EIO, f"block {block}")

    blocks.before_write = fail
    with caplog.at_level(logging.INFO, "zram_impl.policy"), Zram.create("256K", backing=blocks) as dev:
        with dev.keep_within(4 * PAGE_SIZE) as keeper, pytest.raises(ZramError, match="could not be written: EIO"):
            dev.write_pages(0, b"".join(map(huge, range(8))))
        assert keeper.metrics.failed > 0
    assert "nothing can be written back: page" in caplog.text
    assert "no longer keeping" in caplog.text


def test_a_writer_has_so_much_patience_and_says_so(dev: Zram) -> None:
    with dev.keep_within(PAGE_SIZE, Nothing(), patience=0.05) as keeper:
        dev.write_page(0, huge(0))
        with refused(errno.ENOMEM, r"exceed mem_limit 4096; no room within 0.05 s"):
            dev.write_page(1, huge(1))
        assert dev.read_page(1) == bytes(PAGE_SIZE)
        assert keeper.metrics.writers[1:] == (1, 0.0, 1)


def test_a_writer_may_have_no_patience(dev: Zram) -> None:
    with dev.keep_within(PAGE_SIZE, Nothing(), patience=0):
        dev.write_page(0, huge(0))
        with pytest.raises(ZramError, match=r"no room within 0 s"):
            dev.write_page(1, huge(1))


def test_a_writer_that_waits_is_refused_when_a_policy_fails(dev: Zram) -> None:
    class Fails(Nothing):
        def plan(self, memory: MemoryUse, /) -> Plan:  # type: ignore[explicit-override]  # typing has it from 3.12 on
            if memory.waiting:
                raise ValueError("a defect of a policy")
            return super().plan(memory)

    dev.set_mem_limit(PAGE_SIZE)
    dev.keep_within(PAGE_SIZE, Fails(), patience=60)
    dev.write_page(0, huge(0))
    with pytest.raises(ZramError, match="the keeper was stopped"):
        Aside(lambda: dev.write_page(1, huge(1))).join()


def test_a_writer_that_waits_is_refused_when_it_stops(dev: Zram) -> None:
    found: list[str] = []
    dev.set_mem_limit(PAGE_SIZE)  # else there is room as soon as it has stopped

    def write() -> None:
        try:
            dev.write_page(1, huge(1))
        except ZramError as error:
            found.append(str(error))

    with dev.keep_within(PAGE_SIZE, Nothing(), patience=60) as keeper:
        dev.write_page(0, huge(0))
        writer = threading.Thread(target=write)
        writer.start()
        until(lambda: keeper.metrics.writers.waiting)
    writer.join(PATIENCE)
    assert ["the keeper was stopped" in text for text in found] == [True]


def test_holes_are_compacted_when_the_device_is_at_rest(dev: Zram) -> None:
    dev.write_pages(0, b"".join(map(huge, range(PAGES))))
    with dev.keep_within("1M") as keeper:
        dev.discard(0, 48 * PAGE_SIZE)
        until(lambda: keeper.metrics.compactions)
        assert keeper.metrics.compacted == 48 * PAGE_SIZE
    assert dev.stats.mm.pages_compacted == 48


def test_the_own_limit_holds_as_well_and_returns(dev: Zram) -> None:
    dev.set_mem_limit(2 * PAGE_SIZE)
    with dev.keep_within("64M") as keeper:
        until(lambda: keeper.metrics.memory.used == 0)
        assert dev.stats.mm.mem_limit == 2 * PAGE_SIZE
    with dev.keep_within(PAGE_SIZE):
        assert dev.stats.mm.mem_limit == PAGE_SIZE
    assert dev.stats.mm.mem_limit == dev.mem_limit == 2 * PAGE_SIZE


@pytest.mark.parametrize("end", [Zram.reset, Zram.close])
def test_it_ends_with_the_device(dev: Zram, end: Callable[[Zram], None]) -> None:
    keeper = dev.keep_within("64K")
    assert (keeper.running, repr(keeper)) == (True, "<Keeper of 65536 bytes, running>")
    end(dev)
    assert (keeper.running, repr(keeper)) == (False, "<Keeper of 65536 bytes, ended>")
    keeper.stop()


def test_it_keeps_no_device_alive() -> None:
    held = [Zram.create("64K", backing=HookedDevice(4))]
    keeper = held[0].keep_within("64K")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        held.clear()
        gc.collect()
        until(lambda: not keeper.running)


def test_one_keeps_a_device_and_another_may_follow(dev: Zram) -> None:
    with dev.keep_within("64K"), refused(errno.EBUSY, "kept within 65536 bytes already"):
        dev.keep_within("32K")
    with dev.keep_within("32K") as keeper:
        assert keeper.budget == 32768


def test_another_pass_is_waited_for(dev: Zram) -> None:
    dev.write_pages(0, b"".join(map(huge, range(8))))
    running = dev.begin_writeback(pages=[0])
    policy = Nothing(*[Plan(free=PAGE_SIZE)] * 3)
    with dev.keep_within("64K", policy) as keeper:
        until(lambda: len(policy.seen) == 1)
        assert keeper.metrics.rounds == 0
        while running.advance() != 2:
            running.wait()
        until(lambda: keeper.metrics.rounds)
    assert dev.stats.bd.bd_count >= 2


class Broken:
    """A policy with a defect."""

    def plan(self, _memory: MemoryUse, /) -> Plan:
        raise ValueError("a defect of a policy")


def test_a_policy_with_a_defect_ends_it_and_is_logged(dev: Zram, caplog: pytest.LogCaptureFixture) -> None:
    keeper = dev.keep_within("64K", Broken())
    until(lambda: not keeper.running)
    assert "a defect of a policy" in caplog.text
    assert keeper.metrics.obstacle == "the keeper has ended: ValueError: a defect of a policy"
    dev.keep_within("64K").stop()


def test_a_policy_must_answer_with_a_plan(dev: Zram, caplog: pytest.LogCaptureFixture) -> None:
    class Silent:
        def plan(self, memory: MemoryUse, /) -> Plan:
            return memory  # type: ignore[return-value]  # what a type checker would refuse

    keeper = dev.keep_within("64K", Silent())
    until(lambda: not keeper.running)
    assert "plan must return a Plan, got MemoryUse" in caplog.text


def test_a_policy_may_close_its_device(dev: Zram) -> None:
    class Closing:
        def plan(self, _memory: MemoryUse, /) -> Plan:
            dev.close()
            return Plan()

    keeper = dev.keep_within("64K", Closing())
    until(lambda: not keeper.running)
    assert dev.pages == 0


def test_without_a_thread_there_is_no_keeper() -> None:
    class Alone(Clock):
        def spawn(self, run: Callable[[], None], name: str) -> threading.Thread:  # type: ignore[explicit-override]  # typing: 3.12
            raise RuntimeError("can't start new thread")

    with Zram.create("64K", backing=HookedDevice(4), runtime=Alone()) as dev:
        dev.set_mem_limit(PAGE_SIZE)
        with refused(errno.EAGAIN, "no thread"):
            dev.keep_within("64K")
        assert dev.stats.mm.mem_limit == PAGE_SIZE
        dev.write_page(0, huge(0))
        with pytest.raises(ZramError, match=r"exceed mem_limit 4096$"):  # its own, and there is nobody to wait for
            dev.write_page(1, huge(1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((4095,), "memory must be at least 4096 bytes, got 4095"),
        (("a lot",), "size must be 0 to"),
        (("1M", object()), "policy must have a method plan"),
    ],
)
def test_bad_arguments_are_refused(dev: Zram, arguments: tuple[int, ColdestFirst], message: str) -> None:
    with refused(errno.EINVAL, message):
        dev.keep_within(*arguments)


@pytest.mark.parametrize("patience", [-1, None, float("nan"), float("inf"), "5", threading.TIMEOUT_MAX])
def test_patience_is_a_number_of_seconds(dev: Zram, patience: float) -> None:
    with pytest.raises(ZramError, match="patience must be seconds from 0"):
        dev.keep_within("1M", patience=patience)


@pytest.mark.parametrize("backing", [None, HookedDevice(4)])
def test_it_needs_pages_and_a_backing_device(backing: BackingDevice | None) -> None:
    with Zram() as dev:
        with pytest.raises(ZramError, match="not initialised"):
            dev.keep_within("1M")
        if backing is not None:
            dev.set_backing(backing)
        dev.initialise("64K")
        if backing is None:
            with refused(errno.ENODEV):
                dev.keep_within("1M")
        else:
            assert isinstance(dev.keep_within("1M"), Keeper)


def test_without_it_a_write_fails_at_once(monkeypatch: pytest.MonkeyPatch, dev: Zram) -> None:
    dev.set_mem_limit(PAGE_SIZE)
    dev.write_page(0, huge(0))
    monkeypatch.setattr(Pages, "_install_alone", lambda *_: pytest.fail("it is tried again"))
    with pytest.raises(ZramError, match=r"exceed mem_limit 4096$"):
        dev.write_page(1, huge(1))


def test_a_writer_gives_up_on_a_device_that_does_not_answer() -> None:
    gate, backing = Gate(), HookedDevice()
    backing.before_write = gate.stop
    with Zram.create(8 * PAGE_SIZE, backing=backing) as dev, dev.keep_within(2 * PAGE_SIZE, patience=0.3):
        # More than the budget, in one call, so that some of it does not fit.
        with refused(errno.ENOMEM, r"no room within 0\.3 s"):
            dev.write_pages(0, b"".join(map(huge, range(8))))
        gate.open()


class Refusing(logging.Handler):
    """A handler that raises, in place of what it is to write."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:  # type: ignore[explicit-override]  # typing has it from 3.12 on
        self.asked.append(record.levelname)
        raise OSError(errno.ENOSPC, "no room for the log")


def test_a_handler_of_logging_that_raises_changes_nothing(dev: Zram, caplog: pytest.LogCaptureFixture) -> None:
    """Its exception ended the thread: writers were never let past the budget, and `running` stayed true.

    The first line was logged before anything would have noted the end of the task, so nothing did.
    """
    handler = Refusing()
    logger = logging.getLogger("zram_impl.policy.keeper")
    caplog.set_level(logging.DEBUG, logger.name)
    logger.addHandler(handler)
    try:
        with dev.keep_within(8 * PAGE_SIZE) as keeper:
            for index in range(PAGES):
                dev.write_page(index, huge(index))
            assert (keeper.running, keeper.metrics.obstacle) == (True, None)
            assert keeper.metrics.written >= PAGES - 8
        assert not keeper.running
    finally:
        logger.removeHandler(handler)
    assert {"INFO", "DEBUG"} <= set(handler.asked)
