"""The engines a device can be asked for, by name, and the one it has when nothing is said."""

from collections.abc import Callable
from errno import EINVAL
from functools import partial
from typing import Final

from zram_impl.bdev.device import BackingDevice
from zram_impl.engine.protocol import Engine
from zram_impl.engine.ring_choice import ring_or_threads
from zram_impl.engine.threads import ThreadEngine
from zram_impl.errors import refuse, refuse_type, shown
from zram_impl.events.observer import Observer
from zram_impl.runtime import Runtime

MAX_IN_FLIGHT: Final = 256
"""Requests the engine of production carries at most, whatever batch size is asked for: 1 MiB, in one large page."""

MakeEngine = Callable[[BackingDevice, Runtime], Engine]


def thread_engine(device: BackingDevice, runtime: Runtime, observer: Observer | None = None) -> Engine:
    """Make an engine of a few threads, for any backing device."""
    return ThreadEngine(device, runtime, depth=MAX_IN_FLIGHT, observer=observer)


def ring_engine(device: BackingDevice, runtime: Runtime, observer: Observer | None = None) -> Engine:
    """Make a ring where the system has one for `device`, else an engine of threads."""
    return ring_or_threads(device, runtime, depth=MAX_IN_FLIGHT, observer=observer)


ENGINES: Final = {"threads": thread_engine, "ring": ring_engine}

DEFAULT_ENGINE: Final = "ring"
"""Five times ahead of threads where blocks do not lie side by side and requests are many (`bench --published`).

Side by side the two are as fast; with one or two requests threads are up to a quarter ahead.
"""


def maker_of(engine: MakeEngine | str, observer: Observer | None) -> MakeEngine:
    """Return what makes an engine; EINVAL for what does not.

    An engine with a name tells `observer` of its answers; one that the caller makes is the caller's to connect.
    """
    if isinstance(engine, str):
        if engine not in ENGINES:
            raise refuse(EINVAL, f"engine must be callable or one of {', '.join(ENGINES)}, got {shown(engine)}")
        return partial(ENGINES[engine], observer=observer)
    if not callable(engine):
        raise refuse_type(f"engine must be callable, got {shown(engine)}")
    return engine
