"""Tasks for tests of the runner."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from spec.mutate.kill import SpecFate
from spec.mutate.mutants import SpecMutant
from spec.processes.interrupts import scratch
from spec.processes.runner import ProcessTask, Send, run


def double(number: int, send: Send) -> int:
    send(f"about to double {number}")
    return 2 * number


def debug(_send: Send) -> bool:
    return __debug__


def crash(_send: Send) -> None:
    raise LookupError("no such thing")


def exit_with_seven(_send: Send) -> None:
    sys.stderr.write("1\n2\n3\n4\n")
    sys.exit(7)


def terminate(_send: Send) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def say_and_die(pids: Path, send: Send) -> None:
    note(pids, [os.getpid()])
    send("about to die")
    die(send)


def die(_send: Send) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def return_with_a_thread_that_stays(_send: Send) -> str:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return "done"


def judge_one_and_die(mutants: Sequence[SpecMutant], send: Send, **_how: object) -> None:
    send(SpecFate(mutants[0].name, "broken"))
    die(send)


def meet(mine: Path, theirs: Path, _send: Send) -> None:
    mine.touch()
    while not theirs.exists():
        time.sleep(0.01)


def work_with_children_and_files(pids: Path, send: Send) -> None:
    """Have two child processes, one of which ignores SIGTERM, and a temporary directory; clean up nothing."""
    ignore = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    children = [subprocess.Popen([sys.executable, "-c", text]) for text in ("import time; time.sleep(60)", ignore)]
    Path(tempfile.mkdtemp(), "file").touch()
    note(pids, [os.getpid(), *(child.pid for child in children)])
    send("ready")
    time.sleep(60)


def main() -> int:
    """Be a command with a temporary directory and a task that has child processes."""
    with scratch("mine-"):
        run([ProcessTask(partial(work_with_children_and_files, Path(sys.argv[1])))], lambda _index, _ended: None)
    return 0


def clean_up(pids: Path, send: Send) -> None:
    try:
        note(pids, [os.getpid()])
        send("ready")
        time.sleep(60)
    except KeyboardInterrupt:
        pids.with_name("cleaned-up").touch()
        raise


def hang(pids: Path, send: Send) -> None:
    note(pids, [os.getpid()])
    send("ready")
    while True:
        with suppress(KeyboardInterrupt):
            time.sleep(60)


def run_one_that_hangs(pids: Path, send: Send) -> None:
    """Run a task of its own, which ends by nothing but SIGKILL."""
    run([ProcessTask(partial(hang, pids))], lambda _index, _ended: None, lambda _index, text: send(text))


def note(pids: Path, numbers: list[int]) -> None:
    """Write the numbers in one step, so that nobody reads half of them."""
    pids.with_suffix(".new").write_text(" ".join(map(str, numbers)), encoding="utf-8")
    pids.with_suffix(".new").rename(pids)
