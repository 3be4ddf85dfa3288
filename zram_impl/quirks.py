"""Decisions of the driver that this device makes otherwise by default."""

import re
from dataclasses import dataclass, fields, replace
from typing import Final

_SINCE_7_3_4: Final = (7, 3, 4)


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """Single decisions of Linux that this device can make better, each with what shows that the driver makes it.

    They are those of 7.3.4; one that only earlier versions have says so. All are off by default but
    `read_cancels_claim`, where this device does as the driver.

    Attributes:
        decide_before_reaping: A pass without budget or a free block stops at once, without waiting for the writes in
            flight that could give some back, so the outcome depends on the batch size. Recordings g05, gl004.
        claim_checked_last: Budget, request and block are got before a candidate's claim is looked at, so a pass also
            stops for want of what no page needs any more. Recordings gl015, gl023.
        queue_twice: A page that is named twice is selected and written twice. Recordings d01, tw000.
        lowest_free_block: Blocks are reserved lowest first, which fragments; else next fit. Recordings h17, h29.
        retry_failed_block: A block whose write failed is free at once, so that every later page may fail on it; else a
            pass comes back to it when it has tried all others. Recordings f02, rf05.
        mask_results: A store to `writeback` fails with what went wrong last, which depends on the order in which writes
            were answered; else with what happened to the first failed page. Derived from how the driver keeps
            its result; recording f06.
        read_cancels_claim: Reading a selected page, or one in flight, takes the claim of the pass off, so it stays in
            memory; else only a write or a discard does. On by default: who is read is not idle. Recordings g01, g03.
        limit_survives_reset: A reset keeps the limit and its enable. Recording h07.
        pass_waits: A second pass waits for the first instead of being refused with EAGAIN. Recording gate_stores.
        control_plane_blocks: Attributes and block_state wait until no pass runs; what is shown of disksize, and a store
            whose text is refused before the device is looked at, do not. Recording gate_stores.
        old_age_unchecked: Storing an idle age at or above the clock's succeeds without a look at the device, which may
            have no size. Recordings a012, a036.
        unknown_keys_ignored: `writeback` ignores a key it does not know instead of refusing it. Recording h10.
        regular_file_refused: `backing_dev` takes block devices alone: a regular file is ENOTBLK. Recording a040.
        nuls_behind_algorithms: `recomp_algorithm` shows NULs behind each line, as many as there are characters before
            its first name; else there are only the lines. Recordings zr_show, rr_f04.
        dictionaries_limited: deflate with a dictionary is EOPNOTSUPP at `disksize`, lz4 with one below 8 bytes EINVAL,
            and lz4hc with one above 64 KiB refuses every page; else each works. Recordings zm_deflate_dict,
            zm_lz4_small_dict, dictionary_sizes.
        algorithms_reset_by_refusal: A `disksize` that is refused for an algorithm's parameters forgets all algorithms
            and parameters; else they stay, to be mended. Recordings size_refused, size_refused_recomp.
        params_kept: Storing an algorithm keeps the parameters of its priority. Linux before 7.3.4. Recordings
            p1_params_dropped, p2_params_dropped_size.
        old_age_marks_all: Storing an idle age at or above the clock's marks every page in memory: now minus the age
            wraps. Linux before 7.3.4. Recording idle_ages.
        levels_unchecked: lz4, lz4hc and zstd take every level, as the nearest one they have (lz4hc one below 1 as its
            default). Linux before 7.3.4. Recordings levels_lz4, levels_lz4hc, levels_zstd of linux-7.2.
        deflate_ignores_dictionary: deflate takes every dictionary, and has no use for it. Linux before 7.3.4. Recording
            dictionary_sizes of linux-7.2.
        dictionary_errors_hidden: A dictionary that cannot be read is EINVAL, whatever the reason. Linux before 7.3.4.
            Recordings params_order and dictionary_paths of linux-7.2.
        rounded_size_unchecked: A `disksize` that is nothing once it is rounded up to pages is ENOMEM. Linux before
            7.3.4. Recording size_zero of linux-7.2.
    """

    decide_before_reaping: bool = False
    claim_checked_last: bool = False
    queue_twice: bool = False
    lowest_free_block: bool = False
    retry_failed_block: bool = False
    mask_results: bool = False
    read_cancels_claim: bool = True
    limit_survives_reset: bool = False
    pass_waits: bool = False
    control_plane_blocks: bool = False
    old_age_unchecked: bool = False
    unknown_keys_ignored: bool = False
    regular_file_refused: bool = False
    nuls_behind_algorithms: bool = False
    dictionaries_limited: bool = False
    algorithms_reset_by_refusal: bool = False
    params_kept: bool = False
    old_age_marks_all: bool = False
    levels_unchecked: bool = False
    deflate_ignores_dictionary: bool = False
    dictionary_errors_hidden: bool = False
    rounded_size_unchecked: bool = False

    @classmethod
    def linux_7_3(cls) -> "Quirks":
        """Return what Linux 7.3.4 does: all of them but those of earlier versions."""
        return cls(**{field.name: field.name not in _EARLIER for field in fields(cls)})

    @classmethod
    def linux(cls, version: str) -> "Quirks":
        """Return what a version does, as kernels call themselves: 7.2.12, or 7.3.4+deb13-cloud-amd64.

        Of versions before 7.2, which have no batches, only what changed in 7.3.4 is known.

        Raises:
            ValueError: `version` does not begin with two numbers.
        """
        found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
        if found is None:
            raise ValueError(f"version must begin with two numbers, as 7.3 does, got {version!r}")
        early = tuple(int(part or 0) for part in found.groups()) < _SINCE_7_3_4
        return replace(cls.linux_7_3(), old_age_unchecked=not early, **dict.fromkeys(_EARLIER, early))


_EARLIER: Final = (
    *("params_kept", "old_age_marks_all", "levels_unchecked", "deflate_ignores_dictionary"),
    *("dictionary_errors_hidden", "rounded_size_unchecked"),
)
