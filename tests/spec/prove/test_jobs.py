"""Programs are run a few at a time, stopped when they take too long, and never left behind."""

import os
import signal
import time
from pathlib import Path

import pytest

from spec.prove.jobs import Ended, Job, run
from spec.prove.verdict import Verdict


def job(program: str, seconds: float = 60.0, came: list[Ended] | None = None) -> Job:
    def read(ended: Ended) -> list[Verdict]:
        if came is not None:
            came.append(ended)
        return [Verdict("it", ended.out.strip(), "")]

    return Job("a part", ("it",), ("-c", program), (), seconds, read)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_what_programs_say_comes_with_their_job() -> None:
    jobs = [job(f"print({n})") for n in range(4)]
    came: dict[int, str] = {}
    run(jobs, lambda job, verdicts, seconds: came.update({jobs.index(job): verdicts[0].said}))
    assert came == {0: "0", 1: "1", 2: "2", 3: "3"}


def test_a_program_that_takes_too_long_is_stopped() -> None:
    came: list[Ended] = []
    began = time.monotonic()
    run([job("import time; time.sleep(60)", seconds=0.3, came=came)], lambda *_: None)
    assert time.monotonic() - began < 30
    assert came[0].code is None
    assert came[0].last_words() == "no answer: stopped after 0 s"


def test_last_words_are_the_end_of_what_was_said() -> None:
    came: list[Ended] = []
    run([job("import sys; print('1\\n2\\n3\\n4', file=sys.stderr); sys.exit(7)", came=came)], lambda *_: None)
    assert came[0].last_words().splitlines() == ["no answer: exit code 7", "2", "3", "4"]


def test_programs_run_side_by_side(tmp_path: Path) -> None:
    wait = """
import pathlib, time
pathlib.Path({mine!r}).touch()
while not pathlib.Path({theirs!r}).exists():
    time.sleep(0.01)
"""
    a, b = str(tmp_path / "a"), str(tmp_path / "b")
    ended: list[float] = []
    jobs = [job(wait.format(mine=a, theirs=b), 30), job(wait.format(mine=b, theirs=a), 30)]
    run(jobs, lambda _job, _verdicts, seconds: ended.append(seconds))
    assert len(ended) == 2
    assert max(ended) < 30


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, ValueError])
def test_nothing_is_left_behind(tmp_path: Path, interruption: type[BaseException]) -> None:
    note = tmp_path / "pid"
    lasting = job(f"import os, pathlib, time; pathlib.Path({str(note)!r}).write_text(str(os.getpid())); time.sleep(60)")
    short = job(
        f"import pathlib, time\nwhile not pathlib.Path({str(note)!r}).exists(): time.sleep(0.01)\ntime.sleep(0.1)"
    )

    def interrupt(_job: Job, _verdicts: list[Verdict], _seconds: float) -> None:
        raise interruption

    with pytest.raises(interruption):
        run([lasting, short], interrupt)
    assert not is_alive(int(note.read_text()))
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM} == set()
