"""Events: what a device reports to its observer, and their order."""

from zram_impl.events.observer import Event, Observer, ReadingObserver, Recorder

__all__ = ["Event", "Observer", "ReadingObserver", "Recorder"]
