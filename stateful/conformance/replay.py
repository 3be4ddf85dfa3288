"""Replaying a recording on the device, and listing what differs from what was recorded.

After every operation the device's statistics are compared with a recount of its slots, and of what its backing device
was asked, too; those differences have fields that begin with `recount`.
"""

from stateful.common.closing import closed_unless_interrupted
from stateful.common.recount import both_counts
from stateful.conformance.clock import REFUSED, FirstLook, looks_after, times_of
from stateful.conformance.compare import Difference, StateComparison, compare_answers
from stateful.conformance.observe_state import look
from stateful.conformance.operations import Discard, Operation, Zeroout
from stateful.conformance.recorded_machine import Guest
from stateful.conformance.schema import RecordedAnswer, Recording, State
from zram_impl import PAGE_SIZE, Quirks


def kernel_quirks(recording: Recording) -> Quirks:
    """Return what the recorded kernel does: 7.3.4 where its version was not recorded."""
    return Quirks.linux(recording.kernel or "7.3.4")


class Replay:
    """One replay of one recording; `differences` is what was found so far."""

    def __init__(self, recording: Recording, quirks: Quirks) -> None:
        self.differences: list[Difference] = []
        self._recording = recording
        self._guest = Guest(quirks, recording.attributes)
        self._states, self._recounts = StateComparison(), StateComparison()
        self._freed = 0
        """Pages that were discarded or zeroed since the device was initialised."""
        self._before: State = recording.before or {}

    def run(self) -> None:
        """Do everything that was recorded."""
        recording = self._recording
        with closed_unless_interrupted(self._guest.close):
            if "clk" in self._before:
                self._guest.runtime.clock = 0  # any second that is recorded comes later
            self._compare_states(-1, recording.before)
            looks = looks_after(recording.operations, recording.expected)
            for number, (operation, expected) in enumerate(zip(recording.operations, recording.expected, strict=True)):
                refused = expected.answer.rc == REFUSED
                self._set_clock(operation, looks[number], refused=refused, looked=expected.state is not None)
                got = self._guest.do(operation)
                for field, (wanted, had) in compare_answers(operation, expected.answer, got, timing=recording.timing):
                    self.differences.append(Difference(recording.name, number, field, wanted, had))
                self._compare_states(number, expected.state)
                self._count_again(number, operation, got)

    def _set_clock(self, operation: Operation, look: FirstLook, *, refused: bool, looked: bool) -> None:
        if "clk" not in look.state:
            return
        runtime = self._guest.runtime
        second, accessed = times_of(operation, self._before, look.state, runtime.clock, refused=refused)
        runtime.clock = second
        runtime.accesses = {
            page: at for page, at in accessed.items() if not any(page in others for others in look.again)
        }
        if looked:
            self._before = look.state

    def _compare_states(self, number: int, expected: State | None) -> None:
        if expected is None or self._recording.timing:
            return
        for field, (wanted, had) in self._states.compare(expected, look(self._guest)):
            self.differences.append(Difference(self._recording.name, number, field, wanted, had))

    def _count_again(self, number: int, operation: Operation, answer: RecordedAnswer) -> None:
        device, disk = self._guest.device, self._guest.disk
        if isinstance(operation, Discard | Zeroout) and not answer.rc:
            self._freed += operation.length // PAGE_SIZE
        if not device.pages:
            self._freed = device.refused = 0
        asked = disk if device.pages and device.backing_name is not None else None
        shown, again = both_counts(device)
        counted: State = dict(again._asdict())
        counted |= {
            "bd_reads": asked.reads if asked else 0,
            "bd_writes": asked.writes if asked else 0,
            "notify_free": self._freed,
            "failed_writes": device.refused,
            "failed_reads": 0,  # what the backing device refuses is not counted
        }
        stats = device.stats
        had: State = dict(shown._asdict())
        had |= {
            "bd_reads": stats.bd.bd_reads,
            "bd_writes": stats.bd.bd_writes,
            "notify_free": stats.io.notify_free,
            "failed_writes": stats.io.failed_writes,
            "failed_reads": stats.io.failed_reads,
        }
        for field, (right, statistic) in self._recounts.compare(counted, had):
            self.differences.append(Difference(self._recording.name, number, f"recount.{field}", right, statistic))


def replay(recording: Recording, quirks: Quirks) -> list[Difference]:
    """Replay one recording on a device with `quirks`; return the differences in the order they appeared."""
    run = Replay(recording, quirks)
    run.run()
    return run.differences
