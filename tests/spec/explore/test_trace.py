"""States and counterexamples as text: exact, because people read it."""

from spec.bugs.batching_v3 import BATCHING_V3
from spec.explore import trace
from spec.explore.result import Counterexample
from spec.model.state import ASKED, DONE_OK
from spec.model.tables import NONE
from spec.model.user import toggle_limit
from spec.model.writeback import skip
from tests.spec.searches import search_once
from tests.spec.states import BUSY, with_block, with_reader, with_req, with_slot

BUSY_TEXT = """\
  slot 0    wb at blk 0
  slot 1    pp_slot
  slot 2    pp_slot (its pp_slot is in a bucket)
  slot 3    stored huge idle
  slot 4    empty
  blk 0     of slot 0, holds page 0
  blk 1     of req 0, write pending, holds page 1
  blk 2     of the pass
  blk 3     free
  req 0     in flight, slot 1 to blk 1, charged to grant 1
  req 1     held
  req 2     idle
  reader 0  answered, slot 0 from blk 0
  reader 1  idle
  pass      writing, holds blk 2
  budget    grant 1: 1 of 3 left, 1 written
  counts    4 stored, 0 same, 1 huge, bd_count 3"""

COUNTEREXAMPLE_TEXT = """\
every_block_has_one_owner is broken after 8 steps:
  every block in use has exactly one owner: a written-back slot, a request, or the pass that reserved it

      user                   pass                  device  kernel function
   1  write(slot 0, huge 0)                                zram_write_page
   2  begin_pass                                           writeback_store
   3                         scan(slot 0)                  scan_slots_for_writeback
   4                         end_scan                      writeback_store
   5                         take_request(req 0)           zram_select_idle_req
   6                         reserve_block(blk 0)          zram_reserve_bdev_block
   7                         give_up(slot 0)               release_pp_ctl
   8                         drop_held                     zram_writeback_slots

before
  slot 0    stored
  slot 1    empty
* blk 0     of the pass
  blk 1     free
* req 0     held
* pass      writing, holds blk 0
  budget    grant 1: 2 of 2 left, 0 written
  counts    1 stored, 0 same, 0 huge, bd_count 1

after
  slot 0    stored
  slot 1    empty
* blk 0     of nobody
  blk 1     free
* req 0     idle
* pass      writing
  budget    grant 1: 2 of 2 left, 0 written
  counts    1 stored, 0 same, 0 huge, bd_count 1"""


def test_a_state() -> None:
    assert trace.state(BUSY) == BUSY_TEXT


def test_what_is_unusual_is_said() -> None:
    parts = trace.parts(with_req(with_block(toggle_limit(BUSY), 0, used=0), 0, phase=DONE_OK, inside=1))
    assert parts["blk 0"] == "free, but of slot 0, holds page 0"
    assert parts["req 0"] == "done, slot 1 to blk 1, charged to grant 1, its callback is inside the pass"
    assert parts["budget"] == "disabled, grant 1: 1 of 3 left, 1 written"
    parts = trace.parts(with_slot(with_reader(BUSY, 0, phase=ASKED, valid=0, sound=0), 3, blk=1))
    assert parts["blk 1"] == "of slot 3 and req 0, write pending, holds page 1"
    assert parts["reader 0"] == "asked, slot 0 from blk 0, slot replaced since, may get another page's bytes"
    assert trace.parts(with_slot(BUSY, 0, blk=NONE))["slot 0"] == "wb"


def test_what_changes_is_listed_and_marked() -> None:
    after = skip(BUSY, 2)
    assert trace.difference(BUSY, after) == "slot 2: pp_slot (its pp_slot is in a bucket) -> pp_slot"
    assert trace.difference(BUSY, BUSY) == ""
    marked = [line for line in trace.state(after, BUSY).splitlines() if line.startswith("*")]
    assert marked == ["* slot 2    pp_slot"]


def test_a_counterexample() -> None:
    bug = next(bug for bug in BATCHING_V3 if bug.name == "leak_after_loop")
    broken = search_once(bug.scope, bug.actions).broken
    assert broken is not None
    assert trace.counterexample(broken) == COUNTEREXAMPLE_TEXT


def test_a_counterexample_that_is_one_state() -> None:
    found = Counterexample("a_name", "a sentence", (), BUSY, BUSY)
    lines = trace.counterexample(found).splitlines()
    assert lines[:3] == ["a_name is broken after 0 steps:", "  a sentence", ""]
    assert lines[-len(BUSY_TEXT.splitlines()) - 1 :] == ["there", *BUSY_TEXT.splitlines()]
