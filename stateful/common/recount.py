"""Counting again what the device counts as it goes: statistics are only right if they equal a recount of the slots."""

from typing import NamedTuple

from zram_impl import PAGE_SIZE, Zram
from zram_impl.decisions import SlotKind
from zram_impl.device.snapshot import Snapshot
from zram_impl.engine.request import Phase

_IN_MEMORY = (SlotKind.STORED, SlotKind.PP_SLOT)


class Count(NamedTuple):
    """Statistics that follow from the slots and from the pass that runs."""

    orig_data_size: int = 0
    compr_data_size: int = 0
    same_pages: int = 0
    huge_pages: int = 0
    bd_count: int = 0
    blocks_in_use: int = 0
    """Owners counted one by one; `bd_count` is compared with the block map too."""


def both_counts(device: Zram) -> tuple[Count, Count]:
    """Return the statistics as the device has them, and a recount, of one look at it; nothing runs beside."""
    seen = device.snapshot() if device.pages else None
    return _shown(device, seen), _recounted(seen)


def _recounted(seen: Snapshot | None) -> Count:
    """Count the slots of a device, and the blocks that they and a running pass own."""
    if seen is None:
        return Count()
    memory = [slot for slot in seen.slots if slot.kind in _IN_MEMORY]
    owners = len(owned_blocks(seen))
    return Count(
        orig_data_size=PAGE_SIZE * sum(slot.kind is not SlotKind.EMPTY for slot in seen.slots),
        compr_data_size=sum(slot.size for slot in memory),
        same_pages=sum(slot.kind is SlotKind.SAME for slot in seen.slots),
        huge_pages=sum(slot.huge for slot in memory),
        bd_count=owners,
        blocks_in_use=owners,
    )


def _shown(device: Zram, seen: Snapshot | None) -> Count:
    stats = device.stats
    mm, bd = stats.mm, stats.bd
    in_use = sum(seen.blocks) if seen is not None else 0
    return Count(mm.orig_data_size, mm.compr_data_size, mm.same_pages, mm.huge_pages, bd.bd_count, in_use)


def owned_blocks(seen: Snapshot) -> list[int]:
    """List the blocks that slots, requests and the pass own; a block that is there twice has two owners."""
    blocks = [slot.blk_idx for slot in seen.slots if slot.blk_idx is not None]
    blocks += [req.blk_idx for req in seen.requests if req.phase >= Phase.FLIGHT and req.blk_idx is not None]
    blocks += [seen.held_block] if seen.held_block is not None else []
    assert len(set(blocks)) == len(blocks), "every block has one owner"
    return blocks
