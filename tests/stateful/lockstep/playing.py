"""Leading a device through a run written down as text, and naming its outcome."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from spec.scope import Scope
from stateful.lockstep.divergence import Divergence
from stateful.lockstep.lockstep import Lockstep
from stateful.lockstep.retrace import lead
from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.buffers import PageBuffers

IN_FLIGHT = "write(0, 0) begin_pass() scan(0) end_scan() take_request(0) reserve_block(0) submit(0, 0) "
"""One page on its way to the only block there is."""
ANSWERED = "endio_queue(0) endio_leave(0) "
OK = f"device_ok(0) {ANSWERED}"
ERROR = f"device_error(0) {ANSWERED}"
BACKED = f"{IN_FLIGHT} {OK} reap(0) end_pass() "
"""Page 0 written back to block 0."""

ONE = Scope(slots=2, blocks=1, requests=1, limit=-1, stores=1, toggles=1, resets=1, idle=1, huge=1, readers=1)


def put_on_block(device: BackingDevice, content: bytes) -> None:
    """Write block 0 behind everybody's back, from memory that a device can take it from."""
    buffers = PageBuffers(1)
    page = buffers.take()
    assert page is not None
    page[:] = content
    device.write(0, [page])
    buffers.close()


@contextmanager
def lockstep(scope: Scope = ONE) -> Iterator[Lockstep]:
    """A device and the specification; nothing is left of them, whatever happens."""
    both = Lockstep(scope)
    try:
        yield both
    except BaseException:
        both.subject.close()
        raise
    both.close()


def play(both: Lockstep, program: str) -> None:
    """Lead a device along a run: the steps of the specification, one after the other."""
    steps = re.findall(r"\w+\([^)]*\)", program)
    assert " ".join(steps) == " ".join(program.split()), "a program is made of steps"
    lead(both, steps)


@contextmanager
def led(program: str, scope: Scope = ONE) -> Iterator[Lockstep]:
    """A device and the specification that have been led along a run."""
    with lockstep(scope) as both:
        play(both, program)
        yield both


def kinds(both: Lockstep) -> str:
    """One letter a page: empty, same-filled, stored, claimed, written back."""
    return "".join(".sSPW"[slot.kind] for slot in both.state.slots)


def difference(program: str, scope: Scope = ONE) -> str:
    """The name of the property that a device breaks on the way, found at the last step or as the pass is ended."""
    with pytest.raises(Divergence) as caught, lockstep(scope) as both:
        play(both, program)
    return caught.value.name
