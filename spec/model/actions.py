"""Every step the device can take: who takes it, its parameters, a guard, an effect, the kernel function it mirrors.

Guards and effects are pure functions of the state and of small ints. Each action is one critical section of the
implementation. The order of the list is the order of a page's life.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from spec.model import backing_device as dv
from spec.model import user as us
from spec.model import writeback as wb
from spec.model.state import State

# What follows the state are the values of the action's own parameters.
Guard = Callable[..., bool]  # type: ignore[explicit-any]  # each has parameters of its own
Effect = Callable[..., State]  # type: ignore[explicit-any]  # each has parameters of its own


class Action(NamedTuple):
    """One line of the list.

    `over` names the domain of each parameter: slot, block, request, reader, huge (0 or 1), limit; `free_block`,
    `idle_request` and `idle_reader` are those a search may choose canonically (the lowest), because they are alike.
    `switch` is the scope switch that the action needs, if any.
    """

    name: str
    actor: str
    over: tuple[str, ...]
    guard: Guard
    effect: Effect
    kernel: str
    switch: str = ""


def always(_s: State, *_args: int) -> bool:
    """Nothing forbids it."""
    return True


# fmt: off
ACTIONS: Final = (
    #      name                  actor     over                     guard                 effect            kernel function                 switch
    Action("write",              "user",   ("slot", "huge"),        always,               us.write,         "zram_write_page"),
    Action("write_same",         "user",   ("slot",),               always,               us.write_same,    "write_same_filled_page"),
    Action("discard",            "user",   ("slot",),               us.can_discard,       us.discard,       "zram_bio_discard"),
    Action("read",               "user",   ("slot",),               us.can_read,          us.read,          "zram_read_from_zspool"),
    Action("read_begin",         "user",   ("slot", "idle_reader"), us.can_read_begin,    us.read_begin,    "read_from_bdev",               "readers"),
    Action("read_answer",        "device", ("reader",),             us.can_read_answer,   us.read_answer,   "bio_endio",                    "readers"),
    Action("read_end",           "user",   ("reader",),             us.can_read_end,      us.reader_leaves, "zram_read_page",               "readers"),
    Action("read_retry",         "user",   ("reader",),             us.can_read_retry,    us.reader_leaves, "-",                            "readers"),
    Action("read_keep",          "user",   ("reader",),             us.can_read_end,      us.read_keep,     "-",                            "keeps"),
    Action("read_kept",          "user",   ("reader",),             us.can_read_kept,     us.read_kept,     "-",                            "keeps"),
    Action("drop_kept",          "user",   ("reader",),             us.can_drop_kept,     us.reader_leaves, "-",                            "keeps"),
    Action("mark_idle",          "user",   ("slot",),               us.can_mark_idle,     us.mark_idle,     "mark_idle",                    "idle"),
    Action("clear_idle",         "user",   ("slot",),               us.can_clear_idle,    us.clear_idle,    "mark_idle",                    "idle"),
    Action("recompress",         "user",   ("slot",),               us.can_recompress,    us.recompress,    "recompress_slot",              "recompress"),
    Action("recompress_in_vain", "user",   ("slot",),               us.can_recompress,    us.clear_idle,    "recompress_slot",              "recompress"),
    Action("store_limit",        "user",   ("limit",),              always,               us.store_limit,   "writeback_limit_store",        "stores"),
    Action("toggle_limit",       "user",   (),                      always,               us.toggle_limit,  "writeback_limit_enable_store", "toggles"),
    Action("reset",              "user",   (),                      us.can_reset,         us.reset,         "zram_reset_device",            "resets"),
    Action("begin_pass",         "user",   (),                      wb.can_begin_pass,    wb.begin_pass,    "writeback_store"),
    Action("refuse_pass",        "user",   (),                      wb.can_refuse_pass,   wb.refuse_pass,   "writeback_store"),
    Action("scan",               "pass",   ("slot",),               wb.can_scan,          wb.scan,          "scan_slots_for_writeback"),
    Action("end_scan",           "pass",   (),                      wb.can_end_scan,      wb.end_scan,      "writeback_store"),
    Action("take_request",       "pass",   ("idle_request",),       wb.can_take_request,  wb.take_request,  "zram_select_idle_req"),
    Action("reserve_block",      "pass",   ("free_block",),         wb.can_reserve_block, wb.reserve_block, "zram_reserve_bdev_block"),
    Action("submit",             "pass",   ("slot", "request"),     wb.can_submit,        wb.submit,        "zram_submit_wb_request"),
    Action("skip",               "pass",   ("slot",),               wb.can_skip,          wb.skip,          "zram_writeback_slots"),
    Action("give_up",            "pass",   ("slot",),               wb.can_give_up,       wb.give_up,       "release_pp_ctl"),
    Action("drop_held",          "pass",   (),                      wb.can_drop_held,     wb.drop_held,     "zram_writeback_slots"),
    Action("reap",               "pass",   ("request",),            wb.can_reap,          wb.reap,          "zram_complete_done_reqs"),
    Action("end_pass",           "pass",   (),                      wb.can_end_pass,      wb.end_pass,      "release_wb_ctl"),
    Action("device_ok",          "device", ("block",),              dv.io_pending,        dv.device_ok,     "submit_bio"),
    Action("device_error",       "device", ("block",),              dv.io_pending,        dv.device_error,  "submit_bio"),
    Action("endio_queue",        "device", ("request",),            dv.can_endio_queue,   dv.endio_queue,   "zram_writeback_endio"),
    Action("endio_leave",        "device", ("request",),            dv.can_endio_leave,   dv.endio_leave,   "zram_writeback_endio"),
)
# fmt: on
