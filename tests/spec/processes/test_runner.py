"""Tasks in processes of their own: what they return, how they end, and that nothing of them is left."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import pytest

from spec.processes import interrupts
from spec.processes.interrupts import Interrupted
from spec.processes.runner import STOP_SECONDS, Ended, ProcessTask, Send, run
from tests.spec.processes import trial_tasks

SIGNALS = pytest.mark.parametrize("number", interrupts.SIGNALS, ids=lambda number: number.name)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # killed, and not yet collected by the process that has inherited it


def wait_for(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def assert_gone(pids: Path) -> None:
    numbers = list(map(int, pids.read_text().split()))
    assert numbers
    wait_for(lambda: not any(map(is_alive, numbers)))


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for temporary files: empty when the test is over, and signals are handled as before."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    before = [signal.getsignal(number) for number in interrupts.SIGNALS]
    yield tmp_path
    assert list(folder.iterdir()) == []
    assert [signal.getsignal(number) for number in interrupts.SIGNALS] == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) & set(interrupts.SIGNALS) == set()


def collected(*tasks: ProcessTask) -> dict[int, Ended]:
    found: dict[int, Ended] = {}
    run(tasks, lambda index, ended: found.update({index: ended}))
    return found


def test_results_and_messages_come_with_the_index(scratch: Path) -> None:
    del scratch
    messages: list[tuple[int, object]] = []
    results: dict[int, object] = {}
    run(
        [ProcessTask(partial(trial_tasks.double, number)) for number in range(4)],
        lambda index, ended: results.update({index: ended.result}),
        lambda index, message: messages.append((index, message)),
    )
    assert results == {0: 0, 1: 2, 2: 4, 3: 6}
    assert sorted(messages, key=str) == [(number, f"about to double {number}") for number in range(4)]


def test_every_way_to_end_is_reported(scratch: Path) -> None:
    del scratch
    found = collected(
        ProcessTask(trial_tasks.crash),
        ProcessTask(trial_tasks.exit_with_seven),
        ProcessTask(trial_tasks.die),
        ProcessTask(trial_tasks.return_with_a_thread_that_stays),
    )
    assert [found[index].code for index in range(4)] == [1, 7, -signal.SIGKILL, 0]
    assert found[0].last_words().startswith("no answer: exit code 1\n")
    assert found[0].last_words().endswith("\nLookupError: no such thing")
    assert found[1].last_words().splitlines() == ["no answer: exit code 7", "2", "3", "4"]
    assert found[3].result == "done"
    assert found[3].seconds < 30


def test_a_task_out_of_time_is_killed(scratch: Path) -> None:
    pids = scratch / "pids"
    found = collected(ProcessTask(partial(trial_tasks.work_with_children_and_files, pids), seconds=2))
    assert found[0].code is None
    assert found[0].last_words() == "no answer: stopped after 2 s"
    assert_gone(pids)


def test_tasks_run_side_by_side(scratch: Path) -> None:
    a, b = scratch / "a", scratch / "b"
    found = collected(
        ProcessTask(partial(trial_tasks.meet, a, b), 60), ProcessTask(partial(trial_tasks.meet, b, a), 60)
    )
    assert [found[index].code for index in range(2)] == [0, 0]


def test_ticks_name_the_tasks_under_way(scratch: Path) -> None:
    a, b = scratch / "a", scratch / "b"
    seen: set[tuple[int, ...]] = set()

    def tick(running: Mapping[int, float]) -> None:
        seen.add(tuple(running))
        if len(running) == 2:
            b.touch()

    tasks = [
        ProcessTask(partial(trial_tasks.meet, a, b)),
        ProcessTask(partial(trial_tasks.meet, a, b)),
        ProcessTask(trial_tasks.crash),
    ]
    run(tasks, lambda _index, _ended: None, tick=tick)
    assert (0, 1) in seen


@pytest.mark.parametrize(
    ("task", "raised"),
    [
        (trial_tasks.work_with_children_and_files, KeyboardInterrupt),
        (trial_tasks.clean_up, SystemExit),
        (trial_tasks.hang, ValueError),
    ],
)
def test_an_exception_of_a_callback_leaves_nothing(
    scratch: Path, task: Callable[[Path, Send], None], raised: type[BaseException]
) -> None:
    pids = scratch / "pids"

    def received(_index: int, _message: object) -> None:
        raise raised

    began = time.monotonic()
    with pytest.raises(raised):
        run([ProcessTask(partial(task, pids))], lambda _index, _ended: None, received)
    assert time.monotonic() - began < STOP_SECONDS + 30
    assert_gone(pids)
    assert (scratch / "cleaned-up").exists() == (task is trial_tasks.clean_up)


@SIGNALS
def test_a_signal_ends_the_tasks_and_leaves_nothing(scratch: Path, number: signal.Signals) -> None:
    pids = scratch / "pids"

    def received(_index: int, _message: object) -> None:
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)

    tasks = [ProcessTask(partial(trial_tasks.work_with_children_and_files, pids))] * 2
    with pytest.raises(Interrupted) as caught:
        run(tasks, lambda _index, _ended: None, received)
    assert caught.value.number == number
    assert_gone(pids)


@SIGNALS
def test_a_task_that_a_signal_ended_too_has_no_answer(number: signal.Signals, scratch: Path) -> None:
    """A search was killed as it began, and said that it had run out of memory, with exit code 1."""
    pids, answers = scratch / "pids", list[Ended]()

    def received(_index: int, _message: object) -> None:
        assert_gone(pids)
        os.kill(os.getpid(), number)

    task = ProcessTask(partial(trial_tasks.say_and_die, pids))
    with pytest.raises(Interrupted) as caught:
        run([task], lambda _index, ended: answers.append(ended), received)
    assert (caught.value.number, answers) == (number, [])


def test_a_task_of_a_task_does_not_outlive_a_signal(scratch: Path) -> None:
    """A task was killed while it still waited for its own, which then ran on until it looked for signals again."""
    pids = scratch / "pids"
    task = ProcessTask(partial(trial_tasks.run_one_that_hangs, pids))
    with pytest.raises(Interrupted):
        run([task], lambda _index, _ended: None, lambda _index, _message: os.kill(os.getpid(), signal.SIGTERM))
    assert [pid for pid in map(int, pids.read_text().split()) if is_alive(pid)] == []


COMMAND = "from spec.processes.entry import run; run('tests.spec.processes.trial_tasks')"


@pytest.fixture
def command(scratch: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that has a temporary directory and a task with child processes, all of them under way."""
    environment = {
        **os.environ,
        "TMPDIR": str(scratch / "scratch"),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(scratch / "pids")], stderr=subprocess.PIPE, env=environment, text=True
    ) as started:
        wait_for((scratch / "pids").exists)
        yield started


@SIGNALS
def test_a_command_ends_by_a_signal_with_its_exit_code(
    scratch: Path, command: subprocess.Popen[str], number: signal.Signals
) -> None:
    command.send_signal(number)
    assert command.communicate()[1] == "interrupted\n"
    assert command.returncode == 128 + number
    assert_gone(scratch / "pids")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a task ends when it sends its next message")
def test_a_task_ends_when_its_parent_is_killed(scratch: Path, command: subprocess.Popen[str]) -> None:
    command.kill()
    command.wait()
    task, *others = map(int, (scratch / "pids").read_text().split())
    wait_for(lambda: not is_alive(task))
    for pid in filter(is_alive, others):
        os.kill(pid, signal.SIGKILL)
    for left in (scratch / "scratch").iterdir():  # nobody is left who could have removed it
        subprocess.run(["rm", "-r", str(left)], check=True)
