"""What the driver does and this device, unless asked, does not."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """Single decisions of Linux 7.3 that this device makes better; all off by default.

    Attributes:
        decide_before_reaping: A pass that finds no budget or no free block stops at once, without waiting for the
            writes in flight that could give some back; so the outcome depends on the batch size. Recordings f07, g12.
        queue_twice: A page that is named twice is selected and written twice. Recordings d01, d02.
        lowest_free_block: Blocks are reserved lowest first, which fragments; else next fit. Recordings h17, h29.
        limit_survives_reset: A reset keeps the limit and its enable. Recordings h07, h20.
        pass_waits: A second pass waits for the first instead of being refused with EAGAIN.
        unknown_keys_ignored: `writeback` ignores a key it does not know instead of refusing it. Recordings h10, h16.
        regular_file_refused: `backing_dev` takes block devices only; a regular file is ENOTBLK. KERNEL G: backing_dev.
    """

    decide_before_reaping: bool = False
    queue_twice: bool = False
    lowest_free_block: bool = False
    limit_survives_reset: bool = False
    pass_waits: bool = False
    unknown_keys_ignored: bool = False
    regular_file_refused: bool = False

    @classmethod
    def linux_7_3(cls) -> "Quirks":
        """Return what Linux 7.3 does: all of them."""
        return cls(**{field.name: True for field in fields(cls)})
