"""The end of a device that runs where signals may land: it is closed, or abandoned if one did."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def closed_unless_interrupted(close: Callable[[], object]) -> Iterator[None]:
    """Close a device at the end, however it ends, but for a KeyboardInterrupt.

    That may have landed inside a device without a shield, where an answer is lost and a pass waits for it for ever.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException:
        close()
        raise
    close()
