"""A test that hangs is named, with every thread and the lock that it waits for."""

import subprocess
import sys
import threading
import time
from pathlib import Path

from tests import hanging
from tests.impl.doubles import PATIENCE, HookedDevice
from zram_impl import PAGE_SIZE, Zram

ROOT = Path(__file__).resolve().parents[1]


def test_a_thread_that_waits_for_a_lock_names_it() -> None:
    dev = Zram.create(4 * PAGE_SIZE, backing=HookedDevice())
    with dev._life.table:
        writer = threading.Thread(target=dev.write_page, args=(0, bytes(PAGE_SIZE)), name="writer")
        writer.start()
        said, until = "", time.monotonic() + PATIENCE
        while "waits for" not in said and time.monotonic() < until:
            said = next((line for line in hanging.threads() if line.startswith("writer:")), "")
    writer.join()
    dev.close()
    assert "zram_impl/pages/page_io.py:" in said
    assert "Pages.write_page waits for self._lock: with self._lock:" in said


def test_a_test_that_hangs_fails_and_says_where(tmp_path: Path) -> None:
    """A call on a shield held the failure of the time limit back for ever, and the run stopped without a name.

    What hangs is said at once, and the test fails again until its call ends.
    """
    file = tmp_path / "test_stuck.py"
    file.write_text(
        "import threading\nfrom zram_impl.runtime import ThreadRuntime\ndef test_that_hangs():\n"
        "    ThreadRuntime().shielded(lambda _interrupts: threading.Event().wait())\ndef test_after_it():\n    pass\n"
    )
    plain = ["-q", "-p", "tests.hanging", "-p", "no:cacheprovider", "-p", "no:xdist", "--timeout", "0.5"]
    command = [sys.executable, "-m", "pytest", *plain, "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)]
    run = subprocess.run([*command, str(file)], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert "1 failed, 1 passed" in run.stdout
    assert "test_stuck.py::test_that_hangs hangs: not over after 0.5 s" in run.stdout
    assert "wait waits for self.over: self.over.acquire(True, PATIENCE)" in run.stdout
