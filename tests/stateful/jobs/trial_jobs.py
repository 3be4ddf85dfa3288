"""Jobs for tests of jobs: they run in processes of their own, so they have to be found by import."""

import os
import signal
import tempfile
import threading
import time
from pathlib import Path

from stateful.jobs.runner import JobResult, Report

LONG = 600.0
"""Seconds nobody waits: who runs a job that long stops it."""


def good(report: Report) -> JobResult:
    report("half done")
    return JobResult(good=True, what="[red]all[/x] is well", details="in full")


def wrong(_report: Report) -> JobResult:
    return JobResult(good=False, what="one difference", details="which one")


def crashing(_report: Report) -> JobResult:
    raise LookupError("no [such] thing\nand a second line")


def dying(_report: Report) -> JobResult:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")


def leaving(_report: Report) -> JobResult:
    os._exit(7)


def working(report: Report) -> JobResult:
    """Work in a file of its own until it is stopped; lets everything go then, and says so beside the others' files."""
    with tempfile.TemporaryDirectory(prefix="working-") as own:
        try:
            Path(own, "file").touch()  # from here on it can be stopped
            while True:
                report("works")
                time.sleep(0.01)
        except KeyboardInterrupt:
            Path(own).parent.with_name(f"ended-{os.getpid()}").touch()
            raise


def hanging(report: Report) -> JobResult:
    """Work on, whatever arrives, and leave a file behind."""
    Path(tempfile.mkdtemp(prefix="hanging-"), "file").touch()
    until = time.monotonic() + LONG
    while time.monotonic() < until:
        try:
            report("hangs")
            time.sleep(LONG)
        except KeyboardInterrupt:
            continue
    return JobResult(good=True, what="nobody stopped it")


def with_a_thread_that_stays(_report: Report) -> JobResult:
    threading.Thread(target=time.sleep, args=(LONG,)).start()
    return JobResult(good=True, what="but for a thread")
