"""Mutants that are the device as it is, seen from outside; each with the reason."""

from collections.abc import Mapping
from typing import Final

_FAR_APART: Final = "it compares two constants, which are far apart"
_EITHER: Final = "the greater of two equal numbers is either of them"
_NOBODY_READS: Final = "nobody reads a device that is closed, or will"
_REFUSED: Final = "nobody gets an object whose making was refused"

EQUIVALENT: Final[Mapping[str, str]] = {
    "pages/page_io._look_again:4:1 self._lock held in between": (
        "it reports a step to the observer, as all other steps are reported under this lock"
    ),
    "pages/room._ask:5:1 notified before the change": (
        "who is woken needs the lock, which is held until both are done, and waits for something else"
    ),
    "table/access_times._is_over:9:46 is as ==": "a clock is a function or an object without an equality of its own",
    "table/access_times.__init__:13:53 is as ==": "a clock is a function or an object without an equality of its own",
    "table/block_map.reserve:5:18 < as <=": "block 0 that was found is found again from 0 on",
    "engine/background._put:8:1 notified before the change": (
        "who is woken needs the lock, which is held until both are done"
    ),
    "engine/background.answered:5:1 self._answers released and taken again": (
        "what is there by then is taken in one step, whether or not the wait had seen it"
    ),
    "engine/ring._submit:6:18 < as <=": "of no writes no place is given back",
    "engine/ring._serve:7:1 self._answers released and taken again": (
        "how many to wait for is a guess, at any moment; what has been taken is taken"
    ),
    "engine/sync.close:7:1 close doubled": "buffers are closed once, however often they are asked to",
    "engine/ring_aio.__init__:21:1 changed before a refusal": _REFUSED,
    "engine/ring_aio.__init__:26:1 close doubled": "a ring is closed once, however often it is asked to",
    "engine/ring_uring.__init__:7:1 changed before a refusal": _REFUSED,
    "engine/ring_uring.__init__:14:1 changed before a refusal": _REFUSED,
    "engine/ring_uring.__init__:15:1 changed before a refusal": _REFUSED,
    "engine/ring_uring.__init__:30:1 close doubled": "a ring is closed once, however often it is asked to",
    "engine/ring_uring.close:3:17 >= as >": "descriptor 0 is the standard input",
    "pages/read_ahead.of:3:59 is as ==": "a cache is equal to itself alone",
    "pages/read_ahead.close:2:1 first statement before self._lock": _NOBODY_READS,
    "pages/read_ahead.close:2:1 last statement after self._lock": _NOBODY_READS,
    "device/config.check_named:4:30 is not as !=": "a function is equal to itself alone",
    "engine/background._runs_of:4:34 is as ==": "a phase is equal to itself alone",
    "passes/writeback._complete:17:30 is as ==": "a phase is equal to itself alone",
    "passes/writeback._complete:33:1 release_claim doubled": "the first leaves nothing for the second to take off",
    "passes/recompress._try_next:7:1 self._table_lock released and taken again": (
        "the buckets are the pass's own, and whether the slot has its claim is looked at in the second hold"
    ),
    "table/moved.module:17:18 < as <=": _FAR_APART,
    "table/entries.module:30:18 < as <=": _FAR_APART,
    "table/slot_table.replace:16:21 > as >=": _EITHER,
    "table/slot_table.replace:19:21 > as >=": _EITHER,
    "table/slot_table.replace:49:21 > as >=": _EITHER,
    "table/slot_table.replace:70:21 > as >=": _EITHER,
    "table/access_times.begin:4:1 last statement after self._lock": (
        "it only notes when to look again; two threads may do that at once anyway, and either look is due"
    ),
}
"""Reason of each, by name. What is here is not tried."""
