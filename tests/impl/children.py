"""Forked children, in which a copy of a device is used."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stateful.common.recount import both_counts
from tests.impl.doubles import huge
from tests.unmeasured import end_child
from zram_impl import Zram
from zram_impl.runtime import Condition, Lock

PATIENCE = 20
"""Seconds after which a child that hangs is ended."""


def in_a_child(do: Callable[[], bool], *, measured: bool = True) -> bool:
    """Return what `do` does in a forked child; False when it raises or hangs."""
    with warnings.catch_warnings():
        # Threads of the parent are what is tried here; Python warns of them from 3.12 on, if it notices.
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        child = os.fork()
    if not child:
        outcome = False
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(PATIENCE)
            outcome = do()
        finally:
            (os._exit if measured else end_child)(0 if outcome else 1)
    return os.waitpid(child, 0)[1] == 0


@contextmanager
def held_elsewhere(lock: Lock | Condition) -> Iterator[Callable[[], None]]:
    """Have another thread hold a lock; yield what ends that before the block does."""
    holding, let = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            holding.set()
            let.wait(PATIENCE)

    def end() -> None:
        let.set()
        holder.join()

    holder = threading.Thread(target=hold)
    holder.start()
    assert holding.wait(PATIENCE)
    try:
        yield end
    finally:
        end()


def is_sound(dev: Zram) -> bool:
    """Return whether a copy can be read, written, counted, emptied, reset and made anew."""
    pages = dev.pages
    for index in range(pages):
        dev.read_page(index)
    dev.write_page(3, huge(3))
    had, counted = both_counts(dev)
    if had != counted or dev.read_page(3) != huge(3):
        return False
    dev.mark_idle()
    dev.compact()
    dev.set_mem_limit("2M")
    dev.discard(0, dev.disksize)
    left = dev.stats
    if left.mm.orig_data_size or left.mm.compr_data_size or left.bd.bd_count:
        return False
    dev.reset()
    dev.initialise("64K")
    dev.write_page(0, huge(1))
    found = dev.read_page(0) == huge(1)
    dev.close()
    return found
