"""The production runtime: native locks and daemon threads."""

import subprocess
import sys
import threading
import time

import pytest

from tests.impl.doubles import PATIENCE
from tests.refused import raising
from zram_impl.runtime import BootClock, Rank, ThreadRuntime, clock_since_boot

RUNTIME = ThreadRuntime()


def test_ranks_go_from_control_to_engine() -> None:
    assert sorted(Rank) == [Rank.CONTROL, Rank.PASS, Rank.TABLE, Rank.ENGINE]


def test_a_lock_keeps_others_out_until_it_is_left() -> None:
    lock, inside, order = RUNTIME.lock("table", Rank.TABLE), threading.Event(), list[str]()

    def other() -> None:
        inside.set()
        with lock:
            order.append("other")

    with lock:
        task = RUNTIME.spawn(other, "other")
        assert inside.wait(PATIENCE)
        order.append("holder")
    task.join(PATIENCE)
    assert order == ["holder", "other"]


def test_a_condition_wakes_who_waits_for_what_came_true() -> None:
    condition, state = RUNTIME.condition("engine", Rank.ENGINE), list[str]()

    def other() -> None:
        with condition:
            state.append("true")
            condition.notify_all()

    with condition:
        task = RUNTIME.spawn(other, "other")
        assert condition.wait_for(lambda: bool(state), PATIENCE)
    task.join(PATIENCE)
    assert not task.is_alive()


def test_waiting_ends_with_false_when_the_time_is_over() -> None:
    condition = RUNTIME.condition("engine", Rank.ENGINE)
    with condition:
        assert not condition.wait_for(lambda: False, 0)


def test_a_task_is_a_daemon_thread_of_its_name() -> None:
    seen: list[tuple[str, bool]] = []

    def note() -> None:
        me = threading.current_thread()
        seen.append((me.name, me.daemon))

    RUNTIME.spawn(note, "zram-writer-7").join(PATIENCE)
    assert seen == [("zram-writer-7", True)]


def test_only_the_main_thread_is_interruptible() -> None:
    answers: list[bool] = []
    RUNTIME.spawn(lambda: answers.append(RUNTIME.interruptible()), "other").join(PATIENCE)
    assert (RUNTIME.interruptible(), answers) == (True, [False])


def test_the_clock_never_goes_back() -> None:
    times = [RUNTIME.now() for _ in range(100)]
    assert times == sorted(times)


AN_HOUR_ASLEEP = """
import time

boot = time.clock_gettime
asleep = 0
time.clock_gettime = lambda clock: boot(clock) + (asleep if clock == time.CLOCK_BOOTTIME else 0)
from zram_impl import PAGE_SIZE, Zram

with Zram.create("64K") as dev:
    dev.write_page(0, bytes(range(256)) * 16)
    dev.write_page(1, bytes(range(256)) * 16)
    asleep = 3600
    time.sleep(0.01)  # until tasks run again
    dev.read_page(1)
    dev.mark_idle(age_seconds=60)
    print(dev.block_state())
"""


def test_a_suspend_counts_towards_the_age_of_a_page() -> None:
    """An hour of suspend left every page as young as before.

    The clock was time.monotonic, which stands still during a suspend; the driver counts the time since boot.
    """
    done = subprocess.run([sys.executable, "-c", AN_HOUR_ASLEEP], capture_output=True, text=True, check=True)
    states = [line.split() for line in done.stdout.splitlines() if line]
    assert [(number, "i" in flags) for number, _seconds, flags in states] == [("0", True), ("1", False)]


def test_now_is_the_time_since_boot() -> None:
    assert isinstance(RUNTIME.now, BootClock)
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert before <= RUNTIME.now() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_a_kernel_without_a_clock_since_boot_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "clock_gettime", raising(OSError))
    assert clock_since_boot() is time.monotonic


def test_a_python_without_a_clock_since_boot_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert clock_since_boot() is time.monotonic
