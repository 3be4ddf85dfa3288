"""The engine of a device that asks for a ring: one of two rings, or threads where neither can be had."""

from zram_impl.bdev.device import BackingDevice
from zram_impl.bdev.file import FileDevice
from zram_impl.engine.protocol import Engine
from zram_impl.engine.ring import RingEngine
from zram_impl.engine.ring_aio import NativeAio
from zram_impl.engine.ring_queue import RingQueue
from zram_impl.engine.ring_uring import IoUring
from zram_impl.engine.threads import ThreadEngine
from zram_impl.events.observer import Observer
from zram_impl.runtime import Runtime, ThreadRuntime


def ring_or_threads(
    device: BackingDevice, runtime: Runtime, *, depth: int, observer: Observer | None = None
) -> RingEngine | ThreadEngine:
    """Make an engine for up to `depth` requests; its `kind` says which it is, and why it is no ring."""
    if not isinstance(runtime, ThreadRuntime):
        # It decides which task runs next, and cannot see that one waits in the system.
        refusal = f"threads, as {type(runtime).__name__} has tasks of its own"
    else:
        try:
            queue = open_ring(device, depth)
        except OSError as error:
            refusal = f"threads, as there is no ring: {error.strerror or error}"
        else:
            return RingEngine(device, runtime, queue, depth=depth, observer=observer)
    return ThreadEngine(device, runtime, depth=depth, observer=observer, kind=refusal)


def open_ring(device: BackingDevice, entries: int) -> RingQueue:
    """Open a ring with room for `entries` writes to `device`.

    Raises:
        OSError: It is no file that is written past the page cache, or the system refuses.
    """
    # Its class itself: a filter around it, or a class derived from it, may do otherwise than the system would.
    if type(device) is not FileDevice:
        raise OSError(f"{type(device).__name__} is no file")
    # There native AIO writes before it returns, and io_uring hands each write to a thread of the kernel's: a scattered
    # page costs more than with threads of ours.
    if not device.direct:
        raise OSError(f"{device.name} is written through the page cache")
    # First the one that answers from the interrupt: io_uring does so in the thread that submitted, which is busy with
    # the next pages, or has ended. In processor time neither was ahead in every measurement.
    try:
        return NativeAio(device.fileno(), entries)
    except OSError as error:
        try:
            return IoUring(device.fileno(), entries)
        except OSError as second:
            raise OSError(f"{error.strerror or error}, {second.strerror or second}") from second


def engine_kind(engine: Engine) -> str:
    """Say what an engine is, for people."""
    return engine.kind if isinstance(engine, RingEngine | ThreadEngine) else type(engine).__name__
