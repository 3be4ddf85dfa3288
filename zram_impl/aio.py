"""Passes from asyncio: in a thread, so that the event loop runs on, and ended when their task is cancelled."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import TypeVar

T = TypeVar("T")


async def cancellable(run: Callable[[Event], T]) -> T:
    """Do `run` in a thread and return its result; it gets the event to hand to a pass as `cancel`.

    When the task that awaits this is cancelled, the event is set, and CancelledError is raised once `run` has returned:
    what was in flight is finished, and the device is free for the next pass.
    """
    cancel = Event()
    work = asyncio.ensure_future(asyncio.to_thread(run, cancel))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        cancel.set()
        await asyncio.wait([work])
        raise
