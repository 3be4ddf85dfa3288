"""No line of the completion path may be missing: with each of them taken out, the device is seen to be broken."""

import inspect
import sys
import textwrap
from typing import Final

import pytest

from tests.stateful.lockstep.playing import BACKED, ERROR, IN_FLIGHT, OK, ONE, difference, lockstep, play
from zram_impl.passes.base import SteppedPass
from zram_impl.passes.request_pool import RequestPool
from zram_impl.passes.writeback import WritebackPass

LIMITED = ONE._replace(limit=2)
CLAIM_LOST = f"{IN_FLIGHT} write(0, 0) {OK} reap(0)"
FAILED = f"{IN_FLIGHT} {ERROR} reap(0)"
WRITTEN = f"{IN_FLIGHT} {OK} reap(0)"
SKIPPED = "write(0, 0) begin_pass() scan(0) end_scan() take_request(0) reserve_block(0) read(0) skip(0)"

_OUTCOME = "commit, release_block, refund, written = decided[(0 if error else 2) | "
_DECISION = f"{_OUTCOME}(1 if flags[index] & PP_SLOT else 0)]"
_RELEASE = "release_claim(index)"

BREAKS = {
    "no refund": ("_complete", "if refund:", "if False:", FAILED, "the_budget_is_conserved"),
    "block kept on error": (
        *("_complete", "(shared.blocks.set_aside if later else", "((lambda _block: None) if later else"),
        *(FAILED, "every_block_has_one_owner"),
    ),
    "block kept when the claim is lost": (
        *("_complete", "else shared.blocks.release)(req.blk_idx)", "else lambda _block: None)(req.blk_idx)"),
        *(CLAIM_LOST, "every_block_has_one_owner"),
    ),
    "bd_writes not counted": (*("_complete", "bd_writes += written", "pass"), *(WRITTEN, "statistics_equal_a_recount")),
    "written, but not counted with the others": (
        *("_complete", "shared.bd_writes += bd_writes", "pass"),
        *(WRITTEN, "statistics_equal_a_recount"),
    ),
    "not committed": (
        *("_complete", "shared.table.commit(committed)", "pass"),
        *(WRITTEN, "a_good_write_of_an_unchanged_slot_makes_it_wb"),
    ),
    "claim released first": (
        *("_complete", _DECISION, f"{_RELEASE}; {_DECISION}"),
        *(WRITTEN, "a_good_write_of_an_unchanged_slot_makes_it_wb"),
    ),
    "claim not asked for": (
        *("_complete", _DECISION, f"{_OUTCOME}1]"),
        *(CLAIM_LOST, "a_failed_write_changes_nothing_but_the_claim"),
    ),
    "checksum not stored": ("_complete", "req.checksum)", "0)", WRITTEN, "pages_read_back"),
    "checksum not computed": (
        *("_send", "req.checksum = zlib.crc32(req.memory)", "req.checksum = 0"),
        *(WRITTEN, "pages_read_back"),
    ),
    "request not idle": ("RequestPool.retire", "self.idle.extend(reqs)", "pass", BACKED, "nothing_is_raised"),
    "phase not idle": ("RequestPool.retire", "req.phase = idle", "pass", WRITTEN, "nothing_is_raised"),
    "still alive": ("_complete", "self._alive -= len(reqs)", "pass", BACKED, "reaches_quiescence"),
    "no charge": (
        *("_submit", "grant = self._shared.budget.charge(len(reqs))", "grant = 0"),
        *(IN_FLIGHT, "same_state"),
    ),
    "claim not checked": (
        *("_act", "lost = not self._shared.table.flags[index] & PP_SLOT", "lost = False"),
        *(SKIPPED, "allowed_step"),
    ),
    "device not notified": ("SteppedPass._end", "self._on_end()", "pass", BACKED, "nothing_remains_at_rest"),
    "buffers kept": (
        *("RequestPool.close", "self._engine.release(req.page)", "pass"),
        *(BACKED, "nothing_remains_at_rest"),
    ),
    "claim kept": ("_complete", _RELEASE, "pass", FAILED, "a_failed_write_changes_nothing_but_the_claim"),
    "claim kept after a commit": (
        *("_complete", _RELEASE, "commit or release_claim(index)"),
        *(WRITTEN, "every_pp_slot_is_owned_once"),
    ),
    "written not reported": (
        *("_complete", "self.result.written += len(committed)", "pass"),
        *(WRITTEN, "the_result_is_what_happened"),
    ),
    "lost not reported": ("_complete", "self.result.lost += 1", "pass", CLAIM_LOST, "the_result_is_what_happened"),
    "failed not reported": (
        *("_complete", "self.result.fail(index, error)", "pass"),
        *(FAILED, "the_result_is_what_happened"),
    ),
    "errno not reported": (
        *("_complete", "self.result.fail(index, error)", "self.result.failed += 1"),
        *(FAILED, "the_result_is_what_happened"),
    ),
}

OWNERS: Final = {"": WritebackPass, "RequestPool": RequestPool, "SteppedPass": SteppedPass}


@pytest.mark.parametrize(("method", "line", "instead", "program", "found"), BREAKS.values(), ids=BREAKS)
def test_the_completion_path_needs_every_line_of_it(
    monkeypatch: pytest.MonkeyPatch, method: str, line: str, instead: str, program: str, found: str
) -> None:
    with lockstep(LIMITED) as both:
        play(both, program)
    owner, name = OWNERS[method.rpartition(".")[0]], method.rpartition(".")[2]
    source = textwrap.dedent(inspect.getsource(getattr(owner, name)))
    assert source.count(line) == 1
    broken = dict(vars(sys.modules[owner.__module__]))
    exec(source.replace(line, instead), broken)
    monkeypatch.setattr(owner, name, broken[name])
    assert difference(program, LIMITED) == found
