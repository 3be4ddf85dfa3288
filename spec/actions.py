"""Every step the device can take: who takes it, its parameters, a guard, an effect, the kernel function it mirrors.

Guards and effects are pure functions of the state and of small ints. Each action is one critical section of the
implementation. The order of the list is the order of a page's life.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from spec import device, user, writeback
from spec.state import State


class Action(NamedTuple):
    """One line of the list.

    `over` names the domain of each parameter: slot, block, request, reader, huge (0 or 1), limit; `free_block`,
    `idle_request` and `idle_reader` are those a walk may choose canonically (the lowest), because they are alike.
    `switch` is the scope switch that the action needs, if any.
    """

    name: str
    actor: str
    over: tuple[str, ...]
    guard: Callable[..., bool]
    effect: Callable[..., State]
    kernel: str
    switch: str = ""


def always(_s: State, *_args: int) -> bool:
    """Nothing forbids it."""
    return True


# fmt: off
ACTIONS: Final = (
    Action("write",         "user",   ("slot", "huge"),        always,           user.write,         "zram_write_page"),
    Action("write_same",    "user",   ("slot",),               always,           user.write_same,    "write_same_filled_page"),
    Action("discard",       "user",   ("slot",),               user.can_discard,      user.discard,       "zram_bio_discard"),
    Action("read",          "user",   ("slot",),               user.can_read,         user.read,          "zram_read_from_zspool"),
    Action("read_begin",    "user",   ("slot", "idle_reader"), user.can_read_begin,   user.read_begin,    "read_from_bdev", "readers"),
    Action("read_answer",   "device", ("reader",),             user.can_read_answer,  user.read_answer,   "bio_endio", "readers"),
    Action("read_end",      "user",   ("reader",),             user.can_read_end,     user.reader_leaves, "zram_read_page", "readers"),
    Action("read_retry",    "user",   ("reader",),             user.can_read_retry,   user.reader_leaves, "-", "readers"),
    Action("mark_idle",     "user",   ("slot",),               user.can_mark_idle,    user.mark_idle,     "mark_idle", "idle"),
    Action("recompress",    "user",   ("slot",),               user.can_recompress,   user.recompress,    "recompress_slot", "recompress"),
    Action("store_limit",   "user",   ("limit",),              always,           user.store_limit,   "writeback_limit_store", "stores"),
    Action("toggle_limit",  "user",   (),                      always,           user.toggle_limit,  "writeback_limit_enable_store", "toggles"),
    Action("reset",         "user",   (),                      user.can_reset,        user.reset,         "zram_reset_device", "resets"),
    Action("begin_pass",    "user",   (),                      writeback.can_begin_pass,   writeback.begin_pass,    "writeback_store"),
    Action("refuse_pass",   "user",   (),                      writeback.can_refuse_pass,  writeback.refuse_pass,   "writeback_store"),
    Action("scan",          "pass",   ("slot",),               writeback.can_scan,         writeback.scan,          "scan_slots_for_writeback"),
    Action("end_scan",      "pass",   (),                      writeback.can_end_scan,     writeback.end_scan,      "writeback_store"),
    Action("take_request",  "pass",   ("idle_request",),       writeback.can_take_request, writeback.take_request,  "zram_select_idle_req"),
    Action("reserve_block", "pass",   ("free_block",),         writeback.can_reserve_block, writeback.reserve_block, "zram_reserve_bdev_block"),
    Action("submit",        "pass",   ("slot", "request"),     writeback.can_submit,       writeback.submit,        "zram_submit_wb_request"),
    Action("skip",          "pass",   ("slot",),               writeback.can_skip,         writeback.skip,          "zram_writeback_slots"),
    Action("give_up",       "pass",   ("slot",),               writeback.can_give_up,      writeback.give_up,       "release_pp_ctl"),
    Action("drop_held",     "pass",   (),                      writeback.can_drop_held,    writeback.drop_held,     "zram_writeback_slots"),
    Action("reap",          "pass",   ("request",),            writeback.can_reap,         writeback.reap,          "zram_complete_done_reqs"),
    Action("end_pass",      "pass",   (),                      writeback.can_end_pass,     writeback.end_pass,      "release_wb_ctl"),
    Action("device_ok",     "device", ("block",),              device.io_pending,       device.device_ok,     "submit_bio"),
    Action("device_error",  "device", ("block",),              device.io_pending,       device.device_error,  "submit_bio"),
    Action("endio_queue",   "device", ("request",),            device.can_endio_queue,  device.endio_queue,   "zram_writeback_endio"),
    Action("endio_leave",   "device", ("request",),            device.can_endio_leave,  device.endio_leave,   "zram_writeback_endio"),
)
# fmt: on
