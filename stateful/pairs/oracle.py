"""Properties of two calls, however they met.

Most calls are one step each: they leave the device, and return, as if one had been made after the other. Of the others
each page, each setting and each error must be what some order leads to. Whatever they were, nothing is left over, and
the device can be used on, or made anew.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from stateful.common.inside import inside
from stateful.common.recount import both_counts
from stateful.pairs.world import ENDS, PAGES, PairState, PairWorld
from zram_impl import PAGE_SIZE, ZramError
from zram_impl.device.snapshot import slot_view

_PASSES: Final = frozenset({
    "Zram.writeback", "Zram.begin_writeback", "Zram.recompress", "Zram.begin_recompression",
    "store writeback", "store recompress", "the page returns",
})  # fmt: skip
_TRANSFERS: Final = frozenset({"NodeFile.pread", "NodeFile.pwrite", "NodeFile.discard", "NodeFile.zeroout"})
_MANY_STEPS: Final = (
    _PASSES
    | _TRANSFERS
    | {
        "Zram.compact", "Zram.keep_within", "store compact", "Zram.read_pages_into", "Zram.write_zeroes", "Zram.create",
        "NodeFile.size", "NodeFile.span",
        # A mapping's own, but for those that are made of others, and those that see pages on their way.
        "PageMap.clear", "PageMap.free_pages", "PageMap.get", "PageMap.items", "PageMap.pop", "PageMap.popitem",
        "PageMap.setdefault", "PageMap.update", "PageMap.values",
    }
)  # fmt: skip
_OPENS: Final = _TRANSFERS | {
    "Zram.reset", "store reset", "Node.open", "NodeFile.__enter__", "NodeFile.size", "NodeFile.span",
}  # fmt: skip
_ALSO_REFUSED: Final = (
    (_PASSES, "EAGAIN"),
    (_OPENS, "EBUSY"),
    (_TRANSFERS | ENDS, "EIO"),
    (_PASSES | ENDS, "EINTR"),
    (frozenset({"Zram.keep_within"}), "EBUSY"),
)
"""Calls of which one may be refused because of another at the same time, and only then.

EINTR is what an attribute makes of a pass that the end of the device stops. EIO is what the block layer makes of a
device that is gone by the time it is asked.
"""
_NO_ROOM: Final = frozenset({"Zram.writeback", "Zram.reset", "Zram.close"})
"""Beside one of these a write may be ENOMEM, too, where there is a keeper: it waits for room while another's pass
stands still, or gets none, because the keeper ends with its device."""

_CLOSE: Final = ("budget", "slots", "statistics")
"""Names of what is compared only where both calls are one step."""


class Seen(NamedTuple):
    """The outcome of two calls."""

    results: tuple[object, object]
    left: dict[str, object]


def look(world: PairWorld) -> dict[str, object]:
    """Return the device as its users see it."""
    device, pages = world.device, inside(world.device).pages
    seen: dict[str, object] = {
        "pages": device.pages, "algorithms": device.algorithms, "backing": Path(device.backing_name or "").name,
        "batch size": device.batch_size, "compressed": device.compressed_writeback, "memory limit": device.mem_limit,
        "enabled": device.writeback_limit_enabled, "budget": device.writeback_limit, "openers": world.node.openers,
        "available": device.openers.available,
    }  # fmt: skip
    if world.values is not None:
        # Where values are, nobody knows: two at once take other pages than one after the other.
        seen["mapping"] = world.attempt(_mapping)
        seen["free pages"] = world.values.free_pages
    elif pages is not None:
        for index in range(PAGES):
            seen[f"page {index}"] = world.attempt(lambda _world, _lane, page=index: pages.peek_page(page))  # type: ignore[misc]  # a Call
        # An access is noted when it is over: marking by age beside one may find the page either way.
        marks = "Zram.mark_idle" not in world.names
        slots = [slot_view(*each) for each in zip(pages.table.entries, pages.table.flags, strict=True)]
        seen["slots"] = [(slot.kind, slot.size, slot.idle and marks) for slot in slots]
        # A read of the backing device that begins again reads twice.
        stats = device.stats
        seen["statistics"] = stats._replace(bd=stats.bd._replace(bd_reads=0))
    return seen


def _mapping(world: PairWorld, _lane: int) -> object:
    return None if world.values is None else dict(world.values)


def rest(world: PairWorld) -> None:
    """Check that nothing is left over, once everybody else is done, and take the device down."""
    device, passes = world.device, inside(world.device).passes
    hangs = passes is not None and world.running is not None and world.running.abandoned
    if passes is not None and not hangs:
        passes.wait_for_pass()
    world.left = look(world)
    if passes is not None and not hangs:
        counted, again = both_counts(device)
        assert counted == again, f"statistics_equal_a_recount: {counted} is shown, {again} is there"
    opened = len(world.files)
    assert world.node.openers == opened, f"opens_are_counted: {world.node.openers} are, {opened} are there"
    for file, _exclusive in world.files:
        file.close()
    if hangs or world.state.defective or not ENDS.isdisjoint(world.names):
        _use_anew(world)
    device.close()
    for blocks in world.devices:
        blocks.gate.owner = None
    for engine in world.engines:  # of a device that hung, nobody has done so
        world.attempt(lambda _world, _lane, engine=engine: engine.close())  # type: ignore[misc]  # a Call
    for blocks in world.devices:
        assert blocks.closed or blocks.refused or blocks.hung, f"everything_is_closed: {blocks.name} is not"


def _use_anew(world: PairWorld) -> None:
    """Reset the device and use it with another backing device."""
    device, page = world.device, world.page(1)
    world.attempt(lambda _world, _lane: device.reset())
    try:
        device.set_backing(world.blocks("anew"))
        device.initialise(PAGE_SIZE)
        device.write_page(0, page)
        written = device.writeback(pages=[0]).written
        found = device.read_page(0)
    except ZramError as error:
        raise AssertionError(f"a_reset_device_is_as_new: {error}") from error
    assert (written, found) == (1, page), f"a_reset_device_is_as_new: {written} of 1 page is written back"


def seen(world: PairWorld) -> Seen:
    """Return what became of the calls of a run."""
    return Seen((world.results.get(1), world.results.get(2)), world.left)


def contradiction(state: PairState, names: tuple[str, str], found: Seen, orders: Sequence[Seen]) -> str:
    """Say what no order of the two calls leads to, "" when there is nothing."""
    if found in orders:
        return ""
    for lane, result in enumerate(found.results):
        if not _is_error(result) or any(result == order.results[lane] for order in orders):
            continue
        if _may_be_refused(state, names, lane, result):
            return ""
        return f"declared_errors: {names[lane]} beside {names[1 - lane]} ends in {result}"
    if state.besides is None and not state.kept and _MANY_STEPS.isdisjoint(names):
        return f"some_order_explains: {' '.join(map(_difference, names, (found, found), orders))}"
    for key, value in found.left.items():
        if key not in _CLOSE and all(value != order.left.get(key) for order in orders):
            return f"some_order_explains: {key} is {_said(value)} after {names[0]} and {names[1]}"
    return ""


def _may_be_refused(state: PairState, names: tuple[str, str], lane: int, result: object) -> bool:
    """Return whether a call may end in this error because of the other one, though in no order of the two."""
    if state.kept and (names[lane], result) == ("Zram.write_page", "ENOMEM"):
        return names[1 - lane] in _NO_ROOM
    return any(names[0] in calls and names[1] in calls and result == error for calls, error in _ALSO_REFUSED)


def _is_error(result: object) -> bool:
    return isinstance(result, str) and result[:1] == "E"


def _difference(first: str, found: Seen, order: Seen) -> str:
    """Say how two calls differ from the order in which one of them is first."""
    other = [
        f"call {lane} returns {_said(result)}, not {_said(order.results[lane - 1])}"
        for lane, result in enumerate(found.results, start=1)
        if result != order.results[lane - 1]
    ]
    other += [
        f"{key} is {_said(found.left.get(key))}, not {_said(order.left.get(key))}"
        for key in found.left.keys() | order.left.keys()
        if found.left.get(key) != order.left.get(key)
    ]
    return f"Were {first} first: {', '.join(sorted(other))}."


def _said(value: object) -> str:
    text = value[:20].hex() if isinstance(value, bytes) else str(value)
    return text if len(text) < _LONG else f"{text[:_LONG]}..."


_LONG: Final = 200
